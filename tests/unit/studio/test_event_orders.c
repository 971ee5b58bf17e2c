/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "house.h"

#include "studio/ledger.h"
#include "studio/subscriptions.h"
#include "studio/users.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * Every order of a set of events of a payment service, one of them sent again at the end, ends in
 * the same state. Nobody's name is on the subscription itself: another event tells whose customer
 * it is. In the events '@' stands for the round and '$' for the user.
 */

#define EVENTS 6
#define ORDERS 720

#define STRIPE(id, type, at, object)                                                               \
    "{\"id\":\"evt_@_" id "\",\"type\":\"" type "\",\"created\":17672688" at                       \
    ",\"data\":{\"object\":{\"customer\":\"cus_@\"," object "}}}"
#define STRIPE_SUBSCRIPTION(more)                                                                  \
    "\"object\":\"subscription\",\"id\":\"sub_@\",\"current_period_start\":1767268800,"            \
    "\"current_period_end\":1769947200,\"items\":{\"data\":[{\"id\":\"si_1\",\"price\":{"          \
    "\"id\":\"price_plus\"}}]}," more

static const char *const stripe_events[EVENTS] = {
    STRIPE("1", "customer.subscription.created", "00",
           STRIPE_SUBSCRIPTION("\"status\":\"incomplete\"")),
    STRIPE("2", "checkout.session.completed", "01",
           "\"mode\":\"subscription\",\"client_reference_id\":\"$\",\"subscription\":\"sub_@\""),
    STRIPE("3", "customer.subscription.updated", "00",
           STRIPE_SUBSCRIPTION("\"status\":\"active\"")),
    STRIPE("4", "invoice.paid", "02",
           "\"id\":\"in_@\",\"subscription\":\"sub_@\",\"payment_intent\":\"pi_@\","
           "\"amount_paid\":2900,\"billing_reason\":\"subscription_create\",\"lines\":{\"data\":[{"
           "\"amount\":2900,\"price\":{\"id\":\"price_plus\"},\"period\":{\"start\":1767268800,"
           "\"end\":1769947200}}]}"),
    STRIPE("5", "customer.subscription.updated", "60",
           STRIPE_SUBSCRIPTION("\"status\":\"active\",\"cancel_at_period_end\":true")),
    STRIPE("6", "charge.refunded", "90",
           "\"id\":\"ch_@\",\"payment_intent\":\"pi_@\",\"invoice\":\"in_@\",\"amount\":2900,"
           "\"amount_refunded\":1450"),
};

#define POLAR(type, at, more)                                                                      \
    "{\"type\":\"" type "\",\"timestamp\":\"2026-01-01T13:00:00Z\",\"data\":{\"created_at\":"      \
    "\"2026-01-01T12:00:00Z\",\"modified_at\":\"2026-01-01T12:" at "Z\"," more "}}"
#define POLAR_SUBSCRIPTION(more)                                                                   \
    "\"id\":\"psub_@\",\"customer_id\":\"pcus_@\",\"product_id\":\"prod_ice\","                    \
    "\"current_period_start\":\"2026-01-01T12:00:00Z\",\"current_period_end\":"                    \
    "\"2026-02-01T12:00:00Z\"," more
#define POLAR_ORDER(more)                                                                          \
    "\"id\":\"pord_@\",\"customer_id\":\"pcus_@\",\"product_id\":\"prod_ice\",\"paid\":true,"      \
    "\"subscription_id\":\"psub_@\",\"total_amount\":4900,\"billing_reason\":"                     \
    "\"subscription_create\"" more

static const char *const polar_events[EVENTS] = {
    POLAR("subscription.created", "00:00.000", POLAR_SUBSCRIPTION("\"status\":\"incomplete\"")),
    POLAR("customer.created", "00:00.100", "\"id\":\"pcus_@\",\"external_id\":\"$\""),
    POLAR("subscription.active", "00:00.200", POLAR_SUBSCRIPTION("\"status\":\"active\"")),
    POLAR("order.paid", "00:01.000", POLAR_ORDER("")),
    POLAR("subscription.canceled", "10:00.000",
          POLAR_SUBSCRIPTION("\"status\":\"active\",\"cancel_at_period_end\":true")),
    POLAR("order.refunded", "20:00.000", POLAR_ORDER(",\"refunded_amount\":2450")),
};

struct end {
    doc_id user;
    char plan[40];
    enum subscription_status status;
    bool cancels, needs_review;
    int64_t balance;
};

static int open_house(void **state)
{
    *state = house_new(&(struct house_options){
        .engine = STORE_MEMORY, .config = getenv("TALK_CONFIG"), .seed = 5});
    return 0;
}

static int close_house(void **state)
{
    house_free(*state);
    return 0;
}

static void told(struct buffer *to, const char *template, int round, const char *user)
{
    for (const char *at = template; *at != 0; at++) {
        if (*at == '@')
            buffer_format(to, "%d", round);
        else if (*at == '$')
            buffer_str(to, str_of(user));
        else
            buffer_char(to, *at);
    }
}

static void run(struct house *house, const char *path, str args, struct arena *arena, str *value)
{
    struct call_request request = {.path = str_of(path), .args = args, .is_internal = true};
    struct mutation *mutation = house_mutate(house, &request);
    if (mutation->reply.error != ERROR_NONE)
        fail_msg("%s: %.*s", path, STR_ARG(mutation->reply.error_text));
    *value = str_copy(arena, mutation->reply.value);
    mutation_free(mutation);
}

static void send(struct house *house, const char *path, const char *template, int round, int event,
                 const char *user)
{
    AUTO(arena_done) struct arena arena = {0};
    AUTO(buffer_done) struct buffer body = {0}, args = {0};
    str value;
    told(&body, template, round, user);
    buffer_str(&args, STR("{\"body\":"));
    json_write_text(&args, buffer_text(&body));
    if (str_starts(str_of(path), STR("polar:")))
        buffer_format(&args, ",\"id\":\"msg_%d_%d\"", round, event);
    buffer_char(&args, '}');
    run(house, path, buffer_text(&args), &arena, &value);
}

static void look(struct call *call, void *context)
{
    struct end *end = context;
    struct subscription_row row;
    struct user user;
    row_get(call, &user_type, end->user, &user);
    subscription_current(call, end->user, &row);
    struct balance balance = ledger_balance(call, end->user);
    snprintf(end->plan, sizeof(end->plan), "%.*s", STR_ARG(user.plan_key));
    end->status = row.status;
    end->cancels = row.cancel_at_period_end;
    end->needs_review = billing_account_of(call, end->user).needs_review;
    end->balance = ledger_available(call, &balance).n;
}

/* The order number n of so many, by taking one after another out of what is left. */
static void order_of(int n, int order[EVENTS])
{
    int left[EVENTS], count = EVENTS;
    for (int i = 0; i < EVENTS; i++)
        left[i] = i;
    for (int i = 0; i < EVENTS; i++) {
        int taken = n % count;
        n /= count;
        order[i] = left[taken];
        count--;
        for (int j = taken; j < count; j++)
            left[j] = left[j + 1];
    }
}

static void play(struct house *house, const char *path, const char *const *events, int round,
                 struct end *end)
{
    AUTO(arena_done) struct arena arena = {0};
    int order[EVENTS];
    str id;
    *end = (struct end){0};
    run(house, "users:createUser",
        str_format(&arena, "{\"clerkId\":\"user_%d\",\"email\":\"\"}", round), &arena, &id);
    str inside = str_slice(id, 1, id.len - 1);
    const char *user = str_zero_ended(&arena, inside);
    assert_true(doc_id_read(&user_type, inside, &end->user));
    order_of(round, order);
    for (int i = 0; i < EVENTS; i++)
        send(house, path, events[order[i]], round, order[i], user);
    send(house, path, events[order[round % EVENTS]], round, order[round % EVENTS], user);
    house_do(house, look, end);
}

static void play_all(struct house *house, const char *path, const char *const *events,
                     const struct end *wanted)
{
    struct end end;
    for (int round = 0; round < ORDERS; round++) {
        play(house, path, events, round, &end);
        if (!str_equal(str_of(end.plan), str_of(wanted->plan)) || end.status != wanted->status ||
            end.cancels != wanted->cancels || end.needs_review != wanted->needs_review ||
            end.balance != wanted->balance)
            fail_msg("order %d: plan %s, status %d, cancels %d, review %d, balance %lld", round,
                     end.plan, end.status, end.cancels, end.needs_review, (long long)end.balance);
    }
}

static void every_order_of_stripes_events_ends_the_same(void **state)
{
    struct end wanted = {
        .plan = "plus", .status = SUBSCRIPTION_ACTIVE, .cancels = true, .balance = 350};
    play_all(*state, "stripe:handleStripeWebhook", stripe_events, &wanted);
}

static void every_order_of_polars_events_ends_the_same(void **state)
{
    struct end wanted = {
        .plan = "ice", .status = SUBSCRIPTION_ACTIVE, .cancels = true, .balance = 500};
    play_all(*state, "polar:handlePolarWebhook", polar_events, &wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_order_of_stripes_events_ends_the_same, open_house,
                                        close_house),
        cmocka_unit_test_setup_teardown(every_order_of_polars_events_ends_the_same, open_house,
                                        close_house),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
