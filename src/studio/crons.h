/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Crons: what the studio does by itself at set times (CRON-01 …). Each is a job that puts itself
 * off until its next time; what it did last is a row. Times are UTC. A time that passed while the
 * program did not run is made up for once, at the next start.
 *
 * Owns:     rows in the call's change.
 * Threads:  the writer's.
 * Time:     call->now.
 * Fails:    a cron that fails is tried again with backoff, and then at its next time.
 */
#pragma once

#include "job/job.h"

struct cron {
    const char *name; /* "cleanupFailedGenerations" */
    const char *about;
    enum {
        CRON_HOURLY, /* at :minute */
        CRON_DAILY,  /* at hour:minute */
        CRON_WEEKLY, /* on Mondays */
        CRON_MONTHLY /* on the 1st */
    } every;
    int hour, minute;
    /* Does a part of the work; answers how much. has_more: it is called again at once, with the
     * cursor that it left (empty at the beginning). */
    int64_t (*run)(struct call *call, str *cursor, bool *has_more);
};

extern const struct job_action cron_action;
extern const struct doc_type cron_run_type;

/* At each start of the program: every cron has its job, and none that left the program has one. */
void crons_start(struct call *call);

/* The first time of the cron after this moment. */
instant cron_next(const struct cron *cron, instant after);

/* Days since 1970-01-01 of the first of a month, and the month of a day; 1970-01 is 0. */
int64_t month_start(int64_t month);
int64_t month_of(int64_t day);
