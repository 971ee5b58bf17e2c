/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/keepers.h"

#include <pthread.h>

#define STACK_SIZE KIB(256)

struct line {
    struct keeping *first, **last;
};

struct keepers {
    pthread_mutex_t lock;
    pthread_cond_t is_there;
    struct line waiting, done;
    void (*wake)(void *context);
    void *context;
    pthread_t threads[KEEPERS];
    size_t thread_count;
    bool is_over;
};

static void line_add(struct line *line, struct keeping *keeping)
{
    keeping->next = NULL;
    *line->last = keeping;
    line->last = &keeping->next;
}

static struct keeping *line_take(struct line *line)
{
    struct keeping *keeping = line->first;
    if (keeping == NULL)
        return NULL;
    line->first = keeping->next;
    if (line->first == NULL)
        line->last = &line->first;
    return keeping;
}

static void *keep(void *context)
{
    struct keepers *keepers = context;
    struct random random;
    random_init(&random);
    pthread_mutex_lock(&keepers->lock);
    while (!keepers->is_over) {
        struct keeping *keeping = line_take(&keepers->waiting);
        if (keeping == NULL) {
            pthread_cond_wait(&keepers->is_there, &keepers->lock);
            continue;
        }
        pthread_mutex_unlock(&keepers->lock);
        keeping->run(keeping, &random);
        pthread_mutex_lock(&keepers->lock);
        bool is_first = keepers->done.first == NULL;
        line_add(&keepers->done, keeping);
        if (is_first)
            keepers->wake(keepers->context);
    }
    pthread_mutex_unlock(&keepers->lock);
    return NULL;
}

static bool start(struct keepers *keepers, struct fault *fault)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    while (keepers->thread_count < KEEPERS &&
           pthread_create(&keepers->threads[keepers->thread_count], &attributes, keep, keepers) ==
               0)
        pthread_setname_np(keepers->threads[keepers->thread_count++], "keeper");
    pthread_attr_destroy(&attributes);
    return keepers->thread_count > 0 ||
           fault_set(fault, FAULT_SYSTEM, "the system gives no thread");
}

struct keepers *keepers_new(void (*wake)(void *context), void *context, struct fault *fault)
{
    struct keepers *keepers = memory_zeroed(sizeof(*keepers));
    pthread_mutex_init(&keepers->lock, NULL);
    pthread_cond_init(&keepers->is_there, NULL);
    keepers->waiting.last = &keepers->waiting.first;
    keepers->done.last = &keepers->done.first;
    keepers->wake = wake;
    keepers->context = context;
    if (start(keepers, fault))
        return keepers;
    keepers_free(keepers);
    return NULL;
}

void keepers_put(struct keepers *keepers, struct keeping *keeping)
{
    pthread_mutex_lock(&keepers->lock);
    line_add(&keepers->waiting, keeping);
    pthread_cond_signal(&keepers->is_there);
    pthread_mutex_unlock(&keepers->lock);
}

struct keeping *keepers_take(struct keepers *keepers)
{
    pthread_mutex_lock(&keepers->lock);
    struct keeping *keeping = line_take(&keepers->done);
    pthread_mutex_unlock(&keepers->lock);
    return keeping;
}

static void drop_all(struct line *line)
{
    for (struct keeping *keeping; (keeping = line_take(line)) != NULL;)
        keeping->drop(keeping);
}

void keepers_free(struct keepers *keepers)
{
    if (keepers == NULL)
        return;
    pthread_mutex_lock(&keepers->lock);
    keepers->is_over = true;
    pthread_cond_broadcast(&keepers->is_there);
    pthread_mutex_unlock(&keepers->lock);
    for (size_t i = 0; i < keepers->thread_count; i++)
        pthread_join(keepers->threads[i], NULL);
    drop_all(&keepers->waiting);
    drop_all(&keepers->done);
    pthread_cond_destroy(&keepers->is_there);
    pthread_mutex_destroy(&keepers->lock);
    free(keepers);
}
