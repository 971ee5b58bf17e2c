/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys and tokens made with OpenSSL alone, none of the program's own code but its encodings: what
 * the verifier accepts here, another implementation wrote.
 *
 * Owns:     made_key is freed by made_key_free; texts are in the arena.
 * Threads:  one.
 * Time:     none.
 * Fails:    by assert: it is only for tests.
 */
#pragma once

#include "auth/keys.h"
#include "base/arena.h"

struct made_key {
    enum token_algorithm algorithm;
    const char *kid;
    struct evp_pkey_st *pair;
};

struct made_key made_key_new(enum token_algorithm algorithm, const char *kid);
void made_key_free(struct made_key *key);

/* A JWKS document of these keys. */
str made_jwks(struct arena *arena, const struct made_key *keys, size_t count);

/* head and payload are JSON texts; signed with the key's own algorithm. */
str made_token_of(struct arena *arena, const struct made_key *key, str head, str payload);

/* The same with the usual head. */
str made_token(struct arena *arena, const struct made_key *key, str payload);

/* "none": no signature. HS256: the secret is the text given. */
str made_unsigned(struct arena *arena, str payload);
str made_hs256(struct arena *arena, str kid, str secret, str payload);
