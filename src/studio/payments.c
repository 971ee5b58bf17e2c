/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/subscriptions.h"

#include "base/planted.h"
#include "studio/catalogue.h"
#include "studio/events.h"
#include "studio/ledger.h"
#include "studio/replies.h"
#include "studio/users.h"

/* ---- arguments and results ---- */

struct take_stripe_args {
    str body;
};
#define ROW struct take_stripe_args
static const struct field take_stripe_fields[] = {TEXT(body, .min = 1)};
#undef ROW

struct take_polar_args {
    str id, body;
};
#define ROW struct take_polar_args
static const struct field take_polar_fields[] = {
    TEXT(id, .min = 1, .max = 255, .about = "Of the posting; the body has none."),
    TEXT(body, .min = 1),
};
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
#define preview_args buy_plan_args
#define preview_fields buy_plan_fields

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

struct change_preview {
    int64_t amount;
    str currency;
    struct maybe_instant at;
};
#define ROW struct change_preview
static const struct field change_preview_fields[] = {
    INT(amount, .unit = "cents", .about = "To be paid at once, what is left of this period off."),
    TEXT(currency),
    MAYBE_TIME(at, .about = "When it is charged."),
};
#undef ROW
static const struct shape change_preview_shape = {
    .name = "changePreview", .size = sizeof(struct change_preview), FIELDS(change_preview_fields)};

#define BACKEND_ACTION(verb, result_type)                                                          \
    BACKEND_FUNCTION(verb, result_type)                                                            \
    BACKEND_ANSWER(verb, result_type)

BACKEND_FUNCTION(take_stripe, struct taken)
BACKEND_FUNCTION(take_polar, struct taken)
BACKEND_ACTION(buy_price, str)
BACKEND_ACTION(buy_plan, str)
BACKEND_ACTION(buy_package, str)
BACKEND_ACTION(open_portal, str)
BACKEND_ACTION(cancel, struct nothing)
BACKEND_ACTION(cancel_stripe, struct nothing)
BACKEND_ACTION(reactivate, struct nothing)
BACKEND_ACTION(change, struct nothing)
BACKEND_ACTION(preview, struct change_preview)

#define PAGE(name_, verb, about_)                                                                  \
    ACTION(name_, verb, .answer = verb##_answered_door, .caller = SIGNED_IN,                       \
           .returns = RETURNS_TEXT, .about = about_)
#define CHANGE(name_, verb, about_)                                                                \
    ACTION(name_, verb, .answer = verb##_answered_door, .caller = SIGNED_IN,                       \
           .returns = RETURNS_NULL, .about = about_)

const struct function payment_functions[] = {
    MUTATION("stripe:handleStripeWebhook", take_stripe, .caller = INTERNAL,
             .returns = RETURNS_RECORD(&taken_shape, struct taken),
             .about = "Takes an event whose signature is right, once."),
    MUTATION("polar:handlePolarWebhook", take_polar, .caller = INTERNAL,
             .returns = RETURNS_RECORD(&taken_shape, struct taken),
             .about = "The same, of Polar's."),
    PAGE("subscriptions:createCheckoutSession", buy_price,
         "The address of the page where a plan is paid for, by the price of who sells it."),
    PAGE("stripe:createSubscriptionCheckoutSession", buy_plan, "The same, by the plan's key."),
    PAGE("stripe:createCreditCheckoutSession", buy_package,
         "The address of the page where credits are paid for."),
    PAGE("subscriptions:getCustomerPortal", open_portal,
         "The address of the page where cards and invoices are looked after."),
    PAGE("stripe:createCustomerPortalSession", open_portal, "The same."),
    CHANGE("subscriptions:cancelSubscription", cancel, "Ends the plan with its paid period."),
    CHANGE("stripe:cancelSubscriptionAtPeriodEnd", cancel_stripe,
           "The same, by the id at who sells it."),
    CHANGE("stripe:reactivateSubscription", reactivate, "Takes a cancellation back in time."),
    CHANGE("subscriptions:changePlan", change,
           "To another plan now; what was paid for counts, by the proration of who sells it."),
    ACTION("subscriptions:previewChange", preview, .answer = preview_answered_door,
           .caller = SIGNED_IN,
           .returns = RETURNS_RECORD(&change_preview_shape, struct change_preview),
           .about = "What that change would cost, by who sells it; nothing is changed."),
};
const size_t payment_function_count = ARRAY_LEN(payment_functions);

static void take_event(struct call *call, const struct payment_service *service, str id, str body,
                       struct taken *result)
{
    struct payment_event event;
    REQUIRE_ARGUMENT(call, service->event_read(call->arena, id, body, &event), ".body",
                     "this is no event of %s's", service->title);
    if (!webhook_event_take(call, str_of(service->name), event.id, event.type))
        return;
    billing_apply(call, &event);
    result->is_new = true;
}

static void take_stripe(struct call *call, const struct take_stripe_args *args,
                        struct taken *result)
{
    take_event(call, &stripe_service, (str){0}, args->body, result);
}

static void take_polar(struct call *call, const struct take_polar_args *args, struct taken *result)
{
    take_event(call, &polar_service, args->id, args->body, result);
}

/* ---- who sells ---- */

/* A processor that is set up here; nothing in it: there is none, and the call has failed. */
struct seller {
    const struct payment_service *service;
    const struct processor_config *config;
    struct provider_site site;
};

static struct seller seller_of(struct call *call, const struct payment_service *service)
{
    const struct processor_config *config =
        service == NULL ? NULL : config_processor(catalogue_of(call), service);
    if (config == NULL)
        call_fail(call, STATE, "Payments are not set up in this studio.");
    if (config == NULL || call_failed(call))
        return (struct seller){0};
    return (struct seller){
        service,
        config,
        {.base_url = config->base_url, .key = config->key == NULL ? (str){0} : config->key->value},
    };
}

/* What something is called at a processor; empty: it is not sold there by name. */
struct names_there {
    str stripe, polar;
};

static str name_at(const struct names_there *names, const struct payment_service *service)
{
    return service == &polar_service ? names->polar : names->stripe;
}

/* The first that knows it by name; else Stripe, which can be told name and price instead. */
static const struct payment_service *choose(struct call *call, const struct names_there *names)
{
    const struct studio_config *config = catalogue_of(call);
    for (size_t i = 0; i < payment_service_count; i++)
        if (config_processor(config, payment_services[i]) != NULL &&
            name_at(names, payment_services[i]).len != 0)
            return payment_services[i];
    return config->payments.stripe == NULL ? NULL : &stripe_service;
}

static struct names_there names_of_plan(const struct plan_config *plan)
{
    return plan == NULL ? (struct names_there){0}
                        : (struct names_there){plan->stripe_price_id, plan->polar_product_id};
}

static void send(struct call *call, const struct seller *seller,
                 const struct provider_request *request)
{
    struct call_wish *wish = arena_new(call->arena, struct call_wish);
    if (call_failed(call))
        return;
    *wish = (struct call_wish){.method = request->method,
                               .url = request->url,
                               .body = request->body,
                               .header_count = request->header_count,
                               .allow_private = seller->config->allow_private_addresses};
    for (size_t i = 0; i < request->header_count; i++)
        wish->headers[i] =
            (struct call_header){request->headers[i].name, request->headers[i].value};
    call_wish(call, wish);
}

static str page_of(struct call *call, const char *path)
{
    return str_format(call->arena, "%s%s", call->program->public_url, path);
}

static void send_checkout(struct call *call, const struct payment_service *service,
                          struct payment_checkout *wish)
{
    const struct studio_config *config = catalogue_of(call);
    struct seller seller = seller_of(call, service);
    struct provider_request request;
    struct user user;
    char id[DOC_ID_TEXT], token[33];
    row_get(call, &user_type, call_caller(call), &user);
    if (seller.service == NULL || call_failed(call))
        return;
    struct billing_account account = billing_account_of(call, user.id);
    doc_id_write(&user_type, user.id, id);
    random_token(call->random, token);
    wish->currency = config->payments.currency.len == 0 ? STR("usd") : config->payments.currency;
    wish->customer = service == &polar_service ? account.polar_customer_id : account.customer_id;
    wish->email = user.email;
    wish->user = str_copy(call->arena, (str){id, sizeof(id)});
    wish->success_url = page_of(call, "/billing?checkout=done");
    wish->cancel_url = page_of(call, "/billing?checkout=left");
    wish->key = str_copy(call->arena, str_of(token));
    seller.service->checkout(call->arena, &seller.site, wish, &request);
    send(call, &seller, &request);
}

static void send_plan(struct call *call, const struct plan_config *plan,
                      const struct payment_service *service, str price)
{
    struct subscription_row current;
    REQUIRE(call, plan != NULL && plan->price_cents > 0 && config_is_active(plan->is_active),
            NOT_FOUND, "There is no such plan.");
    bool has_one = subscription_current(call, call_caller(call), &current);
    REQUIRE(call, !has_one || !subscription_is_entitled(&current), STATE,
            "You have a plan already. Change it instead.");
    bool had_trial = billing_account_of(call, call_caller(call)).had_trial;
    struct payment_checkout wish = {.is_subscription = true,
                                    .price = price,
                                    .name = plan->name,
                                    .amount = plan->price_cents,
                                    .plan = plan->key,
                                    .trial_days = had_trial ? 0 : plan->trial_days};
    send_checkout(call, service, &wish);
}

/* Of whom the caller bought last; their pages read alike enough not to ask. */
static const struct payment_service *last_seller(struct call *call)
{
    struct subscription_row row;
    struct billing_account account = billing_account_of(call, call_caller(call));
    if (subscription_current(call, call_caller(call), &row))
        return payment_service_of(row.processor);
    bool is_polar = account.customer_id.len == 0 && account.polar_customer_id.len != 0;
    return is_polar || catalogue_of(call)->payments.stripe == NULL ? &polar_service
                                                                   : &stripe_service;
}

static void take_page(struct call *call, const struct payment_service *service,
                      const struct call_answer *answer, str *result)
{
    str url = {0};
    bool is_there =
        service != NULL && service->page_read(call->arena, answer->status, answer->body, &url);
    REQUIRE(call, is_there, STATE,
            "The payment service did not open its page. Try again in a moment.");
    *result = url;
}

/* ---- pages ---- */

static const struct payment_service *service_of_price(struct call *call, str price)
{
    const struct plan_config *plan = config_plan_of_price(catalogue_of(call), price);
    bool is_polar = plan != NULL && (str_equal(plan->polar_product_id, price) ||
                                     str_equal(plan->polar_product_id_yearly, price));
    return is_polar ? &polar_service : &stripe_service;
}

static void buy_price(struct call *call, const struct buy_price_args *args, str *result)
{
    send_plan(call, config_plan_of_price(catalogue_of(call), args->price_id),
              service_of_price(call, args->price_id), args->price_id);
}

static void buy_price_answered(struct call *call, const struct buy_price_args *args,
                               const struct call_answer *answer, str *result)
{
    take_page(call, service_of_price(call, args->price_id), answer, result);
}

static void buy_plan(struct call *call, const struct buy_plan_args *args, str *result)
{
    const struct plan_config *plan = config_plan(catalogue_of(call), args->plan_id);
    struct names_there names = names_of_plan(plan);
    const struct payment_service *service = choose(call, &names);
    send_plan(call, plan, service, name_at(&names, service));
}

static void buy_plan_answered(struct call *call, const struct buy_plan_args *args,
                              const struct call_answer *answer, str *result)
{
    struct names_there names = names_of_plan(config_plan(catalogue_of(call), args->plan_id));
    take_page(call, choose(call, &names), answer, result);
}

static struct names_there names_of_package(const struct package_config *package)
{
    return package == NULL
               ? (struct names_there){0}
               : (struct names_there){package->stripe_price_id, package->polar_product_id};
}

static void buy_package(struct call *call, const struct buy_package_args *args, str *result)
{
    const struct studio_config *config = catalogue_of(call);
    const struct package_config *package = config_package(config, args->package_id);
    struct names_there names = names_of_package(package);
    const struct payment_service *service = choose(call, &names);
    struct subscription_row current;
    REQUIRE(call, package != NULL && config_is_active(package->is_active), NOT_FOUND,
            "There is no such package of credits.");
    bool has_plan = subscription_current(call, call_caller(call), &current) &&
                    subscription_is_entitled(&current);
    REQUIRE(call, has_plan || !config->payments.packages_need_plan, STATE,
            "Credits are sold beside a plan. Choose a plan first.");
    struct payment_checkout wish = {.price = name_at(&names, service),
                                    .name = package->name,
                                    .amount = package->price_cents,
                                    .package = package->id};
    send_checkout(call, service, &wish);
}

static void buy_package_answered(struct call *call, const struct buy_package_args *args,
                                 const struct call_answer *answer, str *result)
{
    struct names_there names =
        names_of_package(config_package(catalogue_of(call), args->package_id));
    take_page(call, choose(call, &names), answer, result);
}

static void open_portal(struct call *call, const struct open_portal_args *args, str *result)
{
    const struct payment_service *service = last_seller(call);
    struct seller seller = seller_of(call, service);
    struct billing_account account = billing_account_of(call, call_caller(call));
    str customer = service == &polar_service ? account.polar_customer_id : account.customer_id;
    struct provider_request request;
    REQUIRE(call, customer.len != 0, STATE, "There is nothing paid yet. Choose a plan first.");
    if (seller.service == NULL)
        return;
    seller.service->portal(call->arena, &seller.site, customer, page_of(call, "/billing"),
                           &request);
    send(call, &seller, &request);
}

static void open_portal_answered(struct call *call, const struct open_portal_args *args,
                                 const struct call_answer *answer, str *result)
{
    take_page(call, last_seller(call), answer, result);
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
    struct seller seller = seller_of(call, payment_service_of(row->processor));
    struct provider_request request;
    REQUIRE(call, subscription_is_entitled(row), STATE, "This plan is over already.");
    if (seller.service == NULL)
        return;
    seller.service->cancel(call->arena, &seller.site, row->external_id, is_canceled, &request);
    send(call, &seller, &request);
}

/*
 * Shown at once; its event follows and is what counts, in the events' own order: our clock may be
 * ahead of theirs.
 */
static void take_change(struct call *call, const struct payment_service *service,
                        const struct call_answer *answer)
{
    struct payment_subscription told;
    struct subscription_row row;
    bool is_done =
        service != NULL &&
        payment_subscription_read(service, call->arena, answer->status, answer->body, &told);
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

static bool find_by_id(struct call *call, doc_id id, struct subscription_row *row)
{
    return row_find(call, &subscription_type, id, row) &&
           doc_id_equal(row->user_id, call_caller(call));
}

static void cancel(struct call *call, const struct cancel_args *args, struct nothing *result)
{
    struct subscription_row row;
    bool is_own = find_by_id(call, args->subscription_id, &row);
    REQUIRE(call, is_own, NOT_FOUND, "There is no such subscription.");
    send_cancel(call, &row, true);
}

static void cancel_answered(struct call *call, const struct cancel_args *args,
                            const struct call_answer *answer, struct nothing *result)
{
    struct subscription_row row;
    find_by_id(call, args->subscription_id, &row);
    take_change(call, payment_service_of(row.processor), answer);
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
    struct subscription_row row;
    find_own(call, args->stripe_subscription_id, &row);
    take_change(call, payment_service_of(row.processor), answer);
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
    cancel_stripe_answered(call, args, answer, result);
}

/* What a change of plan is about; the call has failed when there is nothing to change, or not so.
 */
struct wanted_change {
    struct seller seller;
    struct subscription_row row;
    str price;
};

static void want_change(struct call *call, str plan_key, struct wanted_change *out)
{
    const struct plan_config *plan = config_plan(catalogue_of(call), plan_key);
    struct names_there names = names_of_plan(plan);
    bool has_one = subscription_current(call, call_caller(call), &out->row) &&
                   subscription_is_entitled(&out->row);
    const struct payment_service *service =
        has_one ? payment_service_of(out->row.processor) : last_seller(call);
    out->seller = seller_of(call, service);
    out->price = name_at(&names, service);
    REQUIRE(call, out->price.len != 0 && config_is_active(plan->is_active), NOT_FOUND,
            "There is no such plan to change to.");
    REQUIRE(call, has_one && (out->row.item_id.len != 0 || service == &polar_service), STATE,
            "There is no plan to change. Choose one.");
    REQUIRE(call, !str_equal(out->row.plan_key, plan->key), STATE, "You have this plan already.");
}

static void change(struct call *call, const struct change_args *args, struct nothing *result)
{
    struct wanted_change want;
    struct provider_request request;
    want_change(call, args->plan_id, &want);
    if (want.seller.service == NULL || call_failed(call))
        return;
    want.seller.service->change(call->arena, &want.seller.site, want.row.external_id,
                                want.row.item_id, want.price, &request);
    send(call, &want.seller, &request);
}

static void change_answered(struct call *call, const struct change_args *args,
                            const struct call_answer *answer, struct nothing *result)
{
    struct subscription_row row;
    subscription_current(call, call_caller(call), &row);
    take_change(call, payment_service_of(row.processor), answer);
}

static void preview(struct call *call, const struct preview_args *args,
                    struct change_preview *result)
{
    struct wanted_change want;
    struct provider_request request;
    want_change(call, args->plan_id, &want);
    REQUIRE(call, want.seller.service != NULL && want.seller.service->preview != NULL, STATE,
            "This payment service does not tell beforehand what a change costs.");
    want.seller.service->preview(call->arena, &want.seller.site, want.row.external_id,
                                 want.row.item_id, want.price, &request);
    send(call, &want.seller, &request);
}

static void preview_answered(struct call *call, const struct preview_args *args,
                             const struct call_answer *answer, struct change_preview *result)
{
    struct payment_preview told;
    struct subscription_row row;
    subscription_current(call, call_caller(call), &row);
    const struct payment_service *service = payment_service_of(row.processor);
    bool is_told = service != NULL && service->preview_read != NULL &&
                   service->preview_read(call->arena, answer->status, answer->body, &told);
    REQUIRE(call, is_told, STATE,
            "The payment service did not say what the change costs. Try again in a moment.");
    *result = (struct change_preview){told.amount, told.currency, {told.at, told.at.us != 0}};
}
