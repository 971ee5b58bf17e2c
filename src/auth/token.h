/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens of our own: EdDSA JWTs signed by an Ed25519 key in <data>/keys. The first key is
 * token.key, made at the first start; token_key_rotate adds token-2.key and so on. All of them are
 * published and accepted, the highest number signs. Removing a file ends its tokens at next start.
 *
 * Owns:     its keys.
 * Threads:  any once opened: a signer does not change.
 * Time:     given in the claims.
 * Fails:    signer_open by fault (unreadable, damaged, or open to others: mode must be 0600).
 */
#pragma once

#include "auth/keys.h"
#include "base/arena.h"

#define TOKEN_AUDIENCE "convex"

struct signer;

struct token_claims {
    str issuer; /* server.public_url, literally */
    str subject;
    str email, name; /* left out when empty */
    instant issued_at, expires_at;
};

/* keys_dir is made (0700) when it is missing, as is the first key. Safe beside another process. */
struct signer *signer_open(const char *keys_dir, struct fault *fault);
void signer_close(struct signer *signer);
bool token_key_rotate(const char *keys_dir, struct fault *fault) MUST_CHECK;

/* The JWT. */
str token_sign(const struct signer *signer, struct arena *arena, const struct token_claims *claims);

/* Our JWKS document, and its keys for the verifier (the caller's reference). */
str signer_jwks(const struct signer *signer);
struct key_set *signer_key_set(const struct signer *signer);

/* The document at /.well-known/openid-configuration. */
str openid_configuration(struct arena *arena, str public_url);
