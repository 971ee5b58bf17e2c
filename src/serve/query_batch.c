/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/functions.h"

#include "serve/route.h"

#define QUERIES_MAX 100

/* Several queries by HTTP; lives in the exchange's arena. */
struct batch_call {
    struct front *front;
    struct exchange *exchange;
    struct identity *identity;
    struct json queries;
};

static void run_one(const struct batch_call *call, const struct json *query, struct view *view,
                    struct buffer *to)
{
    AUTO(arena_done) struct arena arena = {0};
    struct call_reply reply;
    bool is_clean;
    struct call_request request = {
        .path = json_text(json_get(query, "path")),
        .args = args_text(&arena, json_get(query, "args")),
        .identity = call->identity,
    };
    view_renew(view, &arena);
    if (format_read(json_get(query, "format"), &is_clean))
        execute_query(call->front->options.program, &request, FUNCTION_QUERY, view, &arena,
                      front_now(), &reply);
    else
        reply_fail(&arena, &reply, ARGUMENT,
                   STR("format is none of convex_encoded_json, json, export_json."));
    reply_write(to, &reply, is_clean);
}

static void run_all(struct batch_call *call)
{
    AUTO(buffer_done) struct buffer body = buffer_with_max(CALL_RESULT_MAX * 2);
    struct view view;
    if (!front_view(call->front, exchange_arena(call->exchange), &view)) {
        answer_error(call->exchange, 503, "Overloaded", STR("The server is busy."), NULL);
        return;
    }
    buffer_str(&body, STR("{\"results\":["));
    for (size_t i = 0; i < call->queries.count; i++) {
        if (i > 0)
            buffer_char(&body, ',');
        run_one(call, &call->queries.items[i], &view, &body);
    }
    buffer_str(&body, STR("]}"));
    view_end(&view);
    if (body.is_over)
        answer_error(call->exchange, 413, "ResultTooLarge",
                     STR("The results are larger than 32 MiB; ask for fewer at once."), NULL);
    else
        answer_json(call->exchange, 200, buffer_text(&body));
}

static void on_seen(void *context, bool is_seen)
{
    struct batch_call *call = context;
    if (is_seen)
        run_all(call);
    else
        answer_error(call->exchange, 503, "Overloaded", STR("The server is busy."), NULL);
    identity_drop(call->identity);
}

FUNCTIONS_HANDLER(functions_query_batch)
{
    struct arena *arena = exchange_arena(exchange);
    struct batch_call *call = arena_new(arena, struct batch_call);
    struct identity *identity;
    struct json body;
    struct fault fault;
    bool is_admin;
    if (!request_identity(front, exchange, request, &identity, &is_admin))
        return;
    bool is_read = utf8_is_valid(request->body) &&
                   json_read(arena, request->body, JSON_DEPTH_LIMIT, &body, &fault);
    *call = (struct batch_call){.front = front, .exchange = exchange, .identity = identity};
    if (is_read)
        call->queries = *json_get(&body, "queries");
    if (call->queries.kind != JSON_LIST || call->queries.count > QUERIES_MAX) {
        identity_drop(identity);
        answer_error(exchange, 400, "BadJsonBody",
                     STR("The body must be {\"queries\": […]} with at most 100 of them."), NULL);
        return;
    }
    front_see(front, identity, on_seen, call);
}
