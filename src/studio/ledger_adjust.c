/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/ledger_inside.h"

#include "base/date.h"
#include "base/planted.h"
#include "studio/alerts.h"
#include "studio/generations.h"

/* ---- periods ---- */

str ledger_month(struct arena *arena, instant at)
{
    return str_slice(ledger_period(arena, at), 0, 7);
}

str ledger_period(struct arena *arena, instant at)
{
    struct date date = date_of_day(at.us / DAYS(1).us);
    return str_format(arena, "%04lld-%02d-%02d", (long long)date.year, date.month, date.day);
}

str ledger_grant_period(struct arena *arena, doc_id user, str period)
{
    return str_format(arena, "grant:%lld:%.*s", (long long)user.n, STR_ARG(period));
}

/* ---- adjustments ---- */

/* A debt is paid before anything reaches the balance. */
static credits add(struct call *call, struct balance *balance, credits amount, str key,
                   str description)
{
    credits paid = {MIN_OF(balance->debt.n, amount.n)}, rest = {amount.n - paid.n};
    struct list parts = {0};
    if (rest.n > 0)
        parts = lot_add(call, balance->user_id, rest, (instant){0});
    struct entry entries[] = {{account_of(call, "user", balance->user_id), rest, UNIT_CREDITS},
                              {account_of(call, "debt", balance->user_id), paid, UNIT_CREDITS},
                              {STR("adjusted"), {-amount.n}, UNIT_CREDITS}};
    movement_put(call, key, description, entries, ARRAY_LEN(entries), parts, 1);
    balance->debt.n -= paid.n;
    return rest;
}

static credits take(struct call *call, struct balance *balance, credits amount, str key,
                    str description)
{
    expire(call, balance, str_format(call->arena, "expire:%.*s", STR_ARG(key)));
    credits taken = {MIN_OF(balance->credits.n, amount.n)};
    if (PLANTED(sim_debt_forgiven))
        amount = taken;
    credits owed = {amount.n - taken.n};
    struct list parts = take_lots(call, balance->user_id, taken);
    struct entry entries[] = {
        {account_of(call, "user", balance->user_id), {-taken.n}, UNIT_CREDITS},
        {account_of(call, "debt", balance->user_id), {-owed.n}, UNIT_CREDITS},
        {STR("adjusted"), amount, UNIT_CREDITS}};
    movement_put(call, key, description, entries, ARRAY_LEN(entries), parts, -1);
    if (owed.n > 0)
        alert_raise(call, "debt", str_format(call->arena, "debt:%.*s", STR_ARG(key)),
                    balance->user_id, true,
                    str_format(call->arena, "%lld credits were taken back after they were spent.",
                               (long long)owed.n));
    if (__builtin_add_overflow(balance->debt.n, owed.n, &balance->debt.n))
        call_fail(call, INTERNAL_ERROR, "A debt overflows.");
    return (credits){-taken.n};
}

credits ledger_adjust(struct call *call, doc_id user, credits amount, enum transaction_type type,
                      str key, str description)
{
    if (amount.n == 0 || amount.n < -ADJUST_MAX || amount.n > ADJUST_MAX)
        call_fail(call, ARGUMENT, "An adjustment adds or takes at least one credit.");
    if (call_failed(call) || movement_is_known(call, key) || call_failed(call))
        return (credits){0};

    struct balance balance = ledger_balance(call, user);
    credits change = amount.n > 0 ? add(call, &balance, amount, key, description)
                                  : take(call, &balance, (credits){-amount.n}, key, description);
    if (change.n != 0)
        change_balance(call, &balance, change, type, description, (doc_id){0});
    balance_put(call, &balance);
    return change;
}

/* ---- refunds ---- */

static bool hold_of(struct call *call, doc_id generation, struct hold *hold)
{
    doc_id id = row_first(call, index_of(&hold_type, "by_generation"), KEY(key_id(generation)));
    return row_find(call, &hold_type, id, hold);
}

/* What was charged came from the lots taken first: the rest went back when it was settled. */
static struct list return_charged(struct call *call, const struct hold *hold, credits charged)
{
    const struct part *parts = hold->parts.items;
    struct part *returned = arena_array(call->arena, struct part, hold->parts.count + 1);
    size_t count = 0;
    for (size_t i = 0; i < hold->parts.count && charged.n > 0; i++) {
        credits part = {MIN_OF(charged.n, parts[i].amount.n)};
        lot_return(call, parts[i].lot_id, part);
        returned[count++] = (struct part){parts[i].lot_id, part};
        charged.n -= part.n;
    }
    return (struct list){returned, count};
}

credits ledger_refund(struct call *call, doc_id generation, str description)
{
    struct generation g;
    struct hold hold;
    str key = str_format(call->arena, "refund:%lld", (long long)generation.n);
    row_get(call, &generation_type, generation, &g);
    bool is_held = hold_of(call, generation, &hold);
    if (is_held && hold.is_open)
        call_fail(call, STATE, "This is still under way; cancel it to have its credits back.");
    credits charged = {g.credits_cost.n - (PLANTED(sim_refund_whole) ? 0 : g.credits_refunded.n)};
    if (call_failed(call) || !is_held || charged.n <= 0 || movement_is_known(call, key) ||
        call_failed(call))
        return (credits){0};

    struct entry entries[] = {{STR("revenue"), {-charged.n}, UNIT_CREDITS},
                              {account_of(call, "user", hold.user_id), charged, UNIT_CREDITS}};
    movement_put(call, key, description, entries, ARRAY_LEN(entries),
                 return_charged(call, &hold, charged), 1);
    struct balance balance = ledger_balance(call, hold.user_id);
    change_balance(call, &balance, charged, TRANSACTION_REFUND, description, generation);
    expire(call, &balance, str_format(call->arena, "expire:%.*s", STR_ARG(key)));
    balance.total_used.n -= charged.n;
    balance_put(call, &balance);
    if (!PLANTED(sim_refund_untold))
        g.credits_refunded = g.credits_cost;
    g.updated_at = call->now;
    row_put(call, &generation_type, &g);
    return charged;
}

/* ---- costs ---- */

void ledger_cost(struct call *call, str provider, int64_t micros, str key)
{
    if (micros <= 0 || call_failed(call) || movement_is_known(call, key))
        return;
    struct entry entries[] = {
        {STR("outlay"), {micros}, UNIT_USD_MICROS},
        {str_format(call->arena, "provider:%.*s", STR_ARG(provider)), {-micros}, UNIT_USD_MICROS}};
    movement_put(call, key, STR("Provider's cost"), entries, ARRAY_LEN(entries), (struct list){0},
                 1);
}

/* ---- expiry ---- */

#define PEOPLE_AT_ONCE 50

int64_t ledger_expire_due(struct call *call, bool *has_more)
{
    struct bounds over = {
        .prefix = KEY(key_bool(true)), .from = key_int(0), .to = key_time(call->now)};
    int64_t people = 0;
    *has_more = true;
    for (; people < PEOPLE_AT_ONCE && *has_more && !call_failed(call); people += *has_more) {
        struct scan scan;
        struct lot lot;
        view_scan(call->view, index_of(&lot_type, "by_open_expiry"), over, ORDER_UP, &scan);
        *has_more = scan_next(&scan, &lot);
        scan_end(&scan);
        if (!*has_more)
            break;
        struct balance balance = ledger_balance(call, lot.user_id);
        expire(call, &balance, str_format(call->arena, "expire:lot:%lld", (long long)lot.id.n));
        balance_put(call, &balance);
    }
    return people;
}
