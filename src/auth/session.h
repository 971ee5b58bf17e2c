/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Session tokens: what the cookie holds is 192 random bits; what is stored is only the SHA-256 of
 * them, so that a stolen database opens no session. The documents are studio's.
 *
 * Owns:     nothing; results are in the arena.
 * Threads:  any.
 * Time:     none.
 * Fails:    session_token_hash answers the empty str for what cannot be a token.
 */
#pragma once

#include "base/random.h"
#include "base/str.h"

#define SESSION_TOKEN_LEN 32 /* base64url of 24 bytes */
#define SESSION_HASH_LEN 64  /* hex of SHA-256 */

/* The secret for the cookie. */
str session_token_make(struct arena *arena, struct random *random);

/* The text to store and to look up by. */
str session_token_hash(struct arena *arena, str token);
