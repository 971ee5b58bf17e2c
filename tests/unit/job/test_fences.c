/* SPDX-License-Identifier: Apache-2.0 */
/* What comes for a job that is not leased to who brings it, any more. */
#include "office.h"

static void bump_attempt(struct call *call, void *context)
{
    struct job job;
    row_get(call, &job_type, *(doc_id *)context, &job);
    job.attempt++;
    row_put(call, &job_type, &job);
}

static void an_answer_of_an_older_try_is_refused(void **state)
{
    struct office *office = *state;
    doc_id id = add_job(office, STR("wide"));
    settle(office);
    office_do(office, bump_attempt, &id);
    runner_finish(office->runner, office->outside.started[0], result_new());
    settle(office);
    assert_int_equal(script.answers, 0);
    assert_true(look(office, id).is_there);
    assert_int_equal(runner_running(office->runner), 0);
    assert_int_equal(office->outside.release_count, 1);
}

static void bump_epoch(struct call *call, void *context)
{
    struct job job;
    row_get(call, &job_type, *(doc_id *)context, &job);
    job.epoch++;
    row_put(call, &job_type, &job);
}

static void the_epoch_alone_fences_too(void **state)
{
    struct office *office = *state;
    doc_id id = add_job(office, STR("wide"));
    settle(office);
    office_do(office, bump_epoch, &id);
    runner_progress(office->runner, office->outside.started[0], 0.5);
    settle(office);
    assert_int_equal(script.told, 0);
    runner_finish(office->runner, office->outside.started[0], result_new());
    settle(office);
    assert_int_equal(script.answers, 0);
    assert_true(look(office, id).is_there);
}

/* A second start while the first one still breathes: its leases are void. */
static void an_answer_of_an_older_start_is_refused(void **state)
{
    struct office *office = *state;
    doc_id id = add_job(office, STR("wide"));
    settle(office);
    assert_int_equal(office->outside.start_count, 1);

    struct outside second_outside = {0};
    struct runner *second = runner_make(office, &second_outside);
    settle_one(office, second);
    assert_int_equal(second_outside.start_count, 1);
    assert_int_equal(look(office, id).job.epoch, 2);

    runner_finish(office->runner, office->outside.started[0], result_new());
    settle(office);
    assert_int_equal(script.answers, 0);
    assert_true(look(office, id).is_there);
    runner_finish(second, second_outside.started[0], result_new());
    settle_one(office, second);
    assert_int_equal(script.answers, 1);
    assert_false(look(office, id).is_there);
    runner_free(second);
}

static void remove_inside(struct call *call, void *context)
{
    job_remove(call, *(doc_id *)context);
}

static void work_for_a_job_that_is_gone_is_stopped(void **state)
{
    struct office *office = *state;
    doc_id id = add_job(office, STR("narrow"));
    settle(office);
    office_do(office, remove_inside, &id);
    settle(office);
    assert_int_equal(office->outside.cancel_count, 1);
    assert_int_equal(runner_running(office->runner), 1); /* until it has really ended */
    runner_finish(office->runner, office->outside.started[0], result_new());
    settle(office);
    assert_int_equal(script.answers, 0);
    assert_int_equal(runner_running(office->runner), 0);
}

static void what_comes_for_no_run_is_released(void **state)
{
    struct office *office = *state;
    runner_finish(office->runner, 12345, result_new());
    assert_int_equal(office->outside.release_count, 1);
    add_job(office, STR("wide"));
    settle(office);
    runner_finish(office->runner, office->outside.started[0], result_new());
    runner_finish(office->runner, office->outside.started[0], result_new()); /* a second time */
    assert_int_equal(office->outside.release_count, 2);
    settle(office);
    assert_int_equal(script.answers, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_answer_of_an_older_try_is_refused),   TEST(the_epoch_alone_fences_too),
        TEST(an_answer_of_an_older_start_is_refused), TEST(work_for_a_job_that_is_gone_is_stopped),
        TEST(what_comes_for_no_run_is_released),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
