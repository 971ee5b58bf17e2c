/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alerts: what a user or the operators should know of, each once: credits that run low (CRED-06),
 * what is unusual in the books (CRED-10: many refunds, much that was added, debts), and files that
 * wait for long to be looked into.
 *
 * Owns:     rows in the call's change.
 * Threads:  the call's.
 * Time:     call->now.
 * Fails:    through the call.
 */
#pragma once

#include "studio/ledger.h"

/* Once per key. For its user, or for the operators. */
void alert_raise(struct call *call, const char *kind, str key, doc_id user, bool is_for_operators,
                 str detail);

/* Once in a billing period, if there are few left. */
void alert_low_credits(struct call *call, doc_id user);

/* A row of somebody's history was written: is that many, or much, for a day? */
void alert_watch(struct call *call, doc_id user, enum transaction_type type, credits amount);

extern const struct doc_type alert_type, credit_watch_type;
extern const struct function alert_functions[];
extern const size_t alert_function_count;
