/* SPDX-License-Identifier: Apache-2.0 */
/* What the billing page needs beside plans and invoices: how the caller stands with us. */
#include "studio/studio.h"

#include "studio/catalogue.h"
#include "studio/ledger_inside.h"
#include "studio/subscriptions.h"
#include "studio/users.h"

#define LOTS_READ_MAX 1000
#define LOTS_TOLD_MAX 20

/* ---- what is told ---- */

struct wallet_part {
    credits credits;
    struct maybe_instant expires_at;
};
#define ROW struct wallet_part
static const struct field wallet_part_fields[] = {
    CREDITS(credits),
    MAYBE_TIME(expires_at, .about = "Absent: they stay."),
};
#undef ROW
static const struct shape wallet_part_shape = {
    .name = "walletPart", .size = sizeof(struct wallet_part), FIELDS(wallet_part_fields)};
static const struct field wallet_part_item = ITEM_RECORD(&wallet_part_shape, struct wallet_part);

struct wallet {
    bool can_pay, packages_need_plan, has_portal, had_trial;
    str plan_key;
    credits available, held, debt;
    bool needs_review;
    struct list parts; /* struct wallet_part */
};
#define ROW struct wallet
static const struct field wallet_fields[] = {
    BOOL(can_pay, .about = "Payments are set up in this studio."),
    BOOL(packages_need_plan, .about = "Credits are sold only to who pays for a plan."),
    BOOL(has_portal, .about = "The payment service knows the caller, so its pages can be opened."),
    BOOL(had_trial, .about = "There is no second one."),
    TEXT(plan_key, .about = "The plan that counts now."),
    CREDITS(available),
    CREDITS(held, .about = "For work under way."),
    CREDITS(debt, .about = "Taken back after it was spent."),
    BOOL(needs_review, .about = "A payment is disputed, or more was taken back than was left."),
    LIST(parts, &wallet_part_item,
         .about = "What is available by when it ends, in the order in which it is spent."),
};
#undef ROW
static const struct shape wallet_shape = {
    .name = "wallet", .size = sizeof(struct wallet), FIELDS(wallet_fields)};

NO_ARGS(get_wallet)
BACKEND_FUNCTION(get_wallet, struct wallet)

const struct function wallet_functions[] = {
    QUERY("billing:getMyWallet", get_wallet, .caller = SIGNED_IN,
          .returns = RETURNS_RECORD(&wallet_shape, struct wallet),
          .about = "How the caller stands: what is there until when, held and owed, and whether "
                   "anything can be bought."),
};
const size_t wallet_function_count = ARRAY_LEN(wallet_functions);

/* ---- functions ---- */

/* Adds a lot to the part that ends at the same moment; false: there are too many parts. */
static bool add_lot(struct wallet_part *parts, size_t *count, const struct lot *lot)
{
    struct wallet_part *last = *count == 0 ? NULL : &parts[*count - 1];
    if (last != NULL && last->expires_at.is_set == lot->expires_at.is_set &&
        last->expires_at.value.us == lot->expires_at.value.us) {
        last->credits.n += lot->left.n;
        return true;
    }
    if (*count == LOTS_TOLD_MAX)
        return false;
    parts[(*count)++] = (struct wallet_part){lot->left, lot->expires_at};
    return true;
}

/* Either those that end, soonest first, or those that stay. */
static void add_lots(struct call *call, bool ending, struct wallet_part *parts, size_t *count)
{
    struct bounds bounds = {.prefix = KEY(key_id(call_caller(call)), key_bool(true))};
    struct scan scan;
    struct lot lot;
    if (ending) {
        bounds.from = key_time(call->now);
        bounds.from_is_open = true;
    } else {
        bounds.to = key_int(0); /* what never expires sorts before numbers */
    }
    view_scan(call->view, index_of(&lot_type, "by_user_open"), bounds, ORDER_UP, &scan);
    for (int i = 0; i < LOTS_READ_MAX && scan_next(&scan, &lot); i++)
        if (!add_lot(parts, count, &lot))
            break;
    scan_end(&scan);
}

static void get_wallet(struct call *call, const struct get_wallet_args *args, struct wallet *result)
{
    const struct studio_config *config = catalogue_of(call);
    struct balance balance = ledger_balance(call, call_caller(call));
    struct billing_account account = billing_account_of(call, call_caller(call));
    struct wallet_part *parts = arena_array(call->arena, struct wallet_part, LOTS_TOLD_MAX);
    struct user user;
    size_t count = 0;
    row_get(call, &user_type, call_caller(call), &user);
    add_lots(call, true, parts, &count);
    add_lots(call, false, parts, &count);
    *result = (struct wallet){
        .can_pay = config->payments.stripe != NULL || config->payments.polar != NULL,
        .packages_need_plan = config->payments.packages_need_plan,
        .has_portal = account.customer_id.len != 0 || account.polar_customer_id.len != 0,
        .had_trial = account.had_trial,
        .plan_key = user.plan_key,
        .available = ledger_available(call, &balance),
        .held = balance.held,
        .debt = balance.debt,
        .needs_review = account.needs_review,
        .parts = {parts, count},
    };
}
