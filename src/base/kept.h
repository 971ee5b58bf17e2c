/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values that many threads use and few make: each is found by a pair of numbers and dropped once
 * nobody has asked for it for some time. Who was given one may use it that long without holding
 * anything.
 *
 * Owns:     the values put, until it drops them.
 * Threads:  any.
 * Time:     by the clock given: clock_monotonic, but in tests.
 * Fails:    never.
 */
#pragma once

#include "base/base.h"

struct kept;

/* For that long after the last use, by the clock; drop frees a value, under the lock. */
struct kept *kept_new(span age, instant (*clock)(void), void (*drop)(void *value));
void kept_free(struct kept *kept); /* with all values; NULL is accepted */

/* Drops what is too old. Two of one pair may be put; either is found. */
void kept_put(struct kept *kept, int64_t first, int64_t second, void *value);

/* NULL: none. Both count as a use. */
void *kept_find(struct kept *kept, int64_t first, int64_t second);
void *kept_newest(struct kept *kept);
