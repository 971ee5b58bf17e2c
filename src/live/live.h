/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live queries: one evaluation and one cached result for each (function, arguments, caller), kept
 * with exactly what it read. A commit marks the queries whose read set it hit; a round evaluates
 * what is marked, all on one snapshot; who subscribed hears of a result only when it changed.
 *
 * A query that reads too much for a round is left for a job: all such queries, to be evaluated on
 * the round's own snapshot by somebody who has the time. One job is out at a time.
 *
 * Owns:     queries, results and read sets. Subscriptions are their session's storage.
 * Threads:  one loop's, but live_job_run, which any thread may call.
 * Time:     given; a query that depends on time is marked when its answer's time is over.
 * Fails:    a failing query is a result like any other. A transient failure is tried again, and
 *           is a result only after a second of them.
 */
#pragma once

#include "base/budget.h"
#include "base/hash.h"
#include "base/shared.h"
#include "call/execute.h"

struct live;
struct live_job;
struct live_query;

/* What a round evaluates itself; more is a job's. About half a millisecond. */
#define LIVE_SMALL_READS 256
#define LIVE_SMALL_BYTES KIB(256)

struct subscription {
    struct live_query *query;         /* NULL: not subscribed */
    struct subscription *next, *prev; /* of the same query */
    void *owner;
    uint32_t id;   /* the owner's queryId */
    uint64_t seen; /* version of the result last sent; the owner's to set, 0 by live_subscribe */
    struct hash128 told; /* hash of the result last sent, over any change of query; the owner's */
    bool is_told;
};

/* A result as it goes over the wire, without its head: `"value":…,"logLines":[],"journal":…}`
 * or `"errorMessage":…,"logLines":[],"journal":…,"errorData":…}`. */
struct live_result {
    bool is_failure;
    struct shared *tail; /* NULL: not evaluated yet */
    uint64_t version;    /* grows with each change; 0: none yet */
    struct hash128 hash; /* of the tail */
};

struct live_counts {
    size_t queries, subscriptions, watches;
    size_t large;                        /* queries that wait for a job */
    uint64_t evaluations, invalidations; /* in rounds and in jobs */
    uint64_t abandoned;                  /* tried in a round and found too large */
    uint64_t arrivals;                   /* results that somebody may have waited for */
};

struct live_options {
    const struct program *program;
    struct budget *budget; /* of results and read sets; NULL: no limit */
    /* There is no memory for this one's result. It stays unanswered until there is; its owner may
     * give it up. */
    void (*on_starved)(void *context, struct subscription *subscription);
    /* The result of this subscription changed in this round. */
    void (*on_news)(void *context, struct subscription *subscription);
    void *context;
};

struct live *live_new(const struct live_options *options);
void live_free(struct live *live);

/* args: canonical JSON text of the arguments object. A first result comes with the next round, or
 * is there already when others hold the same query. */
void live_subscribe(struct live *live, struct subscription *subscription, str path, str args,
                    const struct identity *identity, str journal);
void live_unsubscribe(struct live *live, struct subscription *subscription);

/* The same question by another caller: a page keeps the end that it has. */
void live_resubscribe(struct live *live, struct subscription *subscription,
                      const struct identity *identity);
struct live_result live_result(const struct subscription *subscription);

/* The memory of its query, divided by all who subscribed it. */
size_t live_share(const struct subscription *subscription);

/* The result is the one of the newest commit told: no round or job has to come first. */
bool live_is_current(const struct subscription *subscription);

/* Marks what the commit hit. Every commit, in order, before a round on a newer snapshot. */
void live_commit(struct live *live, const struct write_set *writes);

/* Whether a round has something to do at this time. */
bool live_is_due(const struct live *live, instant now);
instant live_next(const struct live *live); /* when time alone makes a round due; 0: never */

/* Evaluates what is marked and small, on the view's snapshot. Its arena and read set are used up.
 */
void live_round(struct live *live, struct view *view, instant now);

/* ---- what is too large for a round ---- */

/* Right after a round, to be run on that round's snapshot: all that is marked and large. NULL:
 * there is nothing, or a job is out. */
struct live_job *live_job_take(struct live *live);

/* The subscription's query is in the job. */
bool live_job_has(const struct live_job *job, const struct subscription *subscription);

void live_job_run(struct live_job *job, struct view *view, instant now);

/* The results become the queries', subscribers hear of news; what commits hit meanwhile is marked
 * again. Until live_job_end the results of the job's snapshot can be read by live_job_result. */
void live_job_settle(struct live *live, struct live_job *job);
struct live_result live_job_result(const struct live_query *query);
void live_job_end(struct live *live, struct live_job *job);
void live_job_drop(struct live_job *job); /* one that was not settled, when its live goes */

struct live_counts live_counts(const struct live *live);
