/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server whose accounts a crowd holds live queries of, and one caller whose transfers touch
 * them.
 *
 *   holders_open ── holders_commit … ── holders_close
 *
 * Owns:     the server, its data, the crowd; not to be moved while open.
 * Threads:  one.
 * Time:     the system's.
 * Fails:    by fault; holders_close suits what is half open.
 */
#pragma once

#include "crowd.h"

struct holders {
    struct program server;
    struct crowd *crowd;
    struct load *load;
    unsigned from, to;           /* of the next transfer */
    size_t queries, per_session; /* different ones in all; of each session */
    char data[500];
};

/* `queries` accounts shared out among the sessions; with one, all hold that. `accounts` there are
 * in all. */
bool holders_open(const struct bench *bench, const char *folder, int accounts, size_t sessions,
                  size_t queries, struct holders *holders, struct fault *fault) MUST_CHECK;
/* One durable transfer; *us from sending it until `wanted` sessions have heard, or until the caller
 * has when none is wanted. A fault when nothing was synced meanwhile. */
bool holders_commit(struct holders *holders, unsigned from, unsigned to, size_t wanted, double *us,
                    struct fault *fault) MUST_CHECK;
double holders_evaluations(const struct holders *holders); /* of live queries, so far */
void holders_close(struct holders *holders);
