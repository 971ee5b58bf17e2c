/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/functions.h"

#include "base/encode.h"
#include "base/planted.h"
#include "serve/route.h"
#include "serve/trusted.h"
#include "json/json.h"

#include <string.h>

/* One call by HTTP, until it is answered. Lives in the exchange's arena. */
struct http_call {
    struct front *front;
    struct exchange *exchange;
    enum function_kind kind;
    str path, args;
    bool is_clean; /* the lossy format "json" */
    bool is_admin;
    commit_ts at; /* the moment that it is about; 0: the newest */
    struct identity *identity;
    struct peer *peer;  /* of a mutation on its way, as: */
    struct claim claim; /* of the budget of calls */
};

#define MUTATION_COST KIB(8) /* of memory, beside its arguments */

/* ---- answers ---- */

static void add_value(struct buffer *to, bool is_clean, str value)
{
    struct json tree;
    struct arena arena = {0};
    if (is_clean && json_read(&arena, value, JSON_DEPTH_MAX * 4, &tree, NULL))
        convex_write_clean(to, &tree);
    else
        buffer_str(to, value);
    arena_done(&arena);
}

void reply_write(struct buffer *to, const struct call_reply *reply, bool is_clean)
{
    if (reply->error == ERROR_NONE) {
        buffer_str(to, STR("{\"status\":\"success\",\"value\":"));
        add_value(to, is_clean, reply->value);
    } else {
        buffer_str(to, STR("{\"status\":\"error\",\"errorMessage\":"));
        json_write_text(to, reply->error_text);
        if (reply->error_data.at != NULL) {
            buffer_str(to, STR(",\"errorData\":"));
            add_value(to, is_clean, reply->error_data);
        }
    }
    buffer_str(to, STR(",\"logLines\":[]}"));
}

static void answer_reply(struct http_call *call, const struct call_reply *reply)
{
    AUTO(buffer_done) struct buffer body = buffer_with_max(CALL_RESULT_MAX * 2);
    identity_drop(call->identity);
    if (reply->error == TRANSIENT || reply->error == OVERLOAD) {
        answer_error(call->exchange, 503, "Overloaded", reply->error_text, NULL);
        return;
    }
    reply_write(&body, reply, call->is_clean);
    bool is_failure = PLANTED(failure_is_500) && reply->error != ERROR_NONE;
    answer_json(call->exchange, is_failure ? 500 : 200, buffer_text(&body));
}

/* ---- running ---- */

static void on_mutated(void *owner, struct mutation *mutation)
{
    struct http_call *call = owner;
    claim_force(front_calls_budget(call->front), &call->claim, 0);
    peers_drop(call->front->peers, call->peer);
    answer_reply(call, &mutation->reply);
    mutation_free(mutation);
}

/* In whose name it is, and what it takes until it is answered: the mutation copies the arguments.
 */
static bool claim_mutation(struct http_call *call)
{
    struct front *front = call->front;
    call->peer = peers_find(front->peers, call->identity, exchange_request(call->exchange)->peer);
    struct party *party = &call->peer->party;
    call->claim = (struct claim){.share = &party->calls, .is_known = party->is_known};
    return claim_set(front_calls_budget(front), &call->claim, MUTATION_COST + 2 * call->args.len);
}

static void run_mutation(struct http_call *call)
{
    if (!claim_mutation(call)) {
        peers_drop(call->front->peers, call->peer);
        identity_drop(call->identity);
        answer_overload(call->exchange);
        return;
    }
    struct mutation *mutation = mutation_new();
    mutation->request = (struct call_request){
        .path = str_copy(&mutation->arena, call->path),
        .args = str_copy(&mutation->arena, call->args),
        .identity = identity_keep(call->identity),
        .is_internal = call->is_admin,
    };
    mutation->done = on_mutated;
    mutation->owner = call;
    if (front_mutate(call->front, mutation))
        return;
    mutation_free(mutation);
    claim_force(front_calls_budget(call->front), &call->claim, 0);
    peers_drop(call->front->peers, call->peer);
    identity_drop(call->identity);
    answer_overload(call->exchange);
}

static void on_answered(void *context, const struct call_reply *reply)
{
    answer_reply(context, reply);
}

/* Only the newest state is kept: what was read at an older moment must be read again from its
 * start. Saying so is better than an answer of another moment. */
static void answer_too_late(struct http_call *call)
{
    identity_drop(call->identity);
    answer_error(
        call->exchange, 400, "TimestampOutOfRange",
        STR("Something was written since that timestamp. Ask query_ts again and start over."),
        NULL);
}

static void run_reading(struct http_call *call)
{
    if (call->at.n != 0 && !front_keep(call->front, call->at)) {
        answer_too_late(call);
        return;
    }
    struct front_asked asked = {
        .request = {.path = call->path,
                    .args = call->args,
                    .identity = call->identity,
                    .is_internal = call->is_admin},
        .kind = call->kind,
        .address = exchange_request(call->exchange)->peer,
        .is_kept = call->at.n != 0,
        .then = on_answered,
        .context = call,
    };
    front_ask(call->front, &asked);
}

static void on_seen(void *context, bool is_seen)
{
    struct http_call *call = context;
    if (!is_seen) {
        identity_drop(call->identity);
        answer_error(call->exchange, 503, "Overloaded",
                     STR("The server is busy. Try again in a moment."), NULL);
    } else if (call->kind == FUNCTION_MUTATION) {
        run_mutation(call);
    } else {
        run_reading(call);
    }
}

/* ---- reading ---- */

bool format_read(const struct json *format, bool *is_clean)
{
    str name = json_text(format);
    *is_clean = PLANTED(format_lossy) || format->kind == JSON_NONE ||
                str_equal(name, STR("json")) || str_equal(name, STR("convex_clean_json"));
    return *is_clean || str_equal(name, STR("convex_encoded_json")) ||
           str_equal(name, STR("convex_json")) || str_equal(name, STR("export_json"));
}

static void bad_request(struct http_call *call, const char *code, const char *text)
{
    identity_drop(call->identity);
    answer_error(call->exchange, 400, code, str_of(text), NULL);
}

/* The arguments stay JSON text: the function's descriptor reads them, and says what is wrong with
 * them, also that they are nested too deeply. "[{…}]" and "{…}" are the same. */
str args_text(struct arena *arena, const struct json *args)
{
    AUTO(buffer_done) struct buffer text = buffer_with_max(CALL_ARGS_MAX * 2);
    if (args->kind == JSON_NONE)
        return STR("{}");
    if (args->kind == JSON_LIST && args->count == 1)
        args = &args->items[0];
    json_write_canonical(&text, args);
    return str_copy(arena, buffer_text(&text));
}

static bool read_body(struct http_call *call, str text, struct json *body)
{
    struct fault fault;
    if (!utf8_is_valid(text)) {
        bad_request(call, "BadJsonBody", "The body is not UTF-8.");
        return false;
    }
    if (!json_read(exchange_arena(call->exchange), text, JSON_DEPTH_LIMIT, body, &fault)) {
        bad_request(call, "BadJsonBody", fault.text);
        return false;
    }
    if (body->kind != JSON_OBJECT) {
        bad_request(call, "BadJsonBody", "The body must be a JSON object.");
        return false;
    }
    if (text.len > LARGE_BODY && !exchange_recount(call->exchange)) {
        identity_drop(call->identity);
        answer_overload(call->exchange);
        return false;
    }
    return true;
}

static struct http_call *call_new(struct front *front, struct exchange *exchange,
                                  const struct http_request *request, enum function_kind kind)
{
    struct http_call *call = arena_new(exchange_arena(exchange), struct http_call);
    *call = (struct http_call){.front = front, .exchange = exchange, .kind = kind};
    return request_identity(front, exchange, request, &call->identity, &call->is_admin) ? call
                                                                                        : NULL;
}

static void run_call(struct http_call *call, str path, const struct json *args,
                     const struct json *format)
{
    struct arena *arena = exchange_arena(call->exchange);
    if (!format_read(format, &call->is_clean)) {
        bad_request(call, "BadFormat", "format is none of convex_encoded_json, json, export_json.");
        return;
    }
    if (path.len == 0 || path.len > 512 || str_find(path, '/') == 0) {
        bad_request(call, "BadConvexFunctionIdentifier", "path does not name a function.");
        return;
    }
    call->path = path;
    call->args = args_text(arena, args);
    call->is_admin |= trusted_lets(call->front->options.trusted, call->path,
                                   exchange_request(call->exchange)->peer);
    front_see(call->front, call->identity, on_seen, call);
}

static void read_and_run(struct http_call *call, const struct http_request *request)
{
    struct json body;
    if (call == NULL || !read_body(call, request->body, &body))
        return;
    run_call(call, json_text(json_get(&body, "path")), json_get(&body, "args"),
             json_get(&body, "format"));
}

static void get_query(struct front *front, struct exchange *exchange,
                      const struct http_request *request)
{
    struct arena *arena = exchange_arena(exchange);
    struct http_call *call = call_new(front, exchange, request, FUNCTION_QUERY);
    str path = {0}, args = STR("{}"), format = {0};
    struct json tree;
    struct fault fault;
    if (call == NULL)
        return;
    http_query(arena, request, "path", &path);
    http_query(arena, request, "args", &args);
    struct json format_value = {0};
    if (http_query(arena, request, "format", &format))
        format_value = (struct json){.kind = JSON_TEXT, .text = format};
    if (!utf8_is_valid(args))
        bad_request(call, "BadJsonArgs", "The arguments are not UTF-8.");
    else if (!json_read(arena, args, JSON_DEPTH_LIMIT, &tree, &fault))
        bad_request(call, "BadJsonArgs", fault.text);
    else
        run_call(call, path, &tree, &format_value);
}

/* ---- handlers ---- */

FUNCTIONS_HANDLER(functions_query)
{
    if (request->method == HTTP_POST)
        read_and_run(call_new(front, exchange, request, FUNCTION_QUERY), request);
    else
        get_query(front, exchange, request);
}

FUNCTIONS_HANDLER(functions_mutation)
{
    read_and_run(call_new(front, exchange, request, FUNCTION_MUTATION), request);
}

FUNCTIONS_HANDLER(functions_action)
{
    read_and_run(call_new(front, exchange, request, FUNCTION_ACTION), request);
}

/* Of a snapshot as others read it: the store's own count may lag behind what they were told. */
FUNCTIONS_HANDLER(functions_query_ts)
{
    struct arena *arena = exchange_arena(exchange);
    struct view view;
    if (!front_view(front, arena, &view)) {
        answer_error(exchange, 503, "Overloaded", STR("The server is busy."), NULL);
        return;
    }
    str ts = u64_base64_write(arena, view_ts(&view).n - (PLANTED(query_ts_stale) ? 1 : 0));
    view_end(&view);
    answer_json(exchange, 200, str_format(arena, "{\"ts\":\"%.*s\"}", STR_ARG(ts)));
}

FUNCTIONS_HANDLER(functions_query_at_ts)
{
    struct http_call *call = call_new(front, exchange, request, FUNCTION_QUERY);
    struct json body;
    if (call == NULL || !read_body(call, request->body, &body))
        return;
    if (!u64_base64_read(json_text(json_get(&body, "ts")), &call->at.n))
        bad_request(call, "BadTimestamp", "ts is not a timestamp as query_ts gives it.");
    else if (call->at.n == 0)
        answer_too_late(call);
    else
        run_call(call, json_text(json_get(&body, "path")), json_get(&body, "args"),
                 json_get(&body, "format"));
}

static enum function_kind kind_of(struct front *front, struct arena *arena, str path)
{
    const struct function *function =
        function_find(front->options.program, function_path(arena, path));
    return function == NULL ? FUNCTION_QUERY : function->kind;
}

FUNCTIONS_HANDLER(functions_any)
{
    struct http_call *call = call_new(front, exchange, request, FUNCTION_QUERY);
    struct json body;
    if (call == NULL || !read_body(call, request->body, &body))
        return;
    if (!call->is_admin) {
        identity_drop(call->identity);
        answer_error(exchange, 403, "Forbidden", STR("Only the admin key may do this."), NULL);
        return;
    }
    str path = json_text(json_get(&body, "path"));
    call->kind = kind_of(front, exchange_arena(exchange), path);
    run_call(call, path, json_get(&body, "args"), json_get(&body, "format"));
}

FUNCTIONS_HANDLER(functions_run)
{
    struct arena *arena = exchange_arena(exchange);
    struct http_call *call = call_new(front, exchange, request, FUNCTION_QUERY);
    struct json body;
    if (call == NULL || !read_body(call, request->body, &body))
        return;
    str path = http_path(arena, request);
    path = str_slice(path, strlen("/api/run/"), path.len);
    ptrdiff_t slash = str_find_last(path, '/');
    if (slash <= 0) {
        bad_request(call, "BadConvexFunctionIdentifier",
                    "The address must be /api/run/<module>/<function>.");
        return;
    }
    path = str_format(arena, "%.*s:%.*s", (int)slash, path.at,
                      STR_ARG(str_slice(path, (size_t)slash + 1, path.len)));
    call->kind = kind_of(front, arena, path);
    run_call(call, path, json_get(&body, "args"), json_get(&body, "format"));
}
