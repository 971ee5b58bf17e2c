/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit log: who of the administrators (or the program itself) did what to whom, with the
 * reason they gave. Rows are only ever added.
 *
 * Owns:     rows in the call's change.
 * Threads:  the call's.
 * Time:     call->now.
 * Fails:    through the call.
 */
#pragma once

#include "call/call.h"

extern const struct doc_type audit_type;

/* Answers its id: unique, so it can be part of an idempotency key. */
doc_id audit_put(struct call *call, const char *action, doc_id user, credits amount, str detail);
