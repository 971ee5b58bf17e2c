/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What VideoAI called a user's profile: their credits. No page asks for these; its own server did.
 * All that changes a balance goes through the ledger, with its keys: what was given is not given
 * twice.
 */
#include "studio/studio.h"

#include "studio/audit.h"
#include "studio/generations.h"
#include "studio/ledger.h"
#include "studio/quotas.h"
#include "studio/subscriptions.h"
#include "studio/users.h"

/* ---- arguments and results ---- */

#define AMOUNT_MAX 1000000000
#define CLERK_ID TEXT(clerk_id, .min = 1, .max = 255, .about = "Of the token, or our own id.")

struct profile {
    doc_id id;
    tick created;
    str clerk_id;
    credits credits, total_credits_used;
    instant created_at, updated_at;
};
#define ROW struct profile
static const struct field profile_fields[] = {
    FIELD(id, doc_id, .kind = FIELD_REF, .ref = &user_type, .wire = "_id"),
    CREATED(created),
    TEXT(clerk_id),
    CREDITS(credits),
    CREDITS(total_credits_used),
    TIME(created_at),
    TIME(updated_at),
};
#undef ROW
static const struct shape profile_shape = {
    .name = "userProfile", .size = sizeof(struct profile), FIELDS(profile_fields)};

struct purse {
    credits credits, total_credits_used;
};
#define ROW struct purse
static const struct field purse_fields[] = {CREDITS(credits), CREDITS(total_credits_used)};
#undef ROW
static const struct shape purse_shape = {
    .name = "purse", .size = sizeof(struct purse), FIELDS(purse_fields)};

struct changed {
    bool success;
    credits new_balance, total_used;
};
#define ROW struct changed
static const struct field changed_fields[] = {BOOL(success), CREDITS(new_balance),
                                              CREDITS(total_used)};
#undef ROW
static const struct shape changed_shape = {
    .name = "changedPurse", .size = sizeof(struct changed), FIELDS(changed_fields)};

struct clerk_args {
    str clerk_id;
};
#define create_args clerk_args
#define get_args clerk_args
#define get_balance_args clerk_args
#define get_history_args clerk_args
#define ROW struct clerk_args
static const struct field create_fields[] = {CLERK_ID};
#define get_fields create_fields
#define get_balance_fields create_fields
#define get_history_fields create_fields
#undef ROW

enum operation {
    OPERATION_NONE,
    OPERATION_ADD,
    OPERATION_SUBTRACT,
    OPERATIONS,
};
static const char *const operation_names[OPERATIONS] = {
    [OPERATION_ADD] = "add",
    [OPERATION_SUBTRACT] = "subtract",
};

struct change_args {
    str clerk_id;
    int64_t credit_amount;
    enum operation operation;
};
#define ROW struct change_args
static const struct field change_fields[] = {
    CLERK_ID,
    INT(credit_amount, .min = 1, .max = AMOUNT_MAX),
    CHOICE(operation, operation_names),
};
#undef ROW

struct amount_args {
    str clerk_id;
    int64_t amount;
};
#define add_args amount_args
#define subtract_args amount_args
#define ROW struct amount_args
static const struct field add_fields[] = {CLERK_ID, INT(amount, .min = 1, .max = AMOUNT_MAX)};
#define subtract_fields add_fields
#undef ROW

struct updates {
    struct maybe_int credits, total_credits_used;
};
#define ROW struct updates
static const struct field updates_fields[] = {
    MAYBE_INT(credits, .min = 0, .max = AMOUNT_MAX, .about = "The difference is an adjustment."),
    MAYBE_INT(total_credits_used, .about = "Not looked at: it is counted."),
};
#undef ROW
static const struct shape updates_shape = {
    .name = "profileUpdates", .size = sizeof(struct updates), FIELDS(updates_fields)};

struct update_args {
    str clerk_id;
    struct updates updates;
};
#define ROW struct update_args
static const struct field update_fields[] = {CLERK_ID, RECORD(updates, &updates_shape)};
#undef ROW

struct grant_args {
    str clerk_id;
    int64_t amount;
    str description, subscription_id;
};
#define ROW struct grant_args
static const struct field grant_fields[] = {
    CLERK_ID,
    INT(amount, .min = 1, .max = AMOUNT_MAX),
    TEXT(description, .min = 1, .max = 200),
    MAYBE_TEXT(subscription_id, .max = 255, .about = "Not looked at: it is the period's."),
};
#undef ROW

struct buy_args {
    str clerk_id;
    int64_t amount;
    str description, stripe_payment_intent_id;
    doc_id video_id;
};
#define ROW struct buy_args
static const struct field buy_fields[] = {
    CLERK_ID,
    INT(amount, .min = 1, .max = AMOUNT_MAX),
    TEXT(description, .min = 1, .max = 200),
    MAYBE_TEXT(stripe_payment_intent_id, .max = 255, .about = "Gives once."),
    MAYBE_REF(video_id, &generation_type),
};
#undef ROW

NO_ARGS(get_current)

BACKEND_FUNCTION(create, doc_id)
BACKEND_FUNCTION(get, struct profile *)
BACKEND_FUNCTION(get_current, struct profile *)
BACKEND_FUNCTION(change, struct changed)
BACKEND_FUNCTION(add, int64_t)
BACKEND_FUNCTION(subtract, int64_t)
BACKEND_FUNCTION(get_balance, struct purse *)
BACKEND_FUNCTION(update, doc_id)
BACKEND_FUNCTION(grant, int64_t)
BACKEND_FUNCTION(buy, int64_t)
BACKEND_FUNCTION(get_history, struct list)

const struct function profile_functions[] = {
    MUTATION("userProfiles:createUserProfile", create, .caller = INTERNAL,
             .returns = RETURNS_ID(&user_type), .about = "The user, who must be there."),
    QUERY("userProfiles:getUserProfile", get, .caller = INTERNAL,
          .returns = RETURNS_MAYBE(&profile_shape)),
    QUERY("userProfiles:getCurrentUserProfile", get_current, .caller = ANYONE,
          .returns = RETURNS_MAYBE(&profile_shape), .about = "The caller's credits, or null."),
    MUTATION("userProfiles:updateCredits", change, .caller = INTERNAL,
             .returns = RETURNS_RECORD(&changed_shape, struct changed)),
    MUTATION("userProfiles:addCredits", add, .caller = INTERNAL, .returns = RETURNS_INT),
    MUTATION("userProfiles:subtractCredits", subtract, .caller = INTERNAL, .returns = RETURNS_INT,
             .about = "Fails when there are fewer."),
    QUERY("userProfiles:getCreditBalance", get_balance, .caller = INTERNAL,
          .returns = RETURNS_MAYBE(&purse_shape)),
    MUTATION("userProfiles:updateUserProfile", update, .caller = INTERNAL,
             .returns = RETURNS_ID(&user_type)),
    MUTATION("userProfiles:grantSubscriptionCredits", grant, .caller = INTERNAL,
             .returns = RETURNS_INT, .about = "Once in a billing period, whatever gives them."),
    MUTATION("userProfiles:addCreditsWithTransaction", buy, .caller = INTERNAL,
             .returns = RETURNS_INT, .about = "Once for a payment, whatever tells of it."),
    QUERY("userProfiles:getCreditHistory", get_history, .caller = INTERNAL,
          .returns = RETURNS_LIST(&credit_history_item)),
};
const size_t profile_function_count = ARRAY_LEN(profile_functions);

/* ---- looking up ---- */

static void user_of(struct call *call, str id, struct user *user)
{
    bool is_there = user_by_any_id(call, id, user);
    REQUIRE(call, is_there && !user->deleted_at.is_set, NOT_FOUND, "There is no such user.");
}

static struct purse purse_of(struct call *call, doc_id user)
{
    struct balance balance = ledger_balance(call, user);
    return (struct purse){ledger_available(call, &balance), balance.total_used};
}

static struct profile *profile_of(struct call *call, const struct user *user)
{
    struct purse purse = purse_of(call, user->id);
    struct profile *profile = arena_new(call->arena, struct profile);
    *profile = (struct profile){
        user->id,         user->created,   user->clerk_id, purse.credits, purse.total_credits_used,
        user->created_at, user->updated_at};
    return profile;
}

static void create(struct call *call, const struct clerk_args *args, doc_id *result)
{
    struct user user;
    user_of(call, args->clerk_id, &user);
    *result = user.id;
}

static void get(struct call *call, const struct clerk_args *args, struct profile **result)
{
    struct user user;
    if (user_by_any_id(call, args->clerk_id, &user))
        *result = profile_of(call, &user);
}

static void get_current(struct call *call, const struct get_current_args *args,
                        struct profile **result)
{
    struct user user;
    if (row_find(call, &user_type, call_caller(call), &user))
        *result = profile_of(call, &user);
}

static void get_balance(struct call *call, const struct clerk_args *args, struct purse **result)
{
    struct user user;
    if (!user_by_any_id(call, args->clerk_id, &user))
        return;
    *result = arena_new(call->arena, struct purse);
    **result = purse_of(call, user.id);
}

static void get_history(struct call *call, const struct clerk_args *args, struct list *result)
{
    struct user user;
    user_of(call, args->clerk_id, &user);
    *result = credit_history_of(call, user.id);
}

/* ---- changing ---- */

/* With its audit, which is its key. */
static void adjust(struct call *call, doc_id user, int64_t amount, const char *action)
{
    if (amount == 0 || call_failed(call))
        return;
    credits change = {amount};
    doc_id audit = audit_put(call, action, user, change, STR("Changed by a server"));
    str key = str_format(call->arena, "profile:%lld", (long long)audit.n);
    if (amount > 0)
        ledger_grant(call, user, change, TRANSACTION_BONUS, key, STR("Credits added"),
                     (instant){0});
    else
        ledger_adjust(call, user, change, TRANSACTION_USAGE, key, STR("Credits deducted"));
}

static void must_have(struct call *call, doc_id user, int64_t amount)
{
    int64_t have = purse_of(call, user).credits.n;
    REQUIRE(call, have >= amount, NO_CREDITS,
            "%lld credits short: this takes %lld and there are %lld.", (long long)(amount - have),
            (long long)amount, (long long)have);
}

static void change(struct call *call, const struct change_args *args, struct changed *result)
{
    struct user user;
    bool adds = args->operation == OPERATION_ADD;
    user_of(call, args->clerk_id, &user);
    if (!adds)
        must_have(call, user.id, args->credit_amount);
    adjust(call, user.id, adds ? args->credit_amount : -args->credit_amount,
           "userProfiles:updateCredits");
    struct purse purse = purse_of(call, user.id);
    *result = (struct changed){true, purse.credits, purse.total_credits_used};
}

static void add(struct call *call, const struct amount_args *args, int64_t *result)
{
    struct user user;
    user_of(call, args->clerk_id, &user);
    adjust(call, user.id, args->amount, "userProfiles:addCredits");
    *result = purse_of(call, user.id).credits.n;
}

static void subtract(struct call *call, const struct amount_args *args, int64_t *result)
{
    struct user user;
    user_of(call, args->clerk_id, &user);
    must_have(call, user.id, args->amount);
    adjust(call, user.id, -args->amount, "userProfiles:subtractCredits");
    *result = purse_of(call, user.id).credits.n;
}

static void update(struct call *call, const struct update_args *args, doc_id *result)
{
    struct user user;
    user_of(call, args->clerk_id, &user);
    if (args->updates.credits.is_set)
        adjust(call, user.id, args->updates.credits.value - purse_of(call, user.id).credits.n,
               "userProfiles:updateUserProfile");
    *result = user.id;
}

static void grant(struct call *call, const struct grant_args *args, int64_t *result)
{
    struct user user;
    user_of(call, args->clerk_id, &user);
    if (call_failed(call))
        return;
    /* The keys of an invoice and of the monthly cron: whoever gave already, it was once. */
    struct subscription_row current;
    bool pays = subscription_current(call, user.id, &current) && subscription_is_entitled(&current);
    str period = pays ? ledger_period(call->arena, period_of(call, &user).start)
                      : ledger_month(call->arena, call->now);
    str key = ledger_grant_period(call->arena, user.id, period);
    ledger_grant(call, user.id, (credits){args->amount}, TRANSACTION_SUBSCRIPTION_GRANT, key,
                 args->description, (instant){0});
    *result = purse_of(call, user.id).credits.n;
}

static void buy(struct call *call, const struct buy_args *args, int64_t *result)
{
    struct user user;
    str payment = args->stripe_payment_intent_id;
    user_of(call, args->clerk_id, &user);
    if (call_failed(call))
        return;
    doc_id audit = audit_put(call, "userProfiles:addCreditsWithTransaction", user.id,
                             (credits){args->amount}, args->description);
    str key = payment.len != 0 ? str_format(call->arena, "purchase:%.*s", STR_ARG(payment))
                               : str_format(call->arena, "profile:%lld", (long long)audit.n);
    ledger_grant(call, user.id, (credits){args->amount}, TRANSACTION_PURCHASE, key,
                 args->description, (instant){0});
    *result = purse_of(call, user.id).credits.n;
}
