/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of public keys, as in a JWKS document: RSA for RS256, P-256 for ES256, Ed25519 for EdDSA.
 * A set is immutable and counted, so threads share it. The algorithm comes from the key.
 *
 * Owns:     its keys; freed by the last key_set_drop.
 * Threads:  any.
 * Time:     none.
 * Fails:    key_set_read by fault. Keys of other kinds and broken keys in a good document are left
 *           out; a document without any usable key is refused.
 */
#pragma once

#include "base/arena.h"
#include "base/fault.h"
#include "base/str.h"

#define KEY_SET_MAX 64            /* keys */
#define KEY_SET_TEXT_MAX KIB(256) /* of a JWKS document */
#define KEY_RSA_MIN 2048          /* bits */
#define KEY_RSA_MAX 8192

enum token_algorithm {
    ALGORITHM_NONE,
    ALGORITHM_RS256,
    ALGORITHM_ES256,
    ALGORITHM_EDDSA,
};

/* "RS256" and so on; ALGORITHM_NONE for anything else, "none" and "HS256" among it. */
enum token_algorithm algorithm_of(str name);
str algorithm_name(enum token_algorithm algorithm);

struct key_set;
struct evp_pkey_st; /* OpenSSL's EVP_PKEY */

struct public_key {
    str kid; /* empty when the document gives none */
    enum token_algorithm algorithm;
    struct evp_pkey_st *public_key;
};

struct key_set *key_set_read(str jwks, struct fault *fault);
struct key_set *key_set_keep(struct key_set *set);
void key_set_drop(struct key_set *set); /* NULL is accepted */

/*
 * The key for a token: by kid when the token names one; without a kid only when exactly one key
 * has the algorithm. NULL when there is none.
 */
const struct public_key *key_set_find(const struct key_set *set, str kid,
                                      enum token_algorithm algorithm);

/* Those of Ed25519 as base64url of their bytes, with blanks between: for signatures over other
 * texts than tokens. */
str key_set_write_ed25519(struct arena *arena, const struct key_set *set);

/* Is the signature right? Whole texts; ES256 signatures are 64 bytes r||s. */
bool key_verifies(const struct public_key *key, bytes message, bytes signature);
