/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runs of a runner: jobs being claimed, with the outside, or being answered. Found by their own
 * number and by their job, since there may be very many.
 *
 * Owns:     the runs, the arenas of what was asked.
 * Threads:  the runner's.
 * Time:     none.
 * Fails:    never.
 */
#pragma once

#include "job/job.h"

#define RUN_BUCKETS 1024

enum run_state {
    RUN_NONE,
    RUN_CLAIMING, /* its claim is with the writer */
    RUN_WORKING,  /* with the world */
    RUN_ANSWERING /* its answer is with the writer */
};

struct run {
    struct run *next, **link;
    struct run *next_of_number, *next_of_job; /* in their buckets */
    uint64_t id;
    struct runner *runner;
    size_t lane;
    enum run_state state;
    struct job job, next_job; /* as leased; next_ until that mutation is committed */
    const struct job_action *action;
    const void *asked, *next_asked;
    struct arena arena; /* of the mutation that asked */
    void *result;
    double part, part_told;
    instant told_at;
    bool is_telling;  /* a progress mutation is under way */
    bool is_unwanted; /* the job is gone */
    instant next_due; /* of the lane, when the claim found nothing */
    instant retry_at; /* when its answer is sent again (RUN_NONE) */
    bool found;
    int troubles; /* its answer could not be taken, in a row */
};

struct runs {
    struct run *first;
    size_t count;
    uint64_t last_id;
    struct run *by_number[RUN_BUCKETS], *by_job[RUN_BUCKETS];
};

struct run *run_new(struct runs *runs);
void run_remove(struct runs *runs, struct run *run); /* and frees it; its result is not touched */

/* The job that it has leased. */
void run_set_job(struct runs *runs, struct run *run, const struct job *job);

struct run *run_find(const struct runs *runs, uint64_t id);
struct run *run_of_job(const struct runs *runs, doc_id job); /* NULL: none has leased it */
