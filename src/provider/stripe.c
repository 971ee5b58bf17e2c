/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stripe by its REST API (IN-02). Read are the shapes of API versions from 2020 on: where a
 * subscription's period and an invoice's subscription stand has moved since. Requests name the
 * version that they are written for.
 *
 *   stripe-signature: t=1700000000,v1=<hex>,v1=<hex>
 *   each is HMAC-SHA256 of "<t>.<body>" under the endpoint's secret, "whsec_" included
 */
#include "provider/payment.h"

#include "base/encode.h"
#include "base/hash.h"
#include "provider/hook.h"
#include "json/json.h"

#define STRIPE_VERSION "2024-06-20"
#define FORM_MAX KIB(64)
#define SIGNATURES_MAX 16

/* ---- requests ---- */

/* Empty values are left out. */
static void add(struct buffer *form, const char *name, str value)
{
    if (value.len == 0)
        return;
    if (form->len != 0)
        buffer_char(form, '&');
    percent_append(form, str_of(name));
    buffer_char(form, '=');
    percent_append(form, value);
}

static void post(struct arena *arena, const struct provider_site *site, str path,
                 const struct buffer *form, str key, struct provider_request *out)
{
    payment_start(arena, site, &stripe_service, "POST", str_format(arena, "v1/%.*s", STR_ARG(path)),
                  "application/x-www-form-urlencoded", out);
    out->body = str_copy(arena, buffer_text(form));
    provider_header_add(out, STR("Stripe-Version"), STR(STRIPE_VERSION));
    if (key.len != 0)
        provider_header_add(out, STR("Idempotency-Key"), key);
}

static void add_price(struct arena *arena, struct buffer *form, const struct payment_checkout *wish)
{
    add(form, "line_items[0][quantity]", STR("1"));
    if (wish->price.len != 0) {
        add(form, "line_items[0][price]", wish->price);
        return;
    }
    add(form, "line_items[0][price_data][currency]", wish->currency);
    add(form, "line_items[0][price_data][unit_amount]",
        str_format(arena, "%lld", (long long)wish->amount));
    add(form, "line_items[0][price_data][product_data][name]", wish->name);
    if (wish->is_subscription)
        add(form, "line_items[0][price_data][recurring][interval]", STR("month"));
}

static void checkout(struct arena *arena, const struct provider_site *site,
                     const struct payment_checkout *wish, struct provider_request *out)
{
    AUTO(buffer_done) struct buffer form = buffer_with_max(FORM_MAX);
    add(&form, "mode", wish->is_subscription ? STR("subscription") : STR("payment"));
    add_price(arena, &form, wish);
    add(&form, "client_reference_id", wish->user);
    if (wish->customer.len != 0)
        add(&form, "customer", wish->customer);
    else
        add(&form, "customer_email", wish->email);
    if (!wish->is_subscription && wish->customer.len == 0)
        add(&form, "customer_creation", STR("always"));
    add(&form, "metadata[userId]", wish->user);
    add(&form, "metadata[planKey]", wish->plan);
    add(&form, "metadata[packageId]", wish->package);
    if (wish->is_subscription) {
        add(&form, "subscription_data[metadata][userId]", wish->user);
        add(&form, "subscription_data[metadata][planKey]", wish->plan);
        if (wish->trial_days > 0)
            add(&form, "subscription_data[trial_period_days]",
                str_format(arena, "%lld", (long long)wish->trial_days));
    } else {
        add(&form, "payment_intent_data[metadata][userId]", wish->user);
        add(&form, "payment_intent_data[metadata][packageId]", wish->package);
    }
    add(&form, "success_url", wish->success_url);
    add(&form, "cancel_url", wish->cancel_url);
    post(arena, site, STR("checkout/sessions"), &form, wish->key, out);
}

static void portal(struct arena *arena, const struct provider_site *site, str customer,
                   str return_url, struct provider_request *out)
{
    AUTO(buffer_done) struct buffer form = buffer_with_max(FORM_MAX);
    add(&form, "customer", customer);
    add(&form, "return_url", return_url);
    post(arena, site, STR("billing_portal/sessions"), &form, (str){0}, out);
}

static str subscription_path(struct arena *arena, str subscription)
{
    AUTO(buffer_done) struct buffer path = buffer_with_max(KIB(4));
    buffer_str(&path, STR("subscriptions/"));
    percent_append(&path, subscription);
    return str_copy(arena, buffer_text(&path));
}

static void cancel(struct arena *arena, const struct provider_site *site, str subscription,
                   bool is_canceled, struct provider_request *out)
{
    AUTO(buffer_done) struct buffer form = buffer_with_max(FORM_MAX);
    add(&form, "cancel_at_period_end", is_canceled ? STR("true") : STR("false"));
    post(arena, site, subscription_path(arena, subscription), &form, (str){0}, out);
}

static void change(struct arena *arena, const struct provider_site *site, str subscription,
                   str item, str price, struct provider_request *out)
{
    AUTO(buffer_done) struct buffer form = buffer_with_max(FORM_MAX);
    add(&form, "items[0][id]", item);
    add(&form, "items[0][price]", price);
    /* The difference is paid at once, or nothing is changed: its credits are given at once. */
    add(&form, "proration_behavior", STR("always_invoice"));
    add(&form, "payment_behavior", STR("error_if_incomplete"));
    add(&form, "cancel_at_period_end", STR("false"));
    post(arena, site, subscription_path(arena, subscription), &form, (str){0}, out);
}

/* With the same proration as the change itself. */
static void preview(struct arena *arena, const struct provider_site *site, str subscription,
                    str item, str price, struct provider_request *out)
{
    AUTO(buffer_done) struct buffer form = buffer_with_max(FORM_MAX);
    add(&form, "subscription", subscription);
    add(&form, "subscription_details[items][0][id]", item);
    add(&form, "subscription_details[items][0][price]", price);
    add(&form, "subscription_details[proration_behavior]", STR("always_invoice"));
    post(arena, site, STR("invoices/create_preview"), &form, (str){0}, out);
}

/* ---- what it says ---- */

static const struct json *first_of(const struct json *list)
{
    static const struct json none = {0};
    return list->kind == JSON_LIST && list->count != 0 ? &list->items[0] : &none;
}

/* An id, or the object that was put in its place. */
static str id_of(const struct json *value)
{
    return value->kind == JSON_OBJECT ? json_text(json_get(value, "id")) : json_text(value);
}

static instant time_of(const struct json *value)
{
    int64_t seconds = json_int(value, 0);
    return (instant){seconds < 0 || seconds > INT64_C(253402300799) ? 0 : seconds * 1000000};
}

static bool page_read(struct arena *arena, int status, str body, str *url)
{
    struct json page;
    if (status < 200 || status > 299 || !payment_object_read(arena, body, &page))
        return false;
    *url = json_text(json_get(&page, "url"));
    return str_starts(*url, STR("https://")) || str_starts(*url, STR("http://"));
}

static bool preview_read(struct arena *arena, int status, str body, struct payment_preview *out)
{
    struct json invoice;
    *out = (struct payment_preview){0};
    if (status < 200 || status > 299 || !payment_object_read(arena, body, &invoice))
        return false;
    instant attempt = time_of(json_get(&invoice, "next_payment_attempt"));
    *out = (struct payment_preview){
        .amount = json_int(json_get(&invoice, "amount_due"), -1),
        .currency = json_text(json_get(&invoice, "currency")),
        .at = attempt.us != 0 ? attempt : time_of(json_get(&invoice, "period_end")),
    };
    return out->amount >= 0 && out->currency.len == 3;
}

static void read_subscription(const struct json *from, struct payment_subscription *out)
{
    const struct json *item = first_of(json_get(json_get(from, "items"), "data"));
    bool has_period = json_get(from, "current_period_end")->kind == JSON_INT;
    const struct json *period = has_period ? from : item;
    *out = (struct payment_subscription){
        .id = json_text(json_get(from, "id")),
        .customer = id_of(json_get(from, "customer")),
        .status = json_text(json_get(from, "status")),
        .item = json_text(json_get(item, "id")),
        .price = id_of(json_get(item, "price")),
        .user = json_text(json_get(json_get(from, "metadata"), "userId")),
        .period_start = time_of(json_get(period, "current_period_start")),
        .period_end = time_of(json_get(period, "current_period_end")),
        .trial_start = time_of(json_get(from, "trial_start")),
        .trial_end = time_of(json_get(from, "trial_end")),
        .cancel_at = time_of(json_get(from, "cancel_at")),
        .canceled_at = time_of(json_get(from, "canceled_at")),
        .ended_at = time_of(json_get(from, "ended_at")),
        .cancels_at_end = json_bool(json_get(from, "cancel_at_period_end"), false),
    };
}

/* What is paid for next stands in the line that ends last; prorations are of what was. */
static const struct json *newest_line(const struct json *invoice)
{
    const struct json *lines = json_get(json_get(invoice, "lines"), "data");
    const struct json *newest = first_of(lines);
    for (size_t i = 1; lines->kind == JSON_LIST && i < lines->count; i++) {
        instant end = time_of(json_get(json_get(&lines->items[i], "period"), "end"));
        instant best = time_of(json_get(json_get(newest, "period"), "end"));
        bool is_charge = json_int(json_get(&lines->items[i], "amount"), 0) >= 0;
        if (end.us > best.us || (end.us == best.us && is_charge))
            newest = &lines->items[i];
    }
    return newest;
}

static void read_invoice(const struct json *from, struct payment_invoice *out)
{
    const struct json *line = newest_line(from);
    const struct json *about = json_get(from, "subscription_details");
    if (about->kind != JSON_OBJECT)
        about = json_get(json_get(from, "parent"), "subscription_details");
    str subscription = id_of(json_get(from, "subscription"));
    str price = id_of(json_get(line, "price"));
    int64_t paid = json_int(json_get(from, "amount_paid"), 0);
    *out = (struct payment_invoice){
        .id = json_text(json_get(from, "id")),
        .number = json_text(json_get(from, "number")),
        .customer = id_of(json_get(from, "customer")),
        .subscription =
            subscription.len != 0 ? subscription : id_of(json_get(about, "subscription")),
        .payment = id_of(json_get(from, "payment_intent")),
        .price =
            price.len != 0
                ? price
                : id_of(json_get(json_get(json_get(line, "pricing"), "price_details"), "price")),
        .reason = json_text(json_get(from, "billing_reason")),
        .currency = json_text(json_get(from, "currency")),
        .url = json_text(json_get(from, "hosted_invoice_url")),
        .user = json_text(json_get(json_get(about, "metadata"), "userId")),
        .amount = paid != 0 ? paid : json_int(json_get(from, "amount_due"), 0),
        .period_start = time_of(json_get(json_get(line, "period"), "start")),
        .period_end = time_of(json_get(json_get(line, "period"), "end")),
    };
}

static void read_checkout(const struct json *from, struct payment_charge *out)
{
    const struct json *ours = json_get(from, "metadata");
    str user = json_text(json_get(ours, "userId"));
    *out = (struct payment_charge){
        .payment = id_of(json_get(from, "payment_intent")),
        .invoice = id_of(json_get(from, "invoice")),
        .customer = id_of(json_get(from, "customer")),
        .subscription = id_of(json_get(from, "subscription")),
        .user = user.len != 0 ? user : json_text(json_get(from, "client_reference_id")),
        .package = json_text(json_get(ours, "packageId")),
        .is_for_package = str_equal(json_text(json_get(from, "mode")), STR("payment")),
        .amount = json_int(json_get(from, "amount_total"), 0),
    };
}

static void read_charge(const struct json *from, bool is_dispute, struct payment_charge *out)
{
    int64_t amount = json_int(json_get(from, "amount"), 0);
    *out = (struct payment_charge){
        .payment = id_of(json_get(from, "payment_intent")),
        .invoice = id_of(json_get(from, "invoice")),
        .customer = id_of(json_get(from, "customer")),
        .amount = is_dispute ? 0 : amount, /* a dispute's amount is what is asked back */
        .returned = is_dispute ? amount : json_int(json_get(from, "amount_refunded"), 0),
    };
}

static enum payment_kind kind_of(str type, const struct json *object)
{
    static const struct {
        const char *type;
        enum payment_kind kind;
    } kinds[] = {
        {"invoice.paid", PAYMENT_INVOICE_PAID},
        {"invoice.payment_succeeded", PAYMENT_INVOICE_PAID},
        {"invoice.payment_failed", PAYMENT_INVOICE_FAILED},
        {"checkout.session.completed", PAYMENT_CHECKOUT},
        {"checkout.session.async_payment_succeeded", PAYMENT_CHECKOUT},
        {"charge.refunded", PAYMENT_REFUND},
        {"charge.dispute.created", PAYMENT_DISPUTE},
    };
    if (str_starts(type, STR("customer.subscription.")))
        return str_equal(json_text(json_get(object, "object")), STR("subscription"))
                   ? PAYMENT_SUBSCRIPTION
                   : PAYMENT_NONE;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (str_equal(type, str_of(kinds[i].type)))
            return kinds[i].kind;
    return PAYMENT_NONE;
}

static bool event_read(struct arena *arena, str id, str body, struct payment_event *out)
{
    struct json event;
    *out = (struct payment_event){.processor = stripe_service.name};
    if (!payment_object_read(arena, body, &event))
        return false;
    const struct json *object = json_get(json_get(&event, "data"), "object");
    out->id = json_text(json_get(&event, "id"));
    out->type = json_text(json_get(&event, "type"));
    out->created = time_of(json_get(&event, "created"));
    out->is_first = str_equal(out->type, STR("customer.subscription.created"));
    out->kind = kind_of(out->type, object);
    if (out->kind == PAYMENT_SUBSCRIPTION)
        read_subscription(object, &out->subscription);
    else if (out->kind == PAYMENT_INVOICE_PAID || out->kind == PAYMENT_INVOICE_FAILED)
        read_invoice(object, &out->invoice);
    else if (out->kind == PAYMENT_CHECKOUT)
        read_checkout(object, &out->charge);
    else if (out->kind == PAYMENT_REFUND || out->kind == PAYMENT_DISPUTE)
        read_charge(object, out->kind == PAYMENT_DISPUTE, &out->charge);
    /* A page that is left before the money has come is told of again when it has. */
    if (out->kind == PAYMENT_CHECKOUT &&
        str_equal(json_text(json_get(object, "payment_status")), STR("unpaid")))
        out->kind = PAYMENT_NONE;
    return payment_event_is_sound(out);
}

/* ---- signatures ---- */

static void sum_of(str secret, str stamp, str body, uint8_t sum[32])
{
    AUTO(buffer_done) struct buffer told = {0};
    buffer_str(&told, stamp);
    buffer_char(&told, '.');
    buffer_str(&told, body);
    hmac_sha256(bytes_of(secret), bytes_of(buffer_text(&told)), sum);
}

/* All are compared, so that how long it takes does not tell which was nearest. */
static bool is_signed(struct arena *arena, str secret, const struct provider_hook *hook)
{
    str header = hook_header(hook, STR("stripe-signature"));
    str left = header, part, stamp = {0};
    uint8_t sum[32];
    bool is_right = false;
    if (secret.len == 0)
        return false;
    while (str_split(&left, ',', &part))
        if (str_starts(part, STR("t=")))
            stamp = str_slice(part, 2, part.len);
    if (!hook_is_fresh(hook, stamp))
        return false;
    sum_of(secret, stamp, hook->body, sum);
    left = header;
    for (int i = 0; i < SIGNATURES_MAX && str_split(&left, ',', &part); i++) {
        bytes given;
        if (str_starts(part, STR("v1=")) && hex_read(arena, str_slice(part, 3, part.len), &given))
            is_right |= bytes_are_same(given, (bytes){sum, sizeof(sum)});
    }
    return is_right;
}

const struct payment_service stripe_service = {
    .name = "stripe",
    .title = "Stripe",
    .base_url = "https://api.stripe.com",
    .checkout = checkout,
    .portal = portal,
    .page_read = page_read,
    .cancel = cancel,
    .change = change,
    .preview = preview,
    .preview_read = preview_read,
    .read_subscription = read_subscription,
    .is_signed = is_signed,
    .event_read = event_read,
};
