/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/users.h"

#include "studio/catalogue.h"
#include "studio/ledger.h"
#include "studio/quotas.h"
#include "studio/subscriptions.h"

#include <string.h>

const char *const user_role_names[USER_ROLES] = {
    [ROLE_USER] = "user",
    [ROLE_ADMIN] = "admin",
};

/* ---- documents ---- */

#define ROW struct user
static const struct field user_fields[] = {
    ID(id),
    CREATED(created),
    TEXT(external_key, .min = 1, .max = 1200),
    TEXT(clerk_id, .min = 1, .max = 255),
    TEXT(email, .max = 320),
    TEXT(name, .max = 200),
    MAYBE_TEXT(profile_image, .max = 2000),
    CHOICE(role, user_role_names),
    TEXT(plan_key, .min = 1, .max = 40),
    BOOL(email_notifications),
    TIME(created_at),
    TIME(updated_at),
    TIME(last_active_at),
    MAYBE_TEXT(first_name, .max = 200),
    MAYBE_TEXT(last_name, .max = 200),
    MAYBE_TEXT(username, .max = 200),
    MAYBE_TEXT(default_model, .max = 80),
    MAYBE_TIME(told_at),
    MAYBE_TIME(deleted_at),
};
#undef ROW

const struct doc_type user_type = {
    .name = "users",
    .about = "A person who may sign in.",
    .size = sizeof(struct user),
    FIELDS(user_fields),
    .number = 1,
    INDEXES({.name = "by_external_key", .fields = {"externalKey"}, .is_unique = true},
            {.name = "by_clerk_id", .fields = {"clerkId"}},
            {.name = "by_email", .fields = {"email"}}),
};

/* ---- arguments and results ---- */

/* The superset that the frontends of all three studios read. */
struct user_wire {
    doc_id id;
    tick created;
    str clerk_id, user_id, email, name, first_name, last_name, username;
    str image_url, profile_image, default_model;
    credits credits, credits_held, total_credits_used, credits_used_this_period;
    bool credits_low;
    str plan, tier, subscription_tier, plan_key, plan_name;
    bool has_active_subscription, email_notifications;
    enum subscription_status subscription_status;
    struct maybe_instant trial_ends_at;
    enum user_role role;
    int64_t storage_used_bytes, storage_quota_bytes;
    int64_t image_count, video_count, images_used_in_period, videos_used_in_period;
    instant billing_cycle_start, billing_cycle_end;
    instant last_active_at, created_at, updated_at;
};

#define ROW struct user_wire
static const struct field user_wire_fields[] = {
    FIELD(id, doc_id, .kind = FIELD_REF, .ref = &user_type, .wire = "_id"),
    CREATED(created),
    TEXT(clerk_id),
    TEXT(user_id, .about = "The same as clerkId."),
    TEXT(email),
    TEXT(name),
    MAYBE_TEXT(first_name),
    MAYBE_TEXT(last_name),
    MAYBE_TEXT(username),
    TEXT(image_url),
    MAYBE_TEXT(profile_image),
    MAYBE_TEXT(default_model),
    CREDITS(credits),
    CREDITS(credits_held, .about = "Held for work under way."),
    CREDITS(total_credits_used),
    CREDITS(credits_used_this_period),
    BOOL(credits_low, .about = "A tenth or less of the last grant, or of a month's, is left."),
    TEXT(plan),
    TEXT(tier),
    TEXT(subscription_tier),
    TEXT(plan_key, .about = "This studio's own, which plan is not."),
    TEXT(plan_name, .about = "As this studio calls it."),
    BOOL(has_active_subscription),
    BOOL(email_notifications),
    MAYBE_CHOICE(subscription_status, subscription_status_names),
    MAYBE_TIME(trial_ends_at),
    CHOICE(role, user_role_names),
    INT(storage_used_bytes, .unit = "bytes"),
    INT(storage_quota_bytes, .unit = "bytes"),
    INT(image_count),
    INT(video_count),
    INT(images_used_in_period, .about = "Asked for, less what failed."),
    INT(videos_used_in_period),
    TIME(billing_cycle_start),
    TIME(billing_cycle_end),
    TIME(last_active_at),
    TIME(created_at),
    TIME(updated_at),
};
#undef ROW
const struct shape user_wire_shape = {
    .name = "user", .size = sizeof(struct user_wire), FIELDS(user_wire_fields)};

NO_ARGS(get_current_user)
NO_ARGS(see)
NO_ARGS(list_users)

struct listed_user {
    doc_id user_id;
    str email, name;
    enum user_role role;
};
#define ROW struct listed_user
static const struct field listed_user_fields[] = {REF(user_id, &user_type), TEXT(email), TEXT(name),
                                                  CHOICE(role, user_role_names)};
#undef ROW
static const struct shape listed_user_shape = {
    .name = "listedUser", .size = sizeof(struct listed_user), FIELDS(listed_user_fields)};
static const struct field listed_user_item = ITEM_RECORD(&listed_user_shape, struct listed_user);

BACKEND_FUNCTION(get_current_user, struct user_wire *)
BACKEND_FUNCTION(see, doc_id)
BACKEND_FUNCTION(list_users, struct list)

const struct function user_functions[] = {
    QUERY("users:getCurrentUser", get_current_user, .caller = ANYONE,
          .about = "Who is signed in, with credits and storage; null for nobody.",
          .returns = RETURNS_MAYBE(&user_wire_shape)),
    MUTATION("users:see", see, .caller = INTERNAL, .returns = RETURNS_ID(&user_type),
             .about = "Makes the user row at the first sight of a verified token."),
    QUERY("users:list", list_users, .caller = ADMIN, .returns = RETURNS_LIST(&listed_user_item),
          .about = "The first 1,000 accounts."),
};
const size_t user_function_count = ARRAY_LEN(user_functions);

/* ---- identity ---- */

str user_external_key(struct arena *arena, const struct identity *identity)
{
    /* Ours does not carry the issuer: the operator may move to another public address. */
    return identity->is_ours ? str_format(arena, "atelier|%.*s", STR_ARG(identity->subject))
                             : identity->token_identifier;
}

void user_resolve(struct call *call)
{
    struct user user;
    str key = user_external_key(call->arena, call->identity);
    doc_id id = row_first(call, index_of(&user_type, "by_external_key"), KEY(key_text(key)));

    call->caller = id;
    /* Only a function for administrators depends on the row itself. */
    if (call->function != NULL && call->function->caller == ADMIN)
        call->is_admin = row_find(call, &user_type, id, &user) && user.role == ROLE_ADMIN;
}

bool user_is_admin(struct call *call)
{
    struct user user;
    return call->is_internal ||
           (row_find(call, &user_type, call_caller(call), &user) && user.role == ROLE_ADMIN);
}

str user_email(struct call *call, doc_id id)
{
    struct user user;
    return row_find(call, &user_type, id, &user) ? user.email : STR("");
}

static const struct plan_config *first_plan(struct call *call)
{
    const struct studio_config *config = catalogue_of(call);
    return config->plans.items;
}

bool user_grant_month(struct call *call, const struct user *user)
{
    const struct plan_config *plan = config_plan(catalogue_of(call), user->plan_key);
    if (plan == NULL || plan->credits_monthly.n == 0 || user->deleted_at.is_set)
        return false;
    str month = ledger_month(call->arena, call->now);
    instant over = plan->credits_last_days == 0
                       ? (instant){0}
                       : instant_add(call->now, DAYS(plan->credits_last_days));
    return ledger_grant(
        call, user->id, plan->credits_monthly, TRANSACTION_SUBSCRIPTION_GRANT,
        ledger_grant_period(call->arena, user->id, month),
        str_format(call->arena, "%.*s plan: credits of %.*s", STR_ARG(plan->name), STR_ARG(month)),
        over);
}

void user_put_new(struct call *call, struct user *user)
{
    const struct plan_config *plan = first_plan(call);
    user->role = ROLE_USER;
    user->plan_key = plan->key;
    user->email_notifications = true;
    user->created_at = user->updated_at = user->last_active_at = call->now;
    row_new(call, &user_type, user);
    row_put(call, &user_type, user);
    if (plan->credits_once.n > 0)
        ledger_grant(call, user->id, plan->credits_once, TRANSACTION_BONUS,
                     str_format(call->arena, "welcome:%lld", (long long)user->id.n),
                     str_format(call->arena, "%.*s plan: first credits", STR_ARG(plan->name)),
                     (instant){0});
    user_grant_month(call, user);
}

static doc_id key_find(struct call *call, const char *prefix, str key)
{
    str whole = str_format(call->arena, "%s%.*s", prefix, STR_ARG(key));
    return row_first(call, index_of(&user_type, "by_external_key"), KEY(key_text(whole)));
}

/* Whom Clerk told of before their first token came: from now on they are this issuer's. */
static doc_id claim(struct call *call, str external_key, str subject)
{
    struct user user;
    if (!row_find(call, &user_type, key_find(call, "clerk|", subject), &user))
        return (doc_id){0};
    user.external_key = external_key;
    user.last_active_at = call->now;
    row_put(call, &user_type, &user);
    return user.id;
}

doc_id user_ensure(struct call *call, str external_key, str subject, str email, str name)
{
    doc_id known = key_find(call, "", external_key);
    if (!doc_id_is_set(known))
        known = key_find(call, "deleted|", external_key);
    if (!doc_id_is_set(known))
        known = key_find(call, "deleted|clerk|", subject);
    if (!doc_id_is_set(known))
        known = claim(call, external_key, subject);
    if (doc_id_is_set(known) || call_failed(call))
        return known;

    struct user user = {
        .external_key = external_key,
        .clerk_id = subject,
        /* An issuer may send longer ones; nobody is kept out for a long name. */
        .email = email.at == NULL ? STR("") : utf8_cut(email, 320),
        .name = name.at == NULL ? STR("") : utf8_cut(name, 200),
    };
    user_put_new(call, &user);
    return user.id;
}

bool user_by_clerk_id(struct call *call, str clerk_id, struct user *out)
{
    struct scan scan;
    *out = (struct user){0};
    if (call_failed(call))
        return false;
    view_scan(call->view, index_of(&user_type, "by_clerk_id"),
              (struct bounds){.prefix = KEY(key_text(clerk_id))}, ORDER_DOWN, &scan);
    bool is_there = scan_next(&scan, out);
    scan_end(&scan);
    return is_there;
}

bool user_by_any_id(struct call *call, str text, struct user *out)
{
    doc_id id;
    if (doc_id_read(&user_type, text, &id) && row_find(call, &user_type, id, out))
        return true;
    return user_by_clerk_id(call, text, out);
}

/* ---- functions ---- */

struct wire_plan {
    const char *key, *plan, *tier, *subscription_tier;
};

/* seed-contracts.md section (c): what the three frontends call each plan. One that the operator
 * named otherwise and that costs something is called pro. */
static struct wire_plan wire_plan_of(struct call *call, str key)
{
    static const struct wire_plan plans[] = {
        {"free", "free", "free", "free"},
        {"starter", "pro", "pro", "starter"},
        {"pro", "pro", "pro", "pro"},
        {"paid", "pro", "paid", "pro"},
        {"max", "enterprise", "pro", "max"},
        {"enterprise", "enterprise", "pro", "max"},
        {"business", "enterprise", "pro", "max"},
    };
    for (size_t i = 0; i < ARRAY_LEN(plans); i++)
        if (str_equal(key, str_of(plans[i].key)))
            return plans[i];
    const struct plan_config *plan = config_plan(catalogue_of(call), key);
    return plans[plan != NULL && plan->price_cents > 0 ? 2 : 0];
}

str user_wire_plan(struct call *call, str plan_key)
{
    return str_of(wire_plan_of(call, plan_key).plan);
}

str user_wire_tier(struct call *call, str plan_key)
{
    return str_of(wire_plan_of(call, plan_key).tier);
}

bool credits_are_low(credits have, const struct balance *balance, const struct plan_config *plan)
{
    int64_t monthly = plan == NULL ? 0 : plan->credits_monthly.n;
    int64_t usual = MAX_OF(monthly, balance->last_grant.n);
    return usual > 0 && have.n <= usual / 10;
}

struct user_wire *user_wire_of(struct call *call, const struct user *user)
{
    const struct studio_config *config = catalogue_of(call);
    const struct plan_config *plan = config_plan(config, user->plan_key);
    struct balance balance = ledger_balance(call, user->id);
    credits have = ledger_available(call, &balance);
    struct storage_meter meter = storage_meter_of(call, user->id);
    struct wire_plan wire = wire_plan_of(call, user->plan_key);
    struct subscription_row paid;
    subscription_current(call, user->id, &paid);
    struct period period = period_of(call, user);
    struct period_usage used = period_usage_of(call, user->id, &period);
    bool is_trial = paid.status == SUBSCRIPTION_TRIALING;
    struct user_wire *out = arena_new(call->arena, struct user_wire);
    *out = (struct user_wire){
        .id = user->id,
        .created = user->created,
        .clerk_id = user->clerk_id,
        .user_id = user->clerk_id,
        .email = user->email,
        .name = user->name,
        .first_name = user->first_name,
        .last_name = user->last_name,
        .username = user->username,
        .image_url = user->profile_image.at == NULL ? STR("") : user->profile_image,
        .profile_image = user->profile_image,
        .default_model = user->default_model,
        .credits = have,
        .credits_low = credits_are_low(have, &balance, plan),
        .credits_held = balance.held,
        .total_credits_used = balance.total_used,
        .credits_used_this_period = period_credits(call, user->id, &period),
        .plan = str_of(wire.plan),
        .tier = str_of(wire.tier),
        .subscription_tier = str_of(wire.subscription_tier),
        .plan_key = user->plan_key,
        .plan_name = plan == NULL ? user->plan_key : plan->name,
        .has_active_subscription = subscription_is_entitled(&paid),
        .subscription_status = paid.status,
        .trial_ends_at = {paid.trial_end.value, is_trial && paid.trial_end.is_set},
        .email_notifications = user->email_notifications,
        .role = user->role,
        .storage_used_bytes = meter.sums.bytes,
        .storage_quota_bytes = plan == NULL ? 0 : plan->storage_bytes,
        .image_count = meter.sums.images,
        .video_count = meter.sums.videos,
        .images_used_in_period = used.images,
        .videos_used_in_period = used.videos,
        .billing_cycle_start = period.start,
        .billing_cycle_end = period.end,
        .last_active_at = user->last_active_at,
        .created_at = user->created_at,
        .updated_at = user->updated_at,
    };
    return out;
}

static void get_current_user(struct call *call, const struct get_current_user_args *args,
                             struct user_wire **result)
{
    struct user user;
    if (row_find(call, &user_type, call_caller(call), &user))
        *result = user_wire_of(call, &user);
}

static void see(struct call *call, const struct see_args *args, doc_id *result)
{
    const struct identity *who = call->identity;
    REQUIRE(call, who != NULL, AUTH, "Sign in first.");
    *result =
        user_ensure(call, user_external_key(call->arena, who), who->subject, who->email, who->name);
}

#define USERS_LISTED_MAX 1000

static void list_users(struct call *call, const struct list_users_args *args, struct list *result)
{
    struct listed_user *users = arena_array(call->arena, struct listed_user, USERS_LISTED_MAX);
    struct scan scan;
    struct user user;
    size_t count = 0;

    view_scan(call->view, index_of(&user_type, "by_external_key"), (struct bounds){0}, ORDER_UP,
              &scan);
    while (count < USERS_LISTED_MAX && scan_next(&scan, &user)) {
        users[count] = (struct listed_user){
            .user_id = user.id, .email = user.email, .name = user.name, .role = user.role};
        count += !user.deleted_at.is_set;
    }
    scan_end(&scan);
    *result = (struct list){users, count};
}
