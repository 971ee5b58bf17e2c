/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runner: takes due jobs, asks their actions what is wanted from outside, hands that to the
 * world, and brings back what came. All its writes are mutations of the writer.
 *
 * Owns:     its runs. What an action asked lives as long as its run; a result is the world's and
 *           given back by world.release.
 * Threads:  one; runner_wake any.
 * Time:     given to the step.
 * Fails:    a step that fails is tried again with backoff, then given up by its action.
 */
#pragma once

#include "call/writer.h"
#include "job/job.h"

struct runner;

/* The outside, as the runner sees it. All is called on the runner's thread. */
struct world {
    void *context;
    /* Begins; its end comes by runner_finish, once, now or later. */
    void (*start)(void *context, uint64_t run, const char *action, const void *asked);
    /* The answer is no longer wanted. It may still come. */
    void (*cancel)(void *context, uint64_t run);
    void (*release)(void *context, void *result);
};

struct lane_limit {
    str lane;
    size_t at_once;
};

struct runner_options {
    struct store *store;
    struct writer *writer;
    struct commit_log *log;
    const struct job_action *const *actions;
    size_t action_count;
    const struct lane_limit *lanes; /* copied */
    size_t lane_count;
    void (*started)(struct call *call); /* at each start, after recovering; or NULL */
    struct world world;
    void (*wake)(void *context); /* something came for the runner: call runner_step soon */
    void *wake_context;
};

struct runner *runner_new(const struct runner_options *options);
void runner_free(struct runner *runner);

/* Does what there is to do; answers when to come again (0: when woken). First call: recovers. */
instant runner_step(struct runner *runner, instant now);

/* Other limits from here on, and lanes that are new; one that is not named stays as it is, for the
 * jobs that are in it. */
void runner_limit(struct runner *runner, const struct lane_limit *lanes, size_t count);

void runner_finish(struct runner *runner, uint64_t run, void *result);
void runner_progress(struct runner *runner, uint64_t run, double part);

/* Nothing is running and nothing on its way; for tests and for stopping. */
bool runner_is_idle(const struct runner *runner);

/* Takes no new jobs from now on. */
void runner_drain(struct runner *runner);
size_t runner_running(const struct runner *runner);
