/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/log.h"
#include "brittle.h"
#include "job/line.h"
#include "job/runner.h"

#include <string.h>

/* ---- an office: a store with jobs, a writer, and one or two runners ---- */

#define RUNS_MAX 64

/* What the action does, and what has been done with it. */
static struct script {
    int steps;        /* to be asked for until the job is done */
    int failing_asks; /* before one works */
    int failing_answers;
    enum error_code error; /* they fail with; none: STATE */
    int64_t counted;       /* failures that the action counts */
    int asks, answers, told, given_up;
    double part;
} script;

struct outside {
    uint64_t started[RUNS_MAX];
    size_t start_count, cancel_count, release_count;
};

struct office {
    struct engine *engine;
    struct program program;
    struct store *store;
    struct commit_log *log;
    struct writer *writer;
    struct follower *follower;
    struct runner *runner;
    struct outside outside;
    int wakes;
    instant now;
};

static const struct doc_type *const types[] = {&job_type, &system_type, &lane_type, &share_type,
                                               &line_type};
static const struct schema schema = {types, ARRAY_LEN(types), 0};

static const void *ask(struct call *call, struct job *job)
{
    script.asks++;
    if (script.failing_asks > 0) {
        script.failing_asks--;
        call_fail(call, STATE, "It does not want to.");
        return NULL;
    }
    if (script.steps == 0) {
        job_remove(call, job->id);
        return NULL;
    }
    return arena_new(call->arena, int64_t);
}

static void answer(struct call *call, struct job *job, const void *asked, const void *result)
{
    script.answers++;
    assert_non_null(asked);
    assert_non_null(result);
    if (script.failing_answers > 0) {
        script.failing_answers--;
        call_fail(call, script.error == ERROR_NONE ? STATE : script.error, "It does not like it.");
        return;
    }
    script.steps--;
    job->failures = script.counted;
    row_put(call, &job_type, job);
}

static void progress(struct call *call, const struct job *job, double part)
{
    script.told++;
    script.part = part;
}

static void give_up(struct call *call, struct job *job, str why)
{
    script.given_up++;
    job_remove(call, job->id);
}

static const struct job_action action = {
    .name = "tests:work", .ask = ask, .answer = answer, .progress = progress, .give_up = give_up};
static const struct job_action *const actions[] = {&action};
static const struct lane_limit lanes[] = {{STR("narrow"), 1}, {STR("wide"), 3}};

static void start(void *context, uint64_t run, const char *name, const void *asked)
{
    struct outside *outside = context;
    assert_string_equal(name, "tests:work");
    assert_true(outside->start_count < RUNS_MAX);
    outside->started[outside->start_count++] = run;
}

static void cancel(void *context, uint64_t run)
{
    ((struct outside *)context)->cancel_count++;
}

static void release(void *context, void *result)
{
    ((struct outside *)context)->release_count++;
    free(result);
}

static void wake(void *context)
{
    ++*(int *)context;
}

static struct runner *runner_make(struct office *office, struct outside *outside)
{
    return runner_new(&(struct runner_options){.store = office->store,
                                               .writer = office->writer,
                                               .log = office->log,
                                               .actions = actions,
                                               .action_count = ARRAY_LEN(actions),
                                               .lanes = lanes,
                                               .lane_count = ARRAY_LEN(lanes),
                                               .world = {outside, start, cancel, release},
                                               .wake = wake,
                                               .wake_context = &office->wakes});
}

static int open_office(void **state)
{
    struct office *office = memory_zeroed(sizeof(*office));
    struct fault fault = {0};
    log_set_level(LOG_ERROR + 1);
    script = (struct script){.steps = 1};
    office->now = (instant){1700000000000000};
    office->engine = engine_kept(engine_memory_new());
    office->log = commit_log_new();
    office->program.schema = &schema;
    struct store_options options = {.engine = STORE_GIVEN,
                                    .given = office->engine,
                                    .schema = &schema,
                                    .now = office->now,
                                    .before_commit = commit_log_before_commit,
                                    .context = office->log};
    assert_true(store_open(&options, &office->store, &fault));
    office->writer = writer_new(
        &(struct writer_options){
            .program = &office->program, .store = office->store, .log = office->log, .seed = 9},
        &fault);
    assert_non_null(office->writer);
    office->follower = commit_log_follow(office->log, wake, &office->wakes);
    office->runner = runner_make(office, &office->outside);
    *state = office;
    return 0;
}

static int close_office(void **state)
{
    struct office *office = *state;
    runner_free(office->runner);
    writer_free(office->writer);
    store_close(office->store);
    commit_log_free(office->log);
    engine_kept_close(office->engine);
    free(office);
    return 0;
}

/* Writer and runner until neither has anything to do now. */
static instant settle_one(struct office *office, struct runner *runner)
{
    instant next = {0};
    for (int idle = 0; idle < 3; idle++) {
        if (writer_step(office->writer, office->now))
            idle = 0;
        next = runner_step(runner, office->now);
    }
    return next;
}

static instant settle(struct office *office)
{
    return settle_one(office, office->runner);
}

static instant pass(struct office *office, span time)
{
    office->now = instant_add(office->now, time);
    return settle(office);
}

struct own {
    void (*body)(struct call *call, void *context);
    void *context;
    bool is_done;
};

static void own_body(struct call *call, void *context)
{
    struct own *own = context;
    own->body(call, own->context);
}

static void own_done(void *owner, struct mutation *mutation)
{
    assert_int_equal(mutation->reply.error, ERROR_NONE);
    ((struct own *)owner)->is_done = true;
    mutation_free(mutation);
}

static void office_do(struct office *office, void (*body)(struct call *, void *), void *context)
{
    struct own own = {.body = body, .context = context};
    struct mutation *mutation = mutation_new();
    struct commit_entry entry;
    mutation->body = own_body;
    mutation->done = own_done;
    mutation->owner = &own;
    mutation->from = office->follower;
    assert_true(writer_put(office->writer, mutation));
    while (writer_step(office->writer, office->now)) {
    }
    while (follower_next(office->follower, store_newest(office->store), &entry))
        for (size_t i = 0; i < entry.mutation_count; i++)
            entry.mutations[i]->done(entry.mutations[i]->owner, entry.mutations[i]);
    assert_true(own.is_done);
}

struct wanted_job {
    const char *action;
    str lane;
    doc_id id;
};

static void queue_inside(struct call *call, void *context)
{
    struct wanted_job *job = context;
    job->id = job_queue(call, job->action, job->lane, (doc_id){7});
}

static doc_id add_job(struct office *office, str lane)
{
    struct wanted_job job = {"tests:work", lane, {0}};
    office_do(office, queue_inside, &job);
    return job.id;
}

struct looked {
    doc_id id;
    struct job job;
    bool is_there;
};

static void look_inside(struct call *call, void *context)
{
    struct looked *looked = context;
    looked->is_there = row_find(call, &job_type, looked->id, &looked->job);
}

static struct looked look(struct office *office, doc_id id)
{
    struct looked looked = {.id = id};
    office_do(office, look_inside, &looked);
    return looked;
}

static void *result_new(void)
{
    return memory_zeroed(1);
}

/* ---- tests ---- */

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_office, close_office)

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
        TEST(an_answer_of_an_older_try_is_refused),
        TEST(the_epoch_alone_fences_too),
        TEST(an_answer_of_an_older_start_is_refused),
        TEST(work_for_a_job_that_is_gone_is_stopped),
        TEST(what_comes_for_no_run_is_released),
        TEST(progress_is_told_four_times_a_second_and_never_back),
        TEST(an_unknown_action_waits_and_keeps_nobody_waiting),
        TEST(a_draining_runner_takes_nothing_new),
        TEST(an_answer_that_cannot_be_saved_is_sent_again),
        TEST(a_clock_that_goes_back_does_not_put_off_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
