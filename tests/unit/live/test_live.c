/* SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"

#include <stdio.h>

static void a_commit_evaluates_what_it_hit_and_nothing_else(void **state)
{
    struct stage *stage = *state;
    struct subscription one, two;
    stage_subscribe(stage, &one, "t:count", "{\"owner\":1}");
    stage_subscribe(stage, &two, "t:count", "{\"owner\":2}");
    stage_round(stage);
    expect_tail(&one, "\"value\":0,");
    assert_int_equal(stage_evaluations(stage), 2);
    stage_add(stage, 1);
    assert_true(live_is_due(stage->live, stage->now));
    stage_round(stage);
    expect_tail(&one, "\"value\":1,");
    expect_tail(&two, "\"value\":0,");
    assert_int_equal(stage_evaluations(stage), 3);
    assert_int_equal(live_result(&one).version, 2);
    assert_int_equal(live_result(&two).version, 1);
    stage_add(stage, 3);
    assert_false(live_is_due(stage->live, stage->now));
    live_unsubscribe(stage->live, &one);
    live_unsubscribe(stage->live, &two);
}

static void many_commits_are_one_evaluation(void **state)
{
    struct stage *stage = *state;
    struct subscription one;
    stage_subscribe(stage, &one, "t:count", "{\"owner\":1}");
    stage_round(stage);
    for (int i = 0; i < 10; i++)
        stage_add(stage, 1);
    stage_round(stage);
    expect_tail(&one, "\"value\":10,");
    assert_int_equal(stage_evaluations(stage), 2);
    assert_int_equal(stage->news, 2);
    live_unsubscribe(stage->live, &one);
}

static void who_asks_what_others_ask_gets_their_answer_at_once(void **state)
{
    struct stage *stage = *state;
    struct subscription one, two;
    stage_subscribe(stage, &one, "t:count", "{\"owner\":1}");
    stage_round(stage);
    stage_subscribe(stage, &two, "t.js:count", "{\"owner\":1}"); /* the same function */
    expect_tail(&two, "\"value\":0,");
    assert_false(live_is_due(stage->live, stage->now));
    live_unsubscribe(stage->live, &one);
    stage_add(stage, 1);
    stage_round(stage);
    expect_tail(&two, "\"value\":1,");
    live_unsubscribe(stage->live, &two);
}

static void a_page_that_moved_on_is_not_given_to_who_asks_anew(void **state)
{
    struct stage *stage = *state;
    struct subscription one, two, three, four;
    stage_subscribe(stage, &one, "t:page", "{\"owner\":1}");
    stage_round(stage);
    stage_subscribe(stage, &two, "t:page",
                    "{\"owner\":1}"); /* it is still as a first run gives it */
    expect_tail(&two, "\"value\":100,");
    stage_add(stage, 1);
    stage_subscribe(stage, &three, "t:page", "{\"owner\":1}");
    stage_round(stage);
    expect_tail(&one, "\"value\":1,");
    expect_tail(&two, "\"value\":1,");
    expect_tail(&three, "\"value\":101,");
    stage_subscribe(stage, &four, "t:page", "{\"owner\":1}");
    assert_ptr_equal(three.query, four.query);
    struct subscription *all[] = {&one, &two, &three, &four};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        live_unsubscribe(stage->live, all[i]);
    assert_int_equal(live_counts(stage->live).queries, 0);
}

static void another_caller_asks_for_the_same_page(void **state)
{
    struct stage *stage = *state;
    struct identity *somebody = memory_zeroed(sizeof(*somebody));
    *somebody = (struct identity){.count = 1, .hash = {1, 2}};
    struct subscription one;
    stage_subscribe(stage, &one, "t:page", "{\"owner\":1}");
    stage_round(stage);
    stage_add(stage, 1);
    live_resubscribe(stage->live, &one, somebody);
    stage_round(stage);
    expect_tail(&one, "\"value\":1,");
    assert_int_equal(live_counts(stage->live).queries, 1);
    live_unsubscribe(stage->live, &one);
    identity_drop(somebody);
}

static void what_nobody_asks_is_forgotten(void **state)
{
    struct stage *stage = *state;
    struct subscription one, two;
    stage_subscribe(stage, &one, "t:count", "{\"owner\":1}");
    stage_subscribe(stage, &two, "t:count", "{\"owner\":2}");
    live_unsubscribe(stage->live, &two); /* before its first evaluation */
    stage_round(stage);
    assert_int_equal(stage_evaluations(stage), 1);
    assert_int_equal(live_counts(stage->live).queries, 1);
    stage_add(stage, 1);
    live_unsubscribe(stage->live, &one); /* while it is marked */
    live_unsubscribe(stage->live, &one);
    assert_false(live_is_due(stage->live, stage->now));
    assert_int_equal(live_counts(stage->live).queries, 0);
    assert_int_equal(live_counts(stage->live).watches, 0);
    assert_int_equal(live_counts(stage->live).subscriptions, 0);
}

static void an_answer_whose_time_is_over_is_evaluated_again(void **state)
{
    struct stage *stage = *state;
    struct subscription one;
    stage_subscribe(stage, &one, "t:clock", "{}");
    stage_round(stage);
    expect_tail(&one, "\"value\":1000,");
    assert_int_equal(live_next(stage->live).us, MINUTES(1001).us);
    stage->now.us = MINUTES(1001).us - 1;
    assert_false(live_is_due(stage->live, stage->now));
    stage->now.us = MINUTES(1001).us;
    assert_true(live_is_due(stage->live, stage->now));
    stage_round(stage);
    expect_tail(&one, "\"value\":1001,");
    assert_int_equal(live_next(stage->live).us, MINUTES(1002).us);
    live_unsubscribe(stage->live, &one);
}

static void a_passing_failure_keeps_the_last_answer_and_is_tried_again(void **state)
{
    struct stage *stage = *state;
    struct subscription first;
    stage_is_busy = true;
    stage_subscribe(stage, &first, "t:busy", "{}");
    stage_round(stage);
    assert_false(live_is_current(&first)); /* who waits for it goes on waiting */
    assert_false(live_is_due(stage->live, stage->now));
    stage->now = live_next(stage->live);
    stage_is_busy = false;
    stage_round(stage);
    assert_true(live_is_current(&first));
    expect_tail(&first, "\"value\":0,");

    stage_is_busy = true;
    stage_add(stage, 9);
    stage_round(stage);
    expect_tail(&first, "\"value\":0,");
    assert_false(live_is_current(&first));
    stage->now = live_next(stage->live);
    stage_is_busy = false;
    stage_round(stage);
    expect_tail(&first, "\"value\":1,");
    assert_int_equal(live_result(&first).version, 2);
    live_unsubscribe(stage->live, &first);
}

static void a_refusal_from_before_is_not_current_while_the_query_fails(void **state)
{
    struct stage *stage = *state;
    struct subscription first;
    for (int i = 0; i < 3; i++)
        stage_add(stage, 9);
    stage_subscribe(stage, &first, "t:busy", "{}");
    stage_round(stage);
    assert_true(live_result(&first).is_failure && live_is_current(&first));
    stage_is_busy = true;
    stage_add(stage, 9);
    stage_round(stage);
    assert_false(live_is_current(&first)); /* there are four now */
    live_unsubscribe(stage->live, &first);
}

static void a_transient_failure_that_stays_is_told_after_all(void **state)
{
    struct stage *stage = *state;
    struct subscription first;
    int tries = 1;
    stage_is_busy = true;
    stage_subscribe(stage, &first, "t:busy", "{}");
    stage_round(stage);
    while (!live_is_current(&first)) {
        assert_true(++tries < 100);
        stage->now = live_next(stage->live);
        stage_round(stage);
    }
    assert_true(tries > 1);
    assert_true(live_result(&first).is_failure);
    stage_is_busy = false;
    stage->now = live_next(stage->live);
    stage_round(stage);
    expect_tail(&first, "\"value\":0,");
    live_unsubscribe(stage->live, &first);
}

static void failures_are_answers_with_their_data(void **state)
{
    struct stage *stage = *state;
    struct subscription wrong, missing;
    stage_subscribe(stage, &wrong, "t:count", "{\"owner\":\"x\"}");
    stage_subscribe(stage, &missing, "t:nothing", "{}");
    stage_round(stage);
    assert_true(live_result(&wrong).is_failure);
    expect_tail(&wrong, "\"errorMessage\":\"[Request ID: ");
    assert_true(str_contains(shared_text(live_result(&missing).tail),
                             STR("Could not find public function for 't:nothing'")));
    live_unsubscribe(stage->live, &wrong);
    live_unsubscribe(stage->live, &missing);
}

/* Enough for the table of queries to grow, twice. */
static void thousands_of_questions_are_told_apart(void **state)
{
    enum { MANY = 5000 };
    struct stage *stage = *state;
    struct subscription *all = memory_zeroed(MANY * sizeof(*all));
    char args[40];
    for (int i = 0; i < MANY; i++) {
        snprintf(args, sizeof(args), "{\"owner\":%d}", i);
        stage_subscribe(stage, &all[i], "t:count", args);
    }
    stage_round(stage);
    assert_int_equal(live_counts(stage->live).queries, MANY);
    for (int i = 0; i < MANY; i += 7)
        stage_add(stage, i);
    uint64_t before = stage_evaluations(stage);
    stage_round(stage);
    assert_int_equal(stage_evaluations(stage) - before, (MANY + 6) / 7);
    for (int i = 0; i < MANY; i++) {
        expect_tail(&all[i], i % 7 == 0 ? "\"value\":1," : "\"value\":0,");
        live_unsubscribe(stage->live, &all[i]);
    }
    assert_int_equal(live_counts(stage->live).queries, 0);
    free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(a_commit_evaluates_what_it_hit_and_nothing_else),
        STAGE_TEST(many_commits_are_one_evaluation),
        STAGE_TEST(who_asks_what_others_ask_gets_their_answer_at_once),
        STAGE_TEST(a_page_that_moved_on_is_not_given_to_who_asks_anew),
        STAGE_TEST(another_caller_asks_for_the_same_page),
        STAGE_TEST(what_nobody_asks_is_forgotten),
        STAGE_TEST(an_answer_whose_time_is_over_is_evaluated_again),
        STAGE_TEST(a_passing_failure_keeps_the_last_answer_and_is_tried_again),
        STAGE_TEST(a_refusal_from_before_is_not_current_while_the_query_fails),
        STAGE_TEST(a_transient_failure_that_stays_is_told_after_all),
        STAGE_TEST(failures_are_answers_with_their_data),
        STAGE_TEST(thousands_of_questions_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
