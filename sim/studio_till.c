/* SPDX-License-Identifier: Apache-2.0 */
#include "studio_till.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY 86400
#define BODY_MAX 1200

const struct till_plan till_plans[TILL_PLANS] = {{"plus", "price_plus", 501, 2900},
                                                 {"most", "price_most", 2003, 9900}};

void till_init(struct till *till, struct random *random, int64_t now)
{
    *till = (struct till){.random = random, .now = now};
}

void till_done(struct till *till)
{
    for (size_t i = 0; i < till->event_count; i++)
        free(till->events[i].body);
}

static int64_t below(struct till *till, uint64_t bound)
{
    return (int64_t)random_below(till->random, bound);
}

/* ---- events ---- */

/* Ids do not tell the order. */
static void tell(struct till *till, const char *type, const char *format, ...) PRINTF_LIKE(3, 4);
static void tell(struct till *till, const char *type, const char *format, ...)
{
    char object[BODY_MAX / 2];
    va_list args;
    if (till->event_count == TILL_EVENTS_MAX)
        return;
    va_start(args, format);
    vsnprintf(object, sizeof(object), format, args);
    va_end(args);
    char *body = memory_new(BODY_MAX);
    snprintf(body, BODY_MAX,
             "{\"id\":\"evt_%lld_%zu\",\"type\":\"%s\",\"created\":%lld,\"data\":{\"object\":%s}}",
             (long long)below(till, 1000000), till->event_count, type, (long long)till->now,
             object);
    till->events[till->event_count++] = (struct till_event){body, false};
}

static void tell_subscription(struct till *till, size_t person, const char *what,
                              const char *status)
{
    char type[60];
    const struct till_customer *c = &till->customers[person];
    snprintf(type, sizeof(type), "customer.subscription.%s", what);
    tell(till, type,
         "{\"object\":\"subscription\",\"id\":\"sub_%zu_%lld\",\"customer\":\"cus_%zu\",\"status\":"
         "\"%s\",\"metadata\":{\"userId\":\"%s\"},\"cancel_at_period_end\":%s,"
         "\"current_period_start\":%lld,\"current_period_end\":%lld,\"items\":{\"data\":[{\"id\":"
         "\"si_1\",\"price\":{\"id\":\"%s\"}}]}}",
         person, (long long)c->subscription, person, status, c->user,
         c->is_ending ? "true" : "false", (long long)c->period, (long long)c->period + 30 * DAY,
         till_plans[c->plan].price);
}

static void tell_invoice(struct till *till, size_t person, const struct till_sale *sale,
                         const char *type, const char *reason)
{
    const struct till_customer *c = &till->customers[person];
    const struct till_plan *plan = &till_plans[sale->plan];
    tell(till, type,
         "{\"id\":\"in_%zu_%lld\",\"customer\":\"cus_%zu\",\"subscription\":\"sub_%zu_%lld\","
         "\"payment_intent\":\"pi_%zu_%lld\",\"%s\":%lld,\"billing_reason\":\"%s\",\"lines\":{"
         "\"data\":[{\"amount\":%lld,\"price\":{\"id\":\"%s\"},\"period\":{\"start\":%lld,\"end\":"
         "%lld}}]}}",
         person, (long long)sale->number, person, person, (long long)c->subscription, person,
         (long long)sale->number, sale->is_paid ? "amount_paid" : "amount_due",
         (long long)plan->cents, reason, (long long)plan->cents, plan->price, (long long)c->period,
         (long long)c->period + 30 * DAY);
}

/* ---- what happens ---- */

static struct till_sale *sale_new(struct till_customer *c, size_t plan, bool is_paid)
{
    if (c->sale_count == TILL_SALES_MAX)
        return NULL;
    struct till_sale *sale = &c->sales[c->sale_count++];
    *sale = (struct till_sale){.plan = plan, .number = (int64_t)c->sale_count, .is_paid = is_paid};
    return sale;
}

/* Some versions of it tell of a payment in two ways. */
static void tell_paid(struct till *till, size_t person, const struct till_sale *sale,
                      const char *reason)
{
    tell_invoice(till, person, sale, "invoice.paid", reason);
    if (below(till, 3) == 0)
        tell_invoice(till, person, sale, "invoice.payment_succeeded", reason);
}

/* No two periods of one customer begin on one day. */
static void begin_period(struct till *till, struct till_customer *c)
{
    till->now += DAY + below(till, 3 * DAY);
    c->period = till->now;
}

static void subscribe(struct till *till, size_t person)
{
    struct till_customer *c = &till->customers[person];
    begin_period(till, c);
    c->subscription++;
    c->was_here = true;
    c->is_ending = false;
    c->status = TILL_ACTIVE;
    c->plan = (size_t)below(till, TILL_PLANS);
    struct till_sale *sale = sale_new(c, c->plan, true);
    tell_subscription(till, person, "created", "incomplete");
    if (sale != NULL)
        tell_paid(till, person, sale, "subscription_create");
    tell_subscription(till, person, "updated", "active");
}

static void renew(struct till *till, size_t person)
{
    struct till_customer *c = &till->customers[person];
    begin_period(till, c);
    bool is_paid = below(till, 3) != 0;
    struct till_sale *sale = sale_new(c, c->plan, is_paid);
    if (sale == NULL)
        return;
    tell_subscription(till, person, "updated", "active");
    till->now += 1 + below(till, 3600);
    if (is_paid) {
        tell_paid(till, person, sale, "subscription_cycle");
        return;
    }
    c->status = TILL_LATE;
    c->open_sale = c->sale_count - 1;
    tell_invoice(till, person, sale, "invoice.payment_failed", "subscription_cycle");
    till->now += 1 + below(till, 60);
    if (below(till, 2) == 0)
        tell_subscription(till, person, "updated", "past_due");
}

static void mend(struct till *till, size_t person)
{
    struct till_customer *c = &till->customers[person];
    struct till_sale *sale = &c->sales[c->open_sale];
    till->now += 1 + below(till, DAY);
    c->status = TILL_ACTIVE;
    sale->is_paid = true;
    tell_paid(till, person, sale, "subscription_cycle");
    till->now += 1 + below(till, 60);
    if (below(till, 2) == 0)
        tell_subscription(till, person, "updated", "active");
}

void till_end_or_keep(struct till *till, size_t person)
{
    struct till_customer *c = &till->customers[person];
    till->now += 1 + below(till, 3600);
    c->is_ending = !c->is_ending;
    tell_subscription(till, person, "updated", c->status == TILL_ACTIVE ? "active" : "past_due");
}

static void change(struct till *till, size_t person)
{
    struct till_customer *c = &till->customers[person];
    const char *status = c->status == TILL_ACTIVE ? "active" : "past_due";
    till->now += 1 + below(till, DAY);
    switch (below(till, 3)) {
    case 0:
        c->plan = (c->plan + 1) % TILL_PLANS;
        tell_subscription(till, person, "updated", status);
        break;
    case 1:
        till_end_or_keep(till, person);
        break;
    default:
        /* In the same second: the end counts, whichever comes last. */
        tell_subscription(till, person, "updated", status);
        c->status = TILL_NOTHING;
        tell_subscription(till, person, "deleted", "canceled");
    }
}

static void tell_checkout(struct till *till, size_t person, const struct till_sale *sale,
                          const char *type, bool is_paid)
{
    tell(till, type,
         "{\"id\":\"cs_%zu_%lld\",\"mode\":\"payment\",\"payment_status\":\"%s\","
         "\"payment_intent\":\"pi_%zu_%lld\",\"amount_total\":%d,\"customer\":\"cus_%zu\","
         "\"metadata\":{\"userId\":\"%s\",\"packageId\":\"small\"}}",
         person, (long long)sale->number, is_paid ? "paid" : "unpaid", person,
         (long long)sale->number, TILL_PACKAGE_CENTS, person, till->customers[person].user);
}

static void buy(struct till *till, size_t person)
{
    struct till_sale *sale = sale_new(&till->customers[person], TILL_PLANS, true);
    till->now += 1 + below(till, DAY);
    if (sale == NULL)
        return;
    if (below(till, 2) == 0) {
        tell_checkout(till, person, sale, "checkout.session.completed", true);
        return;
    }
    tell_checkout(till, person, sale, "checkout.session.completed", false);
    till->now += 60;
    tell_checkout(till, person, sale, "checkout.session.async_payment_succeeded", true);
}

static int64_t cents_of(const struct till_sale *sale)
{
    return sale->plan == TILL_PLANS ? TILL_PACKAGE_CENTS : till_plans[sale->plan].cents;
}

/* A part of it, and perhaps another part later; or all, because it is disputed. */
static void give_back(struct till *till, size_t person)
{
    struct till_customer *c = &till->customers[person];
    if (c->sale_count == 0)
        return;
    struct till_sale *sale = &c->sales[below(till, c->sale_count)];
    int64_t cents = cents_of(sale), rest = cents - sale->returned;
    if (!sale->is_paid || rest == 0)
        return;
    till->now += 1 + below(till, DAY);
    if (below(till, 5) == 0) {
        sale->returned = cents;
        tell(till, "charge.dispute.created",
             "{\"id\":\"dp_%zu_%lld\",\"payment_intent\":\"pi_%zu_%lld\",\"amount\":%lld}", person,
             (long long)sale->number, person, (long long)sale->number, (long long)cents);
        return;
    }
    int64_t part = cents / 4 + below(till, (uint64_t)cents / 2);
    sale->returned += MIN_OF(rest, part);
    tell(till, "charge.refunded",
         "{\"id\":\"ch_%zu_%lld\",\"payment_intent\":\"pi_%zu_%lld\",\"amount\":%lld,"
         "\"amount_refunded\":%lld}",
         person, (long long)sale->number, person, (long long)sale->number, (long long)cents,
         (long long)sale->returned);
}

void till_happen(struct till *till, size_t person)
{
    const struct till_customer *c = &till->customers[person];
    int64_t what = below(till, 10);
    if (what < 3)
        buy(till, person);
    else if (what < 5)
        give_back(till, person);
    else if (c->status == TILL_NOTHING)
        subscribe(till, person);
    else if (c->status == TILL_LATE && what < 8)
        mend(till, person);
    else if (c->status == TILL_ACTIVE && what < 8)
        renew(till, person);
    else
        change(till, person);
}

int64_t till_taken_back(const struct till_sale *sale)
{
    int64_t given = !sale->is_paid             ? 0
                    : sale->plan == TILL_PLANS ? TILL_PACKAGE_CREDITS
                                               : till_plans[sale->plan].credits;
    return given * sale->returned / cents_of(sale);
}

/* ---- sending ---- */

struct till_event *till_next(struct till *till, bool is_last_call)
{
    size_t open[TILL_EVENTS_MAX], count = 0;
    for (size_t i = 0; i < till->event_count; i++)
        if (!till->events[i].is_taken)
            open[count++] = i;
    if (till->event_count != 0 && (count == 0 || below(till, 6) == 0) && !is_last_call)
        return &till->events[below(till, till->event_count)]; /* perhaps once more */
    return count == 0 ? NULL : &till->events[open[below(till, count)]];
}
