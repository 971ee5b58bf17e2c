/* SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"

static void what_there_is_no_memory_for_is_given_up_and_the_rest_is_answered(void **state)
{
    struct stage *stage = *state;
    struct subscription one, two;
    stage_subscribe(stage, &one, "t:count", "{\"owner\":1}");
    stage_round(stage);
    size_t each = stage->budget.used;
    assert_true(each > 100);
    assert_int_equal(stage->budget.strangers, each);
    assert_int_equal(live_share(&one), each);

    stage->budget.max = 2 * each + 2; /* strangers have half of it, and one more is too much */
    stage_subscribe(stage, &two, "t:count", "{\"owner\":2}");
    stage_round(stage);
    assert_int_equal(stage->starved, 1);
    assert_null(live_result(&two).tail);
    assert_false(live_is_current(&two));
    assert_true(live_is_current(&one));

    live_unsubscribe(stage->live, &one);
    stage_round(stage);
    assert_int_equal(stage->starved, 1);
    expect_tail(&two, "\"value\":0,");
    live_unsubscribe(stage->live, &two);
}

/* Else strangers who fill their half could starve what people who are signed in look at. */
static void what_somebody_signed_in_asks_too_is_no_strangers(void **state)
{
    struct stage *stage = *state;
    struct identity *somebody = memory_zeroed(sizeof(*somebody));
    *somebody = (struct identity){.count = 1, .hash = {1, 2}};
    struct subscription one, two;
    stage_subscribe(stage, &one, "t:for_all", "{\"owner\":1}");
    stage_subscribe(stage, &two, "t:for_all", "{\"owner\":2}");
    stage_round(stage);
    assert_int_equal(stage->budget.strangers, stage->budget.used);

    live_resubscribe(stage->live, &one, somebody);
    struct subscription three = {0};
    live_subscribe(stage->live, &three, STR("t:for_all"), STR("{\"owner\":2}"), somebody, STR(""));
    assert_ptr_equal(three.query, two.query);
    assert_int_equal(stage->budget.strangers, 0);
    live_unsubscribe(stage->live, &one);
    live_unsubscribe(stage->live, &two);
    live_unsubscribe(stage->live, &three);
    identity_drop(somebody);
}

static void who_shares_a_result_shares_its_memory(void **state)
{
    struct stage *stage = *state;
    struct subscription one, two;
    stage_subscribe(stage, &one, "t:count", "{\"owner\":1}");
    stage_subscribe(stage, &two, "t:count", "{\"owner\":1}");
    stage_round(stage);
    assert_int_equal(live_share(&one), stage->budget.used / 2);
    live_unsubscribe(stage->live, &one);
    assert_int_equal(live_share(&two), stage->budget.used);
    live_unsubscribe(stage->live, &two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(what_there_is_no_memory_for_is_given_up_and_the_rest_is_answered),
        STAGE_TEST(what_somebody_signed_in_asks_too_is_no_strangers),
        STAGE_TEST(who_shares_a_result_shares_its_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
