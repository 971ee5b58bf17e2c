/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Engines around engines, for tests: one that a store does not close, so that what is in memory
 * outlives a crash as a disk does, and that can be told to fail its n-th operation.
 *
 * Owns:     the engine inside.
 * Threads:  one; only one of them can fail at a time.
 * Time:     none.
 * Fails:    when told to, with FAULT_TRANSIENT.
 */
#pragma once

#include "store/engine.h"

struct engine *engine_kept(struct engine *inside);
void engine_kept_close(struct engine *kept); /* really */

/* The n-th operation from now fails (1 is the next one); 0: none does. */
void engine_kept_fail(struct engine *kept, uint64_t nth);
bool engine_kept_has_failed(const struct engine *kept); /* since it was told to */

/* Everything in it as text: the same text, the same database. */
str engine_dump(struct engine *engine, struct arena *arena);
