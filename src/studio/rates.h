/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rates: how often a user may ask, by plan (RATE-01 … RATE-05). A sliding window: what was counted
 * in the window before weighs as much as of it is still in the last period. Counters are rows, so
 * they hold over a restart, and a request that fails otherwise does not count.
 *
 * Owns:     rows in the call's change.
 * Threads:  the call's.
 * Time:     call->now.
 * Fails:    RATE_LIMIT, telling the period, the limit and when to come again.
 */
#pragma once

#include "call/call.h"
#include "studio/config.h"

/* Counts one request of this kind, or fails the call. */
void rates_take(struct call *call, doc_id user, const struct plan_config *plan,
                enum media_kind kind);

extern const struct doc_type rate_type;
