/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Money: an append-only journal of movements, each two or more entries that sum to zero per unit,
 * with a unique idempotency key and a reason. A user's balance and what is held of it are kept
 * beside and changed in the same mutation. Grants are lots, soonest to expire spent first; a hold
 * notes which lots it took, a release gives back to the same, and each movement says which lots it
 * changed: so all of it can be derived from the journal again (CRED-02, CRED-05; ledger_verify.h).
 *
 * Accounts: user:ID, held:ID, debt:ID (below zero: what they owe), revenue, granted, expired,
 * adjusted in credits; provider:NAME (below zero: what we owe) and outlay in usdMicros.
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
    credits debt;       /* owed: taken back after it was spent */
    credits last_grant; /* how much came in last */
};

extern const struct doc_type movement_type, credit_transaction_type, balance_type, lot_type,
    hold_type;

/* Zeroed when the user has none yet. */
struct balance ledger_balance(struct call *call, doc_id user);

/* What may be spent now: the balance without what has expired and was not moved yet. In a query,
 * the answer is good until the next lot expires. */
credits ledger_available(struct call *call, const struct balance *balance);

/* Gives credits, once per key; expires_at 0: never. True: now; false: that key gave before. */
bool ledger_grant(struct call *call, doc_id user, credits amount, enum transaction_type type,
                  str key, str description, instant expires_at);

/* The key of a grant of a billing period, whoever gives it first. The period: ledger_month() of a
 * plan without a payment processor, ledger_period() of the start of a subscription's. */
str ledger_grant_period(struct arena *arena, doc_id user, str period);
str ledger_month(struct arena *arena, instant at);  /* "2026-11" */
str ledger_period(struct arena *arena, instant at); /* "2026-11-20" */

/* Takes the price from the balance until the work has ended; fails with NO_CREDITS. */
doc_id ledger_hold(struct call *call, doc_id user, credits amount, doc_id generation,
                   str description);

/* Ends a hold: cost (at most what is held) is revenue, the rest goes back. Once. */
credits ledger_settle(struct call *call, doc_id hold, credits cost, str description);

/* Gives back, once, what a generation was charged when it was settled; answers how much now. */
credits ledger_refund(struct call *call, doc_id generation, str description);

/*
 * Once per key: adds (a debt is paid first), or takes: never below zero, what is not there any more
 * is a debt from then on. Answers by how much the balance changed.
 */
credits ledger_adjust(struct call *call, doc_id user, credits amount, enum transaction_type type,
                      str key, str description);

/* What an attempt cost us, in millionths of a US dollar. Once per key; nothing is no movement. */
void ledger_cost(struct call *call, str provider, int64_t micros, str key);

/* Expires what is over, of anyone, a part at a time; answers of how many people. */
int64_t ledger_expire_due(struct call *call, bool *has_more);
