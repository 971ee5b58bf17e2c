/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the loop has keepers do because it may wait for the disk or the network: reading a file
 * through, fetching one from a bucket. When it is done the loop goes on with it.
 *
 * Owns:     what was put, until it is done.
 * Threads:  put and done are the loop's; run is a keeper's.
 * Time:     none.
 * Fails:    chores_open by fault when the system gives no thread; then never.
 */
#pragma once

#include "net/loop.h"
#include "serve/keepers.h"

struct chores;

struct chore {
    struct keeping keeping;            /* of chores.c; first */
    void (*run)(struct chore *chore);  /* on a keeper; not at all when the server stops first */
    void (*done)(struct chore *chore); /* on the loop; not when the server stops first */
    void (*drop)(struct chore *chore); /* instead of done, when it stops */
};

bool chores_open(struct loop *loop, struct chores **out, struct fault *fault) MUST_CHECK;
void chores_put(struct chores *chores, struct chore *chore);

/* Waits for those at work, then drops all that are left. NULL is accepted. */
void chores_close(struct chores *chores);
