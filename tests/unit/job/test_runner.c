/* SPDX-License-Identifier: Apache-2.0 */
#include "office.h"

static void a_job_is_asked_answered_and_gone(void **state)
{
    struct office *office = *state;
    script.steps = 2;
    doc_id id = add_job(office, STR("wide"));
    settle(office);
    assert_int_equal(office->outside.start_count, 1);
    struct looked during = look(office, id);
    assert_int_equal(during.job.state, JOB_RUNNING);
    assert_int_equal(during.job.attempt, 1);
    assert_int_equal(during.job.epoch, 1);
    assert_false(runner_is_idle(office->runner));

    runner_finish(office->runner, office->outside.started[0], result_new());
    settle(office);
    assert_int_equal(office->outside.start_count, 2); /* the next step, at once */
    assert_int_equal(look(office, id).job.attempt, 2);
    runner_finish(office->runner, office->outside.started[1], result_new());
    settle(office);
    assert_false(look(office, id).is_there);
    assert_int_equal(script.answers, 2);
    assert_int_equal(office->outside.release_count, 2);
    assert_int_equal(runner_running(office->runner), 0);
}

static void a_lane_runs_no_more_than_its_limit(void **state)
{
    struct office *office = *state;
    script.steps = 100;
    for (int i = 0; i < 5; i++)
        add_job(office, STR("wide"));
    add_job(office, STR("narrow"));
    add_job(office, STR("narrow"));
    settle(office);
    assert_int_equal(office->outside.start_count, 4);
    runner_finish(office->runner, office->outside.started[0], result_new());
    settle(office);
    assert_int_equal(office->outside.start_count, 5); /* a job begun is a job ended */
    assert_int_equal(runner_running(office->runner), 4);
    script.steps = 1;
    runner_finish(office->runner, office->outside.started[4], result_new());
    settle(office);
    /* It was the narrow lane's: the one that waited there found nothing left to do. */
    assert_int_equal(script.asks, 7);
    assert_int_equal(runner_running(office->runner), 3);
}

static void a_full_lane_does_not_ask_to_be_called_at_once(void **state)
{
    struct office *office = *state;
    script.failing_asks = 1;
    doc_id first = add_job(office, STR("narrow"));
    settle(office);
    assert_int_equal(look(office, first).job.state, JOB_DUE); /* put off by its backoff */
    add_job(office, STR("narrow"));
    settle(office);
    assert_int_equal(runner_running(office->runner), 1);
    instant next = pass(office, MINUTES(5)); /* the first one's moment is long past */
    assert_true(next.us == 0 || instant_is_before(office->now, next));
}

static void a_failing_ask_is_tried_again_and_then_given_up(void **state)
{
    struct office *office = *state;
    script.failing_asks = 100;
    doc_id id = add_job(office, STR("wide"));
    settle(office);
    for (int failures = 1; failures < JOB_FAILURES_MAX; failures++) {
        struct looked looked = look(office, id);
        assert_int_equal(script.asks, failures);
        assert_int_equal(looked.job.troubles, failures);
        assert_int_equal(looked.job.state, JOB_DUE);
        int64_t wait = instant_since(looked.job.run_at, office->now).us;
        int64_t longest = SECONDS(INT64_C(1) << (failures - 1)).us;
        assert_in_range(wait, longest / 2, longest);
        pass(office, (span){wait - 1000});
        assert_int_equal(script.asks, failures); /* not before its time */
        pass(office, (span){1000});
    }
    assert_int_equal(script.given_up, 1);
    assert_false(look(office, id).is_there);
    assert_int_equal(office->outside.start_count, 0);
}

static void a_failing_answer_is_asked_again_later(void **state)
{
    struct office *office = *state;
    script.failing_answers = 1;
    doc_id id = add_job(office, STR("wide"));
    settle(office);
    runner_finish(office->runner, office->outside.started[0], result_new());
    settle(office);
    struct looked looked = look(office, id);
    assert_int_equal(looked.job.state, JOB_DUE);
    assert_int_equal(looked.job.troubles, 1);
    pass(office, SECONDS(1));
    assert_int_equal(office->outside.start_count, 2);
    runner_finish(office->runner, office->outside.started[1], result_new());
    settle(office);
    assert_false(look(office, id).is_there);
}

static void what_came_is_kept_until_the_store_can_take_it(void **state)
{
    struct office *office = *state;
    script.failing_answers = 5;
    script.error = TRANSIENT;
    doc_id id = add_job(office, STR("wide"));
    settle(office);
    runner_finish(office->runner, office->outside.started[0], result_new());
    settle(office);
    for (int i = 1; i < 5; i++) {
        assert_int_equal(script.answers, i);
        assert_int_equal(look(office, id).job.troubles, 0);
        pass(office, SECONDS(1));
    }
    pass(office, SECONDS(1));
    assert_int_equal(office->outside.start_count, 1); /* it was not asked for again */
    assert_int_equal(script.given_up, 0);
    assert_false(look(office, id).is_there);
}

static void what_an_action_counts_does_not_bring_its_end_nearer(void **state)
{
    struct office *office = *state;
    script.steps = 2;
    script.counted = JOB_FAILURES_MAX - 1;
    doc_id id = add_job(office, STR("wide"));
    settle(office);
    script.failing_asks = 1; /* of the second step */
    runner_finish(office->runner, office->outside.started[0], result_new());
    settle(office);
    assert_int_equal(script.given_up, 0);
    assert_int_equal(look(office, id).job.troubles, 1);
    assert_int_equal(look(office, id).job.failures, JOB_FAILURES_MAX - 1);
    pass(office, SECONDS(2));
    assert_int_equal(office->outside.start_count, 2);
    runner_finish(office->runner, office->outside.started[1], result_new());
    settle(office);
    assert_false(look(office, id).is_there);
}

static void progress_is_told_four_times_a_second_and_never_back(void **state)
{
    struct office *office = *state;
    add_job(office, STR("wide"));
    settle(office);
    uint64_t run = office->outside.started[0];
    runner_progress(office->runner, run, 0.1);
    settle(office);
    assert_int_equal(script.told, 1);
    runner_progress(office->runner, run, 0.2);
    runner_progress(office->runner, run, 0.3);
    pass(office, MILLISECONDS(249));
    assert_int_equal(script.told, 1);
    pass(office, MILLISECONDS(1));
    assert_int_equal(script.told, 2);
    assert_true(script.part > 0.29 && script.part < 0.31);
    runner_progress(office->runner, run, 0.1);
    pass(office, SECONDS(1));
    assert_int_equal(script.told, 2);
    runner_progress(office->runner, run, 7);
    pass(office, SECONDS(1));
    assert_true(script.part <= 1.0);
}

static void unknown_inside(struct call *call, void *context)
{
    struct wanted_job *job = context;
    job->id = job_queue(call, "tests:nobodyKnows", STR("narrow"), (doc_id){7});
}

static void an_unknown_action_waits_and_keeps_nobody_waiting(void **state)
{
    struct office *office = *state;
    struct wanted_job job = {0};
    office_do(office, unknown_inside, &job);
    add_job(office, STR("narrow"));
    settle(office);
    assert_int_equal(office->outside.start_count, 1);
    struct looked looked = look(office, job.id);
    assert_true(looked.is_there);
    assert_int_equal(instant_since(looked.job.run_at, office->now).us, HOURS(1).us);
}

static void a_draining_runner_takes_nothing_new(void **state)
{
    struct office *office = *state;
    script.failing_asks = 1;
    add_job(office, STR("wide"));
    settle(office); /* put off: the lane knows a moment at which to look again */
    doc_id first = add_job(office, STR("wide"));
    settle(office);
    runner_drain(office->runner);
    doc_id second = add_job(office, STR("wide"));
    instant next = pass(office, MINUTES(1));
    assert_int_equal(office->outside.start_count, 1);
    assert_int_equal(next.us, 0);
    runner_finish(office->runner, office->outside.started[0], result_new());
    settle(office);
    assert_false(look(office, first).is_there); /* what was begun is ended */
    assert_int_equal(look(office, second).job.state, JOB_DUE);
}

/* A full disk: what came is kept and answered when there is room. */
static void an_answer_that_cannot_be_saved_is_sent_again(void **state)
{
    struct office *office = *state;
    doc_id id = add_job(office, STR("wide"));
    settle(office);
    runner_finish(office->runner, office->outside.started[0], result_new());
    engine_kept_fail(office->engine, 1);
    settle(office);
    assert_true(engine_kept_has_failed(office->engine));
    engine_kept_fail(office->engine, 0);
    assert_int_equal(office->outside.release_count, 0);
    pass(office, SECONDS(1));
    assert_int_equal(office->outside.release_count, 1);
    assert_false(look(office, id).is_there);
}

/* It is to be tried again within a second, not when the old time comes back. */
static void a_clock_that_goes_back_does_not_put_off_an_answer(void **state)
{
    struct office *office = *state;
    doc_id id = add_job(office, STR("wide"));
    settle(office);
    runner_finish(office->runner, office->outside.started[0], result_new());
    engine_kept_fail(office->engine, 1);
    settle(office);
    assert_true(engine_kept_has_failed(office->engine));
    engine_kept_fail(office->engine, 0);
    office->now.us -= HOURS(4).us;
    pass(office, SECONDS(2));
    assert_int_equal(office->outside.release_count, 1);
    assert_false(look(office, id).is_there);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_job_is_asked_answered_and_gone),
        TEST(a_lane_runs_no_more_than_its_limit),
        TEST(a_full_lane_does_not_ask_to_be_called_at_once),
        TEST(a_failing_ask_is_tried_again_and_then_given_up),
        TEST(a_failing_answer_is_asked_again_later),
        TEST(what_came_is_kept_until_the_store_can_take_it),
        TEST(what_an_action_counts_does_not_bring_its_end_nearer),
        TEST(progress_is_told_four_times_a_second_and_never_back),
        TEST(an_unknown_action_waits_and_keeps_nobody_waiting),
        TEST(a_draining_runner_takes_nothing_new),
        TEST(an_answer_that_cannot_be_saved_is_sent_again),
        TEST(a_clock_that_goes_back_does_not_put_off_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
