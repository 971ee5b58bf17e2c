/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/alerts.h"

#include "studio/audit.h"
#include "studio/catalogue.h"
#include "studio/quotas.h"
#include "studio/users.h"

#define REFUNDS_A_DAY 100  /* of one user; more are unusual */
#define ADDED_A_DAY 100000 /* credits, or ten times what the largest plan gives in a month */
#define LISTED_MAX 200
#define OWN_MAX 20

/* ---- documents ---- */

struct alert {
    doc_id id;
    tick created;
    str kind, key, detail;
    doc_id user_id;
    bool is_for_operators;
    instant at;
    struct maybe_instant acknowledged_at;
};

#define ROW struct alert
static const struct field alert_fields[] = {
    ID(id),
    CREATED(created),
    TEXT(kind, .min = 1, .max = 40),
    TEXT(key, .min = 1, .max = 400),
    TEXT(detail, .max = 300),
    MAYBE_REF(user_id, &user_type),
    BOOL(is_for_operators),
    TIME(at),
    MAYBE_TIME(acknowledged_at),
};
#undef ROW

const struct doc_type alert_type = {
    .name = "alerts",
    .about = "What a user or the operators should know of.",
    .size = sizeof(struct alert),
    FIELDS(alert_fields),
    .number = 35,
    INDEXES({.name = "by_key", .fields = {"key"}, .is_unique = true},
            {.name = "by_operators", .fields = {"isForOperators"}},
            {.name = "by_user", .fields = {"userId", "isForOperators"}}),
};

/* What came back and in on a day; apart from the balance, which everybody reads. */
struct credit_watch {
    doc_id id;
    tick created;
    doc_id user_id;
    int64_t day, refunds;
    credits added;
};

#define ROW struct credit_watch
static const struct field credit_watch_fields[] = {
    ID(id), CREATED(created), REF(user_id, &user_type), INT(day), INT(refunds), CREDITS(added),
};
#undef ROW

const struct doc_type credit_watch_type = {
    .name = "creditWatch",
    .about = "How much came back to a user, and was given to them, on the last such day.",
    .size = sizeof(struct credit_watch),
    FIELDS(credit_watch_fields),
    .number = 36,
    INDEXES({.name = "by_user", .fields = {"userId"}, .is_unique = true}),
};

/* ---- arguments and results ---- */

struct wire_alert {
    doc_id id;
    tick created;
    str kind, detail;
    doc_id user_id;
    instant at;
    struct maybe_instant acknowledged_at;
};
#define ROW struct wire_alert
static const struct field wire_alert_fields[] = {
    FIELD(id, doc_id, .kind = FIELD_REF, .ref = &alert_type, .wire = "_id"),
    CREATED(created),
    TEXT(kind, .about = "low_credits, debt, refunds, added or waiting."),
    TEXT(detail),
    MAYBE_REF(user_id, &user_type),
    TIME(at),
    MAYBE_TIME(acknowledged_at),
};
#undef ROW
static const struct shape wire_alert_shape = {
    .name = "alert", .size = sizeof(struct wire_alert), FIELDS(wire_alert_fields)};
static const struct field wire_alert_item = ITEM_RECORD(&wire_alert_shape, struct wire_alert);

struct acknowledge_args {
    doc_id alert_id;
};
#define ROW struct acknowledge_args
static const struct field acknowledge_fields[] = {REF(alert_id, &alert_type)};
#undef ROW

NO_ARGS(list)
NO_ARGS(list_own)
BACKEND_FUNCTION(list, struct list)
BACKEND_FUNCTION(list_own, struct list)
BACKEND_FUNCTION(acknowledge, char)

const struct function alert_functions[] = {
    QUERY("admin:listAlerts", list, .caller = ADMIN, .returns = RETURNS_LIST(&wire_alert_item),
          .about = "What is unusual in the books (CRED-10), or waits for long; newest 200 first."),
    MUTATION("admin:acknowledgeAlert", acknowledge, .caller = ADMIN, .returns = RETURNS_NULL,
             .about = "Somebody has looked at it; audited."),
    QUERY("alerts:getMyAlerts", list_own, .caller = SIGNED_IN,
          .returns = RETURNS_LIST(&wire_alert_item),
          .about = "What the caller was told, newest 20 first."),
};
const size_t alert_function_count = ARRAY_LEN(alert_functions);

/* ---- raising ---- */

void alert_raise(struct call *call, const char *kind, str key, doc_id user, bool is_for_operators,
                 str detail)
{
    doc_id known = row_first(call, index_of(&alert_type, "by_key"), KEY(key_text(key)));
    if (call_failed(call) || doc_id_is_set(known))
        return;
    struct alert alert = {.kind = str_of(kind),
                          .key = key,
                          .detail = utf8_cut(detail, 300),
                          .user_id = user,
                          .is_for_operators = is_for_operators,
                          .at = call->now};
    row_new(call, &alert_type, &alert);
    row_put(call, &alert_type, &alert);
}

void alert_low_credits(struct call *call, doc_id user_id)
{
    struct user user;
    struct balance balance = ledger_balance(call, user_id);
    if (call_failed(call) || !row_find(call, &user_type, user_id, &user))
        return;
    const struct plan_config *plan = config_plan(catalogue_of(call), user.plan_key);
    credits have = ledger_available(call, &balance);
    if (!credits_are_low(have, &balance, plan))
        return;
    struct period period = period_of(call, &user);
    str day = ledger_period(call->arena, period.start);
    alert_raise(call, "low_credits",
                str_format(call->arena, "low:%lld:%.*s", (long long)user_id.n, STR_ARG(day)),
                user_id, false,
                have.n == 1 ? STR("1 credit is left.")
                            : str_format(call->arena, "%lld credits are left.", (long long)have.n));
}

static int64_t much(struct call *call)
{
    const struct studio_config *config = catalogue_of(call);
    const struct plan_config *plans = config->plans.items;
    int64_t most = 0;
    for (size_t i = 0; i < config->plans.count; i++)
        most = MAX_OF(most, plans[i].credits_monthly.n);
    return MAX_OF(10 * most, (int64_t)ADDED_A_DAY);
}

static void tell_operators(struct call *call, const char *kind, const struct credit_watch *watch,
                           str detail)
{
    alert_raise(call, kind,
                str_format(call->arena, "%s:%lld:%lld", kind, (long long)watch->user_id.n,
                           (long long)watch->day),
                watch->user_id, true, detail);
}

void alert_watch(struct call *call, doc_id user, enum transaction_type type, credits amount)
{
    bool is_gift = type == TRANSACTION_BONUS || type == TRANSACTION_ADJUSTMENT;
    struct credit_watch watch;
    int64_t day = call->now.us / DAYS(1).us;
    if (call_failed(call) || (type != TRANSACTION_REFUND && !(is_gift && amount.n > 0)))
        return;
    row_find(call, &credit_watch_type,
             row_first(call, index_of(&credit_watch_type, "by_user"), KEY(key_id(user))), &watch);
    if (watch.day != day)
        watch = (struct credit_watch){.id = watch.id, .created = watch.created, .day = day};
    watch.user_id = user;
    watch.refunds += type == TRANSACTION_REFUND;
    watch.added.n += is_gift ? MIN_OF(amount.n, INT64_MAX / 2 - watch.added.n) : 0;
    if (!doc_id_is_set(watch.id))
        row_new(call, &credit_watch_type, &watch);
    row_put(call, &credit_watch_type, &watch);
    if (watch.refunds > REFUNDS_A_DAY)
        tell_operators(call, "refunds", &watch,
                       str_format(call->arena, "More than %d refunds in a day.", REFUNDS_A_DAY));
    if (watch.added.n > much(call))
        tell_operators(
            call, "added", &watch,
            str_format(call->arena, "%lld credits were added in a day.", (long long)watch.added.n));
}

/* ---- functions ---- */

static struct list rows_of(struct call *call, const struct index *index, struct key prefix,
                           size_t max)
{
    struct wire_alert *out = arena_array(call->arena, struct wire_alert, max);
    struct alert row;
    struct scan scan;
    size_t count = 0;
    view_scan(call->view, index, (struct bounds){.prefix = prefix}, ORDER_DOWN, &scan);
    while (count < max && scan_next(&scan, &row))
        out[count++] = (struct wire_alert){row.id,      row.created, row.kind,           row.detail,
                                           row.user_id, row.at,      row.acknowledged_at};
    scan_end(&scan);
    return (struct list){out, count};
}

static void list(struct call *call, const struct list_args *args, struct list *result)
{
    *result = rows_of(call, index_of(&alert_type, "by_operators"), KEY(key_bool(true)), LISTED_MAX);
}

static void list_own(struct call *call, const struct list_own_args *args, struct list *result)
{
    *result = rows_of(call, index_of(&alert_type, "by_user"),
                      KEY(key_id(call_caller(call)), key_bool(false)), OWN_MAX);
}

static void acknowledge(struct call *call, const struct acknowledge_args *args, char *result)
{
    struct alert alert;
    row_get(call, &alert_type, args->alert_id, &alert);
    if (call_failed(call) || alert.acknowledged_at.is_set)
        return;
    alert.acknowledged_at = (struct maybe_instant){call->now, true};
    row_put(call, &alert_type, &alert);
    audit_put(call, "admin:acknowledgeAlert", alert.user_id, (credits){0}, alert.detail);
}
