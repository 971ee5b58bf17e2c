/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token's claims as getUserIdentity() shows them: OIDC's standard claims get their Convex names,
 * a custom JWT's stay as they are with nested objects flattened to dotted keys. What changes with
 * each refresh (iat, exp, nbf, jti, fva) is left out, so that a refreshed token is the same
 * identity and re-runs no query.
 *
 * Owns:     results are in the arena.
 * Threads:  any.
 * Time:     none.
 * Fails:    never; a claim that is no Convex value is left out.
 */
#pragma once

#include "auth/verify.h"
#include "json/json.h"

#define CLAIMS_MAX 1000 /* members; a Convex object takes 1024 */

/* What was read of a verified token. */
struct claims {
    enum issuer_kind kind;
    const struct json *payload; /* the token's, or NULL */
    str issuer, subject, email, name;
    instant issued_at, expires_at;
    size_t issuer_row;
    bool is_ours;
};

/* Canonical JSON object with issuer, subject, tokenIdentifier and the claims. */
str claims_write(struct arena *arena, const struct claims *claims, str token_identifier);

/* With one reference. */
struct identity *identity_new(const struct claims *claims);
