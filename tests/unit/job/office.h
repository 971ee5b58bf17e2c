/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An office: a store with jobs, a writer, and one or two runners, whose only action does what its
 * script says.
 *
 * Owns:     all of it, until close_office.
 * Threads:  one: the writer's and the runners' steps are taken in turn.
 * Time:     the office's own.
 * Fails:    by the test.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/log.h"
#include "brittle.h"
#include "job/line.h"
#include "job/runner.h"

#include <string.h>

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

static inline const void *ask(struct call *call, struct job *job)
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

static inline void answer(struct call *call, struct job *job, const void *asked, const void *result)
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

static inline void progress(struct call *call, const struct job *job, double part)
{
    script.told++;
    script.part = part;
}

static inline void give_up(struct call *call, struct job *job, str why)
{
    script.given_up++;
    job_remove(call, job->id);
}

static const struct job_action action = {
    .name = "tests:work", .ask = ask, .answer = answer, .progress = progress, .give_up = give_up};
static const struct job_action *const actions[] = {&action};
static const struct lane_limit lanes[] = {{STR("narrow"), 1}, {STR("wide"), 3}};

static inline void start(void *context, uint64_t run, const char *name, const void *asked)
{
    struct outside *outside = context;
    assert_string_equal(name, "tests:work");
    assert_true(outside->start_count < RUNS_MAX);
    outside->started[outside->start_count++] = run;
}

static inline void cancel(void *context, uint64_t run)
{
    ((struct outside *)context)->cancel_count++;
}

static inline void release(void *context, void *result)
{
    ((struct outside *)context)->release_count++;
    free(result);
}

static inline void wake(void *context)
{
    ++*(int *)context;
}

static inline struct runner *runner_make(struct office *office, struct outside *outside)
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

static inline int open_office(void **state)
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

static inline int close_office(void **state)
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
static inline instant settle_one(struct office *office, struct runner *runner)
{
    instant next = {0};
    for (int idle = 0; idle < 3; idle++) {
        if (writer_step(office->writer, office->now))
            idle = 0;
        next = runner_step(runner, office->now);
    }
    return next;
}

static inline instant settle(struct office *office)
{
    return settle_one(office, office->runner);
}

static inline instant pass(struct office *office, span time)
{
    office->now = instant_add(office->now, time);
    return settle(office);
}

struct own {
    void (*body)(struct call *call, void *context);
    void *context;
    bool is_done;
};

static inline void own_body(struct call *call, void *context)
{
    struct own *own = context;
    own->body(call, own->context);
}

static inline void own_done(void *owner, struct mutation *mutation)
{
    assert_int_equal(mutation->reply.error, ERROR_NONE);
    ((struct own *)owner)->is_done = true;
    mutation_free(mutation);
}

static inline void office_do(struct office *office, void (*body)(struct call *, void *),
                             void *context)
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

static inline void queue_inside(struct call *call, void *context)
{
    struct wanted_job *job = context;
    job->id = job_queue(call, job->action, job->lane, (doc_id){7});
}

static inline doc_id add_job(struct office *office, str lane)
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

static inline void look_inside(struct call *call, void *context)
{
    struct looked *looked = context;
    looked->is_there = row_find(call, &job_type, looked->id, &looked->job);
}

static inline struct looked look(struct office *office, doc_id id)
{
    struct looked looked = {.id = id};
    office_do(office, look_inside, &looked);
    return looked;
}

static inline void *result_new(void)
{
    return memory_zeroed(1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_office, close_office)
