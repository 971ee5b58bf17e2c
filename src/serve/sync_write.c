/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/encode.h"
#include "base/planted.h"
#include "serve/session.h"

#include <string.h>

void session_send_text(struct sync_session *session, str message)
{
    if (session->socket == NULL || session->is_ending)
        return;
    struct shared *part = shared_copy(message);
    session->told_at = loop_now(session->front->loop);
    ws_send(session->socket, &part, 1);
}

static void send_buffer(struct sync_session *session, struct buffer *text)
{
    if (text->is_over)
        session_close(session, 1011, "InternalServerError");
    else
        session_send_text(session, buffer_text(text));
}

/* The transition that resolves the client's promise follows in this very turn. */
static void send_before_transition(struct sync_session *session, struct buffer *text)
{
    if (text->is_over || session->socket == NULL || session->is_ending) {
        send_buffer(session, text);
        return;
    }
    struct shared *part = shared_copy(buffer_text(text));
    session->told_at = loop_now(session->front->loop);
    ws_send_first(session->socket, &part, 1);
}

static void add_reply(struct buffer *to, const struct call_reply *reply)
{
    if (reply->error == ERROR_NONE) {
        buffer_str(to, STR("\"success\":true,\"result\":"));
        buffer_str(to, reply->value);
    } else {
        buffer_str(to, STR("\"success\":false,\"result\":"));
        json_write_text(to, reply->error_text);
        if (reply->error_data.at != NULL) {
            buffer_str(to, STR(",\"errorData\":"));
            buffer_str(to, reply->error_data);
        }
    }
    if (!PLANTED(log_lines_missing))
        buffer_str(to, STR(",\"logLines\":[]"));
}

static void add_ts(struct buffer *to, commit_ts ts)
{
    uint8_t little[8];
    for (int i = 0; i < 8; i++)
        little[i] = (uint8_t)(ts.n >> (8 * i));
    buffer_char(to, '"');
    base64_append(to, (bytes){little, sizeof(little)});
    buffer_char(to, '"');
}

void session_send_mutation(struct sync_session *session, const struct mutation *mutation)
{
    enum error_code error = mutation->reply.error;
    if (error == TRANSIENT || error == OVERLOAD) {
        /* The client comes back and sends it again; exactly once is ours to keep. */
        session_close(session, 1013, "ExecuteFullError");
        return;
    }
    AUTO(buffer_done) struct buffer text = buffer_with_max(CALL_RESULT_MAX * 2);
    buffer_str(&text, STR("{\"type\":\"MutationResponse\",\"requestId\":"));
    json_write_int(&text, mutation->number);
    buffer_char(&text, ',');
    add_reply(&text, &mutation->reply);
    if (error == ERROR_NONE) {
        buffer_str(&text, STR(",\"ts\":"));
        add_ts(&text, mutation->ts);
    }
    buffer_char(&text, '}');
    send_before_transition(session, &text);
}

void session_send_action(struct sync_session *session, uint32_t number,
                         const struct call_reply *reply)
{
    AUTO(buffer_done) struct buffer text = buffer_with_max(CALL_RESULT_MAX * 2);
    buffer_format(&text, "{\"type\":\"ActionResponse\",\"requestId\":%u,", number);
    add_reply(&text, reply);
    buffer_char(&text, '}');
    send_buffer(session, &text);
}

/* ---- transitions ---- */

#define OWN_MAX MIB(1) /* between two results */

static void add_piece(struct pieces *pieces, struct shared *piece)
{
    if (pieces->count == pieces->room) {
        pieces->room = MAX_OF(pieces->room * 2, (size_t)16);
        pieces->items = memory_resize(pieces->items, pieces->room * sizeof(*pieces->items));
    }
    pieces->items[pieces->count++] = piece;
}

static void end_own(struct pieces *pieces)
{
    if (pieces->own.len == 0)
        return;
    add_piece(pieces, shared_copy(buffer_text(&pieces->own)));
    buffer_clear(&pieces->own);
}

static size_t size_of(const struct pieces *pieces)
{
    size_t size = 0;
    for (size_t i = 0; i < pieces->count; i++)
        size += pieces->items[i]->len;
    return size;
}

static void add_version(struct buffer *to, const char *name, struct version version)
{
    buffer_char(to, '"');
    buffer_str(to, str_of(name));
    buffer_str(to, STR("\":{\"querySet\":"));
    json_write_int(to, version.query_set);
    buffer_str(to, STR(",\"identity\":"));
    json_write_int(to, version.identity);
    buffer_str(to, STR(",\"ts\":"));
    add_ts(to, version.ts);
    buffer_char(to, '}');
}

/* Asked again as somebody else, a query with the same answer is no news. */
bool subscription_is_news(struct subscription *subscription, const struct live_result *result)
{
    if (result->tail == NULL || result->version == subscription->seen)
        return false;
    bool is_same = subscription->is_told && subscription->told.a == result->hash.a &&
                   subscription->told.b == result->hash.b;
    subscription->seen = result->version;
    subscription->told = result->hash;
    subscription->is_told = true;
    return !is_same || PLANTED(unchanged_resent);
}

void transition_add_result(struct pieces *pieces, bool *has_changes, uint32_t id,
                           const struct live_result *result)
{
    buffer_format(&pieces->own, "%s{\"type\":\"%s\",\"queryId\":%u,", *has_changes ? "," : "",
                  result->is_failure ? "QueryFailed" : "QueryUpdated", id);
    end_own(pieces);
    add_piece(pieces, shared_keep(result->tail));
    *has_changes = true;
}

static bool add_removals(struct sync_session *session, struct pieces *pieces)
{
    bool has_changes = false;
    for (size_t i = 0; i < session->removed_count; i++) {
        if (session_query_find(session, session->removed[i]) != NULL || PLANTED(removal_untold))
            continue;
        buffer_format(&pieces->own, "%s{\"type\":\"QueryRemoved\",\"queryId\":%u}",
                      has_changes ? "," : "", session->removed[i]);
        has_changes = true;
        if (pieces->own.len > OWN_MAX / 2)
            end_own(pieces);
    }
    session->removed_count = 0;
    return has_changes;
}

bool transition_add_changes(struct sync_session *session, struct pieces *pieces)
{
    bool has_changes = add_removals(session, pieces);
    for (struct session_query *query = session->queries; query != NULL; query = query->next) {
        if (!live_is_current(&query->subscription))
            continue;
        struct live_result result = live_result(&query->subscription);
        if (subscription_is_news(&query->subscription, &result))
            transition_add_result(pieces, &has_changes, query->subscription.id, &result);
    }
    return has_changes;
}

struct version transition_begin(struct sync_session *session, commit_ts snapshot,
                                struct pieces *pieces)
{
    struct version to = session->received;
    to.ts = snapshot.n > session->sent.ts.n ? snapshot : session->sent.ts;
    *pieces = (struct pieces){.own = buffer_with_max(OWN_MAX)};
    if (PLANTED(ts_stuck) && session->sent.ts.n != 0)
        to.ts = session->sent.ts;
    if (PLANTED(first_ts_old) && session->sent.ts.n == 0)
        to.ts.n = 1;
    if (PLANTED(identity_unconfirmed))
        to.identity = session->sent.identity;

    buffer_str(&pieces->own, STR("{\"type\":\"Transition\","));
    add_version(&pieces->own, "startVersion", session->sent);
    buffer_char(&pieces->own, ',');
    add_version(&pieces->own, "endVersion", to);
    if (session->has_clock_skew) {
        buffer_str(&pieces->own, STR(",\"clientClockSkew\":"));
        json_write_int(&pieces->own, session->clock_skew);
        buffer_str(&pieces->own, STR(",\"serverTs\":"));
        json_write_int(&pieces->own, clock_now().us * 1000);
    }
    buffer_str(&pieces->own, STR(",\"modifications\":["));
    return to;
}

void transition_send(struct sync_session *session, struct version to, struct pieces *pieces)
{
    buffer_str(&pieces->own, STR("]}"));
    end_own(pieces);
    session->sent = to;
    session->sent.ts.n += PLANTED(chain_broken) ? 1 : 0;
    session->front->transitions++;
    session->told_at = loop_now(session->front->loop);
    if (session->takes_chunks && size_of(pieces) > SESSION_CHUNK)
        session_send_chunks(session, pieces->items, pieces->count);
    else
        ws_send(session->socket, pieces->items, pieces->count);
    pieces->count = 0; /* taken */
}

void pieces_done(struct pieces *pieces)
{
    for (size_t i = 0; i < pieces->count; i++)
        shared_drop(pieces->items[i]);
    buffer_done(&pieces->own);
    free(pieces->items);
}

void session_send_transition(struct sync_session *session, commit_ts snapshot)
{
    struct pieces pieces;
    struct version to = transition_begin(session, snapshot, &pieces);
    transition_add_changes(session, &pieces);
    transition_send(session, to, &pieces);
    pieces_done(&pieces);
}

/* ---- ends ---- */

void session_auth_error(struct sync_session *session, str text, bool was_update)
{
    AUTO(buffer_done) struct buffer message = buffer_with_max(KIB(4));
    buffer_str(&message, STR("{\"type\":\"AuthError\",\"error\":"));
    json_write_text(&message, text);
    if (!PLANTED(auth_error_baseless))
        buffer_format(&message, ",\"baseVersion\":%u", session->sent.identity);
    buffer_format(&message, ",\"authUpdateAttempted\":%s}",
                  was_update || PLANTED(expiry_blames) ? "true" : "false");
    send_buffer(session, &message);
    session_close(session, 1000, NULL);
}

void session_fatal(struct sync_session *session, const char *text)
{
    AUTO(buffer_done) struct buffer message = buffer_with_max(KIB(4));
    buffer_str(&message, STR("{\"type\":\"FatalError\",\"error\":"));
    json_write_text(&message, str_of(text));
    buffer_char(&message, '}');
    send_buffer(session, &message);
    session_close(session, 1002, "protocol error");
}
