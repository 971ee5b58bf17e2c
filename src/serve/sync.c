/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"
#include "base/log.h"
#include "base/planted.h"
#include "serve/session.h"
#include "serve/shed.h"

#include <stdio.h>
#include <string.h>

#define PING_AFTER SECONDS(10) /* with a tick of 5 s: never 15 s of silence */
#define DEAD_AFTER SECONDS(120)
#define PROTOCOL_PING_AFTER SECONDS(30)
#define BUCKETS_MIN 16 /* a power of two */

/* ---- queries ---- */

static struct session_query **bucket_of(struct sync_session *session, uint32_t id)
{
    return &session->buckets[hash_bytes(&id, sizeof(id)) & (session->bucket_count - 1)];
}

static void put_in_bucket(struct sync_session *session, struct session_query *query)
{
    struct session_query **bucket = bucket_of(session, query->subscription.id);
    query->next_in_bucket = *bucket;
    *bucket = query;
}

static void grow_buckets(struct sync_session *session)
{
    session->bucket_count = MAX_OF(session->bucket_count * 4, (size_t)BUCKETS_MIN);
    free(session->buckets);
    session->buckets = memory_zeroed(session->bucket_count * sizeof(struct session_query *));
    for (struct session_query *query = session->queries; query != NULL; query = query->next)
        put_in_bucket(session, query);
}

struct session_query *session_query_find(struct sync_session *session, uint32_t id)
{
    if (session->buckets == NULL)
        return NULL;
    struct session_query *query = *bucket_of(session, id);
    while (query != NULL && query->subscription.id != id)
        query = query->next_in_bucket;
    return query;
}

static void subscribe(struct sync_session *session, struct session_query *query)
{
    live_subscribe(session->front->live, &query->subscription, query->path, query->args,
                   session->identity, query->journal);
}

static str put_text(char **at, str text)
{
    str put = {*at, text.len};
    if (text.len != 0)
        memcpy(*at, text.at, text.len);
    *at += text.len;
    return put;
}

static size_t bytes_of_query(str path, str args, str journal)
{
    return sizeof(struct session_query) + path.len + args.len + journal.len;
}

/* For what its queries are; their results are counted by the live queries. */
static bool claim_query(struct sync_session *session, size_t size)
{
    struct front *front = session->front;
    struct budget *budget = front_live_budget(front);
    if (session->query_bytes + size > SESSION_QUERY_BYTES_MAX ||
        shed_is_short(front, session->identity != NULL))
        return false;
    if (claim_set(budget, &session->holds, session->query_bytes + size))
        return true;
    /* Others are asked to make room, unless it is this peer's own part that is used up. */
    const struct share *own = &session->peer->party.live;
    front->wants_room |= own->used + size <= budget_max_of_one(budget);
    return false;
}

bool session_query_add(struct sync_session *session, uint32_t id, str path, str args, str journal)
{
    size_t size = bytes_of_query(path, args, journal);
    if (!claim_query(session, size))
        return false;
    session->query_bytes += size;
    struct session_query *query = memory_zeroed(size);
    char *at = query->text;
    query->path = put_text(&at, path);
    query->args = put_text(&at, args);
    query->journal = put_text(&at, journal);
    query->subscription.owner = session;
    query->subscription.id = id;
    query->next = session->queries;
    query->link = &session->queries;
    if (query->next != NULL)
        query->next->link = &query->next;
    session->queries = query;
    session->query_count++;
    if (session->query_count > session->bucket_count)
        grow_buckets(session);
    else
        put_in_bucket(session, query);
    subscribe(session, query);
    return true;
}

static void query_free(struct sync_session *session, struct session_query *query)
{
    struct session_query **at = bucket_of(session, query->subscription.id);
    while (*at != query)
        at = &(*at)->next_in_bucket;
    *at = query->next_in_bucket;
    *query->link = query->next;
    if (query->next != NULL)
        query->next->link = query->link;
    live_unsubscribe(session->front->live, &query->subscription);
    session->query_bytes -= bytes_of_query(query->path, query->args, query->journal);
    claim_force(front_live_budget(session->front), &session->holds, session->query_bytes);
    free(query);
    session->query_count--;
}

void session_query_remove(struct sync_session *session, uint32_t id)
{
    struct session_query *query = session_query_find(session, id);
    if (query != NULL && !PLANTED(removed_told))
        query_free(session, query);
    if (session->removed_count == SESSION_REMOVALS_MAX) {
        session_close(session, 1013, "SubscriptionsWorkerFullError"); /* and reads too slowly */
        return;
    }
    if (session->removed_count == session->removed_room) {
        session->removed_room = MAX_OF(session->removed_room * 2, (size_t)8);
        session->removed =
            memory_resize(session->removed, session->removed_room * sizeof(*session->removed));
    }
    session->removed[session->removed_count++] = id;
}

/* Whatever it has is from now on in the name of whom it is. */
static void find_peer(struct sync_session *session)
{
    struct front *front = session->front;
    struct peer *old = session->peer;
    session->peer = session->identity == NULL
                        ? peer_keep(session->address)
                        : peers_find(front->peers, session->identity, (str){0});
    struct party *party = &session->peer->party;
    claim_name(front_live_budget(front), &session->holds, &party->live, party->is_known);
    claim_name(front_calls_budget(front), &session->asks, &party->calls, party->is_known);
    if (session->socket != NULL)
        ws_name(session->socket, party);
    peers_drop(front->peers, old);
}

void session_set_identity(struct sync_session *session, const struct identity *identity)
{
    bool is_same = identity_is_same(session->identity, identity) || PLANTED(identity_keeps_results);
    if (PLANTED(refresh_reruns))
        is_same = false;
    const struct identity *old = session->identity;
    session->identity = identity_keep(identity);
    session->received.identity++;
    /* A refreshed token is the same person: nothing is asked again. */
    for (struct session_query *query = session->queries; query != NULL && !is_same;
         query = query->next)
        live_resubscribe(session->front->live, &query->subscription, session->identity);
    identity_drop(old);
    if (!is_same)
        find_peer(session);
    session_asks_anew(session);
}

bool session_is_expired(struct sync_session *session, instant now)
{
    if (session->identity == NULL ||
        instant_is_before(now, instant_add(session->identity->expires_at, TOKEN_LEEWAY)) ||
        PLANTED(expiry_unchecked))
        return false;
    session_auth_error(session, STR("Your sign-in has run out: the token is expired."), false);
    return true;
}

/* ---- life ---- */

static void link_due(struct sync_session *session, struct sync_session **list)
{
    session->is_due = true;
    session->next_due = *list;
    session->due_link = list;
    if (session->next_due != NULL)
        session->next_due->due_link = &session->next_due;
    *list = session;
}

void sync_due(struct sync_session *session)
{
    if (session->is_due || session->socket == NULL)
        return;
    link_due(session, &session->front->due);
}

static void unlink_due(struct sync_session *session)
{
    if (!session->is_due)
        return;
    *session->due_link = session->next_due;
    if (session->next_due != NULL)
        session->next_due->due_link = session->due_link;
    session->is_due = false;
}

void session_asks_anew(struct sync_session *session)
{
    unlink_due(session);
    sync_due(session);
}

bool session_count_calls(struct sync_session *session)
{
    size_t size = session->calls * CALL_COST + 2 * session->call_bytes + session->inbox.room;
    if (size > session->asks.amount && shed_is_short(session->front, session->identity != NULL))
        return false;
    return claim_set(front_calls_budget(session->front), &session->asks, size);
}

void session_uncount_calls(struct sync_session *session)
{
    bool is_counted = session_count_calls(session);
    (void)is_counted; /* less always is */
}

void session_unneeded(struct sync_session *session)
{
    struct front *front = session->front;
    if (session->socket != NULL || session->calls != 0)
        return;
    unlink_due(session);
    held_free(session->held);
    while (session->queries != NULL)
        query_free(session, session->queries);
    free(session->buckets);
    *session->link = session->next;
    if (session->next != NULL)
        session->next->link = session->link;
    front->session_count--;
    claim_force(front_live_budget(front), &session->holds, 0);
    claim_force(front_calls_budget(front), &session->asks, 0);
    peers_drop(front->peers, session->peer);
    peers_drop(front->peers, session->address);
    identity_drop(session->identity);
    identity_drop(session->adopting);
    buffer_done(&session->inbox);
    free(session->removed);
    free(session);
}

void session_close(struct sync_session *session, uint16_t code, const char *reason)
{
    session->is_ending = true;
    if (session->socket != NULL)
        ws_close(session->socket, code, PLANTED(close_unreasoned) ? NULL : reason);
}

void session_pause(struct sync_session *session)
{
    session->is_paused = !PLANTED(identity_overtaken);
    session->calls++;
}

/* What came while the session was paused, in its order; stops when a message pauses it again. */
static void read_inbox(struct sync_session *session)
{
    size_t from = 0;
    session->is_reading = true;
    while (from < session->inbox.len && !session->is_paused && !session->is_ending) {
        str message = str_of(session->inbox.at + from);
        from += message.len + 1;
        session_read(session, message);
    }
    session->is_reading = false;
    buffer_drop(&session->inbox, from);
    if (session->inbox.len == 0)
        buffer_done(&session->inbox);
    session_uncount_calls(session);
}

void session_resume(struct sync_session *session)
{
    session->is_paused = false;
    session->calls--;
    if (session->is_reading)
        return; /* a message of the inbox was answered at once: the loop goes on behind it */
    read_inbox(session);
    session_unneeded(session); /* if it was only waited for */
}

static void on_text(void *context, str message)
{
    struct sync_session *session = context;
    if (session->is_ending)
        return;
    if (!session->is_paused) {
        session_read(session, message);
        return;
    }
    if (memchr(message.at, 0, message.len) != NULL) {
        session_fatal(session, "A message holds a zero byte.");
        return;
    }
    buffer_str(&session->inbox, message);
    buffer_char(&session->inbox, 0);
    if (session->inbox.is_over || !session_count_calls(session))
        session_close(session, 1013, "TooManyConcurrentRequests");
}

static void on_closed(void *context)
{
    struct sync_session *session = context;
    session->socket = NULL;
    session->is_ending = true;
    unlink_due(session);
    session_unneeded(session);
}

static void on_drained(void *context)
{
    struct sync_session *session = context;
    /* What it missed while it was slow comes in one piece. */
    if (!session->is_ending && session->is_behind && !PLANTED(coalescing_forgets))
        sync_due(session);
}

/* "/api/1.28.0/sync" and later; a path without a version is of a tool of today. */
static bool takes_chunks(const struct http_request *request)
{
    str path = str_slice(request->path, strlen("/api/"), request->path.len);
    str version, major, minor;
    int64_t numbers[2] = {0};
    if (!str_split(&path, '/', &version) || str_equal(version, STR("sync")) ||
        PLANTED(chunk_too_new))
        return true;
    return str_split(&version, '.', &major) && str_split(&version, '.', &minor) &&
           str_to_int(major, &numbers[0]) && str_to_int(minor, &numbers[1]) &&
           (numbers[0] > 1 || (numbers[0] == 1 && numbers[1] >= 28));
}

void sync_accept(struct front *front, struct exchange *exchange)
{
    static const struct ws_handlers handlers = {
        .on_text = on_text, .on_closed = on_closed, .on_drained = on_drained};
    struct sync_session *session = memory_zeroed(sizeof(*session));

    session->front = front;
    session->takes_chunks = takes_chunks(exchange_request(exchange));
    session->inbox = buffer_with_max(SESSION_INBOX_MAX);
    session->told_at = loop_now(front->loop);
    snprintf(session->origin, sizeof(session->origin), "%.*s",
             STR_ARG(exchange_request(exchange)->peer));
    session->address = peers_find(front->peers, NULL, exchange_request(exchange)->peer);
    session->socket = http_upgrade(exchange, &handlers, session);
    if (session->socket == NULL) {
        peers_drop(front->peers, session->address);
        free(session);
        return;
    }
    find_peer(session);
    session->next = front->sessions;
    session->link = &front->sessions;
    if (session->next != NULL)
        session->next->link = &session->next;
    front->sessions = session;
    front->session_count++;
    if (front->is_draining)
        session_close(session, 1013, "InternalServerError");
}

/* ---- for the front ---- */

static void send_or_wait(struct sync_session *session, commit_ts snapshot,
                         const struct live_job *job)
{
    if (session->held == NULL && session_is_current(session))
        session_send_transition(session, snapshot);
    else if (!session_hold(session, snapshot, job))
        link_due(session, &session->front->waiting);
}

void sync_send_due(struct front *front, commit_ts snapshot, const struct live_job *job, instant now)
{
    while (front->due != NULL) {
        struct sync_session *session = front->due;
        unlink_due(session);
        if (session->socket == NULL || session->is_ending)
            continue;
        session->is_behind = ws_unsent(session->socket) > SESSION_UNSENT_SOFT;
        if (!session->is_behind && !session_is_expired(session, now))
            send_or_wait(session, snapshot, job);
    }
}

void sync_wake_waiting(struct front *front)
{
    while (front->waiting != NULL) {
        struct sync_session *session = front->waiting;
        unlink_due(session);
        link_due(session, &front->due);
    }
}

void sync_tick(struct front *front, instant monotonic)
{
    struct sync_session *next;
    for (struct sync_session *session = front->sessions; session != NULL; session = next) {
        next = session->next;
        if (session->socket == NULL)
            continue;
        int64_t silent = instant_since(monotonic, ws_last_heard(session->socket)).us;
        if (silent > DEAD_AFTER.us)
            session_close(session, 1011, "InactiveClient");
        else if (silent > PROTOCOL_PING_AFTER.us)
            ws_ping(session->socket);
        if (instant_since(monotonic, session->told_at).us >= PING_AFTER.us &&
            !PLANTED(ping_missing))
            session_send_text(session, STR("{\"type\":\"Ping\"}"));
    }
}

void sync_drain(struct front *front)
{
    struct sync_session *next;
    for (struct sync_session *session = front->sessions; session != NULL; session = next) {
        next = session->next;
        if (PLANTED(drain_is_fatal))
            session_fatal(session, "The server ends.");
        session_close(session, 1013, "InternalServerError");
    }
}

void sync_close_all(struct front *front)
{
    while (front->sessions != NULL) {
        struct sync_session *session = front->sessions;
        session->socket = NULL;
        session->calls = 0;
        session_unneeded(session);
    }
}
