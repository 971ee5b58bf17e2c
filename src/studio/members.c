/* SPDX-License-Identifier: Apache-2.0 */
/* What others tell of people (Clerk, an older backend), and what people say of themselves. */
#include "studio/users.h"

#include "studio/assets.h"
#include "studio/catalogue.h"
#include "studio/erasing.h"
#include "studio/replies.h"
#include "studio/subscriptions.h"

/* ---- arguments and results ---- */

#define SEEN_EVERY MINUTES(5) /* who is active is noted no more often */
#define OPTIONAL_NAME(member) MAYBE_TEXT(member, .max = 1000, .is_nullable = true)

struct names {
    str email, first_name, last_name, username, profile_image;
};
#define ROW struct names
static const struct field names_fields[] = {
    MAYBE_TEXT(email, .max = 1000, .is_nullable = true),
    OPTIONAL_NAME(first_name),
    OPTIONAL_NAME(last_name),
    OPTIONAL_NAME(username),
    MAYBE_TEXT(profile_image, .max = 2000, .is_nullable = true),
};
#undef ROW
static const struct shape names_shape = {
    .name = "userNames", .size = sizeof(struct names), FIELDS(names_fields)};

struct create_args {
    str clerk_id, email, first_name, last_name, username, profile_image, issuer;
    struct maybe_instant updated_at;
};
#define ROW struct create_args
static const struct field create_fields[] = {
    TEXT(clerk_id, .min = 1, .max = 255),
    TEXT(email, .max = 1000),
    OPTIONAL_NAME(first_name),
    OPTIONAL_NAME(last_name),
    OPTIONAL_NAME(username),
    MAYBE_TEXT(profile_image, .max = 2000, .is_nullable = true),
    MAYBE_TEXT(issuer, .max = 900, .about = "Whose tokens name them, where that is known."),
    MAYBE_TIME(updated_at, .about = "What is older than what was told before changes nothing."),
};
#undef ROW

struct update_args {
    str clerk_id, email, first_name, last_name, username, profile_image, issuer;
    struct maybe_instant updated_at;
    doc_id user_id;
    struct names *updates;
};
#define ROW struct update_args
static const struct field update_fields[] = {
    MAYBE_TEXT(clerk_id, .min = 1, .max = 255),
    MAYBE_TEXT(email, .max = 1000, .is_nullable = true),
    OPTIONAL_NAME(first_name),
    OPTIONAL_NAME(last_name),
    OPTIONAL_NAME(username),
    MAYBE_TEXT(profile_image, .max = 2000, .is_nullable = true),
    MAYBE_TEXT(issuer, .max = 900, .about = "Whose tokens name them, where that is known."),
    MAYBE_TIME(updated_at, .about = "What is older than what was told before changes nothing."),
    MAYBE_REF(user_id, &user_type, .about = "With updates, instead of clerkId and the names."),
    MAYBE_RECORD(updates, &names_shape),
};
#undef ROW

struct clerk_args {
    str clerk_id;
};
#define remove_args clerk_args
#define get_by_clerk_args clerk_args
#define ROW struct clerk_args
static const struct field remove_fields[] = {TEXT(clerk_id, .min = 1, .max = 255)};
#define get_by_clerk_fields remove_fields
#undef ROW

struct user_args {
    doc_id user_id;
};
#define get_by_id_args user_args
#define get_args user_args
#define ROW struct user_args
static const struct field get_by_id_fields[] = {REF(user_id, &user_type)};
#define get_fields get_by_id_fields
#undef ROW

struct customer_args {
    str stripe_customer_id;
};
#define get_by_customer_args customer_args
#define ROW struct customer_args
static const struct field get_by_customer_fields[] = {
    TEXT(stripe_customer_id, .min = 1, .max = 255)};
#undef ROW

struct link_customer_args {
    str clerk_id;
    doc_id user_id;
    str stripe_customer_id;
};
#define ROW struct link_customer_args
static const struct field link_customer_fields[] = {
    MAYBE_TEXT(clerk_id, .max = 255),
    MAYBE_REF(user_id, &user_type),
    MAYBE_TEXT(stripe_customer_id, .max = 255),
};
#undef ROW

struct touch_args {
    str user_id;
};
#define ROW struct touch_args
static const struct field touch_fields[] = {
    MAYBE_TEXT(user_id, .max = 255, .about = "Not looked at: it is always the caller.")};
#undef ROW

struct set_args {
    struct maybe_bool email_notifications;
    str default_model;
};
#define ROW struct set_args
static const struct field set_fields[] = {
    MAYBE_BOOL(email_notifications),
    MAYBE_TEXT(default_model, .max = 80, .about = "One of the models; empty: none."),
};
#undef ROW

struct move_args {
    doc_id user_id;
    str plan, stripe_customer_id, stripe_subscription_id, subscription_status;
};
#define ROW struct move_args
static const struct field move_fields[] = {
    REF(user_id, &user_type),
    TEXT(plan, .min = 1, .max = 40, .about = "A plan's key, or free, pro or enterprise."),
    MAYBE_TEXT(stripe_customer_id, .max = 255),
    MAYBE_TEXT(stripe_subscription_id, .max = 255, .about = "Not looked at: events tell of it."),
    MAYBE_TEXT(subscription_status, .max = 40, .about = "Not looked at: events tell of it."),
};
#undef ROW

struct meter_args {
    doc_id user_id;
    int64_t bytes_change;
};
#define ROW struct meter_args
static const struct field meter_fields[] = {
    REF(user_id, &user_type),
    INT(bytes_change, .unit = "bytes", .about = "Not believed.", .min = -(INT64_C(1) << 50),
        .max = INT64_C(1) << 50),
};
#undef ROW

NO_ARGS(get_or_create)
NO_ARGS(ensure)
NO_ARGS(recount)

BACKEND_FUNCTION(create, doc_id)
BACKEND_FUNCTION(update, doc_id)
BACKEND_FUNCTION(remove, char)
BACKEND_FUNCTION(get_by_id, struct user_wire *)
BACKEND_FUNCTION(get, struct user_wire *)
BACKEND_FUNCTION(get_by_clerk, struct user_wire *)
BACKEND_FUNCTION(get_by_customer, struct user_wire *)
BACKEND_FUNCTION(link_customer, char)
BACKEND_FUNCTION(touch, char)
BACKEND_FUNCTION(set, struct success)
BACKEND_FUNCTION(move, char)
BACKEND_FUNCTION(meter, int64_t)
BACKEND_FUNCTION(get_or_create, struct user_wire *)
BACKEND_FUNCTION(ensure, doc_id)
BACKEND_FUNCTION(recount, int64_t)

#define RETURNS_USER RETURNS_MAYBE(&user_wire_shape)

const struct function member_functions[] = {
    MUTATION("users:createUser", create, .caller = INTERNAL, .returns = RETURNS_ID(&user_type),
             .about = "Whom Clerk told of; who is there already stays as they are."),
    MUTATION("users:updateUser", update, .caller = INTERNAL, .returns = RETURNS_ID(&user_type),
             .about = "What is newer than what was told before; makes them if need be."),
    MUTATION("users:deleteUser", remove, .caller = INTERNAL, .returns = RETURNS_NULL,
             .about = "For good: nothing that is told later makes them anew."),
    QUERY("users:getUserById", get_by_id, .caller = SIGNED_IN, .returns = RETURNS_USER,
          .about = "The caller; for administrators, anyone; else null."),
    QUERY("users:getUser", get, .caller = ADMIN, .returns = RETURNS_USER,
          .about = "By our own id, or null."),
    QUERY("users:getUserByClerkId", get_by_clerk, .caller = ADMIN, .returns = RETURNS_USER,
          .about = "By the id that their tokens name, or null."),
    QUERY("users:getUserByStripeCustomerId", get_by_customer, .caller = ADMIN,
          .returns = RETURNS_USER, .about = "By the payment service's id, or null."),
    MUTATION("users:updateUserStripeCustomerId", link_customer, .caller = ADMIN,
             .returns = RETURNS_NULL,
             .about = "Does nothing: the payment service's own events tell who pays."),
    MUTATION("users:updateLastActive", touch, .caller = SIGNED_IN, .returns = RETURNS_NULL,
             .about = "Notes that the caller is here; at most every five minutes."),
    MUTATION("users:updateUserSettings", set, .caller = SIGNED_IN, .returns = RETURNS_SUCCESS,
             .about = "What the caller says of themselves."),
    MUTATION("users:updateUserPlan", move, .caller = INTERNAL, .returns = RETURNS_NULL,
             .about = "To another plan, until a payment service tells of one."),
    MUTATION("users:updateStorageUsage", meter, .caller = INTERNAL, .returns = RETURNS_INT,
             .about = "The bytes that a user has stored. Works count themselves; this changes "
                      "nothing."),
    MUTATION("users:getOrCreateUser", get_or_create, .caller = ANYONE, .returns = RETURNS_USER,
             .about = "The caller, made at the first sight of their token, once."),
    MUTATION("users:ensureUserExists", ensure, .caller = ANYONE, .returns = RETURNS_ID(&user_type),
             .about = "The same; answers the id."),
    MUTATION("users:updateUserQuota", recount, .caller = SIGNED_IN, .returns = RETURNS_INT,
             .about = "Counts again what the caller has stored; answers the bytes (QUOT-07)."),
};
const size_t member_function_count = ARRAY_LEN(member_functions);

/* ---- what Clerk tells ---- */

static str told(str was, str now, size_t max)
{
    return now.at == NULL ? was : utf8_cut(now, max);
}

static void take_names(struct call *call, struct user *user, const struct names *names)
{
    user->email = told(user->email, names->email, 320);
    user->first_name = told(user->first_name, names->first_name, 200);
    user->last_name = told(user->last_name, names->last_name, 200);
    user->username = told(user->username, names->username, 200);
    user->profile_image = told(user->profile_image, names->profile_image, 2000);
    str name = str_trim(
        str_format(call->arena, "%.*s %.*s", STR_ARG(user->first_name), STR_ARG(user->last_name)));
    if (name.len != 0)
        user->name = utf8_cut(name, 200);
    else if (user->name.len == 0)
        user->name = user->username.at == NULL ? STR("") : user->username;
}

/* Who is told of before any token of theirs came. */
static void make(struct call *call, str clerk_id, str issuer, struct user *user)
{
    *user = (struct user){
        .external_key = issuer.len == 0 ? str_format(call->arena, "clerk|%.*s", STR_ARG(clerk_id))
                                        : str_format(call->arena, "%.*s|%.*s", STR_ARG(issuer),
                                                     STR_ARG(clerk_id)),
        .clerk_id = clerk_id,
        .email = STR(""),
        .name = STR(""),
    };
    user_put_new(call, user);
}

static bool is_older(const struct user *user, struct maybe_instant at)
{
    return at.is_set && user->told_at.is_set && instant_is_before(at.value, user->told_at.value);
}

static void take(struct call *call, struct user *user, const struct names *names,
                 struct maybe_instant at)
{
    if (user->deleted_at.is_set || is_older(user, at))
        return;
    take_names(call, user, names);
    if (at.is_set)
        user->told_at = at;
    user->updated_at = call->now;
    row_put(call, &user_type, user);
}

static void create(struct call *call, const struct create_args *args, doc_id *result)
{
    struct user user;
    struct names names = {args->email, args->first_name, args->last_name, args->username,
                          args->profile_image};
    bool is_known = user_by_clerk_id(call, args->clerk_id, &user);
    if (call_failed(call))
        return;
    if (!is_known)
        make(call, args->clerk_id, args->issuer, &user);
    /* Who came by a token before has only what that said. */
    if (!user.told_at.is_set)
        take(call, &user, &names, args->updated_at);
    *result = user.id;
}

static void update(struct call *call, const struct update_args *args, doc_id *result)
{
    struct user user;
    struct names names = {args->email, args->first_name, args->last_name, args->username,
                          args->profile_image};
    bool has_id = doc_id_is_set(args->user_id);
    REQUIRE_ARGUMENT(call, has_id || args->clerk_id.len != 0, ".clerkId",
                     "Either clerkId or userId must be given.");
    if (has_id)
        row_get(call, &user_type, args->user_id, &user);
    else if (!user_by_clerk_id(call, args->clerk_id, &user) && !call_failed(call))
        make(call, args->clerk_id, args->issuer, &user);
    if (call_failed(call))
        return;
    take(call, &user, args->updates == NULL ? &names : args->updates, args->updated_at);
    *result = user.id;
}

/* Also of whom nobody knows yet: their late creation must not make them. */
static void remove(struct call *call, const struct clerk_args *args, char *result)
{
    struct user user;
    bool is_known = user_by_clerk_id(call, args->clerk_id, &user);
    if (call_failed(call) || user.deleted_at.is_set)
        return;
    if (is_known)
        user_erase(call, &user);
    else
        user_put_deleted(call, args->clerk_id);
}

void user_tell(struct call *call, const struct user_told *about)
{
    doc_id id;
    struct update_args args = {.clerk_id = about->clerk_id,
                               .issuer = about->issuer,
                               .email = about->email,
                               .first_name = about->first_name,
                               .last_name = about->last_name,
                               .username = about->username,
                               .profile_image = about->profile_image,
                               .updated_at = about->at};
    update(call, &args, &id);
}

void user_tell_gone(struct call *call, str clerk_id)
{
    char nothing;
    remove(call, &(struct clerk_args){clerk_id}, &nothing);
}

/* ---- looking up ---- */

static struct user_wire *wire_or_null(struct call *call, bool is_there, const struct user *user)
{
    return is_there && !user->deleted_at.is_set ? user_wire_of(call, user) : NULL;
}

static void get_by_id(struct call *call, const struct user_args *args, struct user_wire **result)
{
    struct user user;
    bool may = doc_id_equal(args->user_id, call_caller(call)) || user_is_admin(call);
    if (may)
        *result = wire_or_null(call, row_find(call, &user_type, args->user_id, &user), &user);
}

static void get(struct call *call, const struct user_args *args, struct user_wire **result)
{
    struct user user;
    *result = wire_or_null(call, row_find(call, &user_type, args->user_id, &user), &user);
}

static void get_by_clerk(struct call *call, const struct clerk_args *args,
                         struct user_wire **result)
{
    struct user user;
    *result = wire_or_null(call, user_by_clerk_id(call, args->clerk_id, &user), &user);
}

static void get_by_customer(struct call *call, const struct customer_args *args,
                            struct user_wire **result)
{
    struct billing_account account;
    struct user user;
    doc_id id = row_first(call, index_of(&billing_account_type, "by_customer"),
                          KEY(key_text(args->stripe_customer_id)));
    row_find(call, &billing_account_type, id, &account);
    *result = wire_or_null(call, row_find(call, &user_type, account.user_id, &user), &user);
}

static void link_customer(struct call *call, const struct link_customer_args *args, char *result)
{
    struct user user;
    bool is_there = doc_id_is_set(args->user_id) ? row_find(call, &user_type, args->user_id, &user)
                                                 : user_by_clerk_id(call, args->clerk_id, &user);
    REQUIRE(call, is_there, NOT_FOUND, "There is no such user.");
}

/* ---- of oneself ---- */

static void touch(struct call *call, const struct touch_args *args, char *result)
{
    struct user user;
    row_get(call, &user_type, call_caller(call), &user);
    if (call_failed(call) ||
        instant_is_before(call->now, instant_add(user.last_active_at, SEEN_EVERY)))
        return;
    user.last_active_at = call->now;
    row_put(call, &user_type, &user);
}

static void set(struct call *call, const struct set_args *args, struct success *result)
{
    struct user user;
    str model = args->default_model;
    row_get(call, &user_type, call_caller(call), &user);
    bool is_known = model.len == 0 || config_model(catalogue_of(call), model) != NULL;
    REQUIRE_ARGUMENT(call, is_known, ".defaultModel", "There is no model \"%.*s\".",
                     STR_ARG(model));
    if (args->email_notifications.is_set)
        user.email_notifications = args->email_notifications.value;
    if (model.at != NULL)
        user.default_model = model.len == 0 ? (str){0} : model;
    user.updated_at = call->now;
    row_put(call, &user_type, &user);
    result->success = true;
}

static doc_id ensured(struct call *call)
{
    const struct identity *who = call->identity;
    if (who == NULL)
        call_fail(call, AUTH, "Sign in first.");
    if (who == NULL || call_failed(call))
        return (doc_id){0};
    return user_ensure(call, user_external_key(call->arena, who), who->subject, who->email,
                       who->name);
}

/* The first project is made with the others, by projects. */
static void get_or_create(struct call *call, const struct get_or_create_args *args,
                          struct user_wire **result)
{
    struct user user;
    row_get(call, &user_type, ensured(call), &user);
    REQUIRE(call, !user.deleted_at.is_set, AUTH, "This account was deleted.");
    *result = user_wire_of(call, &user);
}

static void ensure(struct call *call, const struct ensure_args *args, doc_id *result)
{
    struct user user;
    row_get(call, &user_type, ensured(call), &user);
    REQUIRE(call, !user.deleted_at.is_set, AUTH, "This account was deleted.");
    *result = user.id;
}

/* Of a library larger than that the cron counts the rest (storage_recount_all). */
#define COUNTED_MAX 10000

static void recount(struct call *call, const struct recount_args *args, int64_t *result)
{
    bool was_wrong;
    storage_recount(call, call_caller(call), COUNTED_MAX, &was_wrong);
    *result = storage_meter_of(call, call_caller(call)).sums.bytes;
}

/* ---- of the program itself ---- */

/* A plan by its key, or by what frontends call it. */
static const struct plan_config *plan_named(struct call *call, str name)
{
    const struct studio_config *config = catalogue_of(call);
    const struct plan_config *plans = config->plans.items, *plan = config_plan(config, name);
    for (size_t i = 0; plan == NULL && i < config->plans.count; i++)
        if (str_equal(user_wire_plan(call, plans[i].key), name))
            plan = &plans[i];
    return plan;
}

static void move(struct call *call, const struct move_args *args, char *result)
{
    const struct plan_config *plan = plan_named(call, args->plan);
    struct user user;
    row_get(call, &user_type, args->user_id, &user);
    REQUIRE_ARGUMENT(call, plan != NULL, ".plan", "There is no plan \"%.*s\".",
                     STR_ARG(args->plan));
    user.plan_key = plan->key;
    user.updated_at = call->now;
    row_put(call, &user_type, &user);
    user_grant_month(call, &user);
    struct billing_account account = billing_account_of(call, user.id);
    if (args->stripe_customer_id.len == 0 || account.customer_id.len != 0)
        return;
    account.customer_id = args->stripe_customer_id;
    billing_account_put(call, &account);
}

static void meter(struct call *call, const struct meter_args *args, int64_t *result)
{
    struct user user;
    row_get(call, &user_type, args->user_id, &user);
    *result = storage_meter_of(call, user.id).sums.bytes;
}
