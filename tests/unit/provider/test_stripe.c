/* SPDX-License-Identifier: Apache-2.0 */
#include "provider_check.h"

#include "provider/payment.h"

/* ---- signatures: made by the official package's generateTestHeaderString ---- */

#define SECRET "whsec_test_secret"
#define BODY "{\"id\":\"evt_1\",\"object\":\"event\"}"
#define STAMP "1700000000"
#define SUM "0c8670ed117751cc551a20e35839447075c42800ea3cf3e8a2fbda99cd1e6edd"
#define AT ((instant){INT64_C(1700000000) * 1000000})

static bool is_signed_by(str secret, const char *header, const char *body, int64_t seconds_later)
{
    AUTO(arena_done) struct arena arena = {0};
    struct provider_header one = {STR("Stripe-Signature"), str_of(header)};
    struct provider_hook hook = {&one, 1, str_of(body), instant_add(AT, SECONDS(seconds_later))};
    return stripe_service.is_signed(&arena, secret, &hook);
}

static bool is_signed(const char *header, const char *body, int64_t seconds_later)
{
    return is_signed_by(STR(SECRET), header, body, seconds_later);
}

static void what_stripe_signed_is_believed_for_five_minutes(void **state)
{
    assert_true(is_signed("t=" STAMP ",v1=" SUM, BODY, 0));
    assert_true(is_signed("t=" STAMP ",v1=" SUM, BODY, 300));
    assert_false(is_signed("t=" STAMP ",v1=" SUM, BODY, 301));
    assert_false(is_signed("t=" STAMP ",v1=" SUM, BODY, -301));
}

static void one_right_signature_of_several_is_enough(void **state)
{
    assert_true(is_signed("t=" STAMP ",v1=00ff,v0=" SUM ",v1=" SUM, BODY, 1));
    assert_false(is_signed("t=" STAMP ",v1=00ff,v0=" SUM, BODY, 1));
}

static void what_was_changed_or_not_signed_is_refused(void **state)
{
    assert_false(is_signed("t=" STAMP ",v1=" SUM, BODY " ", 0));
    assert_false(is_signed("t=1700000001,v1=" SUM, BODY, 0));
    assert_false(is_signed("v1=" SUM, BODY, 0));
    assert_false(is_signed("t=" STAMP, BODY, 0));
    assert_false(is_signed("", BODY, 0));
    assert_false(is_signed("t=x,v1=" SUM, BODY, 0));
    assert_false(is_signed_by((str){0}, "t=" STAMP ",v1=" SUM, BODY, 0));
    assert_false(is_signed_by(STR("other"), "t=" STAMP ",v1=" SUM, BODY, 0));
}

/* ---- requests ---- */

static const struct provider_site site = {.base_url = {"http://stripe.test/", 19},
                                          .key = {"sk_test", 7}};

static void a_checkout_names_plan_user_and_trial(void **state)
{
    struct provider_request request;
    struct payment_checkout wish = {.is_subscription = true,
                                    .price = STR("price_1"),
                                    .email = STR("a+b@example.org"),
                                    .user = STR("u1"),
                                    .plan = STR("pro"),
                                    .trial_days = 7,
                                    .success_url = STR("http://h/b?c=d"),
                                    .cancel_url = STR("http://h/"),
                                    .key = STR("k1")};
    stripe_service.checkout(*state, &site, &wish, &request);
    expect(request.method, "POST");
    expect(request.url, "http://stripe.test/v1/checkout/sessions");
    expect_part(request.body, "mode=subscription&");
    expect_part(request.body, "line_items%5B0%5D%5Bprice%5D=price_1");
    expect_part(request.body, "customer_email=a%2Bb%40example.org");
    expect_part(request.body, "subscription_data%5Bmetadata%5D%5BuserId%5D=u1");
    expect_part(request.body, "subscription_data%5Btrial_period_days%5D=7");
    expect_part(request.body, "success_url=http%3A%2F%2Fh%2Fb%3Fc%3Dd");
    expect(request.headers[1].value, "Bearer sk_test");
    expect(request.headers[3].name, "Idempotency-Key");
    expect(request.headers[3].value, "k1");
}

static void a_package_without_a_price_of_stripes_is_described(void **state)
{
    struct provider_request request;
    struct payment_checkout wish = {.name = STR("Small"),
                                    .currency = STR("usd"),
                                    .amount = 699,
                                    .customer = STR("cus_1"),
                                    .email = STR("a@example.org"),
                                    .package = STR("small")};
    stripe_service.checkout(*state, &site, &wish, &request);
    expect_part(request.body, "mode=payment&");
    expect_part(request.body, "price_data%5D%5Bunit_amount%5D=699");
    expect_part(request.body, "customer=cus_1");
    expect_part(request.body, "payment_intent_data%5Bmetadata%5D%5BpackageId%5D=small");
    assert_false(str_contains(request.body, STR("customer_email")));
}

static void an_id_of_theirs_cannot_leave_its_place_in_the_address(void **state)
{
    struct provider_request request;
    stripe_service.cancel(*state, &site, STR("sub/../x?y"), true, &request);
    expect(request.url, "http://stripe.test/v1/subscriptions/sub%2F..%2Fx%3Fy");
    expect(request.body, "cancel_at_period_end=true");
}

static void a_page_has_an_address_or_there_is_none(void **state)
{
    str url;
    assert_true(
        stripe_service.page_read(*state, 200, STR("{\"url\":\"https://pay.test/1\"}"), &url));
    expect(url, "https://pay.test/1");
    assert_false(
        stripe_service.page_read(*state, 402, STR("{\"url\":\"https://pay.test/1\"}"), &url));
    assert_false(stripe_service.page_read(*state, 200, STR("{\"url\":\"javascript:1\"}"), &url));
    assert_false(stripe_service.page_read(*state, 200, STR("{\"url\":null}"), &url));
    assert_false(stripe_service.page_read(*state, 0, STR(""), &url));
}

static void what_a_change_would_cost_is_read_or_refused(void **state)
{
    struct provider_request request;
    struct payment_preview told;
    stripe_service.preview(*state, &site, STR("sub_1"), STR("si_1"), STR("price_max"), &request);
    expect(request.url, "http://stripe.test/v1/invoices/create_preview");
    expect_part(request.body, "subscription=sub_1&");
    expect_part(request.body, "subscription_details%5Bitems%5D%5B0%5D%5Bprice%5D=price_max");
    assert_true(stripe_service.preview_read(
        *state, 200,
        STR("{\"amount_due\":12345,\"currency\":\"usd\",\"next_payment_attempt\":1700000000}"),
        &told));
    assert_int_equal(told.amount, 12345);
    assert_int_equal(told.at.us, INT64_C(1700000000000000));
    assert_true(stripe_service.preview_read(
        *state, 200, STR("{\"amount_due\":0,\"currency\":\"usd\",\"period_end\":1700000001}"),
        &told));
    assert_int_equal(told.at.us, INT64_C(1700000001000000));
    assert_false(stripe_service.preview_read(*state, 200, STR("{\"currency\":\"usd\"}"), &told));
    assert_false(stripe_service.preview_read(*state, 200, STR("{\"amount_due\":1}"), &told));
    assert_false(stripe_service.preview_read(*state, 402, STR("{\"amount_due\":1}"), &told));
    assert_false(stripe_service.preview_read(*state, 200, STR("[]"), &told));
}

/* ---- events ---- */

#define EVENT(type, object)                                                                        \
    STR("{\"id\":\"evt_1\",\"type\":\"" type                                                       \
        "\",\"created\":1700000000,\"data\":{\"object\":" object "}}")

static void periods_are_read_where_old_and_new_versions_have_them(void **state)
{
    struct payment_event event;
    assert_true(stripe_service.event_read(
        *state, (str){0},
        EVENT("customer.subscription.updated",
              "{\"object\":\"subscription\",\"id\":\"sub_1\",\"status\":\"active\","
              "\"current_period_start\":10,\"current_period_end\":20}"),
        &event));
    assert_int_equal(event.kind, PAYMENT_SUBSCRIPTION);
    assert_int_equal(event.subscription.period_end.us, 20000000);
    assert_true(stripe_service.event_read(
        *state, (str){0},
        EVENT("customer.subscription.updated",
              "{\"object\":\"subscription\",\"id\":\"sub_1\",\"status\":\"active\",\"items\":{"
              "\"data\":[{\"id\":\"si_1\",\"price\":{\"id\":\"price_1\"},"
              "\"current_period_start\":10,\"current_period_end\":30}]}}"),
        &event));
    assert_int_equal(event.subscription.period_end.us, 30000000);
    expect(event.subscription.item, "si_1");
    expect(event.subscription.price, "price_1");
}

static void an_invoice_names_its_subscription_in_old_and_new_versions(void **state)
{
    struct payment_event event;
    assert_true(stripe_service.event_read(
        *state, (str){0},
        EVENT("invoice.paid", "{\"id\":\"in_1\",\"subscription\":\"sub_1\",\"lines\":{}}"),
        &event));
    assert_int_equal(event.kind, PAYMENT_INVOICE_PAID);
    expect(event.invoice.subscription, "sub_1");
    assert_true(stripe_service.event_read(
        *state, (str){0},
        EVENT("invoice.payment_failed",
              "{\"id\":\"in_1\",\"parent\":{\"subscription_details\":{\"subscription\":\"sub_2\","
              "\"metadata\":{\"userId\":\"u1\"}}},\"lines\":{\"data\":[{\"amount\":-5,\"period\":{"
              "\"start\":1,\"end\":9},\"price\":{\"id\":\"old\"}},{\"amount\":9,\"period\":{"
              "\"start\":2,\"end\":9},\"pricing\":{\"price_details\":{\"price\":\"new\"}}}]}}"),
        &event));
    assert_int_equal(event.kind, PAYMENT_INVOICE_FAILED);
    expect(event.invoice.subscription, "sub_2");
    expect(event.invoice.user, "u1");
    expect(event.invoice.price, "new");
    assert_int_equal(event.invoice.period_start.us, 2000000);
}

static void a_checkout_counts_when_it_is_paid(void **state)
{
    struct payment_event event;
    assert_true(stripe_service.event_read(
        *state, (str){0},
        EVENT("checkout.session.completed", "{\"mode\":\"payment\",\"payment_status\":\"unpaid\"}"),
        &event));
    assert_int_equal(event.kind, PAYMENT_NONE);
    assert_true(stripe_service.event_read(
        *state, (str){0},
        EVENT("checkout.session.async_payment_succeeded",
              "{\"mode\":\"payment\",\"payment_status\":\"paid\",\"payment_intent\":\"pi_1\","
              "\"metadata\":{\"packageId\":\"small\"}}"),
        &event));
    assert_int_equal(event.kind, PAYMENT_CHECKOUT);
    expect(event.charge.package, "small");
}

static void what_is_no_event_is_refused_and_what_is_new_to_us_is_nothing(void **state)
{
    struct payment_event event;
    assert_false(stripe_service.event_read(*state, (str){0}, STR("[]"), &event));
    assert_false(stripe_service.event_read(*state, (str){0}, STR("{"), &event));
    assert_false(stripe_service.event_read(*state, (str){0},
                                           STR("{\"id\":\"evt_1\",\"type\":\"x\"}"), &event));
    assert_true(
        stripe_service.event_read(*state, (str){0}, EVENT("tax.rate.updated", "{}"), &event));
    assert_int_equal(event.kind, PAYMENT_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_stripe_signed_is_believed_for_five_minutes),
        TEST(one_right_signature_of_several_is_enough),
        TEST(what_was_changed_or_not_signed_is_refused),
        TEST(a_checkout_names_plan_user_and_trial),
        TEST(a_package_without_a_price_of_stripes_is_described),
        TEST(an_id_of_theirs_cannot_leave_its_place_in_the_address),
        TEST(a_page_has_an_address_or_there_is_none),
        TEST(what_a_change_would_cost_is_read_or_refused),
        TEST(periods_are_read_where_old_and_new_versions_have_them),
        TEST(an_invoice_names_its_subscription_in_old_and_new_versions),
        TEST(a_checkout_counts_when_it_is_paid),
        TEST(what_is_no_event_is_refused_and_what_is_new_to_us_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
