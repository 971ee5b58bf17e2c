/* SPDX-License-Identifier: Apache-2.0 */
/* What administrators see of people: who there is, and how each one stands. */
#include "studio/studio.h"

#include "call/page.h"
#include "studio/audit.h"
#include "studio/catalogue.h"
#include "studio/ledger.h"
#include "studio/subscriptions.h"
#include "studio/users.h"

/* ---- arguments and results ---- */

struct list_people_args {
    struct page_options pagination_opts;
    str search;
};
#define ROW struct list_people_args
static const struct field list_people_fields[] = {
    RECORD(pagination_opts, &page_options_shape),
    MAYBE_TEXT(search, .max = 200,
               .about = "Any part of an e-mail address or a name. A page then holds those that are "
                        "found among so many; it may be empty and not the last."),
};
#undef ROW

struct listed_person {
    doc_id user_id;
    str email, name, plan_key;
    enum user_role role;
    credits credits;
    instant created_at;
};
#define ROW struct listed_person
static const struct field listed_person_fields[] = {
    REF(user_id, &user_type),      TEXT(email),      TEXT(name),       TEXT(plan_key),
    CHOICE(role, user_role_names), CREDITS(credits), TIME(created_at),
};
#undef ROW
static const struct shape listed_person_shape = {
    .name = "listedPerson", .size = sizeof(struct listed_person), FIELDS(listed_person_fields)};
static const struct field listed_person_item =
    ITEM_RECORD(&listed_person_shape, struct listed_person);
PAGE_SHAPE(person_page, &listed_person_item)

struct get_person_args {
    doc_id user_id;
};
#define ROW struct get_person_args
static const struct field get_person_fields[] = {REF(user_id, &user_type)};
#undef ROW

struct person {
    doc_id user_id;
    str clerk_id, email, name, plan_key, plan_name;
    enum user_role role;
    credits credits, credits_held, debt, total_credits_used;
    int64_t storage_used_bytes, storage_quota_bytes, image_count, video_count;
    enum subscription_status subscription_status;
    str customer_id;
    struct maybe_instant current_period_end;
    instant created_at;
};
#define ROW struct person
static const struct field person_fields[] = {
    REF(user_id, &user_type),
    TEXT(clerk_id),
    TEXT(email),
    TEXT(name),
    TEXT(plan_key),
    TEXT(plan_name),
    CHOICE(role, user_role_names),
    CREDITS(credits),
    CREDITS(credits_held),
    CREDITS(debt, .about = "Owed: taken back after it was spent."),
    CREDITS(total_credits_used),
    INT(storage_used_bytes, .unit = "bytes"),
    INT(storage_quota_bytes, .unit = "bytes"),
    INT(image_count),
    INT(video_count),
    MAYBE_CHOICE(subscription_status, subscription_status_names),
    MAYBE_TEXT(customer_id, .about = "As the payment service calls them."),
    MAYBE_TIME(current_period_end),
    TIME(created_at),
};
#undef ROW
static const struct shape person_shape = {
    .name = "person", .size = sizeof(struct person), FIELDS(person_fields)};

#define close_review_args get_person_args
#define close_review_fields get_person_fields

BACKEND_FUNCTION(close_review, char)
BACKEND_FUNCTION(list_people, struct page)
BACKEND_FUNCTION(get_person, struct person *)

const struct function admin_people_functions[] = {
    QUERY("admin:listUsers", list_people, .caller = ADMIN,
          .returns = RETURNS_RECORD(&person_page, struct page),
          .about = "Everybody by e-mail address, in pages, or those that a search finds."),
    QUERY("admin:getUser", get_person, .caller = ADMIN, .returns = RETURNS_MAYBE(&person_shape),
          .about = "How somebody stands: plan, credits, debt, storage; null for nobody."),
    MUTATION("admin:closePaymentReview", close_review, .caller = ADMIN, .returns = RETURNS_NULL,
             .about = "Somebody has looked into it; what is owed stays owed. Audited."),
};
const size_t admin_people_function_count = ARRAY_LEN(admin_people_functions);

/* ---- functions ---- */

static bool holds_nocase(str text, str part)
{
    for (size_t i = 0; i + part.len <= text.len; i++)
        if (str_equal_nocase(str_slice(text, i, i + part.len), part))
            return true;
    return false;
}

static bool make_listed(struct call *call, const void *row, void *item, void *context)
{
    const struct user *user = row;
    str search = str_trim(*(const str *)context);
    if (!holds_nocase(user->email, search) && !holds_nocase(user->name, search))
        return false;
    struct balance balance = ledger_balance(call, user->id);
    *(struct listed_person *)item = (struct listed_person){
        .user_id = user->id,
        .email = user->email,
        .name = user->name,
        .plan_key = user->plan_key,
        .role = user->role,
        .credits = ledger_available(call, &balance),
        .created_at = user->created_at,
    };
    return true;
}

static void list_people(struct call *call, const struct list_people_args *args, struct page *result)
{
    str search = args->search;
    struct page_source source = {
        .index = index_of(&user_type, "by_email"),
        .order = ORDER_UP,
        .item_size = sizeof(struct listed_person),
        .make = make_listed,
        .context = &search,
    };
    page_read(call, &args->pagination_opts, &source, result);
}

static void get_person(struct call *call, const struct get_person_args *args,
                       struct person **result)
{
    struct user user;
    struct subscription_row paid;
    if (!row_find(call, &user_type, args->user_id, &user))
        return;
    const struct plan_config *plan = config_plan(catalogue_of(call), user.plan_key);
    struct balance balance = ledger_balance(call, user.id);
    struct storage_meter meter = storage_meter_of(call, user.id);
    subscription_current(call, user.id, &paid);
    struct person *out = arena_new(call->arena, struct person);
    *out = (struct person){
        .user_id = user.id,
        .clerk_id = user.clerk_id,
        .email = user.email,
        .name = user.name,
        .plan_key = user.plan_key,
        .plan_name = plan == NULL ? user.plan_key : plan->name,
        .role = user.role,
        .credits = ledger_available(call, &balance),
        .credits_held = balance.held,
        .debt = balance.debt,
        .total_credits_used = balance.total_used,
        .storage_used_bytes = meter.sums.bytes,
        .storage_quota_bytes = plan == NULL ? 0 : plan->storage_bytes,
        .image_count = meter.sums.images,
        .video_count = meter.sums.videos,
        .subscription_status = paid.status,
        .customer_id = billing_account_of(call, user.id).customer_id,
        .current_period_end = paid.current_period_end,
        .created_at = user.created_at,
    };
    *result = out;
}

static void close_review(struct call *call, const struct get_person_args *args, char *result)
{
    struct billing_account account = billing_account_of(call, args->user_id);
    REQUIRE(call, account.needs_review, NOT_FOUND, "There is nothing to look into here any more.");
    account.needs_review = false;
    billing_account_put(call, &account);
    audit_put(call, "admin:closePaymentReview", args->user_id, (credits){0},
              STR("Looked into; owes what it owes"));
}
