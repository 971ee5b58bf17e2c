/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Translators to payment processors (BILL-01). Each is one struct payment_service of pure
 * functions: a wish becomes a request, an answer becomes an address or a subscription, a posting
 * becomes an event that means the same whoever sent it. No socket, no clock, no store.
 *
 * Owns:     results are in the arena given, and may borrow from the body, which is valid UTF-8.
 * Threads:  any.
 * Time:     given.
 * Fails:    false.
 */
#pragma once

#include "base/buffer.h"
#include "provider/provider.h"
#include "json/json.h"

/* A page where somebody pays. */
struct payment_checkout {
    bool is_subscription;
    str price; /* the processor's id of it; empty: name, amount and currency, if it takes those */
    str name, currency;
    int64_t amount;          /* cents */
    str customer, email;     /* the first that there is */
    str user, plan, package; /* our own, told again by its events */
    int64_t trial_days;      /* 0: none, or the processor's own */
    str success_url, cancel_url;
    str key; /* the same request is done once, where the processor can tell */
};

struct payment_subscription {
    str id, customer, status, item, price, user;
    instant period_start, period_end, trial_start, trial_end, cancel_at, canceled_at, ended_at;
    bool cancels_at_end;
};

struct payment_invoice {
    str id, number, customer, subscription, payment, price, reason, currency, url, user;
    int64_t amount;                   /* paid or due, cents */
    instant period_start, period_end; /* of what is paid for next */
};

/* A checkout that is paid; what is refunded or disputed of a payment. */
struct payment_charge {
    str payment, invoice, customer, subscription, user, package;
    bool is_for_package;
    int64_t amount, returned; /* cents */
};

/* The invoice that would come next after a change of plan. */
struct payment_preview {
    int64_t amount; /* cents */
    str currency;
    instant at; /* 0: not told */
};

enum payment_kind {
    PAYMENT_NONE, /* nothing to us */
    PAYMENT_SUBSCRIPTION,
    PAYMENT_INVOICE_PAID,
    PAYMENT_INVOICE_FAILED,
    PAYMENT_CHECKOUT, /* or only: who a customer is */
    PAYMENT_REFUND,
    PAYMENT_DISPUTE,
};

struct payment_event {
    const char *processor; /* the service's name */
    str id, type;
    instant created; /* its place among events about the same thing */
    bool is_first;   /* of its subscription */
    enum payment_kind kind;
    struct payment_subscription subscription;
    struct payment_invoice invoice;
    struct payment_charge charge;
};

struct payment_service {
    const char *name;     /* as a subscription's processor, and in paths and configuration */
    const char *title;    /* in sentences */
    const char *base_url; /* its own */

    void (*checkout)(struct arena *arena, const struct provider_site *site,
                     const struct payment_checkout *wish, struct provider_request *out);
    /* Where cards and invoices are looked after. */
    void (*portal)(struct arena *arena, const struct provider_site *site, str customer,
                   str return_url, struct provider_request *out);
    /* The address of either. */
    bool (*page_read)(struct arena *arena, int status, str body, str *url);

    /* At the end of the period; or not any more. */
    void (*cancel)(struct arena *arena, const struct provider_site *site, str subscription,
                   bool is_canceled, struct provider_request *out);
    void (*change)(struct arena *arena, const struct provider_site *site, str subscription,
                   str item, str price, struct provider_request *out);
    /* What such a change would cost, without making it; NULL: it does not tell. */
    void (*preview)(struct arena *arena, const struct provider_site *site, str subscription,
                    str item, str price, struct provider_request *out);
    bool (*preview_read)(struct arena *arena, int status, str body, struct payment_preview *out);
    void (*read_subscription)(const struct json *from, struct payment_subscription *out);

    /* Whether the posting is from whom knows the secret, within five minutes of now. */
    bool (*is_signed)(struct arena *arena, str secret, const struct provider_hook *hook);
    /* id: of the posting, for processors whose bodies have none. */
    bool (*event_read)(struct arena *arena, str id, str body, struct payment_event *out);
};

extern const struct payment_service stripe_service, polar_service;

/* Both, in the order in which they are asked for a page. */
extern const struct payment_service *const payment_services[];
extern const size_t payment_service_count;
const struct payment_service *payment_service_of(str name); /* NULL: there is none */

/* Of an answer to cancel or change; false: it is none. */
bool payment_subscription_read(const struct payment_service *service, struct arena *arena,
                               int status, str body, struct payment_subscription *out);

/* ---- shared by the translators ---- */

/* Starts a request to the service; the path is what follows the base, without '/' before it. */
void payment_start(struct arena *arena, const struct provider_site *site,
                   const struct payment_service *service, const char *method, str path,
                   const char *content_type, struct provider_request *out);

/* A JSON object, or false. */
bool payment_object_read(struct arena *arena, str body, struct json *out);

/* An id and a type of lengths that can be kept, and a moment. */
bool payment_event_is_sound(const struct payment_event *event);
