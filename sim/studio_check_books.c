/* SPDX-License-Identifier: Apache-2.0 */
/* At the very end: what was sold is what was given, what was counted is what was. */
#include "check.h"
#include "studio/ledger.h"
#include "studio/subscriptions.h"
#include "studio/usage.h"
#include "studio/users.h"
#include "studio_shadow.h"

#include <stdio.h>
#include <string.h>

struct look {
    struct life *life;
    struct arena arena;
    struct json transactions, subscriptions, invoices, users, usage, reports;
};

static bool is_of(const struct json *row, const char *member, const char *text)
{
    return str_equal(json_text(json_get(row, member)), str_of(text));
}

/* ---- what was sold ---- */

static int64_t count_given(const struct look *look, size_t person, const char *type, int64_t amount)
{
    int64_t count = 0;
    for (size_t i = 0; i < look->transactions.count; i++) {
        const struct json *row = &look->transactions.items[i];
        count += is_of(row, "userId", look->life->user_ids[person]) && is_of(row, "type", type) &&
                 json_int(json_get(row, "amount"), 0) == amount;
    }
    return count;
}

static void check_given(struct look *look, size_t person)
{
    const struct till_customer *c = &look->life->till.customers[person];
    int64_t sold[TILL_PLANS + 1] = {0};
    for (size_t i = 0; i < c->sale_count; i++)
        sold[c->sales[i].plan] += c->sales[i].is_paid;
    for (size_t i = 0; i <= TILL_PLANS; i++) {
        bool is_package = i == TILL_PLANS;
        int64_t each = is_package ? TILL_PACKAGE_CREDITS : till_plans[i].credits;
        int64_t given =
            count_given(look, person, is_package ? "PURCHASE" : "SUBSCRIPTION_GRANT", each);
        if (given != sold[i])
            life_wrong(look->life,
                       "user %s paid %lld times for %lld credits and got them %lld "
                       "times",
                       look->life->user_ids[person], (long long)sold[i], (long long)each,
                       (long long)given);
    }
}

static void check_taken_back(struct look *look, size_t person)
{
    const struct till_customer *c = &look->life->till.customers[person];
    int64_t expected = look->life->adjusted[person];
    int64_t adjusted = shadow_adjusted(look->life->shadow, look->life->user_ids[person]);
    for (size_t i = 0; i < c->sale_count; i++)
        expected -= till_taken_back(&c->sales[i]);
    if (adjusted != expected)
        life_wrong(look->life, "user %s: %lld were added and taken back, and not %lld",
                   look->life->user_ids[person], (long long)adjusted, (long long)expected);
}

static const struct json *row_with(const struct json *rows, const char *member, const char *text)
{
    for (size_t i = 0; i < rows->count; i++)
        if (is_of(&rows->items[i], member, text))
            return &rows->items[i];
    return NULL;
}

static void check_plan(struct look *look, size_t person)
{
    static const char *const statuses[] = {"canceled", "active", "past_due"};
    const struct till_customer *c = &look->life->till.customers[person];
    char id[60];
    if (!c->was_here)
        return;
    snprintf(id, sizeof(id), "sub_%zu_%lld", person, (long long)c->subscription);
    const struct json *row = row_with(&look->subscriptions, "externalId", id);
    const struct json *user = row_with(&look->users, "_id", look->life->user_ids[person]);
    const char *plan = c->status == TILL_NOTHING ? "free" : till_plans[c->plan].key;
    if (row == NULL || !is_of(row, "status", statuses[c->status]))
        life_wrong(look->life, "subscription %s is %s and not said to be", id, statuses[c->status]);
    if (user == NULL || !is_of(user, "planKey", plan))
        life_wrong(look->life, "user %s pays for %s and has another plan",
                   look->life->user_ids[person], plan);
}

static void check_invoices(struct look *look, size_t person)
{
    const struct till_customer *c = &look->life->till.customers[person];
    for (size_t i = 0; i < c->sale_count; i++) {
        char id[60];
        const struct till_sale *sale = &c->sales[i];
        snprintf(id, sizeof(id), "in_%zu_%lld", person, (long long)sale->number);
        const struct json *row = row_with(&look->invoices, "externalId", id);
        if (sale->plan != TILL_PLANS &&
            (row == NULL || json_bool(json_get(row, "isPaid"), false) != sale->is_paid))
            life_wrong(look->life, "invoice %s is %s and not said to be", id,
                       sale->is_paid ? "paid" : "open");
    }
}

/* The plan's credits of a month come once in it. */
static void check_months(struct look *look)
{
    for (size_t i = 0; i < look->transactions.count; i++)
        for (size_t k = 0; k < i; k++) {
            const struct json *a = &look->transactions.items[i], *b = &look->transactions.items[k];
            bool is_same =
                str_equal(json_text(json_get(a, "userId")), json_text(json_get(b, "userId"))) &&
                is_of(a, "type", "SUBSCRIPTION_GRANT") && is_of(b, "type", "SUBSCRIPTION_GRANT") &&
                json_int(json_get(a, "amount"), 0) < till_plans[0].credits &&
                json_int(json_get(b, "amount"), 0) < till_plans[0].credits;
            if (is_same && str_equal(json_text(json_get(a, "description")),
                                     json_text(json_get(b, "description"))))
                life_wrong(look->life, "a month's credits were given twice");
        }
}

/* ---- what was counted ---- */

static int64_t sum_of(const struct json *rows, const char *member)
{
    int64_t sum = 0;
    for (size_t i = 0; i < rows->count; i++)
        sum += json_int(json_get(&rows->items[i], member), 0);
    return sum;
}

static void check_usage(struct look *look)
{
    const struct shadow *shadow = look->life->shadow;
    const struct {
        const char *member;
        int64_t expected;
    } claims[] = {{"generationsCount", shadow->ended}, {"creditsUsed", shadow->charged}};
    for (size_t i = 0; i < ARRAY_LEN(claims); i++) {
        int64_t counted = sum_of(&look->usage, claims[i].member);
        int64_t reported = sum_of(&look->reports, claims[i].member);
        if (counted != claims[i].expected)
            life_wrong(look->life, "%s of all days are %lld, not %lld", claims[i].member,
                       (long long)counted, (long long)claims[i].expected);
        if (reported > counted)
            life_wrong(look->life, "%s of all weeks are %lld, of all days %lld", claims[i].member,
                       (long long)reported, (long long)counted);
    }
}

void check_books(struct life *life)
{
    struct look look = {.life = life};
    check_whole(life);
    look.transactions = rows_of(life->house, &look.arena, &credit_transaction_type);
    look.subscriptions = rows_of(life->house, &look.arena, &subscription_type);
    look.invoices = rows_of(life->house, &look.arena, &invoice_type);
    look.users = rows_of(life->house, &look.arena, &user_type);
    look.usage = rows_of(life->house, &look.arena, &usage_type);
    look.reports = rows_of(life->house, &look.arena, &usage_report_type);
    for (size_t i = 0; i < LIFE_PEOPLE; i++) {
        check_given(&look, i);
        check_taken_back(&look, i);
        check_plan(&look, i);
        check_invoices(&look, i);
    }
    check_months(&look);
    check_usage(&look);
    arena_done(&look.arena);
}
