/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often may this key try: a sliding window per key (an address, an account) in memory. The
 * table is bounded; when it is crowded the key that tried least gives way. It forgets at restart.
 * The window slides by two buckets: the last whole one counts by the part of it still inside.
 *
 * Owns:     its table.
 * Threads:  any.
 * Time:     given; a clock that goes back only shortens nothing and forgives nothing.
 * Fails:    attempts_take answers false: too many, try again after *wait.
 */
#pragma once

#include "base/str.h"

struct attempts;

struct attempts_options {
    uint32_t limit; /* per key and window */
    span window;
    size_t keys_max; /* rounded up to a power of two; 0 means 16,384 (32 bytes each) */
};

struct attempts *attempts_new(const struct attempts_options *options);
void attempts_free(struct attempts *attempts);

/* Counts one try, if it is allowed. A refused one is not counted. */
bool attempts_take(struct attempts *attempts, str key, instant now, span *wait) MUST_CHECK;

/* After a success: the key's tries no longer count. */
void attempts_forget(struct attempts *attempts, str key);

/* The key for a peer: its address, for IPv6 the /64 (one household has as many as it likes). */
str attempts_address(struct arena *arena, str peer);
