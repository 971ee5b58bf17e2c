/* SPDX-License-Identifier: Apache-2.0 */
/* What administrators and the program itself do to somebody's credits, and its audit (CRED-06). */
#include "studio/studio.h"

#include "studio/audit.h"
#include "studio/generations.h"
#include "studio/ledger.h"
#include "studio/users.h"

#define AMOUNT_MAX 1000000000
#define REASON(member) TEXT(member, .min = 1, .max = 200, .about = "Shown in the user's history.")

/* ---- documents ---- */

struct audit {
    doc_id id;
    tick created;
    doc_id actor_id; /* none: the program, or somebody with the admin key */
    str action;
    doc_id user_id; /* to whom */
    credits amount;
    str detail;
    instant at;
};

#define ROW struct audit
static const struct field audit_fields[] = {
    ID(id),
    CREATED(created),
    MAYBE_REF(actor_id, &user_type, .about = "Absent: the program itself."),
    TEXT(action, .min = 1, .max = 80),
    MAYBE_REF(user_id, &user_type, .about = "To whom."),
    CREDITS(amount),
    TEXT(detail, .max = 300),
    TIME(at),
};
#undef ROW

const struct doc_type audit_type = {
    .name = "auditLog",
    .about = "What administrators did, and why.",
    .size = sizeof(struct audit),
    FIELDS(audit_fields),
    .number = 25,
    INDEXES({.name = "by_at", .fields = {"at"}}, {.name = "by_user", .fields = {"userId"}}),
};

/* ---- arguments and results ---- */

struct changed_balance {
    credits new_balance, change;
};
#define ROW struct changed_balance
static const struct field changed_balance_fields[] = {
    CREDITS(new_balance),
    CREDITS(change, .about = "Of the balance; what was not there is a debt, or paid one."),
};
#undef ROW
static const struct shape changed_balance_shape = {.name = "changedBalance",
                                                   .size = sizeof(struct changed_balance),
                                                   FIELDS(changed_balance_fields)};

struct adjust_args {
    doc_id user_id;
    int64_t amount;
    str reason;
};
#define ROW struct adjust_args
static const struct field adjust_fields[] = {
    REF(user_id, &user_type),
    INT(amount, .min = -AMOUNT_MAX, .max = AMOUNT_MAX, .about = "Negative takes."),
    REASON(reason),
};
#undef ROW

#define add_args adjust_args
#define ROW struct adjust_args
static const struct field add_fields[] = {
    REF(user_id, &user_type),
    INT(amount, .min = 1, .max = AMOUNT_MAX),
    REASON(reason),
};
#undef ROW

struct deduct_args {
    doc_id user_id;
    int64_t amount;
    doc_id video_id;
};
#define ROW struct deduct_args
static const struct field deduct_fields[] = {
    REF(user_id, &user_type),
    INT(amount, .min = 1, .max = AMOUNT_MAX),
    MAYBE_REF(video_id, &generation_type, .about = "What for: deducted once for it."),
};
#undef ROW

struct refund_args {
    doc_id video_id;
};
#define ROW struct refund_args
static const struct field refund_fields[] = {
    REF(video_id, &generation_type, .about = "Of a film or of a job.")};
#undef ROW

struct test_credits_args {
    int64_t amount;
};
#define ROW struct test_credits_args
static const struct field test_credits_fields[] = {INT(amount, .min = 1, .max = AMOUNT_MAX)};
#undef ROW

struct wire_audit {
    doc_id actor_id;
    str actor_email, action;
    doc_id user_id;
    str user_email;
    credits amount;
    str detail;
    instant at;
};
#define ROW struct wire_audit
static const struct field wire_audit_fields[] = {
    MAYBE_REF(actor_id, &user_type),
    TEXT(actor_email),
    TEXT(action),
    MAYBE_REF(user_id, &user_type),
    TEXT(user_email),
    CREDITS(amount),
    TEXT(detail),
    TIME(at),
};
#undef ROW
static const struct shape wire_audit_shape = {
    .name = "audit", .size = sizeof(struct wire_audit), FIELDS(wire_audit_fields)};
static const struct field wire_audit_item = ITEM_RECORD(&wire_audit_shape, struct wire_audit);

NO_ARGS(list_audit)
BACKEND_FUNCTION(adjust, struct changed_balance)
BACKEND_FUNCTION(add, struct changed_balance)
BACKEND_FUNCTION(deduct, struct changed_balance)
BACKEND_FUNCTION(test_credits, struct changed_balance)
BACKEND_FUNCTION(refund, struct changed_balance)
BACKEND_FUNCTION(list_audit, struct list)

#define RETURNS_CHANGE RETURNS_RECORD(&changed_balance_shape, struct changed_balance)

const struct function money_functions[] = {
    MUTATION("credits:adjust", adjust, .caller = ADMIN, .returns = RETURNS_CHANGE,
             .about =
                 "Adds or takes credits, with a reason; audited. Never below zero: what is not "
                 "there is owed, and paid by the next adjustment that adds."),
    MUTATION("credits:addCredits", add, .caller = ADMIN, .returns = RETURNS_CHANGE,
             .about = "A bonus, with a reason; audited."),
    MUTATION("credits:deductCredits", deduct, .caller = INTERNAL, .returns = RETURNS_CHANGE,
             .about = "Takes credits; fails when there are fewer."),
    MUTATION("users:deductCredits", deduct, .caller = INTERNAL, .returns = RETURNS_CHANGE,
             .about = "The same, by its older name."),
    MUTATION("users:addTestCredits", test_credits, .caller = SIGNED_IN, .returns = RETURNS_CHANGE,
             .about = "A button of Pixorly's page: for administrators, to themselves; audited."),
    MUTATION("credits:refundCredits", refund, .caller = INTERNAL, .returns = RETURNS_CHANGE,
             .about = "Gives back what a generation was charged, once (CRED-04)."),
    MUTATION("videos:refundCredits", refund, .caller = INTERNAL, .returns = RETURNS_CHANGE,
             .about = "The same, by its other name; STATE while the film is being made."),
    QUERY("admin:listAudit", list_audit, .caller = ADMIN, .returns = RETURNS_LIST(&wire_audit_item),
          .about = "The last 200 things that administrators did."),
};
const size_t money_function_count = ARRAY_LEN(money_functions);

/* ---- functions ---- */

doc_id audit_put(struct call *call, const char *action, doc_id user, credits amount, str detail)
{
    struct audit audit = {
        .actor_id = call_caller(call),
        .action = str_of(action),
        .user_id = user,
        .amount = amount,
        .detail = utf8_cut(detail, 300),
        .at = call->now,
    };
    row_new(call, &audit_type, &audit);
    row_put(call, &audit_type, &audit);
    return audit.id;
}

static struct changed_balance changed(struct call *call, doc_id user, credits change)
{
    struct balance balance = ledger_balance(call, user);
    return (struct changed_balance){.new_balance = ledger_available(call, &balance),
                                    .change = change};
}

static void must_exist(struct call *call, doc_id id)
{
    struct user user;
    row_get(call, &user_type, id, &user);
}

static void adjust(struct call *call, const struct adjust_args *args,
                   struct changed_balance *result)
{
    must_exist(call, args->user_id);
    REQUIRE_ARGUMENT(call, args->amount != 0, ".amount", "An adjustment of nothing is none.");
    credits amount = {args->amount};
    doc_id audit = audit_put(call, "credits:adjust", args->user_id, amount, args->reason);
    credits change =
        ledger_adjust(call, args->user_id, amount, TRANSACTION_ADJUSTMENT,
                      str_format(call->arena, "adjust:%lld", (long long)audit.n), args->reason);
    *result = changed(call, args->user_id, change);
}

static void add(struct call *call, const struct adjust_args *args, struct changed_balance *result)
{
    must_exist(call, args->user_id);
    credits amount = {args->amount};
    doc_id audit = audit_put(call, "credits:addCredits", args->user_id, amount, args->reason);
    ledger_grant(call, args->user_id, amount, TRANSACTION_BONUS,
                 str_format(call->arena, "bonus:%lld", (long long)audit.n), args->reason,
                 (instant){0});
    *result = changed(call, args->user_id, amount);
}

static void deduct(struct call *call, const struct deduct_args *args,
                   struct changed_balance *result)
{
    must_exist(call, args->user_id);
    struct balance balance = ledger_balance(call, args->user_id);
    credits have = ledger_available(call, &balance);
    REQUIRE(call, have.n >= args->amount, NO_CREDITS,
            "%lld credits short: this takes %lld and there are %lld.",
            (long long)(args->amount - have.n), (long long)args->amount, (long long)have.n);
    credits amount = {-args->amount};
    doc_id audit = audit_put(call, "credits:deductCredits", args->user_id, amount, STR("Deducted"));
    bool is_for = doc_id_is_set(args->video_id);
    str key = str_format(call->arena, "deduct%s:%lld", is_for ? ":for" : "",
                         (long long)(is_for ? args->video_id.n : audit.n));
    credits change =
        ledger_adjust(call, args->user_id, amount, TRANSACTION_USAGE, key, STR("Deducted"));
    *result = changed(call, args->user_id, change);
}

static void test_credits(struct call *call, const struct test_credits_args *args,
                         struct changed_balance *result)
{
    REQUIRE(call, user_is_admin(call), STATE, "This studio gives no test credits.");
    struct adjust_args adding = {call_caller(call), args->amount, STR("Test credits")};
    add(call, &adding, result);
}

static void refund(struct call *call, const struct refund_args *args,
                   struct changed_balance *result)
{
    struct generation g;
    row_get(call, &generation_type, args->video_id, &g);
    credits back = ledger_refund(call, args->video_id, STR("Refunded"));
    if (back.n > 0)
        audit_put(call, "credits:refundCredits", g.user_id, back, STR("Refunded"));
    *result = changed(call, g.user_id, back);
}

#define AUDIT_LISTED_MAX 200

static void list_audit(struct call *call, const struct list_audit_args *args, struct list *result)
{
    struct wire_audit *list = arena_array(call->arena, struct wire_audit, AUDIT_LISTED_MAX);
    struct scan scan;
    struct audit audit;
    size_t count = 0;
    view_scan(call->view, index_of(&audit_type, "by_at"), (struct bounds){0}, ORDER_DOWN, &scan);
    while (count < AUDIT_LISTED_MAX && scan_next(&scan, &audit))
        list[count++] = (struct wire_audit){
            .actor_id = audit.actor_id,
            .actor_email = user_email(call, audit.actor_id),
            .action = audit.action,
            .user_id = audit.user_id,
            .user_email = user_email(call, audit.user_id),
            .amount = audit.amount,
            .detail = audit.detail,
            .at = audit.at,
        };
    scan_end(&scan);
    *result = (struct list){list, count};
}
