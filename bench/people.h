/* SPDX-License-Identifier: Apache-2.0 */
/*
 * People whom a server under measurement takes for signed in: tokens signed with its own key.
 *
 * Owns:     the key; tokens are in the caller's arena.
 * Threads:  one.
 * Time:     the system's; a token is good for 50 minutes.
 * Fails:    by fault.
 */
#pragma once

#include "program.h"

#include "auth/token.h"

struct people {
    struct signer *signer;
    struct arena arena;
    str issuer;
};

/* data: the server's folder. */
bool people_open(const struct program *server, const char *data, struct people *out,
                 struct fault *fault) MUST_CHECK;
str people_token(const struct people *people, struct arena *arena, size_t i);
void people_close(struct people *people); /* does no harm twice */
