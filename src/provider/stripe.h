/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stripe by its REST API (BILL-01, IN-02): requests to be sent, and what its webhooks tell. Read
 * are the shapes of API versions from 2020 on: where a subscription's period and an invoice's
 * subscription stand has moved since. Requests name the version that they are written for.
 *
 *   stripe-signature: t=1700000000,v1=<hex>,v1=<hex>
 *   each is HMAC-SHA256 of "<t>.<body>" under the endpoint's secret, "whsec_" included
 *
 * Owns:     results are in the arena given, and may borrow from the body.
 * Threads:  any.
 * Time:     given.
 * Fails:    false.
 */
#pragma once

#include "provider/provider.h"

#define STRIPE_VERSION "2024-06-20"

/* A page of Stripe's where somebody pays. */
struct stripe_checkout {
    bool is_subscription;
    str price; /* Stripe's id; empty: name, amount and currency */
    str name, currency;
    int64_t amount;          /* cents */
    str customer, email;     /* the first that there is */
    str user, plan, package; /* our own, told again by its events */
    int64_t trial_days;      /* 0: none */
    str success_url, cancel_url;
    str key; /* the same request is done once */
};

void stripe_checkout_ask(struct arena *arena, const struct provider_site *site,
                         const struct stripe_checkout *wish, struct provider_request *out);
void stripe_portal_ask(struct arena *arena, const struct provider_site *site, str customer,
                       str return_url, struct provider_request *out);
/* At the end of the period; or not any more. */
void stripe_cancel_ask(struct arena *arena, const struct provider_site *site, str subscription,
                       bool is_canceled, struct provider_request *out);
void stripe_change_ask(struct arena *arena, const struct provider_site *site, str subscription,
                       str item, str price, struct provider_request *out);

/* Of a page. */
bool stripe_url_read(struct arena *arena, int status, str body, str *url) MUST_CHECK;

struct stripe_subscription {
    str id, customer, status, item, price, user;
    instant period_start, period_end, trial_start, trial_end, cancel_at, canceled_at, ended_at;
    bool cancels_at_end;
};
bool stripe_subscription_read(struct arena *arena, int status, str body,
                              struct stripe_subscription *out) MUST_CHECK;

struct stripe_invoice {
    str id, number, customer, subscription, payment, price, reason, currency, url, user;
    int64_t amount;                   /* paid or due, cents */
    instant period_start, period_end; /* of the subscription's newest line */
};

/* A checkout that is paid; what is refunded or disputed of a payment. */
struct stripe_payment {
    str payment, invoice, customer, subscription, user, package;
    bool is_for_package;
    int64_t amount, returned; /* cents */
};

enum stripe_kind {
    STRIPE_NONE, /* nothing to us */
    STRIPE_SUBSCRIPTION,
    STRIPE_INVOICE_PAID,
    STRIPE_INVOICE_FAILED,
    STRIPE_CHECKOUT,
    STRIPE_REFUND,
    STRIPE_DISPUTE,
};

struct stripe_event {
    str id, type;
    instant created;
    enum stripe_kind kind;
    struct stripe_subscription subscription;
    struct stripe_invoice invoice;
    struct stripe_payment payment;
};

/* Whether the body is from whom knows the secret, within five minutes of now. */
bool stripe_is_signed(str secret, str header, str body, instant now);
bool stripe_event_read(struct arena *arena, str body, struct stripe_event *out) MUST_CHECK;
