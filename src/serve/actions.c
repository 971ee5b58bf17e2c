/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/actions.h"

#include "base/log.h"
#include "net/outside.h"

/* Apart from the numbers of others who use the outside. */
#define IDS_FROM (UINT64_C(3) << 62)
#define ANSWER_MAX MIB(1)

struct action {
    struct action *next;
    struct front *front;
    struct arena arena; /* of its own texts */
    struct call_request request;
    struct identity *identity; /* a reference */
    struct peer *peer;         /* in whose name */
    void (*then)(void *context, const struct call_reply *reply);
    void *context;
};

static void action_end(struct action *action, const struct call_reply *reply)
{
    struct front *front = action->front;
    struct action **at = &front->actions;
    while (*at != action)
        at = &(*at)->next;
    *at = action->next;
    front->action_count--;
    action->peer->actions--;
    peers_drop(front->peers, action->peer);
    action->then(action->context, reply);
    identity_drop(action->identity);
    arena_done(&action->arena);
    free(action);
}

static void refuse(struct action *action)
{
    AUTO(arena_done) struct arena arena = {0};
    struct call_reply reply;
    reply_fail(&arena, &reply, OVERLOAD, STR("The server is busy. Try again in a moment."));
    action_end(action, &reply);
}

static void run_half(struct action *action, const struct call_answer *answer);

/* False: the outside takes no more. */
static bool send_wish(struct action *action, const struct call_wish *wish)
{
    struct front *front = action->front;
    struct outside_header headers[CALL_HEADERS_MAX];
    for (size_t i = 0; i < wish->header_count; i++)
        headers[i] = (struct outside_header){wish->headers[i].name, wish->headers[i].value};
    struct outside_request request = {
        .id = IDS_FROM + front->action_id++,
        .method = wish->method,
        .url = wish->url,
        .headers = headers,
        .header_count = wish->header_count,
        .body = wish->body.len == 0 ? NULL : shared_copy(wish->body),
        .timeout = ACTION_TIME,
        .response_max = ANSWER_MAX,
        .allow_private = wish->allow_private,
        .file = -1,
        .deliver_to = front->told,
        .context = action,
    };
    if (outside_send(front->options.outside, &request))
        return true;
    shared_drop(request.body);
    return false;
}

static void on_half(void *owner, struct mutation *mutation)
{
    struct action *action = owner;
    static const struct call_answer none = {0};
    const struct call_wish *wish = mutation->reply.wish;
    bool goes_on = mutation->reply.error == ERROR_NONE && wish != NULL;
    bool is_sent = goes_on && send_wish(action, wish);
    if (goes_on && !is_sent)
        run_half(action, &none);
    else if (!goes_on)
        action_end(action, &mutation->reply);
    mutation_free(mutation);
}

static void run_half(struct action *action, const struct call_answer *answer)
{
    struct mutation *mutation = mutation_new();
    struct arena *arena = &mutation->arena;
    mutation->request = action->request;
    mutation->request.path = str_copy(arena, action->request.path);
    mutation->request.args = str_copy(arena, action->request.args);
    mutation->request.identity = identity_keep(action->identity);
    mutation->request.is_action = true;
    if (answer != NULL) {
        struct call_answer *copy = arena_new(arena, struct call_answer);
        *copy = (struct call_answer){answer->status, str_copy(arena, answer->body)};
        mutation->request.answer = copy;
    }
    mutation->done = on_half;
    mutation->owner = action;
    if (front_mutate(action->front, mutation))
        return;
    mutation_free(mutation);
    refuse(action);
}

bool actions_take(struct front *front, const struct front_asked *asked)
{
    AUTO(arena_done) struct arena arena = {0};
    const struct function *function =
        function_find(front->options.program, function_path(&arena, asked->request.path));
    if (function == NULL || function->answer == NULL)
        return false;
    struct action *action = memory_zeroed(sizeof(*action));
    action->front = front;
    action->request = (struct call_request){
        .path = str_copy(&action->arena, asked->request.path),
        .args = str_copy(&action->arena, asked->request.args),
        .is_internal = asked->request.is_internal,
    };
    action->identity = identity_keep(asked->request.identity);
    action->peer = asked->peer != NULL
                       ? peer_keep(asked->peer)
                       : peers_find(front->peers, asked->request.identity, asked->address);
    action->then = asked->then;
    action->context = asked->context;
    action->next = front->actions;
    front->actions = action;
    bool is_one_too_many = ++action->peer->actions > ACTIONS_OF_ONE;
    if (++front->action_count > ACTIONS_MAX || is_one_too_many)
        refuse(action);
    else
        run_half(action, NULL);
    return true;
}

void actions_on_told(void *context, uint32_t events)
{
    struct front *front = context;
    void *item;
    while (queue_take(front->told, &item, 1) == 1) {
        struct outside_result *result = item;
        struct call_answer answer = {.status = result->status, .body = shared_text(result->body)};
        if (result->error != OUTSIDE_OK) {
            log_event(LOG_WARN, "action_failed", "%s: %s", outside_error_name(result->error),
                      result->text);
            answer = (struct call_answer){0};
        }
        if (!utf8_is_valid(answer.body))
            answer.body = STR("null");
        run_half(result->context, &answer);
        outside_result_free(result);
    }
}

void actions_close(struct front *front)
{
    void *item;
    while (front->told != NULL && queue_take(front->told, &item, 1) == 1)
        outside_result_free(item);
    while (front->actions != NULL)
        refuse(front->actions);
}
