/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Iskra's own server tells of a plan that was paid for through Polar: to what, for how long,
 * and that it is over. Times are milliseconds.
 */
#include "studio/subscriptions.h"

#include "studio/catalogue.h"
#include "studio/replies.h"
#include "studio/users.h"

/* ---- arguments and results ---- */

#define USER_ID TEXT(user_id, .min = 1, .max = 255, .about = "Of the token, or our own.")
#define POLAR_ID(member) TEXT(member, .min = 1, .max = 255)

struct upgrade_args {
    str user_id, polar_customer_id, polar_subscription_id;
    instant billing_cycle_start, billing_cycle_end;
};
#define ROW struct upgrade_args
static const struct field upgrade_fields[] = {
    USER_ID,
    POLAR_ID(polar_customer_id),
    POLAR_ID(polar_subscription_id),
    TIME(billing_cycle_start),
    TIME(billing_cycle_end),
};
#undef ROW

struct renew_args {
    str polar_subscription_id;
    instant billing_cycle_start, billing_cycle_end;
};
#define ROW struct renew_args
static const struct field renew_fields[] = {
    POLAR_ID(polar_subscription_id),
    TIME(billing_cycle_start),
    TIME(billing_cycle_end),
};
#undef ROW

struct set_status_args {
    str polar_subscription_id, status;
};
#define ROW struct set_status_args
static const struct field set_status_fields[] = {
    POLAR_ID(polar_subscription_id),
    TEXT(status, .min = 1, .max = 40, .about = "Of a subscription; cancelled with one l or two."),
};
#undef ROW

struct join_args {
    str user_id, polar_customer_id;
};
#define ROW struct join_args
static const struct field join_fields[] = {USER_ID, POLAR_ID(polar_customer_id)};
#undef ROW

struct downgrade_args {
    str user_id;
};
#define ROW struct downgrade_args
static const struct field downgrade_fields[] = {USER_ID};
#undef ROW

struct get_user_args {
    str polar_customer_id;
};
#define ROW struct get_user_args
static const struct field get_user_fields[] = {POLAR_ID(polar_customer_id)};
#undef ROW

struct allocate_args {
    str user_id, clerk_id, stripe_subscription_id;
};
#define ROW struct allocate_args
static const struct field allocate_fields[] = {
    MAYBE_TEXT(user_id, .max = 255, .about = "Of the token, or our own."),
    MAYBE_TEXT(clerk_id, .max = 255, .about = "The same, by its other name."),
    MAYBE_TEXT(stripe_subscription_id, .max = 255, .about = "Not looked at."),
};
#undef ROW

struct allocated {
    bool is_new;
};
#define ROW struct allocated
static const struct field allocated_fields[] = {
    BOOL(is_new, .about = "False: they were given before, or the plan gives none.")};
#undef ROW
static const struct shape allocated_shape = {
    .name = "allocated", .size = sizeof(struct allocated), FIELDS(allocated_fields)};

BACKEND_FUNCTION(upgrade, struct success)
BACKEND_ANSWER(upgrade, struct success)
BACKEND_FUNCTION(renew, struct success)
BACKEND_FUNCTION(set_status, struct success)
BACKEND_FUNCTION(join, struct success)
BACKEND_FUNCTION(downgrade, struct success)
BACKEND_FUNCTION(get_user, struct user_wire *)
BACKEND_FUNCTION(allocate, struct allocated)

const struct function upgrade_functions[] = {
    ACTION("subscriptions:handleUpgrade", upgrade, .answer = upgrade_answered_door,
           .caller = INTERNAL, .returns = RETURNS_SUCCESS,
           .about = "The user pays through Polar from now on."),
    MUTATION("subscriptions:updateBillingCycle", renew, .caller = INTERNAL,
             .returns = RETURNS_SUCCESS,
             .about = "A new period; one that ends earlier than the known one changes nothing."),
    MUTATION("subscriptions:updateSubscriptionStatus", set_status, .caller = INTERNAL,
             .returns = RETURNS_SUCCESS,
             .about = "Cancelled within a paid period: it ends with that."),
    MUTATION("subscriptions:linkPolarCustomer", join, .caller = INTERNAL,
             .returns = RETURNS_SUCCESS),
    MUTATION("subscriptions:handleDowngrade", downgrade, .caller = INTERNAL,
             .returns = RETURNS_SUCCESS, .about = "What the user paid for through Polar is over."),
    QUERY("subscriptions:getUserByPolarCustomerId", get_user, .caller = INTERNAL,
          .returns = RETURNS_MAYBE(&user_wire_shape)),
    MUTATION("subscriptions:allocateMonthlyCredits", allocate, .caller = INTERNAL,
             .returns = RETURNS_RECORD(&allocated_shape, struct allocated),
             .about = "The credits of this period, if nothing gave them yet."),
};
const size_t upgrade_function_count = ARRAY_LEN(upgrade_functions);

/* ---- whose ---- */

static void user_of(struct call *call, str id, struct user *user)
{
    bool is_there = user_by_any_id(call, id, user);
    REQUIRE(call, is_there && !user->deleted_at.is_set, NOT_FOUND, "There is no such user.");
}

static void link_to(struct call *call, doc_id user, str customer)
{
    struct billing_account account = billing_account_of(call, user);
    if (call_failed(call) || str_equal(account.polar_customer_id, customer))
        return;
    account.polar_customer_id = customer;
    billing_account_put(call, &account);
}

/* What is bought is the plan named pro, as Iskra calls it, or else the second. */
static const struct plan_config *plan_of_upgrades(struct call *call)
{
    const struct studio_config *config = catalogue_of(call);
    const struct plan_config *plan = config_plan(config, STR("pro"));
    const struct plan_config *plans = config->plans.items;
    return plan != NULL ? plan : &plans[config->plans.count > 1 ? 1 : 0];
}

static void row_get_by_polar(struct call *call, str external, struct subscription_row *row)
{
    doc_id id =
        row_first(call, index_of(&subscription_type, "by_external"), KEY(key_text(external)));
    bool is_there = row_find(call, &subscription_type, id, row);
    REQUIRE(call, is_there && str_equal(row->processor, STR("polar")), NOT_FOUND,
            "There is no such subscription.");
}

static void set_period(struct call *call, struct subscription_row *row, instant start, instant end)
{
    REQUIRE_ARGUMENT(call, instant_is_before(start, end), ".billingCycleEnd",
                     "A period ends after its start.");
    if (instant_is_before(end, row->current_period_end.value))
        return;
    row->current_period_start = (struct maybe_instant){start, true};
    row->current_period_end = (struct maybe_instant){end, true};
}

/* ---- functions ---- */

static void upgrade(struct call *call, const struct upgrade_args *args, struct success *result)
{
    const struct plan_config *plan = plan_of_upgrades(call);
    struct subscription_row row;
    struct user user;
    doc_id id = row_first(call, index_of(&subscription_type, "by_external"),
                          KEY(key_text(args->polar_subscription_id)));
    user_of(call, args->user_id, &user);
    if (!row_find(call, &subscription_type, id, &row) && !call_failed(call)) {
        row = (struct subscription_row){.processor = STR("polar"),
                                        .external_id = args->polar_subscription_id,
                                        .user_id = user.id,
                                        .plan_key = plan->key,
                                        .state_event = STR(""),
                                        .created_at = call->now};
        row_new(call, &subscription_type, &row);
    }
    REQUIRE(call, str_equal(row.processor, STR("polar")) && doc_id_equal(row.user_id, user.id),
            STATE, "This subscription is somebody else's.");
    set_period(call, &row, args->billing_cycle_start, args->billing_cycle_end);
    if (call_failed(call))
        return;
    row.customer_id = args->polar_customer_id;
    row.told_status = SUBSCRIPTION_ACTIVE;
    row.cancel_at_period_end = false;
    row.state_at = call->now;
    link_to(call, user.id, args->polar_customer_id);
    subscription_settle(call, &row);
    subscription_grant_period(call, &row);
    result->success = true;
}

/* It asks nothing of the outside: this half never runs. */
static void upgrade_answered(struct call *call, const struct upgrade_args *args,
                             const struct call_answer *answer, struct success *result)
{
    call_fail(call, INTERNAL_ERROR, "An upgrade asks nothing of the outside.");
}

static void renew(struct call *call, const struct renew_args *args, struct success *result)
{
    struct subscription_row row;
    row_get_by_polar(call, args->polar_subscription_id, &row);
    if (!call_failed(call))
        set_period(call, &row, args->billing_cycle_start, args->billing_cycle_end);
    if (call_failed(call))
        return;
    row.state_at = call->now;
    subscription_settle(call, &row);
    if (subscription_is_entitled(&row))
        subscription_grant_period(call, &row);
    result->success = true;
}

static enum subscription_status status_named(str name)
{
    if (str_equal(name, STR("cancelled")))
        return SUBSCRIPTION_CANCELED;
    for (size_t i = 1; i < SUBSCRIPTION_STATUSES; i++)
        if (str_equal(name, str_of(subscription_status_names[i])))
            return (enum subscription_status)i;
    return SUBSCRIPTION_NONE;
}

static void set_status(struct call *call, const struct set_status_args *args,
                       struct success *result)
{
    enum subscription_status status = status_named(args->status);
    struct subscription_row row;
    REQUIRE_ARGUMENT(call, status != SUBSCRIPTION_NONE, ".status", "This is no status of one.");
    row_get_by_polar(call, args->polar_subscription_id, &row);
    if (call_failed(call))
        return;
    bool is_paid_still = instant_is_before(call->now, row.current_period_end.value);
    row.cancel_at_period_end = status == SUBSCRIPTION_CANCELED && is_paid_still;
    if (!row.cancel_at_period_end)
        row.told_status = status;
    if (status == SUBSCRIPTION_CANCELED && !row.canceled_at.is_set)
        row.canceled_at = (struct maybe_instant){call->now, true};
    row.state_at = call->now;
    subscription_settle(call, &row);
    result->success = true;
}

static void join(struct call *call, const struct join_args *args, struct success *result)
{
    struct user user;
    user_of(call, args->user_id, &user);
    if (call_failed(call))
        return;
    link_to(call, user.id, args->polar_customer_id);
    result->success = true;
}

void subscription_end(struct call *call, struct subscription_row *row)
{
    row->told_status = SUBSCRIPTION_CANCELED;
    row->cancel_at_period_end = false;
    row->ended_at = (struct maybe_instant){call->now, true};
    row->state_at = call->now;
    subscription_settle(call, row);
}

#define ENDED_MAX 20

static void downgrade(struct call *call, const struct downgrade_args *args, struct success *result)
{
    struct subscription_row rows[ENDED_MAX];
    struct user user;
    struct scan scan;
    size_t count = 0;
    user_of(call, args->user_id, &user);
    if (call_failed(call))
        return;
    view_scan(call->view, index_of(&subscription_type, "by_user"),
              (struct bounds){.prefix = KEY(key_id(user.id))}, ORDER_DOWN, &scan);
    while (count < ENDED_MAX && scan_next(&scan, &rows[count]))
        count += str_equal(rows[count].processor, STR("polar")) &&
                 subscription_is_entitled(&rows[count]);
    scan_end(&scan);
    for (size_t i = 0; i < count; i++)
        subscription_end(call, &rows[i]);
    result->success = true;
}

static void get_user(struct call *call, const struct get_user_args *args, struct user_wire **result)
{
    struct billing_account account;
    struct user user;
    doc_id id = row_first(call, index_of(&billing_account_type, "by_polar_customer"),
                          KEY(key_text(args->polar_customer_id)));
    row_find(call, &billing_account_type, id, &account);
    if (row_find(call, &user_type, account.user_id, &user) && !user.deleted_at.is_set)
        *result = user_wire_of(call, &user);
}

/* The same key as the invoice's and the cron's: whoever comes first gives them. */
static void allocate(struct call *call, const struct allocate_args *args, struct allocated *result)
{
    struct subscription_row paid;
    struct user user;
    user_of(call, args->user_id.len != 0 ? args->user_id : args->clerk_id, &user);
    if (call_failed(call))
        return;
    bool is_paid = subscription_current(call, user.id, &paid) && subscription_is_entitled(&paid);
    result->is_new =
        is_paid ? subscription_grant_period(call, &paid) : user_grant_month(call, &user);
}
