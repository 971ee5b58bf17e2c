/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keepers: threads that put onto the disk what came from the outside. Each file is synced, which
 * takes the disk a while, and so does its folder; meanwhile others are kept and the runner goes on.
 *
 * Owns:     what was put, until it is taken; what was not taken is dropped at keepers_free.
 * Threads:  put and take are one thread's; run is a keeper's.
 * Time:     none.
 * Fails:    keepers_new by fault when the system gives no thread; then never.
 */
#pragma once

#include "base/fault.h"
#include "base/random.h"

#define KEEPERS 8 /* they wait for the disk: more than there are cores */

struct keepers;

struct keeping {
    void (*run)(struct keeping *keeping, struct random *random); /* on a keeper */
    void (*drop)(struct keeping *keeping);                       /* frees it */
    struct keeping *next;
};

/* wake(context) is called by a keeper when something can be taken. */
struct keepers *keepers_new(void (*wake)(void *context), void *context, struct fault *fault)
    MUST_CHECK;
void keepers_put(struct keepers *keepers, struct keeping *keeping);
struct keeping *keepers_take(struct keepers *keepers); /* one that was run; NULL: none */
void keepers_free(struct keepers *keepers); /* waits for those at work; NULL is accepted */
