/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rates: how often a user may ask or upload, by plan (RATE-01 … RATE-05, CRON-05). A sliding
 * window: what was counted in the window before weighs as much as of it is still in the last
 * period. Counters are rows, so they hold over a restart, and a request that fails otherwise does
 * not count.
 *
 * Owns:     rows in the call's change.
 * Threads:  the call's.
 * Time:     call->now.
 * Fails:    RATE_LIMIT, telling the period, the limit and when to come again.
 */
#pragma once

#include "call/call.h"
#include "studio/config.h"

/* Counts one request of this kind, or fails the call. A plan that says nothing of uploads lets its
 * users have 20 a minute and 100 an hour. */
void rates_take(struct call *call, doc_id user, const struct plan_config *plan,
                enum rate_kind kind);

/* The same without counting it. */
void rates_check(struct call *call, doc_id user, const struct plan_config *plan,
                 enum rate_kind kind);

extern const struct doc_type rate_type;
