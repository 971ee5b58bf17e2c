/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is calling: one code path from any token to an identity. An issuer is a row; ours is one
 * more, whose keys are given. Keys come and go by verifier_set_keys (auth/issuers.h fetches them).
 * Recently verified tokens are remembered by their SHA-256, so a hot one costs a hash.
 *
 * Owns:     copies of the issuer rows, references to key sets. Identities (call/identity.h) are
 *           counted.
 * Threads:  any; short locks inside, none held while a signature is checked.
 * Time:     given: the wall clock.
 * Fails:    by struct auth_failure, with a code and a text as Convex gives them.
 */
#pragma once

#include "auth/keys.h"
#include "call/identity.h"

#define TOKEN_TEXT_MAX KIB(16)
#define TOKEN_LEEWAY SECONDS(5) /* for exp and nbf */
#define ISSUERS_MAX 20

enum issuer_kind {
    ISSUER_NONE,
    ISSUER_OIDC,   /* RS256 and EdDSA; one audience, and it must be ours */
    ISSUER_CUSTOM, /* "customJwt": the configured algorithm only */
    ISSUER_POSTS,  /* its keys sign postings: no token is ever of it. Fetched when first wanted */
};

struct issuer {
    enum issuer_kind kind;
    enum token_algorithm algorithm; /* custom only */
    str issuer;                     /* as configured: "https://x", "x", "https://x/" are the same */
    str application_id; /* in aud; required for OIDC, empty is "do not look" for custom */
    str jwks; /* an http(s) or data: URL; empty for OIDC: by discovery. Not looked at here */
    bool allow_private; /* its URLs may lead to private addresses; not looked at here */
    bool is_ours;       /* keys are given, never fetched */
};

/* Nothing but what the program itself says: for tests, the command line and admin calls. */
struct identity *identity_make(str issuer, str subject, str email, str name, instant expires_at);

enum auth_failure_kind {
    AUTH_FAILURE_NONE,
    AUTH_BAD,          /* malformed, forged, not for us */
    AUTH_EXPIRED,      /* was good */
    AUTH_NO_PROVIDER,  /* no issuer row fits */
    AUTH_KEYS_NOT_YET, /* keys are being fetched or the issuer is unreachable: transient */
};

struct auth_failure {
    enum auth_failure_kind kind;
    const char *code; /* "InvalidAuthHeader", "NoAuthProvider", "AuthProviderUnavailable" */
    char text[FAULT_TEXT_MAX];
};

struct verifier;

/* Asked when a token needs keys that row does not have; from any thread, must not block. True when
 * they are being fetched (the token fails with KEYS_NOT_YET), false when that was tried lately. */
typedef bool verifier_wants_keys(void *context, size_t issuer_row);

struct verifier *verifier_new(const struct issuer *issuers, size_t count, struct fault *fault);
void verifier_free(struct verifier *verifier);
void verifier_on_missing_keys(struct verifier *verifier, verifier_wants_keys *ask, void *context);

/* Takes the reference; NULL: the row has no keys. Tokens remembered from that row are forgotten. */
void verifier_set_keys(struct verifier *verifier, size_t issuer_row, struct key_set *keys);
const struct issuer *verifier_issuers(const struct verifier *verifier, size_t *count);

/* The Ed25519 keys of an ISSUER_POSTS, as key_set_write_ed25519 has them; empty: none are here. */
str verifier_posting_keys(struct verifier *verifier, struct arena *arena, str issuer);
/* Those did not fit: asks for newer ones. True when they are coming. */
bool verifier_wants_posting_keys(struct verifier *verifier, str issuer);

/* The caller's reference, or NULL with a failure. token is the bare JWT. */
struct identity *verifier_check(struct verifier *verifier, str token, instant now,
                                struct auth_failure *failure);
