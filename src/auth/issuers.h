/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of outside issuers: fetched by OIDC discovery or from a JWKS URL (http, https, data:),
 * handed to the verifier, fetched again each hour and, at most once a minute, when a token names an
 * unknown key. When the issuer is down the last good keys stay, also over a restart: they are kept
 * in <data>/keys/jwks-cache (AUTH-11). Rows marked is_ours are left alone.
 *
 * Owns:     its requests and a queue; borrows verifier and outside, which must outlive it.
 * Threads:  one driver calls issuers_step when issuers_fd is readable or the time it gave has come.
 * Time:     given: any clock that does not go back.
 * Fails:    in the log, and by the verifier's KEYS_NOT_YET; it goes on trying (1 s … 60 s).
 */
#pragma once

#include "auth/verify.h"
#include "net/outside.h"

#define ISSUER_REFRESH HOURS(1)
#define ISSUER_UNKNOWN_KEY MINUTES(1)

struct issuers;

/* cache_dir is made when it is missing; NULL keeps nothing. Reads data: URLs and the cache. */
struct issuers *issuers_new(struct verifier *verifier, struct outside *outside,
                            const char *cache_dir, struct fault *fault);
void issuers_free(struct issuers *issuers);

int issuers_fd(const struct issuers *issuers);

/* Does what is due and answers when to come again. Never blocks. */
instant issuers_step(struct issuers *issuers, instant now);
