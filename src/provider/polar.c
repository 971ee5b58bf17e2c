/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Polar by its REST API (IN-05). What it sells are products, without prices of their own to us; an
 * order is both invoice and payment. Its postings have no id but that of their header, and no
 * order but that in which their subject was modified, which each of them tells.
 *
 *   webhook-id, webhook-timestamp, webhook-signature as of Standard Webhooks, but the key is the
 *   secret's own letters, not what their base64 stands for
 */
#include "provider/payment.h"

#include "base/encode.h"

#include "provider/hook.h"
#include "json/json.h"

#define BODY_MAX KIB(64)

/* ---- requests ---- */

static void start(struct arena *arena, const struct provider_site *site, const char *method,
                  str path, const struct buffer *body, struct provider_request *out)
{
    payment_start(arena, site, &polar_service, method, path, "application/json", out);
    out->body = str_copy(arena, buffer_text(body));
}

/* Empty values are left out. */
static void add(struct buffer *body, const char *name, str value)
{
    if (value.len == 0)
        return;
    buffer_format(body, "%s\"%s\":", body->len > 1 ? "," : "", name);
    json_write_text(body, value);
}

static void add_ours(struct buffer *body, const struct payment_checkout *wish)
{
    buffer_str(body, STR(",\"metadata\":{\"userId\":"));
    json_write_text(body, wish->user);
    add(body, "planKey", wish->plan);
    add(body, "packageId", wish->package);
    buffer_char(body, '}');
}

/* Name, amount and currency are the product's. */
static void checkout(struct arena *arena, const struct provider_site *site,
                     const struct payment_checkout *wish, struct provider_request *out)
{
    AUTO(buffer_done) struct buffer body = buffer_with_max(BODY_MAX);
    buffer_str(&body, STR("{\"products\":["));
    json_write_text(&body, wish->price);
    buffer_char(&body, ']');
    add(&body, "external_customer_id", wish->user);
    add(&body, "customer_email", wish->email);
    add_ours(&body, wish);
    if (wish->is_subscription && wish->trial_days > 0)
        buffer_format(&body, ",\"trial_interval\":\"day\",\"trial_interval_count\":%lld",
                      (long long)wish->trial_days);
    else if (wish->is_subscription)
        buffer_str(&body, STR(",\"allow_trial\":false"));
    add(&body, "success_url", wish->success_url);
    buffer_char(&body, '}');
    start(arena, site, "POST", STR("v1/checkouts/"), &body, out);
}

static void portal(struct arena *arena, const struct provider_site *site, str customer,
                   str return_url, struct provider_request *out)
{
    AUTO(buffer_done) struct buffer body = buffer_with_max(BODY_MAX);
    buffer_char(&body, '{');
    add(&body, "customer_id", customer);
    add(&body, "return_url", return_url);
    buffer_char(&body, '}');
    start(arena, site, "POST", STR("v1/customer-sessions/"), &body, out);
}

static void patch(struct arena *arena, const struct provider_site *site, str subscription,
                  const struct buffer *body, struct provider_request *out)
{
    AUTO(buffer_done) struct buffer path = buffer_with_max(KIB(4));
    buffer_str(&path, STR("v1/subscriptions/"));
    percent_append(&path, subscription);
    start(arena, site, "PATCH", buffer_text(&path), body, out);
}

static void cancel(struct arena *arena, const struct provider_site *site, str subscription,
                   bool is_canceled, struct provider_request *out)
{
    AUTO(buffer_done) struct buffer body = buffer_with_max(BODY_MAX);
    buffer_format(&body, "{\"cancel_at_period_end\":%s}", is_canceled ? "true" : "false");
    patch(arena, site, subscription, &body, out);
}

static void change(struct arena *arena, const struct provider_site *site, str subscription,
                   str item, str price, struct provider_request *out)
{
    AUTO(buffer_done) struct buffer body = buffer_with_max(BODY_MAX);
    buffer_char(&body, '{');
    add(&body, "product_id", price);
    add(&body, "proration_behavior", STR("invoice"));
    buffer_char(&body, '}');
    patch(arena, site, subscription, &body, out);
}

/* ---- moments ---- */

static bool take_digits(str *from, int count, int64_t *out)
{
    *out = 0;
    for (int i = 0; i < count; i++) {
        if (from->len == 0 || from->at[0] < '0' || from->at[0] > '9')
            return false;
        *out = *out * 10 + (from->at[0] - '0');
        *from = str_slice(*from, 1, from->len);
    }
    return true;
}

static bool take_mark(str *from, char mark)
{
    if (from->len == 0 || from->at[0] != mark)
        return false;
    *from = str_slice(*from, 1, from->len);
    return true;
}

/* Days since 1970-01-01, by years that begin in March so that a leap day is the last. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t days_before = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return y * 365 + y / 4 - y / 100 + y / 400 + days_before - 719468;
}

/* Seconds east of Greenwich. */
static bool take_zone(str *from, int64_t *out)
{
    int64_t hours, minutes;
    *out = 0;
    if (take_mark(from, 'Z'))
        return true;
    bool is_east = from->len != 0 && from->at[0] == '+';
    if ((!take_mark(from, '+') && !take_mark(from, '-')) || !take_digits(from, 2, &hours) ||
        !take_mark(from, ':') || !take_digits(from, 2, &minutes))
        return false;
    *out = (hours * 60 + minutes) * (is_east ? 60 : -60);
    return true;
}

/* Three numbers with marks between them, as "2026-01-31" and "12:00:00". */
static bool take_three(str *from, int digits, char mark, int64_t out[3])
{
    return take_digits(from, digits, &out[0]) && take_mark(from, mark) &&
           take_digits(from, 2, &out[1]) && take_mark(from, mark) && take_digits(from, 2, &out[2]);
}

static int64_t take_milliseconds(str *from)
{
    int64_t milli = 0;
    if (take_mark(from, '.'))
        for (int64_t digit, weight = 100; take_digits(from, 1, &digit); weight /= 10)
            milli += digit * weight;
    return milli;
}

/* "2026-01-31T12:00:00.123456Z", whole milliseconds of it: rows keep no more. 0: none. */
static instant time_of(const struct json *value)
{
    str left = json_text(value);
    int64_t date[3], clock[3], zone;
    if (!take_three(&left, 4, '-', date) || !take_mark(&left, 'T') ||
        !take_three(&left, 2, ':', clock))
        return (instant){0};
    int64_t milli = take_milliseconds(&left);
    if (!take_zone(&left, &zone) || left.len != 0 || date[0] < 1971 || date[1] < 1 || date[1] > 12)
        return (instant){0};
    int64_t days = days_of(date[0], date[1], date[2]);
    int64_t seconds = ((days * 24 + clock[0]) * 60 + clock[1]) * 60 + clock[2] - zone;
    return (instant){(seconds * 1000 + milli) * 1000};
}

/* ---- what it says ---- */

static bool page_read(struct arena *arena, int status, str body, str *url)
{
    struct json page;
    if (status < 200 || status > 299 || !payment_object_read(arena, body, &page))
        return false;
    *url = json_text(json_get(&page, "url"));
    if (url->len == 0)
        *url = json_text(json_get(&page, "customer_portal_url"));
    return str_starts(*url, STR("https://")) || str_starts(*url, STR("http://"));
}

/* As we named them when they paid; the customer is told whose it is, too. */
static str user_of(const struct json *object)
{
    str user = json_text(json_get(json_get(object, "metadata"), "userId"));
    return user.len != 0 ? user : json_text(json_get(json_get(object, "customer"), "external_id"));
}

static str customer_of(const struct json *object)
{
    str id = json_text(json_get(object, "customer_id"));
    return id.len != 0 ? id : json_text(json_get(json_get(object, "customer"), "id"));
}

static instant modified(const struct json *object)
{
    instant at = time_of(json_get(object, "modified_at"));
    return at.us != 0 ? at : time_of(json_get(object, "created_at"));
}

static void read_subscription(const struct json *from, struct payment_subscription *out)
{
    *out = (struct payment_subscription){
        .id = json_text(json_get(from, "id")),
        .customer = customer_of(from),
        .status = json_text(json_get(from, "status")),
        .price = json_text(json_get(from, "product_id")),
        .user = user_of(from),
        .period_start = time_of(json_get(from, "current_period_start")),
        .period_end = time_of(json_get(from, "current_period_end")),
        .trial_start = time_of(json_get(from, "trial_start")),
        .trial_end = time_of(json_get(from, "trial_end")),
        .cancel_at = time_of(json_get(from, "ends_at")),
        .canceled_at = time_of(json_get(from, "canceled_at")),
        .ended_at = time_of(json_get(from, "ended_at")),
        .cancels_at_end = json_bool(json_get(from, "cancel_at_period_end"), false),
    };
}

static void read_invoice(const struct json *order, struct payment_invoice *out)
{
    const struct json *subscription = json_get(order, "subscription");
    instant start = time_of(json_get(subscription, "current_period_start"));
    *out = (struct payment_invoice){
        .id = json_text(json_get(order, "id")),
        .number = json_text(json_get(order, "invoice_number")),
        .customer = customer_of(order),
        .subscription = json_text(json_get(order, "subscription_id")),
        .payment = json_text(json_get(order, "id")),
        .price = json_text(json_get(order, "product_id")),
        .reason = json_text(json_get(order, "billing_reason")),
        .currency = json_text(json_get(order, "currency")),
        .user = user_of(order),
        .amount = json_int(json_get(order, "total_amount"), 0),
        .period_start = start.us != 0 ? start : time_of(json_get(order, "created_at")),
        .period_end = time_of(json_get(subscription, "current_period_end")),
    };
}

static void read_charge(const struct json *order, struct payment_charge *out)
{
    str id = json_text(json_get(order, "id"));
    str subscription = json_text(json_get(order, "subscription_id"));
    *out = (struct payment_charge){
        .payment = id,
        .invoice = subscription.len != 0 ? id : (str){0},
        .customer = customer_of(order),
        .subscription = subscription,
        .user = user_of(order),
        .package = json_text(json_get(json_get(order, "metadata"), "packageId")),
        .is_for_package = subscription.len == 0,
        .amount = json_int(json_get(order, "total_amount"), 0),
        .returned = json_int(json_get(order, "refunded_amount"), 0) +
                    json_int(json_get(order, "refunded_tax_amount"), 0),
    };
}

static bool is_paid(const struct json *order)
{
    str status = json_text(json_get(order, "status"));
    return json_bool(json_get(order, "paid"), str_equal(status, STR("paid")));
}

static void read_order(const struct json *order, struct payment_event *out)
{
    read_charge(order, &out->charge);
    read_invoice(order, &out->invoice);
    if (out->charge.returned > 0)
        out->kind = PAYMENT_REFUND;
    else if (is_paid(order))
        out->kind = out->charge.is_for_package ? PAYMENT_CHECKOUT : PAYMENT_INVOICE_PAID;
}

static void read_customer(const struct json *customer, struct payment_event *out)
{
    out->kind = PAYMENT_CHECKOUT;
    out->charge = (struct payment_charge){
        .customer = json_text(json_get(customer, "id")),
        .user = json_text(json_get(customer, "external_id")),
    };
}

static bool event_read(struct arena *arena, str id, str body, struct payment_event *out)
{
    struct json event;
    *out = (struct payment_event){.processor = polar_service.name, .id = id};
    if (!payment_object_read(arena, body, &event))
        return false;
    const struct json *object = json_get(&event, "data");
    instant told_at = time_of(json_get(&event, "timestamp"));
    out->type = json_text(json_get(&event, "type"));
    out->created = modified(object);
    if (out->created.us == 0)
        out->created = told_at;
    out->is_first = str_equal(out->type, STR("subscription.created"));
    if (str_starts(out->type, STR("subscription."))) {
        out->kind = PAYMENT_SUBSCRIPTION;
        read_subscription(object, &out->subscription);
    } else if (str_starts(out->type, STR("order."))) {
        read_order(object, out);
    } else if (str_starts(out->type, STR("customer.")) &&
               !str_equal(out->type, STR("customer.deleted"))) {
        read_customer(object, out);
    }
    return payment_event_is_sound(out);
}

/* A secret of the scheme's own kind is read as that has it. */
static bool is_signed(struct arena *arena, str secret, const struct provider_hook *hook)
{
    if (str_starts(secret, STR("whsec_")))
        return hook_is_signed(arena, secret, hook);
    return secret.len != 0 && hook_is_signed_with(arena, bytes_of(secret), hook);
}

const struct payment_service polar_service = {
    .name = "polar",
    .title = "Polar",
    .base_url = "https://api.polar.sh",
    .checkout = checkout,
    .portal = portal,
    .page_read = page_read,
    .cancel = cancel,
    .change = change,
    .read_subscription = read_subscription,
    .is_signed = is_signed,
    .event_read = event_read,
};
