/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/chores.h"

#include "base/queue.h"

#include <sys/epoll.h>

struct chores {
    struct keepers *keepers;
    struct queue *wake;
};

static void wake(void *context)
{
    queue_wake(((struct chores *)context)->wake);
}

static void on_wake(void *context, uint32_t events)
{
    struct chores *chores = context;
    struct keeping *keeping;
    void *none;
    queue_take(chores->wake, &none, 0); /* clears the signal */
    while ((keeping = keepers_take(chores->keepers)) != NULL) {
        struct chore *chore = (struct chore *)keeping;
        chore->done(chore);
    }
}

static void run(struct keeping *keeping, struct random *random)
{
    struct chore *chore = (struct chore *)keeping;
    chore->run(chore);
}

static void drop(struct keeping *keeping)
{
    struct chore *chore = (struct chore *)keeping;
    chore->drop(chore);
}

bool chores_open(struct loop *loop, struct chores **out, struct fault *fault)
{
    struct chores *chores = memory_zeroed(sizeof(*chores));
    *out = chores;
    chores->wake = queue_new(1, fault);
    if (chores->wake == NULL ||
        !loop_watch(loop, queue_fd(chores->wake), EPOLLIN, on_wake, chores, fault))
        return false;
    chores->keepers = keepers_new(wake, chores, fault);
    return chores->keepers != NULL;
}

void chores_put(struct chores *chores, struct chore *chore)
{
    chore->keeping.run = run;
    chore->keeping.drop = drop;
    keepers_put(chores->keepers, &chore->keeping);
}

void chores_close(struct chores *chores)
{
    if (chores == NULL)
        return;
    keepers_free(chores->keepers);
    queue_free(chores->wake);
    free(chores);
}
