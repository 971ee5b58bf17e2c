/* SPDX-License-Identifier: Apache-2.0 */
#include "threads.h"

#include "call/readers.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

#define READERS 2
#define WAIT_MS 5

struct threads {
    struct oracle *oracle;
    pthread_t writer;
    atomic_bool is_over;
    instant writer_now;
    struct readers *readers;
};

/* The oracle's time, for readers. */
static _Atomic int64_t reader_time;

static instant reader_clock(void)
{
    return (instant){atomic_load(&reader_time)};
}

static void wait_for(int fd)
{
    struct pollfd wanted = {.fd = fd, .events = POLLIN};
    poll(&wanted, 1, WAIT_MS);
}

static void *write_on(void *context)
{
    struct threads *threads = context;
    struct oracle *oracle = threads->oracle;
    while (!atomic_load(&threads->is_over)) {
        wait_for(writer_fd(oracle->writer));
        while (writer_step(oracle->writer, threads->writer_now))
            threads->writer_now.us += 700;
    }
    return NULL;
}

struct threads *threads_start(struct oracle *oracle)
{
    struct fault fault;
    struct threads *threads = memory_zeroed(sizeof(*threads));
    threads->oracle = oracle;
    threads->writer_now = oracle->now;
    atomic_store(&reader_time, oracle->now.us);
    threads->readers =
        readers_new(&(struct readers_options){.count = READERS, .clock = reader_clock}, &fault);
    if (threads->readers == NULL ||
        pthread_create(&threads->writer, NULL, write_on, threads) != 0) {
        readers_free(threads->readers);
        free(threads);
        return NULL;
    }
    return threads;
}

void threads_stop(struct threads *threads)
{
    if (threads == NULL)
        return;
    atomic_store(&threads->is_over, true);
    pthread_join(threads->writer, NULL);
    readers_free(threads->readers);
    free(threads);
}

void threads_wait(struct threads *threads)
{
    void *none;
    wait_for(queue_fd(threads->oracle->wake));
    queue_take(threads->oracle->wake, &none, 0); /* clears the signal */
}

static void run_job(struct reading *reading, instant now)
{
    struct oracle *oracle = reading->owner;
    oracle->job.now = now;
    live_job_run(reading->work, &reading->view, now);
}

static void on_job_done(void *owner, struct reading *reading)
{
    job_settle(owner);
    reading_free(reading);
}

static void drop_job(struct reading *reading)
{
    struct oracle *oracle = reading->owner;
    live_job_drop(reading->work);
    oracle->job.job = NULL;
}

void threads_send_job(struct oracle *oracle, struct view *view)
{
    struct reading *reading = reading_new();
    view_renew(view, &reading->arena);
    reading->view = *view;
    reading->run = run_job;
    reading->done = on_job_done;
    reading->drop = drop_job;
    reading->owner = oracle;
    reading->work = oracle->job.job;
    bool is_taken = readers_put(oracle->threads->readers, reading, true);
    assert(is_taken);
}

void threads_deliver(struct oracle *oracle)
{
    atomic_store(&reader_time, oracle->now.us);
    readers_deliver(oracle->threads->readers);
}
