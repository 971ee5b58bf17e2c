/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subscriptions as VideoAI's own server told of them, and their items. Stripe's events tell the
 * same and are what counts: what is told here is a state of now, which a newer event changes.
 */
#include "studio/subscriptions.h"

#include "studio/catalogue.h"
#include "studio/quotas.h"
#include "studio/users.h"

/* ---- arguments and results ---- */

#define CLERK_ID TEXT(clerk_id, .min = 1, .max = 255, .about = "Of the token, or our own id.")
#define STRIPE_ID(member) TEXT(member, .min = 1, .max = 255)
#define MOMENT(member)                                                                             \
    NUMBER(member, .about = "Milliseconds, or seconds: told apart by their size.")

struct begin_args {
    str clerk_id, stripe_subscription_id, plan_id, stripe_customer_id, stripe_price_id;
    enum subscription_status subscription_status;
    double current_period_start, current_period_end;
    bool cancel_at_period_end;
};
#define ROW struct begin_args
static const struct field begin_fields[] = {
    CLERK_ID,
    STRIPE_ID(stripe_subscription_id),
    TEXT(plan_id, .min = 1, .max = 40),
    STRIPE_ID(stripe_customer_id),
    STRIPE_ID(stripe_price_id),
    CHOICE(subscription_status, subscription_status_names),
    MOMENT(current_period_start),
    MOMENT(current_period_end),
    BOOL(cancel_at_period_end),
};
#undef ROW

#define change_args begin_args
#define ROW struct begin_args
static const struct field change_fields[] = {
    CLERK_ID,
    STRIPE_ID(stripe_subscription_id),
    TEXT(plan_id, .wire = "newPlanId", .min = 1, .max = 40),
    STRIPE_ID(stripe_customer_id),
    STRIPE_ID(stripe_price_id),
    CHOICE(subscription_status, subscription_status_names),
    MOMENT(current_period_start),
    MOMENT(current_period_end),
    BOOL(cancel_at_period_end),
};
#undef ROW

struct update_args {
    str clerk_id, stripe_subscription_id;
    enum subscription_status status;
    struct maybe_bool cancel_at_period_end;
};
#define ROW struct update_args
static const struct field update_fields[] = {
    MAYBE_TEXT(clerk_id, .max = 255, .about = "Not looked at."),
    STRIPE_ID(stripe_subscription_id),
    MAYBE_CHOICE(status, subscription_status_names),
    MAYBE_BOOL(cancel_at_period_end),
};
#undef ROW

struct stripe_args {
    str clerk_id, stripe_subscription_id;
};
#define cancel_args stripe_args
#define reactivate_args stripe_args
#define plan_changed_args stripe_args
#define items_by_stripe_args stripe_args
#define ROW struct stripe_args
static const struct field cancel_fields[] = {
    MAYBE_TEXT(clerk_id, .max = 255, .about = "Not looked at."),
    STRIPE_ID(stripe_subscription_id),
};
#define reactivate_fields cancel_fields
#define plan_changed_fields cancel_fields
#define items_by_stripe_fields cancel_fields
#undef ROW

struct clerk_args {
    str clerk_id;
};
#define list_args clerk_args
#define get_period_args clerk_args
#define ROW struct clerk_args
static const struct field list_fields[] = {CLERK_ID};
#define get_period_fields list_fields
#undef ROW

struct find_args {
    str stripe_customer_id;
};
#define ROW struct find_args
static const struct field find_fields[] = {STRIPE_ID(stripe_customer_id)};
#undef ROW

struct billing_period {
    instant start, end;
    credits credits_used;
};
#define ROW struct billing_period
static const struct field billing_period_fields[] = {TIME(start), TIME(end), CREDITS(credits_used)};
#undef ROW
static const struct shape billing_period_shape = {
    .name = "billingPeriod", .size = sizeof(struct billing_period), FIELDS(billing_period_fields)};

struct item {
    doc_id subscription_id;
    str stripe_subscription_id, stripe_subscription_item_id, stripe_price_id;
    int64_t quantity;
    instant created_at, updated_at;
};
#define ROW struct item
static const struct field item_fields[] = {
    REF(subscription_id, &subscription_type),
    TEXT(stripe_subscription_id),
    TEXT(stripe_subscription_item_id),
    MAYBE_TEXT(stripe_price_id),
    INT(quantity),
    TIME(created_at),
    TIME(updated_at),
};
#undef ROW
static const struct shape item_shape = {
    .name = "subscriptionItem", .size = sizeof(struct item), FIELDS(item_fields)};
static const struct field item_item = ITEM_RECORD(&item_shape, struct item);

struct of_args {
    doc_id subscription_id;
};
#define items_args of_args
#define remove_items_args of_args
#define ROW struct of_args
static const struct field items_fields[] = {REF(subscription_id, &subscription_type)};
#define remove_items_fields items_fields
#undef ROW

struct item_args {
    str stripe_subscription_item_id;
};
#define get_item_args item_args
#define remove_item_args item_args
#define ROW struct item_args
static const struct field get_item_fields[] = {STRIPE_ID(stripe_subscription_item_id)};
#define remove_item_fields get_item_fields
#undef ROW

/* Prices and how many are told, but the payment service's own page is what counts. */
struct put_item_args {
    doc_id subscription_id;
    str stripe_subscription_id, stripe_subscription_item_id, stripe_price_id;
    struct maybe_number quantity;
    str price_data;
};
#define ROW struct put_item_args
static const struct field put_item_fields[] = {
    REF(subscription_id, &subscription_type),
    STRIPE_ID(stripe_subscription_id),
    STRIPE_ID(stripe_subscription_item_id),
    STRIPE_ID(stripe_price_id),
    MAYBE_NUMBER(quantity),
    MAYBE_ANY(price_data, .about = "Not looked at."),
};
#undef ROW

struct change_item_args {
    str stripe_subscription_item_id, stripe_price_id;
    struct maybe_number quantity;
    str price_data;
};
#define ROW struct change_item_args
static const struct field change_item_fields[] = {
    STRIPE_ID(stripe_subscription_item_id),
    MAYBE_TEXT(stripe_price_id, .max = 255),
    MAYBE_NUMBER(quantity),
    MAYBE_ANY(price_data, .about = "Not looked at."),
};
#undef ROW

struct customer_args {
    str clerk_id, email, name;
};
#define ROW struct customer_args
static const struct field customer_fields[] = {
    CLERK_ID,
    MAYBE_TEXT(email, .max = 320, .about = "Not looked at."),
    MAYBE_TEXT(name, .max = 200, .about = "Not looked at."),
};
#undef ROW
#define RETURNS_MAYBE_TEXT                                                                         \
    {                                                                                              \
        .kind = FIELD_TEXT, .size = sizeof(str), .is_optional = true, .is_nullable = true          \
    }

BACKEND_FUNCTION(customer, str)
BACKEND_FUNCTION(plan_changed, doc_id)
BACKEND_FUNCTION(begin, doc_id)
BACKEND_FUNCTION(change, doc_id)
BACKEND_FUNCTION(update, doc_id)
BACKEND_FUNCTION(cancel, doc_id)
BACKEND_FUNCTION(reactivate, doc_id)
BACKEND_FUNCTION(list, struct list)
BACKEND_FUNCTION(find, struct subscription_wire *)
BACKEND_FUNCTION(get_period, struct billing_period *)
BACKEND_FUNCTION(items, struct list)
BACKEND_FUNCTION(items_by_stripe, struct list)
BACKEND_FUNCTION(get_item, struct item *)
BACKEND_FUNCTION(put_item, doc_id)
BACKEND_FUNCTION(change_item, doc_id)
BACKEND_FUNCTION(remove_items, int64_t)
BACKEND_FUNCTION(remove_item, int64_t)

#define RETURNS_ROW_ID RETURNS_ID(&subscription_type)
#define ROWS_OF(name_, verb, ...) MUTATION(name_, verb, .caller = INTERNAL, __VA_ARGS__)
#define SEEN_OF(name_, verb, ...) QUERY(name_, verb, .caller = INTERNAL, __VA_ARGS__)

const struct function subscription_row_functions[] = {
    SEEN_OF("stripe:getOrCreateStripeCustomer", customer, .returns = RETURNS_MAYBE_TEXT,
            .about =
                "Whom Stripe knows them as; null before their first checkout, which makes one."),
    ROWS_OF("stripe:handlePlanChange", plan_changed, .returns = RETURNS_ROW_ID,
            .about = "Works out once more what follows from what Stripe told."),
    ROWS_OF("subscriptions:createSubscription", begin, .returns = RETURNS_ROW_ID,
            .about = "Of Stripe; with the credits of its period, once."),
    ROWS_OF("subscriptions:changeSubscriptionPlan", change, .returns = RETURNS_ROW_ID,
            .about = "The same; the user's others end."),
    ROWS_OF("subscriptions:updateSubscription", update, .returns = RETURNS_ROW_ID),
    ROWS_OF("subscriptions:cancelSubscriptionAtPeriodEnd", cancel, .returns = RETURNS_ROW_ID),
    ROWS_OF("subscriptions:reactivateSubscription", reactivate, .returns = RETURNS_ROW_ID),
    SEEN_OF("subscriptions:getAllSubscriptions", list,
            .returns = RETURNS_LIST(&subscription_wire_item)),
    SEEN_OF("subscriptions:getSubscriptionByStripeCustomerId", find,
            .returns = RETURNS_MAYBE(&subscription_wire_shape)),
    SEEN_OF("subscriptions:getCurrentBillingPeriod", get_period,
            .returns = RETURNS_MAYBE(&billing_period_shape)),
    SEEN_OF("subscriptionItems:getSubscriptionItems", items, .returns = RETURNS_LIST(&item_item)),
    SEEN_OF("subscriptionItems:getSubscriptionItemsByStripeId", items_by_stripe,
            .returns = RETURNS_LIST(&item_item)),
    SEEN_OF("subscriptionItems:getSubscriptionItemByStripeItemId", get_item,
            .returns = RETURNS_MAYBE(&item_shape)),
    ROWS_OF("subscriptionItems:createSubscriptionItem", put_item, .returns = RETURNS_ROW_ID,
            .about = "A subscription has one item: it takes the other's place."),
    ROWS_OF("subscriptionItems:updateSubscriptionItem", change_item, .returns = RETURNS_ROW_ID),
    ROWS_OF("subscriptionItems:deleteSubscriptionItems", remove_items, .returns = RETURNS_INT),
    ROWS_OF("subscriptionItems:deleteSubscriptionItem", remove_item, .returns = RETURNS_INT),
};
const size_t subscription_row_function_count = ARRAY_LEN(subscription_row_functions);

/* ---- looking up ---- */

/* 1e11 is 1973 in milliseconds, and the year 5138 in seconds. */
static struct maybe_instant moment_of(double told)
{
    double ms = told < 1e11 ? told * 1000 : told;
    bool is_fit = ms > 0 && ms < 1e14;
    return (struct maybe_instant){{is_fit ? (int64_t)ms * 1000 : 0}, is_fit};
}

static bool row_by(struct call *call, const char *index, str id, struct subscription_row *row)
{
    return row_find(call, &subscription_type,
                    row_first(call, index_of(&subscription_type, index), KEY(key_text(id))), row);
}

static void row_must(struct call *call, const char *index, str id, struct subscription_row *row)
{
    bool is_there = row_by(call, index, id, row);
    REQUIRE(call, is_there, NOT_FOUND, "There is no such subscription.");
}

static void user_of(struct call *call, str id, struct user *user)
{
    bool is_there = user_by_any_id(call, id, user);
    REQUIRE(call, is_there && !user->deleted_at.is_set, NOT_FOUND, "There is no such user.");
}

/* ---- subscriptions ---- */

static void begin(struct call *call, const struct begin_args *args, doc_id *result)
{
    const struct plan_config *plan = config_plan(catalogue_of(call), args->plan_id);
    struct subscription_row row;
    struct user user;
    user_of(call, args->clerk_id, &user);
    REQUIRE(call, plan != NULL, NOT_FOUND, "There is no such plan.");
    if (!row_by(call, "by_external", args->stripe_subscription_id, &row) && !call_failed(call)) {
        row = (struct subscription_row){.processor = STR("stripe"),
                                        .external_id = args->stripe_subscription_id,
                                        .user_id = user.id,
                                        .state_event = STR(""),
                                        .created_at = call->now};
        row_new(call, &subscription_type, &row);
    }
    REQUIRE(call, doc_id_equal(row.user_id, user.id), STATE,
            "This subscription is somebody else's.");
    row.customer_id = args->stripe_customer_id;
    /* A price that the configuration does not know would take the plan away again. */
    row.price_id = config_plan_of_price(catalogue_of(call), args->stripe_price_id) == plan
                       ? args->stripe_price_id
                       : (str){0};
    row.plan_key = plan->key;
    row.told_status = args->subscription_status;
    row.current_period_start = moment_of(args->current_period_start);
    row.current_period_end = moment_of(args->current_period_end);
    row.cancel_at_period_end = args->cancel_at_period_end;
    row.state_at = call->now;
    subscription_settle(call, &row);
    if (subscription_is_entitled(&row))
        subscription_grant_period(call, &row);
    *result = row.id;
}

#define OTHERS_MAX 20

static void end_others(struct call *call, doc_id user, str but)
{
    struct subscription_row rows[OTHERS_MAX];
    struct scan scan;
    size_t count = 0;
    view_scan(call->view, index_of(&subscription_type, "by_user"),
              (struct bounds){.prefix = KEY(key_id(user))}, ORDER_DOWN, &scan);
    while (count < OTHERS_MAX && scan_next(&scan, &rows[count]))
        count += subscription_is_entitled(&rows[count]) && !str_equal(rows[count].external_id, but);
    scan_end(&scan);
    for (size_t i = 0; i < count; i++)
        subscription_end(call, &rows[i]);
}

static void change(struct call *call, const struct begin_args *args, doc_id *result)
{
    struct user user;
    user_of(call, args->clerk_id, &user);
    if (call_failed(call))
        return;
    end_others(call, user.id, args->stripe_subscription_id);
    begin(call, args, result);
}

static void update(struct call *call, const struct update_args *args, doc_id *result)
{
    struct subscription_row row;
    row_must(call, "by_external", args->stripe_subscription_id, &row);
    if (call_failed(call))
        return;
    if (args->status != SUBSCRIPTION_NONE)
        row.told_status = args->status;
    if (args->cancel_at_period_end.is_set)
        row.cancel_at_period_end = args->cancel_at_period_end.value;
    row.state_at = call->now;
    subscription_settle(call, &row);
    *result = row.id;
}

static void set_ending(struct call *call, str external, bool ends, doc_id *result)
{
    struct subscription_row row;
    row_must(call, "by_external", external, &row);
    REQUIRE(call, subscription_is_entitled(&row), STATE, "This plan is over already.");
    row.cancel_at_period_end = ends;
    row.updated_at = call->now;
    row_put(call, &subscription_type, &row);
    *result = row.id;
}

static void cancel(struct call *call, const struct stripe_args *args, doc_id *result)
{
    set_ending(call, args->stripe_subscription_id, true, result);
}

static void reactivate(struct call *call, const struct stripe_args *args, doc_id *result)
{
    set_ending(call, args->stripe_subscription_id, false, result);
}

static void list(struct call *call, const struct clerk_args *args, struct list *result)
{
    struct user user;
    if (user_by_any_id(call, args->clerk_id, &user))
        *result = subscriptions_of(call, user.id);
    else
        *result = (struct list){arena_alloc(call->arena, 1), 0};
}

static void find(struct call *call, const struct find_args *args, struct subscription_wire **result)
{
    struct subscription_row row;
    if (row_by(call, "by_customer", args->stripe_customer_id, &row))
        *result = subscription_wire_of(call, &row);
}

static void get_period(struct call *call, const struct clerk_args *args,
                       struct billing_period **result)
{
    struct user user;
    if (!user_by_any_id(call, args->clerk_id, &user))
        return;
    struct period period = period_of(call, &user);
    *result = arena_new(call->arena, struct billing_period);
    **result =
        (struct billing_period){period.start, period.end, period_credits(call, user.id, &period)};
}

static void customer(struct call *call, const struct customer_args *args, str *result)
{
    struct user user;
    user_of(call, args->clerk_id, &user);
    *result = billing_account_of(call, user.id).customer_id;
}

static void plan_changed(struct call *call, const struct stripe_args *args, doc_id *result)
{
    struct subscription_row row;
    row_must(call, "by_external", args->stripe_subscription_id, &row);
    if (call_failed(call))
        return;
    subscription_settle(call, &row);
    *result = row.id;
}

/* ---- items ---- */

static struct list items_of(struct call *call, const struct subscription_row *row)
{
    struct item *item = arena_new(call->arena, struct item);
    *item = (struct item){.subscription_id = row->id,
                          .stripe_subscription_id = row->external_id,
                          .stripe_subscription_item_id = row->item_id,
                          .stripe_price_id = row->price_id,
                          .quantity = 1,
                          .created_at = row->created_at,
                          .updated_at = row->updated_at};
    return (struct list){item, row->item_id.len != 0};
}

static void items(struct call *call, const struct of_args *args, struct list *result)
{
    struct subscription_row row;
    row_find(call, &subscription_type, args->subscription_id, &row);
    *result = items_of(call, &row);
}

static void items_by_stripe(struct call *call, const struct stripe_args *args, struct list *result)
{
    struct subscription_row row;
    row_by(call, "by_external", args->stripe_subscription_id, &row);
    *result = items_of(call, &row);
}

static void get_item(struct call *call, const struct item_args *args, struct item **result)
{
    struct subscription_row row;
    if (row_by(call, "by_item", args->stripe_subscription_item_id, &row))
        *result = items_of(call, &row).items;
}

/* A price that no plan has leaves the plan as it is. */
static void put_price(struct call *call, struct subscription_row *row, str item, str price)
{
    row->item_id = item;
    if (price.len != 0 && config_plan_of_price(catalogue_of(call), price) != NULL)
        row->price_id = price;
    subscription_settle(call, row);
}

static void put_item(struct call *call, const struct put_item_args *args, doc_id *result)
{
    struct subscription_row row;
    row_get(call, &subscription_type, args->subscription_id, &row);
    REQUIRE(call, str_equal(row.external_id, args->stripe_subscription_id), STATE,
            "This is another subscription.");
    put_price(call, &row, args->stripe_subscription_item_id, args->stripe_price_id);
    *result = row.id;
}

static void change_item(struct call *call, const struct change_item_args *args, doc_id *result)
{
    struct subscription_row row;
    row_must(call, "by_item", args->stripe_subscription_item_id, &row);
    if (call_failed(call))
        return;
    put_price(call, &row, row.item_id, args->stripe_price_id);
    *result = row.id;
}

static int64_t drop_item(struct call *call, struct subscription_row *row, bool is_there)
{
    if (!is_there || row->item_id.len == 0)
        return 0;
    row->item_id = (str){0};
    row->updated_at = call->now;
    row_put(call, &subscription_type, row);
    return 1;
}

static void remove_items(struct call *call, const struct of_args *args, int64_t *result)
{
    struct subscription_row row;
    bool is_there = row_find(call, &subscription_type, args->subscription_id, &row);
    *result = drop_item(call, &row, is_there);
}

static void remove_item(struct call *call, const struct item_args *args, int64_t *result)
{
    struct subscription_row row;
    bool is_there = row_by(call, "by_item", args->stripe_subscription_item_id, &row);
    *result = drop_item(call, &row, is_there);
}
