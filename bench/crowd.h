/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A crowd: very many sync sessions that hold live queries and say nothing more, and how long it
 * takes until all that must hear of a change have heard. Beside it a raw broadcast of the same
 * bytes: a process that does nothing but write them to as many connections.
 *
 *   crowd_open ── crowd_grow ── (a commit) ── crowd_hear ── crowd_close
 *
 * Owns:     its connections; broadcast_stop ends the process.
 * Threads:  one.
 * Time:     the system's.
 * Fails:    by fault: silence, an early end, or anything but a transition.
 */
#pragma once

#include "load.h"

#define CROWD_MAX 50000

struct crowd;

/* hello adds the frames that session i says after Connect. NULL: raw connections, where whatever
 * comes is counted. */
struct crowd *crowd_open(uint16_t port, void (*hello)(void *context, size_t i, struct buffer *to),
                         void *context);
/* Connects until there are `count`, each with its first results. */
bool crowd_grow(struct crowd *crowd, size_t count, struct fault *fault) MUST_CHECK;
/* Until `wanted` sessions have been told of a query. */
bool crowd_hear(struct crowd *crowd, size_t wanted, struct fault *fault) MUST_CHECK;
str crowd_heard(const struct crowd *crowd); /* the last frame that told something */
void crowd_close(struct crowd *crowd);

/* What the frame at the front says; *whole is its length, 0 when it is not all there. */
str crowd_frame(str text, size_t *whole);

struct broadcast {
    pid_t sender, hearer;
    uint16_t port;
    int orders, news;
};

/* A process that writes to `count` connections, and another that reads them. */
bool broadcast_start(size_t count, struct broadcast *out, struct fault *fault) MUST_CHECK;
/* Has the process write this to all its connections; returns at once. */
bool broadcast_send(struct broadcast *broadcast, str text, struct fault *fault) MUST_CHECK;
bool broadcast_heard(struct broadcast *broadcast, struct fault *fault) MUST_CHECK; /* by all */
void broadcast_stop(struct broadcast *broadcast);
