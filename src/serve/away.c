/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/away.h"

#include "base/log.h"
#include "serve/chores.h"
#include "serve/route.h"

/* One exchange that waits. */
struct absent {
    struct chore chore; /* first */
    struct front *front;
    struct exchange *exchange;
    struct delivery delivery; /* texts are in the exchange's arena */
    int fd;
    int64_t size;
    bool is_here;
    struct fault fault;
};

static void run(struct chore *chore)
{
    struct absent *absent = (struct absent *)chore;
    absent->is_here = blob_open(absent->front->options.blobs, absent->delivery.file.storage_id,
                                &absent->fd, &absent->size, &absent->fault);
}

/* The loop has ended meanwhile. */
static void drop(struct chore *chore)
{
    struct absent *absent = (struct absent *)chore;
    fd_close(&absent->fd);
    answer_overload(absent->exchange);
    free(absent);
}

static void answer(struct chore *chore)
{
    struct absent *absent = (struct absent *)chore;
    absent->front->away_count--;
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

void away_fetch(struct front *front, struct exchange *exchange, const struct delivery *delivery)
{
    if (front->away_count >= AWAY_MAX) {
        answer_overload(exchange);
        return;
    }
    struct absent *absent = memory_new(sizeof(*absent));
    *absent = (struct absent){
        .chore = {.run = run, .done = answer, .drop = drop},
        .front = front,
        .exchange = exchange,
        .delivery = *delivery,
        .fd = -1,
    };
    front->away_count++;
    chores_put(front->chores, &absent->chore);
}
