/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live queries: one evaluation and one cached result for each (function, arguments, caller), kept
 * with exactly what it read. A commit marks the queries whose read set it hit; a round evaluates
 * what is marked, all on one snapshot; who subscribed hears of a result only when it changed.
 *
 * Owns:     queries, results and read sets. Subscriptions are their session's storage.
 * Threads:  one loop's.
 * Time:     given; a query that depends on time is marked when its answer's time is over.
 * Fails:    a failing query is a result like any other. A transient failure is tried again.
 */
#pragma once

#include "base/hash.h"
#include "base/shared.h"
#include "call/execute.h"

struct live;
struct live_query;

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
    uint64_t evaluations, invalidations;
};

struct live_options {
    const struct program *program;
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
struct live_result live_result(const struct subscription *subscription);

/* Marks what the commit hit. Every commit, in order, before a round on a newer snapshot. */
void live_commit(struct live *live, const struct write_set *writes);

/* Whether a round has something to do at this time. */
bool live_is_due(const struct live *live, instant now);
instant live_next(const struct live *live); /* when time alone makes a round due; 0: never */

/* Evaluates everything marked, on the view's snapshot. Its arena and read set are used up. */
void live_round(struct live *live, struct view *view, instant now);

struct live_counts live_counts(const struct live *live);
