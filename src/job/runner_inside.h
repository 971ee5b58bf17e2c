/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of the runner: runner.c (when what is done, and what came of it) and steps.c (what its
 * mutations do to the rows of jobs).
 *
 * Owns:     nothing; runs and names are the runner's.
 * Threads:  steps are the writer's, while the runner waits for them; all else is the runner's.
 * Time:     a step's is its call's.
 * Fails:    a step through its call.
 */
#pragma once

#include "job/runner.h"
#include "job/runs.h"

#define LANES_MAX 64

struct lane {
    str name;
    size_t at_once, busy;
    size_t claims;      /* with the writer */
    size_t claims_most; /* at once: more while they find something */
    bool may_have;      /* something may be due */
    instant next;       /* when to look again */
    instant again_at;   /* the same, after what failed; within a second */
};

struct runner {
    struct runner_options options;
    struct follower *follower;
    struct arena names; /* of the lanes */
    struct lane lanes[LANES_MAX];
    size_t lane_count;
    struct runs runs;
    int64_t epoch;
    bool is_recovering, is_recovered, is_draining;
    bool line_moved, is_publishing; /* since it was published last */
    instant publish_at;
    instant now, recover_at;
};

/* A progress on its way; the run may end before it arrives, so it has copies of its own. */
struct telling {
    struct runner *runner;
    uint64_t run;
    struct job job;
    const struct job_action *action;
    double part;
};

/* ---- steps.c: bodies of mutations ---- */

/* Of a run: leases the next job of its lane, and asks its action. */
void step_claim(struct call *call, void *run);

/* Of a run: what came, and what is wanted next. */
void step_answer(struct call *call, void *run);

void step_tell(struct call *call, void *telling);
void step_publish(struct call *call, void *runner);
void step_recover(struct call *call, void *runner);
