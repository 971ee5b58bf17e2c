/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/functions.h"

#include "base/log.h"
#include "serve/route.h"

#define QUERIES_MAX 100

/* Several queries by HTTP; lives in the exchange's arena. */
struct batch_call {
    struct front *front;
    struct exchange *exchange;
    struct identity *identity;
    struct json queries;
    struct buffer body; /* made by a reader */
    bool is_read;
};

static bool run_one(const struct batch_call *call, const struct json *query, struct view *view,
                    bool is_small, instant now, struct buffer *to)
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
    if (is_small)
        view_be_small(view, LIVE_SMALL_READS, LIVE_SMALL_BYTES);
    if (format_read(json_get(query, "format"), &is_clean))
        execute_query(call->front->options.program, &request, FUNCTION_QUERY, view, &arena, now,
                      &reply);
    else
        reply_fail(&arena, &reply, ARGUMENT,
                   STR("format is none of convex_encoded_json, json, export_json."));
    reply_write(to, &reply, is_clean);
    bool is_done = !view->is_too_large;
    view_renew(view, NULL);
    return is_done;
}

/* All of them on one snapshot; false: they read too much to be run here. */
static bool run_all(const struct batch_call *call, struct view *view, bool is_small, instant now,
                    struct buffer *body)
{
    buffer_str(body, STR("{\"results\":["));
    for (size_t i = 0; i < call->queries.count; i++) {
        if (i > 0)
            buffer_char(body, ',');
        if (!run_one(call, &call->queries.items[i], view, is_small, now, body))
            return false;
    }
    buffer_str(body, STR("]}"));
    return true;
}

/* Both answers end the exchange, and the call with it. */
static void answer(struct batch_call *call, const struct buffer *body)
{
    identity_drop(call->identity);
    if (body->is_over)
        answer_error(call->exchange, 413, "ResultTooLarge",
                     STR("The results are larger than 32 MiB; ask for fewer at once."), NULL);
    else
        answer_json(call->exchange, 200, buffer_text(body));
}

static void answer_busy(struct batch_call *call)
{
    identity_drop(call->identity);
    answer_error(call->exchange, 503, "Overloaded", STR("The server is busy."), NULL);
}

static void run_there(struct reading *reading, instant now)
{
    struct batch_call *call = reading->work;
    struct fault fault;
    call->is_read = view_begin(call->front->options.store, &reading->arena, &reading->view, &fault);
    if (call->is_read)
        run_all(call, &reading->view, false, now, &call->body);
    else
        log_event(LOG_ERROR, "view_failed", "%s", fault.text);
}

static void on_read(void *owner, struct reading *reading)
{
    struct batch_call *call = reading->work;
    AUTO(buffer_done) struct buffer body = call->body;
    if (call->is_read)
        answer(call, &body);
    else
        answer_busy(call);
    reading_free(reading);
}

static void drop(struct reading *reading)
{
    struct batch_call *call = reading->work;
    buffer_done(&call->body);
    answer_busy(call);
}

/* The exchange stays until it is answered; a reader only reads what the call points to. */
static void ask_there(struct batch_call *call)
{
    struct reading *reading = reading_new();
    reading->run = run_there;
    reading->done = on_read;
    reading->drop = drop;
    reading->work = call;
    call->body = buffer_with_max(CALL_RESULT_MAX * 2);
    if (readers_put(call->front->options.readers, reading, false))
        return;
    reading_free(reading);
    answer_busy(call);
}

static void run_here(struct batch_call *call)
{
    AUTO(buffer_done) struct buffer body = buffer_with_max(CALL_RESULT_MAX * 2);
    struct view view;
    if (!front_view(call->front, exchange_arena(call->exchange), &view)) {
        answer_busy(call);
        return;
    }
    bool is_done = run_all(call, &view, true, front_now(), &body);
    view_end(&view);
    if (is_done)
        answer(call, &body);
    else
        ask_there(call);
}

static void on_seen(void *context, bool is_seen)
{
    struct batch_call *call = context;
    if (is_seen)
        run_here(call);
    else
        answer_busy(call);
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
    if (request->body.len > LARGE_BODY && !exchange_recount(exchange)) {
        answer_busy(call);
        return;
    }
    front_see(front, identity, on_seen, call);
}
