/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Money: an append-only journal of movements, each two or more entries that sum to zero, with a
 * unique idempotency key and a reason. A user's balance and what is held of it are kept beside and
 * changed in the same mutation. Grants are lots, soonest to expire spent first; a hold notes which
 * lots it took, and a release gives back to the same (CRED-02, CRED-05; DESIGN section 9). What has
 * expired leaves the balance at the next hold or settlement.
 *
 * Owns:     rows in the call's change.
 * Threads:  the call's.
 * Time:     call->now.
 * Fails:    through the call: NO_CREDITS, or INTERNAL_ERROR when a movement does not sum to zero.
 */
#pragma once

#include "call/call.h"

enum transaction_type {
    TRANSACTION_NONE,
    TRANSACTION_PURCHASE,
    TRANSACTION_USAGE,
    TRANSACTION_BONUS,
    TRANSACTION_REFUND,
    TRANSACTION_SUBSCRIPTION_GRANT,
    TRANSACTION_ADJUSTMENT,
    TRANSACTION_EXPIRY,
    TRANSACTION_TYPES,
};
extern const char *const transaction_type_names[TRANSACTION_TYPES];

/* What the user sees of a movement: a row of their history. */
struct credit_transaction {
    doc_id id;
    tick created;
    doc_id user_id;
    enum transaction_type type;
    credits amount; /* positive adds, negative subtracts */
    credits balance_before, balance_after;
    str description;
    doc_id generation_id;
    instant created_at;
};

struct balance {
    doc_id id;
    tick created;
    doc_id user_id;
    credits credits, held, total_used;
};

extern const struct doc_type movement_type, credit_transaction_type, balance_type, lot_type,
    hold_type;

/* Zeroed when the user has none yet. */
struct balance ledger_balance(struct call *call, doc_id user);

/* Gives credits, once per key; expires_at 0: never. */
void ledger_grant(struct call *call, doc_id user, credits amount, enum transaction_type type,
                  str key, str description, instant expires_at);

/* Takes the price from the balance until the work has ended; fails with NO_CREDITS. */
doc_id ledger_hold(struct call *call, doc_id user, credits amount, doc_id generation,
                   str description);

/* Ends a hold: cost (at most what is held) is revenue, the rest goes back. Once. */
credits ledger_settle(struct call *call, doc_id hold, credits cost, str description);
