/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer: the one actor that changes the store. It takes what is queued, runs each mutation in
 * a change of its own, and commits them together; nobody is answered before the data is durable.
 *
 * Owns:     its queue; a mutation belongs to it from writer_put until the commit log hands it back.
 * Threads:  writer_put any; writer_step one.
 * Time:     given to the step; the clock for the batch's own time budget by options.
 * Fails:    into the mutations' replies; on_fatal when the disk can no longer be trusted.
 */
#pragma once

#include "call/mutation.h"

#define WRITER_BATCH_MAX 256
#define WRITER_BATCH_TIME MILLISECONDS(5)
#define WRITER_QUEUE_MAX 16384

struct writer;

struct writer_options {
    const struct program *program;
    struct store *store;
    struct commit_log *log;
    uint64_t seed;              /* of call->random; 0: from the system */
    instant (*monotonic)(void); /* ends a batch in time; NULL: batches end by count only */
    void (*on_fatal)(const struct fault *fault);
};

struct writer_counts {
    uint64_t batches;
    uint64_t commits; /* of batches that wrote something */
    uint64_t mutations, failed, replayed;
};

struct writer *writer_new(const struct writer_options *options, struct fault *fault);
void writer_free(struct writer *writer);

/* False when the queue is full: the caller answers OVERLOAD and keeps the mutation. */
bool writer_put(struct writer *writer, struct mutation *mutation) MUST_CHECK;
int writer_fd(const struct writer *writer);

/* Runs one batch of what is queued; false when there was nothing. */
bool writer_step(struct writer *writer, instant now);

struct writer_counts writer_counts(const struct writer *writer); /* any thread */
