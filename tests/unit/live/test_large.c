/* SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"

#include <stdio.h>

/* A round whose job is run on its snapshot and handed back by settle_job, later. */
static struct live_job *round_with_job(struct stage *stage)
{
    AUTO(arena_done) struct arena arena = {0};
    struct view view;
    struct fault fault = {0};
    assert_true(view_begin(stage->store, &arena, &view, &fault));
    live_round(stage->live, &view, stage->now);
    struct live_job *job = live_job_take(stage->live);
    if (job != NULL)
        live_job_run(job, &view, stage->now);
    view_end(&view);
    return job;
}

static void settle_job(struct stage *stage, struct live_job *job)
{
    live_job_settle(stage->live, job);
    live_job_end(stage->live, job);
}

static void a_large_query_waits_for_its_job(void **state)
{
    struct stage *stage = *state;
    struct subscription large, small;
    stage_add_many(stage, 9, LIVE_SMALL_READS + 1);
    stage_add(stage, 8);
    stage_subscribe(stage, &large, "t:count", "{\"owner\":9}");
    stage_subscribe(stage, &small, "t:count", "{\"owner\":8}");
    struct live_job *job = round_with_job(stage);
    assert_non_null(job);
    assert_true(live_is_current(&small));
    assert_false(live_is_current(&large));
    assert_false(live_is_due(stage->live, stage->now)); /* one job at a time */
    assert_true(live_job_has(job, &large));
    assert_false(live_job_has(job, &small));
    assert_int_equal(stage->news, 1);
    settle_job(stage, job);
    assert_true(live_is_current(&large));
    expect_tail(&large, "\"value\":257,");
    assert_int_equal(stage->news, 2);
    live_unsubscribe(stage->live, &large);
    live_unsubscribe(stage->live, &small);
}

static void a_commit_while_the_job_is_out_marks_what_it_hits(void **state)
{
    struct stage *stage = *state;
    struct subscription nine, eight;
    stage_add_many(stage, 9, LIVE_SMALL_READS + 1);
    stage_add_many(stage, 8, LIVE_SMALL_READS + 1);
    stage_subscribe(stage, &nine, "t:count", "{\"owner\":9}");
    stage_subscribe(stage, &eight, "t:count", "{\"owner\":8}");
    struct live_job *job = round_with_job(stage);
    stage_add(stage, 9);
    settle_job(stage, job);
    expect_tail(&nine, "\"value\":257,"); /* of the job's moment */
    assert_false(live_is_current(&nine));
    assert_true(live_is_current(&eight));
    assert_true(live_is_due(stage->live, stage->now));
    uint64_t before = live_counts(stage->live).evaluations;
    settle_job(stage, round_with_job(stage));
    assert_int_equal(live_counts(stage->live).evaluations, before + 1);
    expect_tail(&nine, "\"value\":258,");
    assert_int_equal(live_counts(stage->live).abandoned, 2); /* known to be large by now */
    live_unsubscribe(stage->live, &nine);
    live_unsubscribe(stage->live, &eight);
}

static void who_leaves_while_the_job_is_out_leaves_nothing(void **state)
{
    struct stage *stage = *state;
    struct subscription first, second;
    stage_add_many(stage, 9, LIVE_SMALL_READS + 1);
    stage_subscribe(stage, &first, "t:count", "{\"owner\":9}");
    struct live_job *job = round_with_job(stage);
    live_unsubscribe(stage->live, &first);
    stage_subscribe(stage, &second, "t:count", "{\"owner\":9}"); /* joins what is under way */
    settle_job(stage, job);
    expect_tail(&second, "\"value\":257,");
    stage_add(stage, 9);
    job = round_with_job(stage);
    live_unsubscribe(stage->live, &second);
    settle_job(stage, job);
    assert_int_equal(live_counts(stage->live).queries, 0);
    assert_int_equal(live_counts(stage->live).watches, 0);
}

/* Another caller's one question is in the first job, behind a hundred of somebody's. */
static void one_caller_does_not_fill_a_job(void **state)
{
    struct stage *stage = *state;
    struct subscription many[100], other;
    struct identity *somebody = memory_zeroed(sizeof(*somebody));
    atomic_init(&somebody->count, 1);
    somebody->hash = hash128_bytes("somebody", 8);
    char args[100][160];
    stage_add_many(stage, 9, LIVE_SMALL_READS + 1);
    for (size_t i = 0; i < ARRAY_LEN(many); i++) {
        snprintf(args[i], sizeof(args[i]), "{\"owner\":9%*s}", (int)i, "");
        many[i] = (struct subscription){0};
        live_subscribe(stage->live, &many[i], STR("t:count"), str_of(args[i]), NULL, (str){0});
    }
    other = (struct subscription){0};
    live_subscribe(stage->live, &other, STR("t:count"), STR("{\"owner\":9}"), somebody, (str){0});
    struct live_job *job = round_with_job(stage);
    size_t in = 0;
    for (size_t i = 0; i < ARRAY_LEN(many); i++)
        in += live_job_has(job, &many[i]);
    assert_int_equal(in, 64);
    assert_true(live_job_has(job, &other));
    settle_job(stage, job);
    settle_job(stage, round_with_job(stage)); /* the rest */
    for (size_t i = 0; i < ARRAY_LEN(many); i++) {
        assert_true(live_is_current(&many[i]));
        live_unsubscribe(stage->live, &many[i]);
    }
    live_unsubscribe(stage->live, &other);
    identity_drop(somebody);
}

static void a_job_may_be_dropped_with_its_live(void **state)
{
    struct stage *stage = *state;
    static struct subscription first;
    stage_add_many(stage, 9, LIVE_SMALL_READS + 1);
    stage_subscribe(stage, &first, "t:count", "{\"owner\":9}");
    struct live_job *job = round_with_job(stage);
    live_job_drop(job); /* stage_close frees the rest */
}

static void what_became_small_is_small_again(void **state)
{
    struct stage *stage = *state;
    struct subscription first;
    stage_add_many(stage, 9, LIVE_SMALL_READS + 1);
    stage_subscribe(stage, &first, "t:large_once", "{\"owner\":9}");
    settle_job(stage, round_with_job(stage));
    stage_is_quick = true;
    stage_add(stage, 9); /* small from now on, but asked by a job once more */
    settle_job(stage, round_with_job(stage));
    stage_add(stage, 9);
    assert_null(round_with_job(stage));
    expect_tail(&first, "\"value\":1,");
    live_unsubscribe(stage->live, &first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(a_large_query_waits_for_its_job),
        STAGE_TEST(a_commit_while_the_job_is_out_marks_what_it_hits),
        STAGE_TEST(who_leaves_while_the_job_is_out_leaves_nothing),
        STAGE_TEST(one_caller_does_not_fill_a_job),
        STAGE_TEST(a_job_may_be_dropped_with_its_live),
        STAGE_TEST(what_became_small_is_small_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
