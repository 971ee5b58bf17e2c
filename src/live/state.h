/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of live/, for the files that make it up: live.c (who subscribes what, and what a
 * commit hits), round.c (evaluating), large.c (what is too large for a round).
 *
 * Owns:     see live.h.
 * Threads:  see live.h; of a query in a job, another thread reads what is constant: the parts of
 *           its key, journal and identity.
 * Time:     given.
 * Fails:    see live.h.
 */
#pragma once

#include "live/live.h"
#include "live/watch.h"

/* So many transient failures in a row, less one, are waited out before they are a result. */
#define FAILURES_UNTOLD 10

struct marked {
    struct live_query *first, **end;
};

struct live_query {
    struct live_query *next; /* in its bucket */
    uint64_t hash;
    str key;
    str path, args, asked_journal; /* parts of the key */
    char *journal;                 /* where its page ended the first time; NULL: none */
    const struct identity *identity;
    struct subscription *subscriptions;
    size_t subscription_count;
    struct claim claim; /* a stranger's as long as nobody signed in has asked */
    struct live_result result;
    struct watches watches;
    instant valid_until;
    unsigned failures;   /* transient ones in a row */
    bool is_pinned;      /* its page ends where it did at first: who asks anew gets a first run */
    bool is_large;       /* the last evaluation was: the next is not tried in a round */
    struct live_job *in; /* the job that evaluates it just now; it stays until the job has ended */
    struct marked *list; /* NULL: not marked */
    struct live_query *next_marked, **link;
    char text[]; /* the key's */
};

/* What was written since the job that is out took its snapshot. */
struct written {
    struct arena arena;
    struct write_key *keys;
    size_t count, room, bytes;
    bool is_over; /* too much to keep: whatever the job read counts as hit */
};

struct live {
    struct live_options options;
    struct live_query **buckets;
    size_t bucket_count;
    struct marked dirty; /* for the next round */
    struct marked large; /* for the next job */
    struct live_job *job;
    struct written written;
    struct watch_table *watches;
    struct arena arena; /* of one evaluation */
    instant next;       /* soonest valid_until, or earlier */
    struct live_counts counts;
};

/* ---- live.c ---- */
void query_mark(struct live *live, struct live_query *query);
void query_unmark(struct live *live, struct live_query *query);
void query_remove(struct live *live, struct live_query *query);

/* Counts what the query takes by now. */
void query_account(struct live *live, struct live_query *query);

/* There is no memory to evaluate it: its subscribers are told. True: that is so. */
bool query_starve(struct live *live, struct live_query *query);

/* ---- round.c ---- */

/* One evaluation before it is the query's. */
struct evaluation {
    struct live_result result; /* without version */
    enum error_code error;
    str journal;
    instant valid_until;
};

/* The view is renewed with the arena already. */
void query_run(const struct live_query *query, const struct program *program, struct view *view,
               struct arena *arena, instant now, struct evaluation *out);

/* Makes it the query's, and tells; takes the reference of the tail. */
void query_settle(struct live *live, struct live_query *query, struct evaluation *evaluation,
                  struct read_set reads, instant now);
