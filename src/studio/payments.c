/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/subscriptions.h"

#include "base/planted.h"
#include "studio/catalogue.h"
#include "studio/events.h"
#include "studio/ledger.h"
#include "studio/users.h"

/* ---- arguments and results ---- */

struct take_event_args {
    str body;
};
#define ROW struct take_event_args
static const struct field take_event_fields[] = {TEXT(body, .min = 1)};
#undef ROW

struct taken {
    bool is_new;
};
#define ROW struct taken
static const struct field taken_fields[] = {BOOL(is_new)};
#undef ROW
static const struct shape taken_shape = {
    .name = "taken", .size = sizeof(struct taken), FIELDS(taken_fields)};

struct buy_price_args {
    str price_id;
};
#define ROW struct buy_price_args
static const struct field buy_price_fields[] = {TEXT(price_id, .min = 1, .max = 255)};
#undef ROW

/* Frontends send their own user's id; whose it is, the token says (AUTH-04). */
#define CLERK_ID                                                                                   \
    MAYBE_TEXT(clerk_id, .max = 255, .about = "Not looked at: it is always the caller's.")

struct buy_plan_args {
    str clerk_id, plan_id;
};
#define ROW struct buy_plan_args
static const struct field buy_plan_fields[] = {CLERK_ID, TEXT(plan_id, .min = 1, .max = 40)};
#undef ROW
#define change_args buy_plan_args
#define change_fields buy_plan_fields

struct buy_package_args {
    str clerk_id, package_id;
};
#define ROW struct buy_package_args
static const struct field buy_package_fields[] = {CLERK_ID, TEXT(package_id, .min = 1, .max = 40)};
#undef ROW

struct open_portal_args {
    str clerk_id;
};
#define ROW struct open_portal_args
static const struct field open_portal_fields[] = {CLERK_ID};
#undef ROW

struct cancel_args {
    doc_id subscription_id;
};
#define ROW struct cancel_args
static const struct field cancel_fields[] = {REF(subscription_id, &subscription_type)};
#undef ROW

struct cancel_stripe_args {
    str clerk_id, stripe_subscription_id;
};
#define ROW struct cancel_stripe_args
static const struct field cancel_stripe_fields[] = {
    CLERK_ID, TEXT(stripe_subscription_id, .min = 1, .max = 255)};
#undef ROW
#define reactivate_args cancel_stripe_args
#define reactivate_fields cancel_stripe_fields

struct nothing {
    char none;
};

#define BACKEND_ACTION(verb, result_type)                                                          \
    BACKEND_FUNCTION(verb, result_type)                                                            \
    BACKEND_ANSWER(verb, result_type)

BACKEND_FUNCTION(take_event, struct taken)
BACKEND_ACTION(buy_price, str)
BACKEND_ACTION(buy_plan, str)
BACKEND_ACTION(buy_package, str)
BACKEND_ACTION(open_portal, str)
BACKEND_ACTION(cancel, struct nothing)
BACKEND_ACTION(cancel_stripe, struct nothing)
BACKEND_ACTION(reactivate, struct nothing)
BACKEND_ACTION(change, struct nothing)

#define PAGE(name_, verb, about_)                                                                  \
    ACTION(name_, verb, .answer = verb##_answered_door, .caller = SIGNED_IN,                       \
           .returns = RETURNS_TEXT, .about = about_)
#define CHANGE(name_, verb, about_)                                                                \
    ACTION(name_, verb, .answer = verb##_answered_door, .caller = SIGNED_IN,                       \
           .returns = RETURNS_NULL, .about = about_)

const struct function payment_functions[] = {
    MUTATION("stripe:handleStripeWebhook", take_event, .caller = INTERNAL,
             .returns = RETURNS_RECORD(&taken_shape, struct taken),
             .about = "Takes an event whose signature is right, once."),
    PAGE("subscriptions:createCheckoutSession", buy_price,
         "The address of the page where a plan is paid for, by Stripe's price."),
    PAGE("stripe:createSubscriptionCheckoutSession", buy_plan, "The same, by the plan's key."),
    PAGE("stripe:createCreditCheckoutSession", buy_package,
         "The address of the page where credits are paid for."),
    PAGE("subscriptions:getCustomerPortal", open_portal,
         "The address of the page where cards and invoices are looked after."),
    PAGE("stripe:createCustomerPortalSession", open_portal, "The same."),
    CHANGE("subscriptions:cancelSubscription", cancel, "Ends the plan with its paid period."),
    CHANGE("stripe:cancelSubscriptionAtPeriodEnd", cancel_stripe, "The same, by Stripe's id."),
    CHANGE("stripe:reactivateSubscription", reactivate, "Takes a cancellation back in time."),
    CHANGE("subscriptions:changePlan", change,
           "To another plan now; what was paid for counts, by Stripe's proration."),
};
const size_t payment_function_count = ARRAY_LEN(payment_functions);

static void take_event(struct call *call, const struct take_event_args *args, struct taken *result)
{
    struct stripe_event event;
    REQUIRE_ARGUMENT(call, stripe_event_read(call->arena, args->body, &event), ".body",
                     "this is no event of Stripe's");
    doc_id known = row_first(call, index_of(&webhook_event_type, "by_source_event"),
                             KEY(key_text(STR("stripe")), key_text(event.id)));
    if (doc_id_is_set(known) || call_failed(call))
        return;
    struct webhook_event row = {.source = STR("stripe"),
                                .event_id = event.id,
                                .event_type = event.type,
                                .processed_at = call->now};
    row_new(call, &webhook_event_type, &row);
    row_put(call, &webhook_event_type, &row);
    billing_apply(call, &event);
    result->is_new = true;
}

/* ---- asking Stripe ---- */

static struct provider_site site_of(const struct stripe_config *stripe)
{
    return (struct provider_site){.base_url = stripe->base_url,
                                  .key = stripe->key == NULL ? (str){0} : stripe->key->value};
}

/* NULL, and the call has failed, when nothing can be paid for here. */
static const struct stripe_config *stripe_of(struct call *call)
{
    const struct studio_config *config = catalogue_of(call);
    if (config->payments.stripe == NULL)
        call_fail(call, STATE, "Payments are not set up in this studio.");
    return call_failed(call) ? NULL : config->payments.stripe;
}

static void send(struct call *call, const struct stripe_config *stripe,
                 const struct provider_request *request)
{
    struct call_wish *wish = arena_new(call->arena, struct call_wish);
    *wish = (struct call_wish){.method = request->method,
                               .url = request->url,
                               .body = request->body,
                               .header_count = request->header_count,
                               .allow_private = stripe->allow_private_addresses};
    for (size_t i = 0; i < request->header_count; i++)
        wish->headers[i] =
            (struct call_header){request->headers[i].name, request->headers[i].value};
    call_wish(call, wish);
}

static str page_of(struct call *call, const char *path)
{
    return str_format(call->arena, "%s%s", call->program->public_url, path);
}

static void send_checkout(struct call *call, struct stripe_checkout *wish)
{
    const struct studio_config *config = catalogue_of(call);
    const struct stripe_config *stripe = stripe_of(call);
    struct provider_request request;
    struct user user;
    char id[DOC_ID_TEXT], token[33];
    if (stripe == NULL)
        return;
    row_get(call, &user_type, call_caller(call), &user);
    doc_id_write(&user_type, user.id, id);
    random_token(call->random, token);
    struct provider_site site = site_of(stripe);
    wish->currency = config->payments.currency.len == 0 ? STR("usd") : config->payments.currency;
    wish->customer = billing_account_of(call, user.id).customer_id;
    wish->email = user.email;
    wish->user = str_copy(call->arena, (str){id, sizeof(id)});
    wish->success_url = page_of(call, "/billing?checkout=done");
    wish->cancel_url = page_of(call, "/billing?checkout=left");
    wish->key = str_copy(call->arena, str_of(token));
    if (call_failed(call))
        return;
    stripe_checkout_ask(call->arena, &site, wish, &request);
    send(call, stripe, &request);
}

static void send_plan(struct call *call, const struct plan_config *plan, str price)
{
    struct subscription_row current;
    REQUIRE(call, plan != NULL && plan->price_cents > 0 && config_is_active(plan->is_active),
            NOT_FOUND, "There is no such plan.");
    bool has_one = subscription_current(call, call_caller(call), &current);
    REQUIRE(call, !has_one || !subscription_is_entitled(&current), STATE,
            "You have a plan already. Change it instead.");
    bool had_trial = billing_account_of(call, call_caller(call)).had_trial;
    struct stripe_checkout wish = {.is_subscription = true,
                                   .price = price,
                                   .name = plan->name,
                                   .amount = plan->price_cents,
                                   .plan = plan->key,
                                   .trial_days = had_trial ? 0 : plan->trial_days};
    send_checkout(call, &wish);
}

static void take_page(struct call *call, const struct call_answer *answer, str *result)
{
    str url = {0};
    bool is_there = stripe_url_read(call->arena, answer->status, answer->body, &url);
    REQUIRE(call, is_there, STATE,
            "The payment service did not open its page. Try again in a moment.");
    *result = url;
}

/* ---- pages ---- */

static void buy_price(struct call *call, const struct buy_price_args *args, str *result)
{
    send_plan(call, config_plan_of_price(catalogue_of(call), args->price_id), args->price_id);
}

static void buy_price_answered(struct call *call, const struct buy_price_args *args,
                               const struct call_answer *answer, str *result)
{
    take_page(call, answer, result);
}

static void buy_plan(struct call *call, const struct buy_plan_args *args, str *result)
{
    const struct plan_config *plan = config_plan(catalogue_of(call), args->plan_id);
    send_plan(call, plan, plan == NULL ? (str){0} : plan->stripe_price_id);
}

static void buy_plan_answered(struct call *call, const struct buy_plan_args *args,
                              const struct call_answer *answer, str *result)
{
    take_page(call, answer, result);
}

static void buy_package(struct call *call, const struct buy_package_args *args, str *result)
{
    const struct studio_config *config = catalogue_of(call);
    const struct package_config *package = config_package(config, args->package_id);
    struct subscription_row current;
    REQUIRE(call, package != NULL && config_is_active(package->is_active), NOT_FOUND,
            "There is no such package of credits.");
    bool has_plan = subscription_current(call, call_caller(call), &current) &&
                    subscription_is_entitled(&current);
    REQUIRE(call, has_plan || !config->payments.packages_need_plan, STATE,
            "Credits are sold beside a plan. Choose a plan first.");
    struct stripe_checkout wish = {.price = package->stripe_price_id,
                                   .name = package->name,
                                   .amount = package->price_cents,
                                   .package = package->id};
    send_checkout(call, &wish);
}

static void buy_package_answered(struct call *call, const struct buy_package_args *args,
                                 const struct call_answer *answer, str *result)
{
    take_page(call, answer, result);
}

static void open_portal(struct call *call, const struct open_portal_args *args, str *result)
{
    const struct stripe_config *stripe = stripe_of(call);
    str customer = billing_account_of(call, call_caller(call)).customer_id;
    struct provider_request request;
    REQUIRE(call, customer.len != 0, STATE, "There is nothing paid yet. Choose a plan first.");
    struct provider_site site = site_of(stripe);
    stripe_portal_ask(call->arena, &site, customer, page_of(call, "/billing"), &request);
    send(call, stripe, &request);
}

static void open_portal_answered(struct call *call, const struct open_portal_args *args,
                                 const struct call_answer *answer, str *result)
{
    take_page(call, answer, result);
}

/* ---- changes ---- */

static bool find_own(struct call *call, str external, struct subscription_row *row)
{
    doc_id id =
        row_first(call, index_of(&subscription_type, "by_external"), KEY(key_text(external)));
    return row_find(call, &subscription_type, id, row) &&
           doc_id_equal(row->user_id, call_caller(call));
}

static void send_cancel(struct call *call, const struct subscription_row *row, bool is_canceled)
{
    const struct stripe_config *stripe = stripe_of(call);
    struct provider_request request;
    REQUIRE(call, subscription_is_entitled(row), STATE, "This plan is over already.");
    struct provider_site site = site_of(stripe);
    stripe_cancel_ask(call->arena, &site, row->external_id, is_canceled, &request);
    send(call, stripe, &request);
}

/*
 * Shown at once; its event follows and is what counts, in the events' own order: our clock may be
 * ahead of theirs.
 */
static void take_change(struct call *call, const struct call_answer *answer)
{
    struct stripe_subscription told;
    struct subscription_row row;
    bool is_done = stripe_subscription_read(call->arena, answer->status, answer->body, &told);
    REQUIRE(call, is_done, STATE,
            "The payment service did not take this. Nothing was changed; try again in a moment.");
    if (!find_own(call, told.id, &row))
        return;
    row.cancel_at_period_end = told.cancels_at_end;
    if (PLANTED(sim_our_clock_counts))
        row.state_at = call->now;
    row.updated_at = call->now;
    row_put(call, &subscription_type, &row);
}

static void cancel(struct call *call, const struct cancel_args *args, struct nothing *result)
{
    struct subscription_row row;
    bool is_own = row_find(call, &subscription_type, args->subscription_id, &row) &&
                  doc_id_equal(row.user_id, call_caller(call));
    REQUIRE(call, is_own, NOT_FOUND, "There is no such subscription.");
    send_cancel(call, &row, true);
}

static void cancel_answered(struct call *call, const struct cancel_args *args,
                            const struct call_answer *answer, struct nothing *result)
{
    take_change(call, answer);
}

static void cancel_stripe(struct call *call, const struct cancel_stripe_args *args,
                          struct nothing *result)
{
    struct subscription_row row;
    bool is_own = find_own(call, args->stripe_subscription_id, &row);
    REQUIRE(call, is_own, NOT_FOUND, "There is no such subscription.");
    send_cancel(call, &row, true);
}

static void cancel_stripe_answered(struct call *call, const struct cancel_stripe_args *args,
                                   const struct call_answer *answer, struct nothing *result)
{
    take_change(call, answer);
}

static void reactivate(struct call *call, const struct reactivate_args *args,
                       struct nothing *result)
{
    struct subscription_row row;
    bool is_own = find_own(call, args->stripe_subscription_id, &row);
    REQUIRE(call, is_own, NOT_FOUND, "There is no such subscription.");
    send_cancel(call, &row, false);
}

static void reactivate_answered(struct call *call, const struct reactivate_args *args,
                                const struct call_answer *answer, struct nothing *result)
{
    take_change(call, answer);
}

static void change(struct call *call, const struct change_args *args, struct nothing *result)
{
    const struct stripe_config *stripe = stripe_of(call);
    const struct plan_config *plan = config_plan(catalogue_of(call), args->plan_id);
    struct subscription_row row;
    struct provider_request request;
    REQUIRE(call,
            plan != NULL && plan->stripe_price_id.len != 0 && config_is_active(plan->is_active),
            NOT_FOUND, "There is no such plan to change to.");
    bool has_one =
        subscription_current(call, call_caller(call), &row) && subscription_is_entitled(&row);
    REQUIRE(call, has_one && row.item_id.len != 0, STATE,
            "There is no plan to change. Choose one.");
    REQUIRE(call, !str_equal(row.plan_key, plan->key), STATE, "You have this plan already.");
    struct provider_site site = site_of(stripe);
    stripe_change_ask(call->arena, &site, row.external_id, row.item_id, plan->stripe_price_id,
                      &request);
    send(call, stripe, &request);
}

static void change_answered(struct call *call, const struct change_args *args,
                            const struct call_answer *answer, struct nothing *result)
{
    take_change(call, answer);
}
