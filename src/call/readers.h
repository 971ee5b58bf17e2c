/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readers: threads that evaluate what reads too much for the loop to stand still meanwhile. A
 * reading goes there, is run once on one of them, and comes back to the loop to be answered.
 * Readings of live queries and of requests take turns, so that neither waits for all of the other.
 *
 * Owns:     readings from readers_put until done() gets them; those not run at readers_free are
 *           freed there.
 * Threads:  readers_put, readers_deliver and readers_free are the loop's.
 * Time:     the wall clock is given by the options, once a reading.
 * Fails:    readers_put when too many requests wait. A reading's own failure is its reply's.
 */
#pragma once

#include "base/queue.h"
#include "call/execute.h"

#define READERS_WAITING_MAX 256

struct readers;

struct reading {
    struct arena arena; /* of what it asks and answers */
    const struct identity *identity;
    struct view view; /* lent with a snapshot, or begun by who runs it; ended on the reader */
    void (*run)(struct reading *reading, instant now);  /* on a reader */
    void (*done)(void *owner, struct reading *reading); /* on the loop; frees it */
    void (*drop)(struct reading *reading);              /* or NULL: never run */
    void *owner;
    void *work; /* what run knows about */
    struct reading *next;
};

struct reading *reading_new(void);
void reading_free(struct reading *reading); /* NULL is accepted */

struct readers_options {
    size_t count;           /* of threads; 0: whoever owns it calls readers_step */
    int niceness;           /* of the threads: the writer and the loop go first */
    instant (*clock)(void); /* wall */
};

/* NULL when the system gives no thread or descriptor. */
struct readers *readers_new(const struct readers_options *options, struct fault *fault) MUST_CHECK;
void readers_free(struct readers *readers); /* waits for those under way; NULL is accepted */

/* A live reading is always taken: whoever puts it has only one out. */
bool readers_put(struct readers *readers, struct reading *reading, bool is_live) MUST_CHECK;

/* Readable when something is to be delivered. */
int readers_fd(const struct readers *readers);
void readers_deliver(struct readers *readers);

/* Runs one reading in the caller's thread; false when none waits. For readers without threads. */
bool readers_step(struct readers *readers);

size_t readers_waiting(struct readers *readers);
size_t readers_count(const struct readers *readers); /* threads; at least 1 */
