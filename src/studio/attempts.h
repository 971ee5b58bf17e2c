/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attempts: each time a generation was put to a provider, from before the request was sent until
 * its end is known (GEN-07, GEN-11; DESIGN section 8). They are what a charge is explained by, and
 * how a provider's own job is found again. A generation has at most one that is open.
 *
 * Also how well providers do: counted by provider and model, and a breaker for each provider that
 * stops asking one that keeps failing (PROV-06).
 *
 * Owns:     rows in the call's change.
 * Threads:  the call's.
 * Time:     call->now.
 * Fails:    through the call.
 */
#pragma once

#include "studio/generations.h"
#include "studio/work.h"

enum attempt_state {
    ATTEMPT_NONE,
    ATTEMPT_ASKED,   /* sent, or about to be; nobody knows yet whether it arrived */
    ATTEMPT_RUNNING, /* the provider has a job of its own for it */
    ATTEMPT_DONE,
    ATTEMPT_FAILED,
    ATTEMPT_CANCELED,
    ATTEMPT_ORPHANED, /* asked, and then the process ended: it may run there without us */
    ATTEMPT_STATES,
};
extern const char *const attempt_state_names[ATTEMPT_STATES];

struct attempt {
    doc_id id;
    tick created;
    doc_id generation_id;
    int64_t number;      /* from 1 */
    str provider, model; /* ids of the configuration */
    enum attempt_state state;
    str provider_job;
    int64_t epoch; /* of the start of the process that asked */
    int64_t polls;
    struct maybe_int cost_micros; /* of a US dollar: told by the provider or by its price list */
    bool cost_is_told;
    str error; /* for the user */
    str cause; /* for the operator */
    instant started_at;
    struct maybe_instant ended_at;
};

struct provider_stat {
    doc_id id;
    tick created;
    str provider, model;
    int64_t done, failed, canceled, orphaned;
    double seconds; /* of those done, in all */
    int64_t cost_micros;
    instant updated_at;
};

extern const struct doc_type attempt_type, provider_stat_type, breaker_type;

/* The open one; false: none is. */
bool attempt_open(struct call *call, doc_id generation, struct attempt *out);
int64_t attempt_count(struct call *call, doc_id generation);

/* The running one that a provider's job is for, named as in a posting: wholly, or by its first
 * word. */
bool attempt_of_provider_job(struct call *call, str provider, str provider_job,
                             struct attempt *out);

/* How many have failed in a row with the model of the newest, orphans passed over. */
int64_t attempts_failed(struct call *call, doc_id generation);

/* Begins one; an open one of an earlier start of the process is an orphan from now on. */
void attempt_begin(struct call *call, const struct generation *g, str provider, str model,
                   int64_t epoch, struct attempt *out);
void attempt_put(struct call *call, struct attempt *attempt);

/* Ends it and counts it for its provider; came may be NULL (orphans). */
void attempt_end(struct call *call, struct attempt *attempt, enum attempt_state state,
                 const struct work_result *came);

/* All of them, with their generation. */
void attempts_remove(struct call *call, doc_id generation);

/* Nobody wants it any more: ends it, and has the provider told if it has a job for it. */
void attempt_stop(struct call *call, struct attempt *attempt, str why);

/* ---- the breaker ---- */

#define BREAKER_FAILURES 5 /* in a row open it */

/* 0: it may be asked now; else not before then. */
instant breaker_until(struct call *call, str provider);
