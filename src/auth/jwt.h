/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JWT taken apart and its rules (convex-protocol.md section 13), without keys. Nothing a token
 * says is believed before verify.c has checked the signature.
 *
 * Owns:     its arena, which the caller frees by arena_done; texts may borrow from the token.
 * Threads:  one at a time.
 * Time:     given to jwt_is_in_time.
 * Fails:    by struct auth_failure.
 */
#pragma once

#include "auth/verify.h"
#include "json/json.h"

struct jwt {
    struct arena arena;
    str signed_part; /* head.payload, as it came */
    struct json head, payload;
    bytes signature;
    enum token_algorithm algorithm;
    str issuer, subject;
    instant issued_at, expires_at, not_before; /* not_before 0: at once */
};

/* Fills the failure and returns false. */
bool auth_fail(struct auth_failure *failure, enum auth_failure_kind kind, const char *code,
               const char *format, ...) PRINTF_LIKE(4, 5);

/* Into a zeroed jwt; its arena needs freeing also after a failure. */
bool jwt_read(struct jwt *jwt, str token, struct auth_failure *failure) MUST_CHECK;

bool jwt_is_for(const struct jwt *jwt, str application_id);

/* Are algorithm and audiences what this row takes? */
bool jwt_fits(const struct jwt *jwt, const struct issuer *row, struct auth_failure *failure)
    MUST_CHECK;
bool jwt_is_in_time(const struct jwt *jwt, instant now, struct auth_failure *failure) MUST_CHECK;
bool token_has_not_expired(instant expires_at, instant now, struct auth_failure *failure)
    MUST_CHECK;

/* With a scheme (https:// when it has none) and without trailing slashes. */
str issuer_plain(struct arena *arena, str issuer);
