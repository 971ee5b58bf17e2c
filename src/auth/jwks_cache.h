/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the JWKS documents of outside issuers come from besides the network: data: URLs, and the
 * files in which the last good ones survive a restart, one an issuer, named by a hash of its row.
 *
 * Owns:     results are in the arena.
 * Threads:  the one of issuers_step. Small files; written beside and renamed.
 * Time:     none.
 * Fails:    by fault, or false when there is nothing.
 */
#pragma once

#include "auth/verify.h"

bool data_url_read(struct arena *arena, str url, str *out) MUST_CHECK;

bool jwks_cache_open(const char *dir, struct fault *fault) MUST_CHECK;
bool jwks_cache_read(struct arena *arena, const char *dir, const struct issuer *row, str *out,
                     struct fault *fault) MUST_CHECK;
bool jwks_cache_write(const char *dir, const struct issuer *row, str jwks, struct fault *fault)
    MUST_CHECK;
