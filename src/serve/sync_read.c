/* SPDX-License-Identifier: Apache-2.0 */
#include "base/encode.h"
#include "base/log.h"
#include "base/planted.h"
#include "serve/session.h"
#include "serve/trusted.h"

#include <string.h>

#define CLIENT_CLOCK_MAX 1e15 /* ms: the year 33658 */

/* ---- reading ---- */

static bool is_whole(const struct json *value, uint32_t *out)
{
    double number = json_number(value, -1);
    if (value->kind == JSON_INT)
        number = (double)value->integer;
    if (number < 0 || number > UINT32_MAX || number != (double)(uint32_t)number)
        return false;
    *out = (uint32_t)number;
    return true;
}

/* "[{…}]" or "{…}" as the text of its one object; the empty str when it is something else. */
static str args_of(struct arena *arena, const struct json *args)
{
    if (args->kind == JSON_LIST && args->count == 1)
        args = &args->items[0];
    if (args->kind != JSON_OBJECT)
        return (str){0};
    AUTO(buffer_done) struct buffer text = buffer_with_max(CALL_ARGS_MAX * 2);
    json_write_canonical(&text, args);
    return str_copy(arena, buffer_text(&text));
}

static bool read_uuid(str text, uint8_t out[16])
{
    char hex[33] = {0};
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] != '-') {
            if (len == 32)
                return false;
            hex[len++] = text.at[i];
        }
    struct arena arena = {0};
    bytes raw;
    bool is_uuid = hex_read(&arena, (str){hex, len}, &raw) && raw.len == 16;
    if (is_uuid)
        memcpy(out, raw.at, 16);
    arena_done(&arena);
    return is_uuid;
}

/* The text of a member; one with U+0000 in it is none that anybody means. */
static str plain_text(const struct json *object, const char *name)
{
    str text = json_text(json_get(object, name));
    return text.len != 0 && memchr(text.at, 0, text.len) != NULL ? (str){0} : text;
}

/* ---- messages ---- */

static void read_connect(struct sync_session *session, const struct json *message)
{
    if (session->has_said_connect) {
        session_fatal(session, "Connect was said twice.");
        return;
    }
    session->has_said_connect = true;
    session->has_id = read_uuid(plain_text(message, "sessionId"), session->id);
    const struct json *clock = json_get(message, "clientTs");
    double client = clock->kind == JSON_INT ? (double)clock->integer : json_number(clock, 0);
    if (client > 0 && client < CLIENT_CLOCK_MAX) {
        session->clock_skew = (int64_t)client - front_now().us / 1000;
        session->has_clock_skew = true;
    }
    if (PLANTED(observed_refused) && json_get(message, "maxObservedTimestamp")->kind == JSON_TEXT)
        session_fatal(session, "maxObservedTimestamp is not below the newest commit.");
}

static void on_seen(void *context, bool is_seen)
{
    struct sync_session *session = context;
    const struct identity *identity = take_pointer(&session->adopting);
    if (is_seen && !session->is_ending)
        session_set_identity(session, identity);
    else if (!is_seen)
        session_close(session, 1013, "InternalServerError");
    identity_drop(identity);
    session_resume(session);
}

/* Nothing else is read until it is done, so there is never a second one. */
static void adopt(struct sync_session *session, struct identity *identity)
{
    identity_drop(session->adopting);
    session->adopting = identity;
    session_pause(session);
    front_see(session->front, identity, on_seen, session);
}

static void read_authenticate(struct sync_session *session, const struct json *message)
{
    uint32_t base;
    str kind = plain_text(message, "tokenType");
    if (!is_whole(json_get(message, "baseVersion"), &base) || base != session->received.identity) {
        session_fatal(session, "Authenticate does not follow the last identity version.");
        return;
    }
    if (str_equal(kind, STR("None"))) {
        session_set_identity(session, PLANTED(sign_out_ignored) ? session->identity : NULL);
        return;
    }
    if (!str_equal(kind, STR("User"))) {
        session_auth_error(session, STR("Only user tokens are accepted here."), true);
        return;
    }
    struct auth_failure failure;
    struct identity *identity = verifier_check(session->front->options.verifier,
                                               plain_text(message, "value"), front_now(), &failure);
    if (identity != NULL)
        adopt(session, identity);
    else if (failure.kind == AUTH_KEYS_NOT_YET)
        session_close(session, 1013, "InternalServerError"); /* kinder than an AuthError */
    else
        session_auth_error(session, str_of(failure.text), true);
}

static void add_query(struct sync_session *session, const struct json *change)
{
    struct arena *arena = &session->front->arena;
    uint32_t id;
    str args = args_of(arena, json_get(change, "args"));
    if (!is_whole(json_get(change, "queryId"), &id) || args.at == NULL)
        session_fatal(session, "An Add has no queryId or no arguments object.");
    else if (session_query_find(session, id) != NULL)
        session_fatal(session, "An Add names a query that is there already.");
    else if (session->query_count >= SESSION_QUERIES_MAX ||
             !session_query_add(session, id, plain_text(change, "udfPath"), args,
                                PLANTED(journal_unread) ? (str){0} : plain_text(change, "journal")))
        session_close(session, 1013, "SubscriptionsWorkerFullError");
}

static void read_query_set(struct sync_session *session, const struct json *message)
{
    uint32_t base, next;
    const struct json *changes = json_get(message, "modifications");
    if (!is_whole(json_get(message, "baseVersion"), &base) ||
        !is_whole(json_get(message, "newVersion"), &next) || changes->kind != JSON_LIST ||
        base != session->received.query_set || next <= base) {
        session_fatal(session, "ModifyQuerySet does not follow the last query set version.");
        return;
    }
    if (changes->count > SESSION_CHANGES_MAX) {
        session_close(session, 1013, "SubscriptionsWorkerFullError");
        return;
    }
    for (size_t i = 0; i < changes->count && !session->is_ending; i++) {
        const struct json *change = &changes->items[i];
        str kind = plain_text(change, "type");
        uint32_t id = 0;
        if (str_equal(kind, STR("Add")))
            add_query(session, change);
        else if (str_equal(kind, STR("Remove")) && is_whole(json_get(change, "queryId"), &id) &&
                 session_query_find(session, id) != NULL)
            session_query_remove(session, id);
        else
            session_fatal(session, "A modification is neither an Add nor the Remove of a query.");
    }
    session->received.query_set = next;
    session_asks_anew(session);
}

static void on_mutated(void *owner, struct mutation *mutation)
{
    struct sync_session *session = owner;
    if (PLANTED(late_response) && !mutation->request.is_internal) {
        mutation->request.is_internal = true; /* comes back as its own replay, a round later */
        if (front_mutate(session->front, mutation))
            return;
    }
    session->calls--;
    session->call_bytes -= mutation->request.args.len;
    session_uncount_calls(session);
    if (session->socket != NULL && !session->is_ending) {
        session_send_mutation(session, mutation);
        if (PLANTED(arguments_close) && mutation->reply.error == ARGUMENT)
            session_close(session, 1011, "InternalServerError");
        if (!PLANTED(response_alone))
            sync_due(session); /* the promise resolves at the next transition */
    }
    mutation_free(mutation);
    session_unneeded(session);
}

static bool is_trusted(const struct sync_session *session, str path)
{
    return trusted_lets(session->front->options.trusted, path, str_of(session->origin));
}

static void read_mutation(struct sync_session *session, const struct json *message, uint32_t number)
{
    struct mutation *mutation = mutation_new();
    str args = args_of(&mutation->arena, json_get(message, "args"));
    mutation->request = (struct call_request){
        .path = str_copy(&mutation->arena, plain_text(message, "udfPath")),
        .args = args.at == NULL ? STR("null") : args,
        .identity = identity_keep(session->identity),
    };
    mutation->request.is_internal = is_trusted(session, mutation->request.path);
    mutation->has_session = session->has_id;
    memcpy(mutation->session, session->id, sizeof(session->id));
    mutation->number = number;
    mutation->done = on_mutated;
    mutation->owner = session;
    session->calls++;
    session->call_bytes += mutation->request.args.len;
    if (session->calls > SESSION_CALLS_MAX || session->call_bytes > SESSION_CALL_BYTES_MAX ||
        !session_count_calls(session) || !front_mutate(session->front, mutation)) {
        session->calls--;
        session->call_bytes -= mutation->request.args.len;
        session_uncount_calls(session);
        mutation_free(mutation);
        session_close(session, 1013, "TooManyConcurrentRequests");
    }
}

struct action {
    struct sync_session *session;
    uint32_t number;
    size_t bytes; /* of its arguments */
};

static void on_acted(void *context, const struct call_reply *reply)
{
    struct action action = *(struct action *)context;
    struct sync_session *session = action.session;
    free(context);
    session->calls--;
    session->call_bytes -= action.bytes;
    session_uncount_calls(session);
    if (session->socket != NULL && !session->is_ending) {
        session_send_action(session, action.number, reply);
        sync_due(session);
    }
    session_unneeded(session);
}

static void read_action(struct sync_session *session, const struct json *message, uint32_t number)
{
    AUTO(arena_done) struct arena arena = {0};
    str args = args_of(&arena, json_get(message, "args"));
    session->calls++;
    session->call_bytes += args.len;
    if (session->calls > SESSION_CALLS_MAX || session->call_bytes > SESSION_CALL_BYTES_MAX ||
        !session_count_calls(session)) {
        session->calls--;
        session->call_bytes -= args.len;
        session_uncount_calls(session);
        session_close(session, 1013, "TooManyConcurrentRequests");
        return;
    }
    struct action *action = memory_zeroed(sizeof(*action));
    *action = (struct action){session, number, args.len};
    struct front_asked asked = {
        .request = {.path = plain_text(message, "udfPath"),
                    .args = args.at == NULL ? STR("null") : args,
                    .identity = session->identity,
                    .is_internal = is_trusted(session, plain_text(message, "udfPath"))},
        .kind = FUNCTION_ACTION,
        .peer = session->peer,
        .then = on_acted,
        .context = action,
    };
    front_ask(session->front, &asked);
}

static void read_call(struct sync_session *session, const struct json *message, bool is_action)
{
    uint32_t number;
    if (!is_whole(json_get(message, "requestId"), &number)) {
        session_fatal(session, "A call has no requestId.");
        return;
    }
    if (json_get(message, "componentPath")->kind == JSON_TEXT &&
        plain_text(message, "componentPath").len != 0) {
        session_fatal(session, "There are no components here.");
        return;
    }
    if (session_is_expired(session, front_now()))
        return;
    if (is_action)
        read_action(session, message, number);
    else
        read_mutation(session, message, number);
}

void session_read(struct sync_session *session, str text)
{
    struct arena arena = {0};
    struct json message;
    struct fault fault;

    /* Arguments that are nested too deeply, or hold U+0000, are their call's failure, not the
     * session's. */
    if (!json_read_message(&arena, text, &message, &fault) || message.kind != JSON_OBJECT) {
        session_fatal(session, "A message is not a JSON object.");
        arena_done(&arena);
        return;
    }
    str type = plain_text(&message, "type");
    if (str_equal(type, STR("Connect")))
        read_connect(session, &message);
    else if (str_equal(type, STR("Event")))
        ; /* telemetry: never answered */
    else if (!session->has_said_connect)
        session_fatal(session, "The first message must be Connect.");
    else if (str_equal(type, STR("ModifyQuerySet")))
        read_query_set(session, &message);
    else if (str_equal(type, STR("Mutation")))
        read_call(session, &message, false);
    else if (str_equal(type, STR("Action")))
        read_call(session, &message, true);
    else if (str_equal(type, STR("Authenticate")))
        read_authenticate(session, &message);
    else
        session_fatal(session, "A message has an unknown type.");
    arena_done(&arena);
}
