/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tokens that clients of fuzz_sync.c say, and who verifies them: 0 and 1 are Alice's (the
 * second for 90 s), 2 is Bob's; of the rest none is good.
 *
 * Owns:     the caller frees the verifier; texts are the arena's.
 * Threads:  one.
 * Time:     given.
 * Fails:    never.
 */
#pragma once

#include "auth/verify.h"

#define SYNC_TOKENS 10

struct verifier *sync_tokens_make(struct arena *always, instant now, str tokens[SYNC_TOKENS]);
