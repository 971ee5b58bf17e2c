/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/functions.h"

#include "base/clock.h"
#include "base/log.h"
#include "serve/route.h"

#define QUERIES_MAX 100

/* What all of them together may read on the loop. */
#define HERE_READS (LIVE_SMALL_READS * 4)
#define HERE_BYTES (LIVE_SMALL_BYTES * 4)

/* Several queries by HTTP; lives in the exchange's arena. */
struct batch_call {
    struct front *front;
    struct exchange *exchange;
    struct identity *identity;
    struct json queries;
    struct buffer body; /* made by a reader */
    struct peer *peer;  /* in whose name the reader runs it */
    span time;          /* that it took there */
    bool is_read;
};

/* What may still be read here. */
struct left {
    size_t reads, bytes;
};

static void be_small(struct view *view, const struct left *left)
{
    view_be_small(view, MIN_OF(left->reads, (size_t)LIVE_SMALL_READS),
                  MIN_OF(left->bytes, (size_t)LIVE_SMALL_BYTES));
}

/* Never to 0, which is no limit. */
static void count_read(const struct view *view, struct left *left)
{
    left->reads -= MIN_OF(view->reads, left->reads - 1);
    left->bytes -= MIN_OF(view->read_bytes, left->bytes - 1);
}

static bool run_one(const struct batch_call *call, const struct json *query, struct view *view,
                    struct left *left, instant now, struct buffer *to)
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
    if (left != NULL)
        be_small(view, left);
    if (format_read(json_get(query, "format"), &is_clean))
        execute_query(call->front->options.program, &request, FUNCTION_QUERY, view, &arena, now,
                      &reply);
    else
        reply_fail(&arena, &reply, ARGUMENT,
                   STR("format is none of convex_encoded_json, json, export_json."));
    reply_write(to, &reply, is_clean);
    if (left != NULL)
        count_read(view, left);
    bool is_done = !view->is_too_large;
    view_renew(view, NULL);
    return is_done;
}

/* All of them on one snapshot; false: they read more than is left (NULL: no limit). */
static bool run_all(const struct batch_call *call, struct view *view, struct left *left,
                    instant now, struct buffer *body)
{
    buffer_str(body, STR("{\"results\":["));
    for (size_t i = 0; i < call->queries.count; i++) {
        if (i > 0)
            buffer_char(body, ',');
        if (!run_one(call, &call->queries.items[i], view, left, now, body))
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
    instant start = clock_monotonic();
    call->is_read = view_begin(call->front->options.store, &reading->arena, &reading->view, &fault);
    if (call->is_read)
        run_all(call, &reading->view, NULL, now, &call->body);
    else
        log_event(LOG_ERROR, "view_failed", "%s", fault.text);
    call->time = instant_since(clock_monotonic(), start);
}

static void on_read(void *owner, struct reading *reading)
{
    struct batch_call *call = reading->work;
    AUTO(buffer_done) struct buffer body = call->body;
    front_read_end(call->front, call->peer, call->time);
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
    front_read_end(call->front, call->peer, (span){0});
    answer_busy(call);
}

/* The exchange stays until it is answered; a reader only reads what the call points to. */
static void ask_there(struct batch_call *call)
{
    struct front *front = call->front;
    call->peer = peers_find(front->peers, call->identity, exchange_request(call->exchange)->peer);
    if (!front_read_begin(front, call->peer)) {
        answer_busy(call);
        return;
    }
    struct reading *reading = reading_new();
    reading->run = run_there;
    reading->done = on_read;
    reading->drop = drop;
    reading->work = call;
    call->body = buffer_with_max(CALL_RESULT_MAX * 2);
    if (readers_put(front->options.readers, reading, false))
        return;
    front_read_end(front, call->peer, (span){0});
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
    struct left left = {HERE_READS, HERE_BYTES};
    bool is_done = run_all(call, &view, &left, front_now(), &body);
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
