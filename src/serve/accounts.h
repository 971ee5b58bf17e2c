/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accounts of our own by HTTP: sign up, sign in, sign out, a token for the session in the cookie,
 * and the documents by which others verify our tokens (AUTH-01, AUTH-06, AUTH-08).
 *
 * Owns:     nothing past the answer.
 * Threads:  the loop's; passwords are hashed elsewhere and come back by a queue.
 * Time:     the wall clock.
 * Fails:    {code, message, field?}. Sign-in never says whether an address has an account.
 */
#pragma once

#include "serve/functions.h"

FUNCTIONS_HANDLER(accounts_sign_up);
FUNCTIONS_HANDLER(accounts_sign_in);
FUNCTIONS_HANDLER(accounts_sign_out);
FUNCTIONS_HANDLER(accounts_token);
FUNCTIONS_HANDLER(accounts_openid);
FUNCTIONS_HANDLER(accounts_jwks);

/* Passwords have been hashed; for loop_watch, context is the front. */
void accounts_on_hashed(void *context, uint32_t events);
