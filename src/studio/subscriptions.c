/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/subscriptions.h"

#include "studio/catalogue.h"
#include "studio/ledger.h"
#include "studio/quotas.h"
#include "studio/users.h"

const char *const subscription_status_names[SUBSCRIPTION_STATUSES] = {
    [SUBSCRIPTION_INCOMPLETE] = "incomplete",
    [SUBSCRIPTION_INCOMPLETE_EXPIRED] = "incomplete_expired",
    [SUBSCRIPTION_TRIALING] = "trialing",
    [SUBSCRIPTION_ACTIVE] = "active",
    [SUBSCRIPTION_PAST_DUE] = "past_due",
    [SUBSCRIPTION_CANCELED] = "canceled",
    [SUBSCRIPTION_UNPAID] = "unpaid",
    [SUBSCRIPTION_PAUSED] = "paused",
};

/* ---- documents ---- */

#define ROW struct subscription_row
static const struct field subscription_fields[] = {
    ID(id),
    CREATED(created),
    MAYBE_REF(user_id, &user_type),
    TEXT(processor, .min = 1, .max = 20),
    TEXT(external_id, .min = 1, .max = 255),
    MAYBE_TEXT(customer_id, .max = 255),
    MAYBE_TEXT(price_id, .max = 255),
    MAYBE_TEXT(item_id, .max = 255),
    MAYBE_TEXT(plan_key, .max = 40),
    CHOICE(status, subscription_status_names),
    CHOICE(told_status, subscription_status_names),
    MAYBE_TIME(current_period_start),
    MAYBE_TIME(current_period_end),
    BOOL(cancel_at_period_end),
    MAYBE_TIME(cancel_at),
    MAYBE_TIME(canceled_at),
    MAYBE_TIME(ended_at),
    MAYBE_TIME(trial_start),
    MAYBE_TIME(trial_end),
    TIME(state_at),
    INT(state_rank),
    TEXT(state_event, .max = 255),
    TIME(paid_at),
    TIME(failed_at),
    TIME(created_at),
    TIME(updated_at),
};
#undef ROW

const struct doc_type subscription_type = {
    .name = "subscriptions",
    .about = "A plan that is paid for, as its payment processor tells of it.",
    .size = sizeof(struct subscription_row),
    FIELDS(subscription_fields),
    .number = 30,
    INDEXES({.name = "by_external", .fields = {"externalId"}, .is_unique = true},
            {.name = "by_user", .fields = {"userId"}},
            {.name = "by_customer", .fields = {"customerId"}},
            {.name = "by_item", .fields = {"itemId"}},
            {.name = "by_cancel", .fields = {"cancelAtPeriodEnd", "currentPeriodEnd"}}),
};

#define ROW struct invoice
static const struct field invoice_fields[] = {
    ID(id),
    CREATED(created),
    MAYBE_REF(user_id, &user_type),
    TEXT(external_id, .min = 1, .max = 255),
    MAYBE_TEXT(subscription_id, .max = 255, .about = "Of the processor."),
    MAYBE_TEXT(number, .max = 255),
    MAYBE_TEXT(price_id, .max = 255),
    MAYBE_TEXT(reason, .max = 255),
    MAYBE_TEXT(currency, .max = 255),
    MAYBE_TEXT(url, .max = 2000),
    MAYBE_TEXT(payment_id, .max = 255),
    INT(amount, .unit = "cents"),
    BOOL(is_paid),
    MAYBE_TIME(period_start),
    MAYBE_TIME(period_end),
    TIME(told_at),
    TEXT(told_by, .max = 255),
    BOOL(is_granted),
    CREDITS(given, .about = "For the period that it pays."),
    TIME(created_at),
};
#undef ROW

const struct doc_type invoice_type = {
    .name = "invoices",
    .about = "What a payment processor asked for, and whether it was paid.",
    .size = sizeof(struct invoice),
    FIELDS(invoice_fields),
    .number = 31,
    INDEXES({.name = "by_external", .fields = {"externalId"}, .is_unique = true},
            {.name = "by_subscription", .fields = {"subscriptionId"}},
            {.name = "by_user", .fields = {"userId"}}),
};

#define ROW struct payment
static const struct field payment_fields[] = {
    ID(id),
    CREATED(created),
    MAYBE_REF(user_id, &user_type),
    TEXT(external_id, .min = 1, .max = 255),
    MAYBE_TEXT(invoice_id, .max = 255),
    MAYBE_TEXT(package_id, .max = 255),
    INT(amount, .unit = "cents"),
    INT(returned, .unit = "cents", .about = "Refunded."),
    INT(disputed, .is_optional = true, .unit = "cents", .about = "Not refunded, but disputed."),
    BOOL(is_paid),
    BOOL(is_disputed),
    CREDITS(given),
    CREDITS(taken_back),
    TIME(created_at),
};
#undef ROW

const struct doc_type payment_type = {
    .name = "payments",
    .about = "Money that came, the credits given for it, and what went back of both.",
    .size = sizeof(struct payment),
    FIELDS(payment_fields),
    .number = 32,
    INDEXES({.name = "by_external", .fields = {"externalId"}, .is_unique = true}),
};

#define ROW struct billing_account
static const struct field billing_account_fields[] = {
    ID(id),
    CREATED(created),
    REF(user_id, &user_type),
    MAYBE_TEXT(customer_id, .max = 255),
    MAYBE_TEXT(polar_customer_id, .max = 255),
    BOOL(had_trial),
    BOOL(needs_review),
};
#undef ROW

const struct doc_type billing_account_type = {
    .name = "billingAccounts",
    .about = "What the payment processor knows a user by.",
    .size = sizeof(struct billing_account),
    FIELDS(billing_account_fields),
    .number = 34,
    INDEXES({.name = "by_user", .fields = {"userId"}, .is_unique = true},
            {.name = "by_customer", .fields = {"customerId"}},
            {.name = "by_polar_customer", .fields = {"polarCustomerId"}},
            {.name = "by_review", .fields = {"needsReview"}}),
};

/* ---- looking up ---- */

bool subscription_is_entitled(const struct subscription_row *row)
{
    return row->status == SUBSCRIPTION_TRIALING || row->status == SUBSCRIPTION_ACTIVE ||
           row->status == SUBSCRIPTION_PAST_DUE;
}

/* Who pays for two plans has the dearer one. */
static int64_t weight_of(struct call *call, const struct subscription_row *row)
{
    const struct plan_config *plan = config_plan(catalogue_of(call), row->plan_key);
    if (!subscription_is_entitled(row))
        return 0;
    return plan == NULL ? 1 : 2 + plan->price_cents;
}

bool subscription_current(struct call *call, doc_id user, struct subscription_row *out)
{
    struct subscription_row row;
    struct scan scan;
    int64_t best = -1;
    *out = (struct subscription_row){0};
    view_scan(call->view, index_of(&subscription_type, "by_user"),
              (struct bounds){.prefix = KEY(key_id(user))}, ORDER_DOWN, &scan);
    while (scan_next(&scan, &row))
        if (weight_of(call, &row) > best) {
            best = weight_of(call, &row);
            *out = row;
        }
    scan_end(&scan);
    return best >= 0;
}

struct billing_account billing_account_of(struct call *call, doc_id user)
{
    struct billing_account account;
    row_find(call, &billing_account_type,
             row_first(call, index_of(&billing_account_type, "by_user"), KEY(key_id(user))),
             &account);
    account.user_id = user;
    return account;
}

void billing_account_put(struct call *call, struct billing_account *account)
{
    if (!doc_id_is_set(account->id))
        row_new(call, &billing_account_type, account);
    row_put(call, &billing_account_type, account);
}

/* ---- arguments and results ---- */

struct subscription_wire {
    doc_id id;
    tick created;
    doc_id user_id;
    str processor, external_id, customer_id, stripe_subscription_id, price_id, plan_key;
    enum subscription_status status;
    struct maybe_instant current_period_start, current_period_end, cancel_at, canceled_at, ended_at,
        trial_start, trial_end;
    bool cancel_at_period_end;
    credits monthly_credits, credits_used_this_period;
    int64_t over_plan_bytes;
    instant created_at, updated_at;
};

#define ROW struct subscription_wire
static const struct field subscription_wire_fields[] = {
    FIELD(id, doc_id, .kind = FIELD_REF, .ref = &subscription_type, .wire = "_id"),
    CREATED(created),
    REF(user_id, &user_type),
    TEXT(processor),
    TEXT(external_id),
    MAYBE_TEXT(customer_id),
    TEXT(stripe_subscription_id, .about = "The same as externalId."),
    MAYBE_TEXT(price_id),
    MAYBE_TEXT(plan_key),
    CHOICE(status, subscription_status_names),
    MAYBE_TIME(current_period_start),
    MAYBE_TIME(current_period_end),
    MAYBE_TIME(cancel_at),
    MAYBE_TIME(canceled_at),
    MAYBE_TIME(ended_at),
    MAYBE_TIME(trial_start),
    MAYBE_TIME(trial_end),
    BOOL(cancel_at_period_end),
    CREDITS(monthly_credits),
    CREDITS(credits_used_this_period, .about = "Of one that gives its plan now."),
    INT(over_plan_bytes, .unit = "bytes",
        .about = "Stored beyond what the plan has room for: read-only, never deleted (BILL-05)."),
    TIME(created_at),
    TIME(updated_at),
};
#undef ROW
const struct shape subscription_wire_shape = {.name = "subscription",
                                              .size = sizeof(struct subscription_wire),
                                              FIELDS(subscription_wire_fields)};
const struct field subscription_wire_item =
    ITEM_RECORD(&subscription_wire_shape, struct subscription_wire);

struct plan_details {
    str name;
    int64_t price;
    credits credits;
    struct list features;
};
static const struct field feature_item = ITEM_TEXT();
#define ROW struct plan_details
static const struct field plan_details_fields[] = {
    TEXT(name),
    INT(price, .unit = "cents"),
    CREDITS(credits, .about = "A period."),
    LIST(features, &feature_item),
};
#undef ROW
static const struct shape plan_details_shape = {
    .name = "planDetails", .size = sizeof(struct plan_details), FIELDS(plan_details_fields)};

struct current_subscription {
    str stripe_subscription_id, tier;
    enum subscription_status status;
    bool cancel_at_period_end;
    double current_period_end;
    struct plan_details plan_details;
};
#define ROW struct current_subscription
static const struct field current_subscription_fields[] = {
    TEXT(stripe_subscription_id),
    TEXT(tier),
    CHOICE(status, subscription_status_names),
    BOOL(cancel_at_period_end),
    NUMBER(current_period_end, .unit = "s", .about = "In seconds, unlike other times."),
    RECORD(plan_details, &plan_details_shape),
};
#undef ROW
static const struct shape current_subscription_shape = {.name = "currentSubscription",
                                                        .size = sizeof(struct current_subscription),
                                                        FIELDS(current_subscription_fields)};

struct wire_invoice {
    doc_id id;
    tick created;
    str number, currency, url, status;
    int64_t amount;
    instant created_at;
};
#define ROW struct wire_invoice
static const struct field wire_invoice_fields[] = {
    FIELD(id, doc_id, .kind = FIELD_REF, .ref = &invoice_type, .wire = "_id"),
    CREATED(created),
    MAYBE_TEXT(number),
    MAYBE_TEXT(currency),
    MAYBE_TEXT(url, .about = "Its page at the payment processor, with the receipt."),
    TEXT(status, .about = "paid or open."),
    INT(amount, .unit = "cents"),
    TIME(created_at),
};
#undef ROW
static const struct shape wire_invoice_shape = {
    .name = "invoice", .size = sizeof(struct wire_invoice), FIELDS(wire_invoice_fields)};
static const struct field wire_invoice_item = ITEM_RECORD(&wire_invoice_shape, struct wire_invoice);

struct review {
    doc_id user_id;
    str email, customer_id;
    credits debt;
};
#define ROW struct review
static const struct field review_fields[] = {
    REF(user_id, &user_type),
    TEXT(email),
    MAYBE_TEXT(customer_id),
    CREDITS(debt, .about = "Taken back after it was spent."),
};
#undef ROW
static const struct shape review_shape = {
    .name = "paymentReview", .size = sizeof(struct review), FIELDS(review_fields)};
static const struct field review_item = ITEM_RECORD(&review_shape, struct review);

/* Frontends send their own user's id; whose it is, the token says (AUTH-04). */
struct get_subscription_args {
    str clerk_id;
};
#define ROW struct get_subscription_args
static const struct field get_subscription_fields[] = {
    MAYBE_TEXT(clerk_id, .max = 255, .about = "Not looked at: it is always the caller's.")};
#undef ROW
#define get_current_args get_subscription_args
#define get_current_fields get_subscription_fields

NO_ARGS(get_history)
NO_ARGS(get_invoices)
NO_ARGS(list_reviews)

BACKEND_FUNCTION(get_subscription, struct subscription_wire *)
BACKEND_FUNCTION(get_history, struct list)
BACKEND_FUNCTION(get_current, struct current_subscription *)
BACKEND_FUNCTION(get_invoices, struct list)
BACKEND_FUNCTION(list_reviews, struct list)

const struct function subscription_functions[] = {
    QUERY("subscriptions:getSubscription", get_subscription, .caller = SIGNED_IN,
          .returns = RETURNS_MAYBE(&subscription_wire_shape),
          .about = "The caller's subscription, also one that is over; null for none."),
    QUERY("subscriptions:getSubscriptionHistory", get_history, .caller = SIGNED_IN,
          .returns = RETURNS_LIST(&subscription_wire_item),
          .about = "All that the caller had, newest first."),
    QUERY("subscriptions:getCurrentSubscription", get_current, .caller = SIGNED_IN,
          .returns = RETURNS_MAYBE(&current_subscription_shape),
          .about = "The one that gives the caller their plan; null for none."),
    QUERY("subscriptions:getInvoices", get_invoices, .caller = SIGNED_IN,
          .returns = RETURNS_LIST(&wire_invoice_item),
          .about = "The caller's newest 100 invoices."),
    QUERY("admin:listPaymentReviews", list_reviews, .caller = ADMIN,
          .returns = RETURNS_LIST(&review_item),
          .about = "Who disputed a payment, or owes what was taken back (BILL-09)."),
};
const size_t subscription_function_count = ARRAY_LEN(subscription_functions);

/* ---- functions ---- */

/* Of the plan that the user has now: after a downgrade, that is less. */
static int64_t bytes_over_plan(struct call *call, doc_id user_id)
{
    struct user user;
    row_find(call, &user_type, user_id, &user);
    const struct plan_config *plan = config_plan(catalogue_of(call), user.plan_key);
    int64_t stored = storage_meter_of(call, user_id).sums.bytes;
    return plan == NULL ? 0 : MAX_OF(stored - plan->storage_bytes, (int64_t)0);
}

static credits used_of(struct call *call, const struct subscription_row *row)
{
    struct user user;
    if (!subscription_is_entitled(row) || !row_find(call, &user_type, row->user_id, &user))
        return (credits){0};
    struct period period = period_of(call, &user);
    return period_credits(call, user.id, &period);
}

static struct subscription_wire wire_of(struct call *call, const struct subscription_row *row)
{
    const struct plan_config *plan = config_plan(catalogue_of(call), row->plan_key);
    return (struct subscription_wire){
        .id = row->id,
        .created = row->created,
        .user_id = row->user_id,
        .processor = row->processor,
        .external_id = row->external_id,
        .customer_id = row->customer_id,
        .stripe_subscription_id = row->external_id,
        .price_id = row->price_id,
        .plan_key = row->plan_key,
        .status = row->status,
        .current_period_start = row->current_period_start,
        .current_period_end = row->current_period_end,
        .cancel_at = row->cancel_at,
        .canceled_at = row->canceled_at,
        .ended_at = row->ended_at,
        .trial_start = row->trial_start,
        .trial_end = row->trial_end,
        .cancel_at_period_end = row->cancel_at_period_end,
        .monthly_credits = {plan == NULL ? 0 : plan->credits_monthly.n},
        .credits_used_this_period = used_of(call, row),
        .over_plan_bytes = bytes_over_plan(call, row->user_id),
        .created_at = row->created_at,
        .updated_at = row->updated_at,
    };
}

struct subscription_wire *subscription_wire_of(struct call *call,
                                               const struct subscription_row *row)
{
    struct subscription_wire *out = arena_new(call->arena, struct subscription_wire);
    *out = wire_of(call, row);
    return out;
}

#define HISTORY_MAX 100

struct list subscriptions_of(struct call *call, doc_id user)
{
    struct subscription_row *rows = arena_array(call->arena, struct subscription_row, HISTORY_MAX);
    struct subscription_wire *out = arena_array(call->arena, struct subscription_wire, HISTORY_MAX);
    struct scan scan;
    size_t count = 0;
    view_scan(call->view, index_of(&subscription_type, "by_user"),
              (struct bounds){.prefix = KEY(key_id(user))}, ORDER_DOWN, &scan);
    while (count < HISTORY_MAX && scan_next(&scan, &rows[count]))
        count++;
    scan_end(&scan);
    for (size_t i = 0; i < count; i++)
        out[i] = wire_of(call, &rows[i]);
    return (struct list){out, count};
}

static void get_subscription(struct call *call, const struct get_subscription_args *args,
                             struct subscription_wire **result)
{
    struct subscription_row row;
    if (subscription_current(call, call_caller(call), &row))
        *result = subscription_wire_of(call, &row);
}

static void get_history(struct call *call, const struct get_history_args *args, struct list *result)
{
    *result = subscriptions_of(call, call_caller(call));
}

static void get_current(struct call *call, const struct get_current_args *args,
                        struct current_subscription **result)
{
    struct subscription_row row;
    if (!subscription_current(call, call_caller(call), &row) || !subscription_is_entitled(&row))
        return;
    const struct plan_config *plan = config_plan(catalogue_of(call), row.plan_key);
    struct current_subscription *out = arena_new(call->arena, struct current_subscription);
    int64_t end = row.current_period_end.value.us / 1000000; /* seconds, as the contract says */
    *out = (struct current_subscription){
        .stripe_subscription_id = row.external_id,
        .tier = plan == NULL ? STR("") : plan->key,
        .status = row.status,
        .cancel_at_period_end = row.cancel_at_period_end,
        .current_period_end = (double)end,
        .plan_details = {.name = STR("")},
    };
    if (plan != NULL)
        out->plan_details = (struct plan_details){plan->name, plan->price_cents,
                                                  plan->credits_monthly, plan->features};
    *result = out;
}

static void get_invoices(struct call *call, const struct get_invoices_args *args,
                         struct list *result)
{
    struct wire_invoice *out = arena_array(call->arena, struct wire_invoice, HISTORY_MAX);
    struct invoice row;
    struct scan scan;
    size_t count = 0;
    view_scan(call->view, index_of(&invoice_type, "by_user"),
              (struct bounds){.prefix = KEY(key_id(call_caller(call)))}, ORDER_DOWN, &scan);
    while (count < HISTORY_MAX && scan_next(&scan, &row))
        out[count++] = (struct wire_invoice){
            .id = row.id,
            .created = row.created,
            .number = row.number,
            .currency = row.currency,
            .url = row.url,
            .status = row.is_paid ? STR("paid") : STR("open"),
            .amount = row.amount,
            .created_at = row.created_at,
        };
    scan_end(&scan);
    *result = (struct list){out, count};
}

static void list_reviews(struct call *call, const struct list_reviews_args *args,
                         struct list *result)
{
    struct review *out = arena_array(call->arena, struct review, HISTORY_MAX);
    struct billing_account account;
    struct scan scan;
    size_t count = 0;
    view_scan(call->view, index_of(&billing_account_type, "by_review"),
              (struct bounds){.prefix = KEY(key_bool(true))}, ORDER_DOWN, &scan);
    while (count < HISTORY_MAX && scan_next(&scan, &account))
        out[count++] = (struct review){
            account.user_id, user_email(call, account.user_id), account.customer_id, {0}};
    scan_end(&scan);
    for (size_t i = 0; i < count; i++)
        out[i].debt = ledger_balance(call, out[i].user_id).debt;
    *result = (struct list){out, count};
}
