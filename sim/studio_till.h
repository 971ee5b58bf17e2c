/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payment service of the simulated studio, in the words of Stripe: it sells plans and packages,
 * takes them back, fails to be paid, and tells of it by events that it sends until one is taken.
 * What must have come of all of it in the end follows from what it did, not from what was sent
 * when.
 *
 * Owns:     its events, until till_done.
 * Threads:  one.
 * Time:     its own clock, which never jumps.
 * Fails:    never.
 */
#pragma once

#include "base/base.h"
#include "base/random.h"

#define TILL_PEOPLE 4
#define TILL_EVENTS_MAX 1000
#define TILL_SALES_MAX 64 /* of one customer */
#define TILL_PLANS 2

extern const struct till_plan {
    const char *key, *price;
    int64_t credits, cents;
} till_plans[TILL_PLANS];

#define TILL_PACKAGE_CREDITS 500
#define TILL_PACKAGE_CENTS 1000

enum till_status {
    TILL_NOTHING,
    TILL_ACTIVE,
    TILL_LATE,
};

struct till_sale {
    size_t plan; /* TILL_PLANS: a package */
    int64_t number, returned;
    bool is_paid;
};

struct till_customer {
    const char *user; /* id of the studio's */
    int64_t subscription;
    enum till_status status;
    size_t plan;
    bool is_ending, was_here; /* had a subscription once */
    int64_t period;           /* its start, in seconds */
    size_t open_sale;         /* the invoice that is not paid, of TILL_LATE */
    struct till_sale sales[TILL_SALES_MAX];
    size_t sale_count;
};

struct till {
    struct random *random;
    int64_t now; /* s */
    struct till_customer customers[TILL_PEOPLE];
    struct till_event {
        char *body;
        bool is_taken;
    } events[TILL_EVENTS_MAX];
    size_t event_count;
};

void till_init(struct till *till, struct random *random, int64_t now);
void till_done(struct till *till);

/* Something happens to one of its customers. */
void till_happen(struct till *till, size_t person);

/* Somebody ends their plan with its period, or keeps it after all. */
void till_end_or_keep(struct till *till, size_t person);

/* An event to send next, one that was sent already among them; NULL: there is none. */
struct till_event *till_next(struct till *till, bool is_last_call);

/* What of the sale's credits went back with its money. */
int64_t till_taken_back(const struct till_sale *sale);
