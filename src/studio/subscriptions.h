/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans that are paid for (BILL-01 … BILL-07): subscriptions as their payment processor tells of
 * them, its invoices, what was paid and given back, and what all that means for a user's plan and
 * credits. Events come in any order, more than once, or late: what is kept of each is a maximum by
 * an order of the events' own, and what follows from it is worked out again after each event. So
 * the same set of events ends in the same state.
 *
 *   event -> rows (newest wins, paid beats failed, most returned wins) -> user's plan, grants,
 * debts
 *
 * Owns:     rows in the call's change.
 * Threads:  the call's.
 * Time:     call->now; moments of events are the processor's.
 * Fails:    through the call.
 */
#pragma once

#include "call/call.h"
#include "provider/payment.h"
#include "studio/config.h"

enum subscription_status {
    SUBSCRIPTION_NONE,
    SUBSCRIPTION_INCOMPLETE,
    SUBSCRIPTION_INCOMPLETE_EXPIRED,
    SUBSCRIPTION_TRIALING,
    SUBSCRIPTION_ACTIVE,
    SUBSCRIPTION_PAST_DUE,
    SUBSCRIPTION_CANCELED,
    SUBSCRIPTION_UNPAID,
    SUBSCRIPTION_PAUSED,
    SUBSCRIPTION_STATUSES,
};
extern const char *const subscription_status_names[SUBSCRIPTION_STATUSES];

struct subscription_row {
    doc_id id;
    tick created;
    doc_id user_id; /* 0: not known yet */
    str processor, external_id;
    str customer_id, price_id, item_id, plan_key; /* absent: not known (yet) */
    enum subscription_status status;              /* with failed and late payments in it */
    enum subscription_status told_status;         /* as the newest event says */
    struct maybe_instant current_period_start, current_period_end;
    bool cancel_at_period_end;
    struct maybe_instant cancel_at, canceled_at, ended_at, trial_start, trial_end;
    /* Where the newest event stands in their order, and the newest payments. */
    instant state_at;
    int64_t state_rank;
    str state_event;
    instant paid_at, failed_at;
    instant created_at, updated_at;
};

struct invoice {
    doc_id id;
    tick created;
    doc_id user_id; /* 0: not known yet */
    str external_id, subscription_id, number, price_id, reason, currency, url, payment_id;
    int64_t amount; /* cents */
    bool is_paid;
    struct maybe_instant period_start, period_end;
    instant told_at; /* by the event that the rest is of */
    str told_by;
    bool is_granted;
    credits given; /* for it */
    instant created_at;
};

/* A payment, and what went back of it. */
struct payment {
    doc_id id;
    tick created;
    doc_id user_id; /* 0: not known yet */
    str external_id, invoice_id, package_id;
    int64_t amount, returned; /* cents; refunded */
    int64_t disputed;         /* beside it */
    bool is_paid, is_disputed;
    credits given, taken_back;
    instant created_at;
};

/* What the processor knows a user by; apart from the user's row. */
struct billing_account {
    doc_id id;
    tick created;
    doc_id user_id;
    str customer_id;
    str polar_customer_id;
    bool had_trial;
    bool needs_review; /* a payment is disputed, or more was taken back than was left */
};

extern const struct doc_type subscription_type, invoice_type, payment_type, billing_account_type;
extern const struct function subscription_functions[], payment_functions[], plan_functions[],
    wallet_functions[], upgrade_functions[], subscription_row_functions[];
extern const size_t subscription_function_count, payment_function_count, plan_function_count,
    wallet_function_count, upgrade_function_count, subscription_row_function_count;

/* The one that gives the user their plan, else the newest; false: there is none. */
bool subscription_current(struct call *call, doc_id user, struct subscription_row *out);

/* It gives its plan: it runs, or payment is only late. */
bool subscription_is_entitled(const struct subscription_row *row);

/* Puts a row and all that follows from it: the user's plan, grants, debts. */
void subscription_settle(struct call *call, struct subscription_row *row);

/* Of all its invoices: what changes of plan within a paid period give or take. */
void billing_settle_changes(struct call *call, const struct subscription_row *row,
                            struct invoice *list, size_t count);

/* It is over now, whatever was paid. */
void subscription_end(struct call *call, struct subscription_row *row);

/* The credits of its current period, with the key that its paid invoice has too; false: given
 * already, or its plan gives none. */
bool subscription_grant_period(struct call *call, const struct subscription_row *row);

/* As it stands on the wire, and a list of such. */
struct subscription_wire;
extern const struct shape subscription_wire_shape;
extern const struct field subscription_wire_item;
struct subscription_wire *subscription_wire_of(struct call *call,
                                               const struct subscription_row *row);
struct list subscriptions_of(struct call *call, doc_id user);

/* Zeroed but for the user when there is none. */
struct billing_account billing_account_of(struct call *call, doc_id user);
void billing_account_put(struct call *call, struct billing_account *account);

const struct plan_config *config_plan_of_price(const struct studio_config *config, str price);
const struct package_config *config_package(const struct studio_config *config, str id);

/* Takes what an event tells. Whether it is a new one is the caller's to know. */
void billing_apply(struct call *call, const struct payment_event *event);
