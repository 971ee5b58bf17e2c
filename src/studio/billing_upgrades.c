/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another plan within a paid period: its invoice says that the difference was paid, so the
 * difference of credits is given, once; to a lesser plan, what an earlier change gave goes back.
 * Worked out anew from all paid invoices of the period, so that their order does not matter:
 *
 *   given by changes = credits of the plan of the newest change - credits of the period's own plan
 */
#include "studio/subscriptions.h"

#include "studio/catalogue.h"
#include "studio/ledger.h"

static bool is_change(const struct invoice *invoice)
{
    return invoice->is_paid && str_equal(invoice->reason, STR("subscription_update"));
}

static bool is_of_period(const struct invoice *invoice, const struct invoice *base)
{
    return invoice->period_end.is_set && invoice->period_end.value.us == base->period_end.value.us;
}

static int64_t credits_of(struct call *call, const struct invoice *invoice)
{
    const struct plan_config *plan = config_plan_of_price(catalogue_of(call), invoice->price_id);
    return plan == NULL ? 0 : plan->credits_monthly.n;
}

static bool is_later(const struct invoice *a, const struct invoice *b)
{
    if (a->period_start.value.us != b->period_start.value.us)
        return a->period_start.value.us > b->period_start.value.us;
    if (a->told_at.us != b->told_at.us)
        return a->told_at.us > b->told_at.us;
    return str_compare(a->external_id, b->external_id) > 0;
}

static void move(struct call *call, const struct subscription_row *row, const struct invoice *base,
                 struct invoice *newest, int64_t amount)
{
    const struct plan_config *plan = config_plan_of_price(catalogue_of(call), newest->price_id);
    str key = str_format(call->arena, "upgrade:%.*s", STR_ARG(newest->external_id));
    instant end = {0};
    if (plan->credits_last_days > 0)
        end = instant_add(base->period_start.value, DAYS(plan->credits_last_days));
    if (amount > 0)
        ledger_grant(call, row->user_id, (credits){amount}, TRANSACTION_SUBSCRIPTION_GRANT, key,
                     str_format(call->arena, "%.*s plan: the rest of this period's credits",
                                STR_ARG(plan->name)),
                     end);
    else
        ledger_adjust(call, row->user_id, (credits){amount}, TRANSACTION_ADJUSTMENT, key,
                      STR("A lesser plan: its period's credits are fewer"));
    newest->given.n += amount;
    newest->is_granted = true;
    row_put(call, &invoice_type, newest);
}

static void settle_period(struct call *call, const struct subscription_row *row,
                          const struct invoice *base, struct invoice *list, size_t count)
{
    struct invoice *newest = NULL;
    int64_t given = 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_change(&list[i]) || !is_of_period(&list[i], base))
            continue;
        given += list[i].given.n;
        if (newest == NULL || is_later(&list[i], newest))
            newest = &list[i];
    }
    if (newest == NULL || config_plan_of_price(catalogue_of(call), newest->price_id) == NULL)
        return;
    int64_t wanted = MAX_OF(credits_of(call, newest) - credits_of(call, base), (int64_t)0);
    if (wanted != given && !newest->is_granted)
        move(call, row, base, newest, wanted - given);
}

void billing_settle_changes(struct call *call, const struct subscription_row *row,
                            struct invoice *list, size_t count)
{
    for (size_t i = 0; i < count && !call_failed(call); i++)
        if (list[i].is_granted && !is_change(&list[i]))
            settle_period(call, row, &list[i], list, count);
}
