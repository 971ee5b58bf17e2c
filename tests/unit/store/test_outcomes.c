/* SPDX-License-Identifier: Apache-2.0 */
#include "people.h"

#include <stdio.h>
#include <string.h>

#define MANY 70000 /* more than are kept in memory */
#define GROUP 1000

static void name_it(struct outcome *outcome, uint32_t number)
{
    *outcome = (struct outcome){.request = number};
    uint32_t session = number * 2654435761u % 977; /* many requests of each, in no order */
    memcpy(outcome->session, &session, sizeof(session));
}

static void add(struct place *place, uint32_t from, uint32_t count)
{
    for (uint32_t number = from; number < from + count;) {
        struct batch *batch = place_begin(place);
        for (int i = 0; i < GROUP && number < from + count; i++, number++) {
            char result[32];
            struct outcome outcome;
            name_it(&outcome, number);
            snprintf(result, sizeof(result), "result %u", number);
            outcome.result = str_of(result);
            batch_outcome(batch, &outcome);
        }
        place_commit(batch);
    }
}

static bool is_found(struct place *place, struct batch *batch, uint32_t number)
{
    char result[32];
    struct outcome outcome;
    name_it(&outcome, number);
    if (!batch_find_outcome(batch, &place->arena, &outcome))
        return false;
    snprintf(result, sizeof(result), "result %u", number);
    assert_true(str_equal(outcome.result, str_of(result)));
    assert_int_not_equal(outcome.ts.n, 0);
    return true;
}

static void expect_from(struct place *place, uint32_t first, uint32_t count)
{
    struct batch *batch = place_begin(place);
    for (uint32_t number = 0; number < count; number += number + 97 < count ? 97 : 1)
        if (is_found(place, batch, number) != (number >= first))
            fail_msg("number %u", number);
    assert_false(is_found(place, batch, count));
    batch_drop(batch);
}

static void outcomes_are_found_however_many_there_are(void **state)
{
    struct place *place = *state;
    add(place, 0, MANY);
    expect_from(place, 0, MANY);
    if (place->engine == STORE_SQLITE) {
        place_reopen(place);
        expect_from(place, 0, MANY);
        add(place, MANY, GROUP);
        expect_from(place, 0, MANY + GROUP);
    }
}

static void large_outcomes_leave_the_memory_and_are_found(void **state)
{
    struct place *place = *state;
    AUTO(memory_free) char *large = memory_zeroed(KIB(512) + 1);
    memset(large, 'x', KIB(512));
    for (uint32_t number = 0; number < 100; number++) {
        struct batch *batch = place_begin(place);
        struct outcome outcome;
        name_it(&outcome, number);
        outcome.result = str_of(large);
        batch_outcome(batch, &outcome);
        place_commit(batch);
    }
    struct batch *batch = place_begin(place);
    for (uint32_t number = 0; number < 100; number++) {
        struct outcome outcome;
        name_it(&outcome, number);
        assert_true(batch_find_outcome(batch, &place->arena, &outcome));
        assert_int_equal(outcome.result.len, KIB(512));
        arena_reset(&place->arena);
    }
    batch_drop(batch);
}

static void outcomes_are_forgotten_after_14_days(void **state)
{
    struct place *place = *state;
    add(place, 0, 5000);
    place->now = instant_add(place->now, DAYS(13));
    add(place, 5000, 5000); /* now the index has the first 9000 */
    for (int i = 0; i < 50; i++)
        store_idle(place->store);
    place_reopen(place);
    expect_from(place, 0, 10000);

    place->now = instant_add(place->now, DAYS(2));
    batch_drop(place_begin(place)); /* the time comes with a batch */
    for (int i = 0; i < 50; i++)
        store_idle(place->store);
    place_reopen(place); /* else they are in memory still */
    expect_from(place, 5000, 10000);
}

static void name_session(struct outcome *outcome, uint32_t session, uint32_t request)
{
    *outcome = (struct outcome){.request = request, .result = STR("done")};
    memcpy(outcome->session, &session, sizeof(session));
}

static bool has_sent(struct place *place, struct batch *batch, uint32_t session, uint32_t request)
{
    struct outcome outcome;
    name_session(&outcome, session, request);
    return batch_find_outcome(batch, &place->arena, &outcome);
}

static void record(struct batch *batch, uint32_t session, uint32_t request)
{
    struct outcome outcome;
    name_session(&outcome, session, request);
    batch_outcome(batch, &outcome);
}

/* More sessions than are remembered as senders, so that each is forgotten and looked up again. */
static void a_session_that_was_forgotten_is_known_again(void **state)
{
    struct place *place = *state;
    const uint32_t sessions = 71000;
    for (uint32_t session = 0; session < sessions;) {
        struct batch *batch = place_begin(place);
        for (int i = 0; i < GROUP; i++, session++) {
            assert_false(has_sent(place, batch, session, 5));
            record(batch, session, 5);
            assert_true(has_sent(place, batch, session, 5));
        }
        place_commit(batch);
        arena_reset(&place->arena);
    }
    struct batch *batch = place_begin(place);
    for (uint32_t session = 0; session < sessions; session++) {
        if (!has_sent(place, batch, session, 5) || has_sent(place, batch, session, 6) ||
            has_sent(place, batch, session, 4))
            fail_msg("session %u", session);
        arena_reset(&place->arena);
    }
    batch_drop(batch);
}

static void requests_out_of_order_are_found_and_new_ones_are_not(void **state)
{
    struct place *place = *state;
    const uint32_t requests[] = {7, 3, UINT32_MAX, 0, 256, 255};
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        struct batch *batch = place_begin(place);
        for (size_t j = 0; j < sizeof(requests) / sizeof(requests[0]); j++)
            assert_int_equal(has_sent(place, batch, 1, requests[j]), j < i);
        record(batch, 1, requests[i]);
        place_commit(batch);
    }
    /* What was not committed was not sent; what is only looked for neither. */
    struct batch *batch = place_begin(place);
    record(batch, 2, 9);
    batch_drop(batch);
    batch = place_begin(place);
    assert_false(has_sent(place, batch, 2, 9));
    assert_false(has_sent(place, batch, 2, 8));
    batch_drop(batch);
}

#define CASE(name, engine)                                                                         \
    cmocka_unit_test_prestate_setup_teardown(name, place_setup, place_teardown, engine)
#define BOTH(name) CASE(name, &on_memory), CASE(name, &on_sqlite)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(outcomes_are_found_however_many_there_are),
        BOTH(large_outcomes_leave_the_memory_and_are_found),
        BOTH(a_session_that_was_forgotten_is_known_again),
        BOTH(requests_out_of_order_are_found_and_new_ones_are_not),
        CASE(outcomes_are_forgotten_after_14_days, &on_sqlite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
