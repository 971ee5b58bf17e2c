/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/away.h"

#include "base/log.h"
#include "serve/keepers.h"
#include "serve/route.h"

struct away {
    struct front *front;
    struct keepers *keepers;
    struct queue *wake; /* signalled by the keepers */
    size_t count;
};

/* One exchange that waits. */
struct absent {
    struct keeping keeping; /* first */
    struct front *front;
    struct exchange *exchange;
    struct delivery delivery; /* texts are in the exchange's arena */
    int fd;
    int64_t size;
    bool is_here;
    struct fault fault;
};

static void run(struct keeping *keeping, struct random *random)
{
    struct absent *absent = (struct absent *)keeping;
    absent->is_here = blob_open(absent->front->options.blobs, absent->delivery.file.storage_id,
                                &absent->fd, &absent->size, &absent->fault);
}

/* The loop has ended meanwhile. */
static void drop(struct keeping *keeping)
{
    struct absent *absent = (struct absent *)keeping;
    fd_close(&absent->fd);
    answer_overload(absent->exchange);
    free(absent);
}

static void answer(struct absent *absent)
{
    if (absent->is_here)
        files_send(absent->exchange, &absent->delivery, absent->fd, absent->size);
    else if (absent->fault.kind == FAULT_ABSENT)
        answer_error(absent->exchange, 404, "NotFound", STR("This file does not exist."), NULL);
    else
        answer_overload(absent->exchange);
    if (!absent->is_here && absent->fault.kind != FAULT_ABSENT)
        log_event(LOG_WARN, "file_away", "%s", absent->fault.text);
    free(absent);
}

static void on_here(void *context, uint32_t events)
{
    struct away *away = context;
    void *none;
    queue_take(away->wake, &none, 0); /* clears the signal */
    for (struct keeping *keeping; (keeping = keepers_take(away->keepers)) != NULL;) {
        away->count--;
        answer((struct absent *)keeping);
    }
}

static void wake(void *context)
{
    queue_wake(((struct away *)context)->wake);
}

static struct away *away_of(struct front *front)
{
    struct fault fault;
    if (front->away != NULL)
        return front->away;
    struct away *away = memory_zeroed(sizeof(*away));
    away->front = front;
    away->wake = queue_new(1, &fault);
    if (away->wake != NULL)
        away->keepers = keepers_new(wake, away, &fault);
    if (away->keepers != NULL &&
        loop_watch(front->loop, queue_fd(away->wake), EPOLLIN, on_here, away, &fault))
        return front->away = away;
    log_event(LOG_ERROR, "file_away", "%s", fault.text);
    away_free(away);
    return NULL;
}

void away_free(struct away *away)
{
    if (away == NULL)
        return;
    keepers_free(away->keepers);
    queue_free(away->wake);
    free(away);
}

void away_fetch(struct front *front, struct exchange *exchange, const struct delivery *delivery)
{
    struct away *away = away_of(front);
    if (away == NULL || away->count >= AWAY_MAX) {
        answer_overload(exchange);
        return;
    }
    struct absent *absent = memory_new(sizeof(*absent));
    *absent = (struct absent){
        .keeping = {.run = run, .drop = drop},
        .front = front,
        .exchange = exchange,
        .delivery = *delivery,
        .fd = -1,
    };
    away->count++;
    keepers_put(away->keepers, &absent->keeping);
}
