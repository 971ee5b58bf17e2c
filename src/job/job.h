/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs: work that outlives the request that asked for it.
 *
 * A job is a row written in the asking call's own transaction: a call that fails leaves no job
 * behind, a crash loses none. A step of a job is ask (a mutation that says what is wanted from
 * outside), the outside, and answer (a mutation that takes what came). A running job is leased to
 * one process start (epoch) and one try (attempt); an answer of an older one is refused.
 *
 * Jobs of a lane share its slots. A job holds one from when it is begun until it ends or is put
 * off; one whose outside work goes on meanwhile is put off with its slot. Jobs that belong to an
 * owner stand in line, by turn: see line.h.
 *
 * Owns:     nothing. Arguments are copied into the row.
 * Threads:  the call's.
 * Time:     call->now.
 * Fails:    through the call.
 */
#pragma once

#include "call/call.h"

enum job_state {
    JOB_NONE,
    JOB_DUE,     /* to run at run_at */
    JOB_RUNNING, /* leased */
    JOB_WAITING, /* in line */
    JOB_PARKED,  /* its owner has enough under way: not in line yet */
    JOB_STATES,
};

struct job {
    doc_id id;
    tick created;
    str action;
    str lane;      /* jobs of a lane share its limit */
    int64_t about; /* id of the document it is about */
    enum job_state state;
    instant run_at;
    int64_t attempt, epoch;
    int64_t failures; /* in a row, as its action counts them */
    int64_t crashes;  /* those of them by which whoever worked on it died */
    int64_t troubles; /* its asks and answers that failed in a row; the runner counts them */
    bool holds_slot;
    instant begun_at; /* when it took the slot */
    int64_t owner;    /* 0: nobody's */
    double cost;      /* of the lane's time, divided by the owner's weight */
    double turn;      /* its place in line */
};

extern const struct doc_type job_type, system_type;

/* What the runner does with jobs of this name. */
struct job_action {
    const char *name;
    /* Says what is wanted from outside, in the call's arena. NULL: nothing; then it has removed the
     * job or put it off. A failing ask is run again later, see job_step_failed. */
    const void *(*ask)(struct call *call, struct job *job);
    /* Takes what came. Must remove the job, put it off, or leave it: then its next step is asked.
     */
    void (*answer)(struct call *call, struct job *job, const void *asked, const void *result);
    /* Optional: how far the outside says it is, 0 to 1. */
    void (*progress)(struct call *call, const struct job *job, double part);
    /* The job cannot go on: its ask or answer failed too often. Must end the matter. */
    void (*give_up)(struct call *call, struct job *job, str why);
};

#define JOB_FAILURES_MAX 4  /* steps of one job in a row, for a reason of their own */
#define JOB_TROUBLES_MAX 20 /* because the store could not be used: that will pass */

/* Queues work of an action about one document; due now. */
doc_id job_queue(struct call *call, const char *action, str lane, doc_id about);

/* Puts a job off; it is due again then, when there is a slot. */
void job_put_off(struct call *call, struct job *job, instant until);

/* The same with its slot: what it does outside goes on. */
void job_put_off_holding(struct call *call, struct job *job, instant until);

/* To another lane, due there now. */
void job_move(struct call *call, struct job *job, str lane);

/* Ends it. What it held is free, and its owner's next one may go into the line. */
void job_remove(struct call *call, doc_id job);

/* Takes a slot of the lane for the job, if fewer than at_once are taken. Its row is put by who goes
 * on with it. */
bool job_take_slot(struct call *call, struct job *job, size_t at_once);

/* Exponential backoff with jitter for a step that failed: 1 s, 2 s, 4 s … at most 60 s. */
span job_backoff(struct call *call, int64_t failures);

/* An ask or an answer failed: the job is put off, or given up if it has failed too often. What its
 * action counts (a provider's failures) is not counted here. */
void job_step_failed(struct call *call, const struct job_action *action, struct job *job,
                     enum error_code error, str why);

/* A step that wanted nothing from outside; the others are over when they are answered. */
void job_step_worked(struct call *call, doc_id job);

/* At start: due jobs of a lane that is not served any more (its provider left the configuration) go
 * to the last of these lanes, where their action finds out; at most 1,000 of a lane at once. */
void job_adopt(struct call *call, const str *lanes, size_t lane_count);

/* At start: counts this start and makes jobs due that were leased to an earlier one. */
int64_t job_recover(struct call *call);
