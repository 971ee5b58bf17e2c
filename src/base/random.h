/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random bytes, given rather than taken: a generator is seeded by the system in the product and by
 * a number in tests and in the simulator.
 *
 * Owns:     its state, inline.
 * Threads:  one at a time.
 * Time:     none.
 * Fails:    random_init stops the program when the system gives no randomness.
 */
#pragma once

#include "base/base.h"

/* ChaCha20 (libsodium) over a 32-byte key and a counter. */
struct random {
    uint8_t key[32];
    uint64_t counter;
};

void random_init(struct random *random);                       /* from the system */
void random_init_seeded(struct random *random, uint64_t seed); /* the same seed, the same bytes */

void random_fill(struct random *random, void *to, size_t size);
uint64_t random_u64(struct random *random);
uint64_t random_below(struct random *random, uint64_t bound); /* bound > 0; no bias */

/* 16 random bytes as 32 lower-case hex digits and a zero: a capability. */
void random_token(struct random *random, char out[33]);
