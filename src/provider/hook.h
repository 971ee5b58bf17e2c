/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a posting is from whom it says. The scheme of Standard Webhooks, which Svix and with it
 * Clerk and Replicate use:
 *
 *   webhook-id: msg_1   webhook-timestamp: 1700000000   webhook-signature: v1,<base64> v1,<base64>
 *   each is HMAC-SHA256 of "<id>.<timestamp>.<body>" under the key whose base64 follows "whsec_"
 *
 * Svix calls the headers svix-… too. Several signatures: the sender is changing its key.
 *
 * Owns:     nothing.
 * Threads:  any.
 * Time:     hook->now, against the sender's stamp: five minutes either way.
 * Fails:    false.
 */
#pragma once

#include "provider/provider.h"

#define HOOK_TOLERANCE MINUTES(5)
#define HOOK_SIGNATURES_MAX 16

/* Empty when it is not there. */
str hook_header(const struct provider_hook *hook, str name);

/* Of the scheme's posting, by either name; the same however often it is posted. */
str hook_id(const struct provider_hook *hook);

/* A moment in seconds since the epoch, near enough to now. */
bool hook_is_fresh(const struct provider_hook *hook, str seconds);

/* Signed under the secret, by the headers of either name. */
bool hook_is_signed(struct arena *arena, str secret, const struct provider_hook *hook);

/* The same, by the key itself. */
bool hook_is_signed_with(struct arena *arena, bytes key, const struct provider_hook *hook);
