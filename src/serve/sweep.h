/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sweep: removes blobs that no row names, on a thread of its own at the lowest priority. They
 * come from crashes between a file and its row, from restored backups, and from removals that a
 * backup held up. Once at start, when everything older than the process is either named or lost,
 * then each hour, what is older than an hour.
 *
 * Owns:     its thread.
 * Threads:  started and stopped by one; the pass on the sweep's own.
 * Time:     the system's. When the wall clock jumps during a pass, the pass ends: ages are not
 *           to be trusted then, and a file just written must never look old.
 * Fails:    what cannot be looked up stays; a pass that fails is logged, and tried an hour later.
 */
#pragma once

#include "blob/blob.h"
#include "store/store.h"

#include <stdatomic.h>

#define SWEEP_PAUSE HOURS(1)
#define SWEEP_GRACE HOURS(1)

/* A blob's time is the kernel's tick, a little behind the clock. */
#define SWEEP_MARGIN SECONDS(2)

struct sweep;

/* NULL when the system gives no thread. The store has the studio's schema. */
struct sweep *sweep_start(struct store *store, struct blobs *blobs);
void sweep_stop(struct sweep *sweep); /* waits for it; NULL is accepted */

/* One pass over blobs last written before a time. is_over may be NULL; true ends it early. */
bool sweep_pass(struct store *store, struct blobs *blobs, instant before,
                const atomic_bool *is_over, size_t *removed, struct fault *fault) MUST_CHECK;
