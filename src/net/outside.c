/* SPDX-License-Identifier: Apache-2.0 */
#include "net/outside.h"

#include "base/thread.h"
#include "net/outside_transfer.h"

#include <sodium.h>
#include <stdatomic.h>

#define PER_HOST_DEFAULT 16
#define KEPT_CONNECTIONS 64
#define WAIT_MS 10000
#define WAIT_FOR_ROOM_MS 5

struct outside {
    pthread_t thread;
    CURLM *multi;
    struct outside_options options;
    struct arena arena; /* of the options' texts */
    atomic_bool is_stopping;

    pthread_mutex_t lock; /* of the list, its length and has_news */
    size_t under_way;
    struct transfer *first;
    bool has_news; /* something to start or to cancel */

    size_t undelivered; /* done, but their queue was full; the thread's own */
};

static void list_add(struct outside *outside, struct transfer *transfer)
{
    transfer->after = outside->first;
    if (outside->first != NULL)
        outside->first->before = transfer;
    outside->first = transfer;
    outside->under_way++;
}

static void list_remove(struct outside *outside, struct transfer *transfer)
{
    if (transfer->before != NULL)
        transfer->before->after = transfer->after;
    else
        outside->first = transfer->after;
    if (transfer->after != NULL)
        transfer->after->before = transfer->before;
    outside->under_way--;
}

/* Out of the list first: the receiver may send again with the same id at once. */
static void deliver(struct outside *outside, struct transfer *transfer)
{
    struct outside_result *result = transfer->result;
    pthread_mutex_lock(&outside->lock);
    list_remove(outside, transfer);
    bool fits = queue_put(transfer->deliver_to, result);
    if (!fits) {
        transfer->before = NULL;
        list_add(outside, transfer);
    }
    pthread_mutex_unlock(&outside->lock);
    if (!fits) {
        outside->undelivered++;
        return;
    }
    transfer->result = NULL;
    transfer_free(transfer);
}

static void start(struct outside *outside, struct transfer *transfer)
{
    if (transfer_start(transfer, &outside->options) &&
        curl_multi_add_handle(outside->multi, transfer->easy) != CURLM_OK)
        transfer_fail(transfer, OUTSIDE_TRANSIENT);
    if (transfer->is_done)
        deliver(outside, transfer);
}

static void cancel(struct outside *outside, struct transfer *transfer)
{
    if (transfer->easy != NULL)
        curl_multi_remove_handle(outside->multi, transfer->easy);
    transfer_fail(transfer, OUTSIDE_CANCELLED);
    deliver(outside, transfer);
}

/* One that wants something done, or NULL when there is none left. */
static struct transfer *take_news(struct outside *outside, bool *is_cancelled)
{
    struct transfer *found = NULL;
    pthread_mutex_lock(&outside->lock);
    for (struct transfer *t = outside->has_news ? outside->first : NULL; t != NULL; t = t->after)
        if (!t->is_done && (!t->is_started || t->is_cancelled)) {
            found = t;
            break;
        }
    if (found == NULL)
        outside->has_news = false;
    else
        *is_cancelled = found->is_cancelled;
    pthread_mutex_unlock(&outside->lock);
    return found;
}

static void take_finished(struct outside *outside)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(outside->multi, &left)) != NULL;) {
        if (message->msg != CURLMSG_DONE)
            continue;
        char *context = NULL;
        CURLcode code = message->data.result;
        CURL *easy = message->easy_handle;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &context);
        struct transfer *transfer = (struct transfer *)(void *)context;
        curl_multi_remove_handle(outside->multi, easy);
        transfer_finish(transfer, code);
        deliver(outside, transfer);
    }
}

/* Rare: a receiver made its queue too small. */
static void deliver_late(struct outside *outside)
{
    size_t rounds = outside->undelivered;
    outside->undelivered = 0;
    for (size_t i = 0; i < rounds; i++) {
        struct transfer *done = NULL;
        pthread_mutex_lock(&outside->lock);
        /* From the end: those put back go to the front. */
        for (struct transfer *t = outside->first; t != NULL; t = t->after)
            if (t->is_done)
                done = t;
        pthread_mutex_unlock(&outside->lock);
        if (done != NULL)
            deliver(outside, done);
    }
}

static void *outside_run(void *context)
{
    struct outside *outside = context;
    while (!atomic_load(&outside->is_stopping)) {
        bool is_cancelled = false;
        for (struct transfer *t; (t = take_news(outside, &is_cancelled)) != NULL;) {
            if (is_cancelled)
                cancel(outside, t);
            else
                start(outside, t);
        }
        int running;
        curl_multi_perform(outside->multi, &running);
        take_finished(outside);
        deliver_late(outside);
        int wait = outside->undelivered > 0 ? WAIT_FOR_ROOM_MS : WAIT_MS;
        curl_multi_poll(outside->multi, NULL, 0, wait, NULL);
    }
    return NULL;
}

static void curl_start(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || sodium_init() < 0)
        abort();
}

/* Signals are for the main thread; a peer that hangs up must not raise one. */
static void release(struct outside *outside)
{
    curl_multi_cleanup(outside->multi);
    pthread_mutex_destroy(&outside->lock);
    arena_done(&outside->arena);
    free(outside);
}

static void take_options(struct outside *outside, const struct outside_options *options)
{
    const char *agent = options->user_agent == NULL ? "atelier" : options->user_agent;
    outside->options.user_agent = str_zero_ended(&outside->arena, str_of(agent));
    if (options->ca_file != NULL)
        outside->options.ca_file = str_zero_ended(&outside->arena, str_of(options->ca_file));
    outside->options.trusts_anyone = options->trusts_anyone;
    long per_host = options->per_host_max > 0 ? options->per_host_max : PER_HOST_DEFAULT;
    curl_multi_setopt(outside->multi, CURLMOPT_MAX_HOST_CONNECTIONS, per_host);
    curl_multi_setopt(outside->multi, CURLMOPT_MAXCONNECTS, (long)KEPT_CONNECTIONS);
}

struct outside *outside_new(const struct outside_options *options, struct fault *fault)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, curl_start);

    CURLM *multi = curl_multi_init();
    if (multi == NULL) {
        fault_set(fault, FAULT_SYSTEM, "libcurl does not start");
        return NULL;
    }
    struct outside *outside = memory_zeroed(sizeof(*outside));
    outside->multi = multi;
    pthread_mutex_init(&outside->lock, NULL);
    take_options(outside, options);
    if (!thread_start(&outside->thread, "outside", outside_run, outside, fault)) {
        release(outside);
        return NULL;
    }
    return outside;
}

void outside_free(struct outside *outside)
{
    if (outside == NULL)
        return;
    atomic_store(&outside->is_stopping, true);
    curl_multi_wakeup(outside->multi);
    pthread_join(outside->thread, NULL);
    for (struct transfer *t = outside->first; t != NULL;) {
        struct transfer *after = t->after;
        if (t->easy != NULL)
            curl_multi_remove_handle(outside->multi, t->easy);
        transfer_free(t);
        t = after;
    }
    release(outside);
}

bool outside_send(struct outside *outside, const struct outside_request *request)
{
    struct transfer *transfer = transfer_new(request);
    pthread_mutex_lock(&outside->lock);
    bool fits = outside->under_way < OUTSIDE_UNDER_WAY_MAX;
    if (fits) {
        list_add(outside, transfer);
        outside->has_news = true;
    }
    pthread_mutex_unlock(&outside->lock);
    if (!fits) {
        transfer_give_back(transfer);
        return false;
    }
    curl_multi_wakeup(outside->multi);
    return true;
}

void outside_cancel(struct outside *outside, uint64_t id)
{
    bool found = false;
    pthread_mutex_lock(&outside->lock);
    for (struct transfer *t = outside->first; t != NULL; t = t->after)
        if (t->id == id) {
            t->is_cancelled = true;
            outside->has_news = found = true;
        }
    pthread_mutex_unlock(&outside->lock);
    if (found)
        curl_multi_wakeup(outside->multi);
}

size_t outside_under_way(struct outside *outside)
{
    pthread_mutex_lock(&outside->lock);
    size_t under_way = outside->under_way;
    pthread_mutex_unlock(&outside->lock);
    return under_way;
}
