/* SPDX-License-Identifier: Apache-2.0 */
#include "call/readers.h"

#include "base/thread.h"

#include <sys/eventfd.h>
#include <sys/resource.h>

#define THREADS_MAX 64

struct line {
    struct reading *first, **end;
    size_t count;
};

struct readers {
    struct readers_options options;
    pthread_mutex_t lock;
    pthread_cond_t wanted;
    struct line live, requests; /* under the lock, as all up to is_over */
    struct line finished;
    bool was_live; /* the one taken last */
    bool is_over;
    int finished_fd;
    pthread_t threads[THREADS_MAX];
    size_t thread_count;
};

struct reading *reading_new(void)
{
    return memory_zeroed(sizeof(struct reading));
}

void reading_free(struct reading *reading)
{
    if (reading == NULL)
        return;
    view_end(&reading->view);
    identity_drop(reading->identity);
    arena_done(&reading->arena);
    free(reading);
}

/* ---- lines ---- */

static void line_init(struct line *line)
{
    *line = (struct line){.end = &line->first};
}

static void line_put(struct line *line, struct reading *reading)
{
    reading->next = NULL;
    *line->end = reading;
    line->end = &reading->next;
    line->count++;
}

static struct reading *line_take(struct line *line)
{
    struct reading *reading = line->first;
    if (reading == NULL)
        return NULL;
    line->first = reading->next;
    if (line->first == NULL)
        line->end = &line->first;
    line->count--;
    return reading;
}

static void line_drop(struct line *line)
{
    struct reading *reading;
    while ((reading = line_take(line)) != NULL) {
        if (reading->drop != NULL)
            reading->drop(reading);
        reading_free(reading);
    }
}

/* ---- the threads ---- */

static struct reading *take_turn(struct readers *readers)
{
    bool takes_live =
        readers->live.count > 0 && (!readers->was_live || readers->requests.count == 0);
    struct reading *reading = line_take(takes_live ? &readers->live : &readers->requests);
    if (reading != NULL)
        readers->was_live = takes_live;
    return reading;
}

static void run(struct readers *readers, struct reading *reading)
{
    uint64_t one = 1;
    reading->run(reading, readers->options.clock());
    view_end(&reading->view);
    pthread_mutex_lock(&readers->lock);
    line_put(&readers->finished, reading);
    pthread_mutex_unlock(&readers->lock);
    ssize_t written = write(readers->finished_fd, &one, sizeof(one));
    (void)written; /* a full counter is a signal too */
}

static void *run_thread(void *context)
{
    struct readers *readers = context;
    if (setpriority(PRIO_PROCESS, (id_t)gettid(), readers->options.niceness) != 0) {
        /* Then they are as important as the rest. */
    }
    for (;;) {
        struct reading *reading;
        pthread_mutex_lock(&readers->lock);
        while (!readers->is_over && readers->live.count + readers->requests.count == 0)
            pthread_cond_wait(&readers->wanted, &readers->lock);
        reading = readers->is_over ? NULL : take_turn(readers);
        pthread_mutex_unlock(&readers->lock);
        if (reading == NULL)
            return NULL;
        run(readers, reading);
    }
}

static bool start_threads(struct readers *readers, struct fault *fault)
{
    size_t count = MIN_OF(readers->options.count, (size_t)THREADS_MAX);
    for (size_t *i = &readers->thread_count; *i < count; ++*i)
        if (!thread_start(&readers->threads[*i], "reader", run_thread, readers, fault))
            return false;
    return true;
}

struct readers *readers_new(const struct readers_options *options, struct fault *fault)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) {
        fault_os(fault, "eventfd");
        return NULL;
    }
    struct readers *readers = memory_zeroed(sizeof(*readers));
    readers->options = *options;
    readers->finished_fd = fd;
    pthread_mutex_init(&readers->lock, NULL);
    pthread_cond_init(&readers->wanted, NULL);
    line_init(&readers->live);
    line_init(&readers->requests);
    line_init(&readers->finished);
    if (start_threads(readers, fault))
        return readers;
    readers_free(readers);
    return NULL;
}

void readers_free(struct readers *readers)
{
    if (readers == NULL)
        return;
    pthread_mutex_lock(&readers->lock);
    readers->is_over = true;
    pthread_cond_broadcast(&readers->wanted);
    pthread_mutex_unlock(&readers->lock);
    for (size_t i = 0; i < readers->thread_count; i++)
        pthread_join(readers->threads[i], NULL);
    line_drop(&readers->live);
    line_drop(&readers->requests);
    line_drop(&readers->finished);
    pthread_cond_destroy(&readers->wanted);
    pthread_mutex_destroy(&readers->lock);
    fd_close(&readers->finished_fd);
    free(readers);
}

/* ---- the loop's side ---- */

bool readers_put(struct readers *readers, struct reading *reading, bool is_live)
{
    pthread_mutex_lock(&readers->lock);
    bool fits = is_live || readers->requests.count < READERS_WAITING_MAX;
    if (fits) {
        line_put(is_live ? &readers->live : &readers->requests, reading);
        pthread_cond_signal(&readers->wanted);
    }
    pthread_mutex_unlock(&readers->lock);
    return fits;
}

int readers_fd(const struct readers *readers)
{
    return readers->finished_fd;
}

void readers_deliver(struct readers *readers)
{
    uint64_t count;
    ssize_t got = read(readers->finished_fd, &count, sizeof(count));
    (void)got; /* nothing to read is fine */
    for (;;) {
        pthread_mutex_lock(&readers->lock);
        struct reading *reading = line_take(&readers->finished);
        pthread_mutex_unlock(&readers->lock);
        if (reading == NULL)
            return;
        reading->done(reading->owner, reading);
    }
}

bool readers_step(struct readers *readers)
{
    pthread_mutex_lock(&readers->lock);
    struct reading *reading = take_turn(readers);
    pthread_mutex_unlock(&readers->lock);
    if (reading != NULL)
        run(readers, reading);
    return reading != NULL;
}

size_t readers_waiting(struct readers *readers)
{
    pthread_mutex_lock(&readers->lock);
    size_t count = readers->live.count + readers->requests.count;
    pthread_mutex_unlock(&readers->lock);
    return count;
}

size_t readers_count(const struct readers *readers)
{
    return MAX_OF(readers->thread_count, (size_t)1);
}
