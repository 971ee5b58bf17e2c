/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a verified token says is calling. Made by auth/verify, carried by sockets, requests and
 * calls; counted, because they outlive one another in any order.
 *
 * Owns:     its texts, in one piece of memory with it, freed by the last identity_drop.
 * Threads:  any; immutable.
 * Time:     expires_at is the token's; who uses an identity compares it with their own now.
 * Fails:    never.
 */
#pragma once

#include "base/hash.h"

#include <stdatomic.h>

struct identity {
    atomic_uint count;
    str issuer, subject;      /* literally as in the token */
    str token_identifier;     /* issuer|subject */
    str claims;               /* JSON object: what getUserIdentity() answers */
    str email, name, picture; /* of the claims; empty when absent */
    bool email_is_verified;
    size_t issuer_row; /* index of the verifier's row that accepted it */
    bool is_ours;
    instant issued_at; /* 0 when the token does not say */
    instant expires_at;
    struct hash128 hash; /* of issuer, subject and claims; the same after a refresh */
};

struct identity *identity_keep(const struct identity *identity); /* NULL is accepted */
void identity_drop(const struct identity *identity);             /* NULL is accepted */

/* True for two anonymous callers too. */
bool identity_is_same(const struct identity *a, const struct identity *b);
