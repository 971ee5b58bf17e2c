/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of the ledger, for the files that make it up: ledger.c (documents, movements, grants,
 * holds), ledger_adjust.c (adjustments, refunds, costs, expiry) and ledger_verify.c (all of it
 * derived once more).
 *
 * Owns:     rows in the call's change.
 * Threads:  the call's.
 * Time:     call->now.
 * Fails:    through the call.
 */
#pragma once

#include "studio/ledger.h"

/* Of an entry; a missing one in the store is credits. */
enum unit {
    UNIT_CREDITS,
    UNIT_USD_MICROS,
    UNITS,
};

struct entry {
    str account; /* "user:<id>", "held:<id>", "revenue", "granted" … */
    credits amount;
    enum unit unit;
};

/* So much of a lot was taken (by a hold), or so much was put into it (by a movement). */
struct part {
    doc_id lot_id;
    credits amount;
};

struct movement {
    doc_id id;
    tick created;
    str idempotency_key, reason;
    struct list entries; /* struct entry */
    struct list lots;    /* struct part: positive adds; items NULL: older than these */
};

struct lot {
    doc_id id;
    tick created;
    doc_id user_id;
    credits amount, left;
    struct maybe_instant expires_at;
    bool is_open; /* something is left */
};

struct hold {
    doc_id id;
    tick created;
    doc_id user_id, generation_id;
    credits amount;
    struct list parts; /* struct part */
    bool is_open;
};

#define PARTS_MAX 1000
#define ADJUST_MAX (INT64_C(1) << 52)

str account_of(struct call *call, const char *kind, doc_id user);
bool movement_is_known(struct call *call, str key);

/* parts: what the lots gain (sign 1) or lose (sign -1). */
void movement_put(struct call *call, str key, str reason, const struct entry *entries, size_t count,
                  struct list parts, int sign);

/* Changes the balance and tells the user of it. */
void change_balance(struct call *call, struct balance *balance, credits amount,
                    enum transaction_type type, str description, doc_id generation);
void balance_put(struct call *call, struct balance *balance);

/* A new lot; its part, as a list of one. */
struct list lot_add(struct call *call, doc_id user, credits amount, instant expires_at);

/* What has expired leaves the balance now. */
void expire(struct call *call, struct balance *balance, str key);

/* Soonest to expire first; what never expires last. */
struct list take_lots(struct call *call, doc_id user, credits amount);
void lot_return(struct call *call, doc_id id, credits amount);
