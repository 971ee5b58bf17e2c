/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The oracle: the real store, writer, commit log and live queries, driven in one thread as the loop
 * drives them, beside the plain village. After each round every live result must be what the plain
 * one answers; a large query's must be what it answered of the moment the query was evaluated at.
 *
 * A slot is one live query; watchers are subscriptions to it, of some session.
 *
 * Owns:     what it opened; a database file, when there is one, is the caller's to remove.
 * Threads:  one.
 * Time:     oracle.now, moved by steps.
 * Fails:    oracle_run answers false and says why on stderr, with seed and step.
 */
#pragma once

#include "base/queue.h"
#include "call/writer.h"
#include "dice.h"
#include "live/live.h"
#include "plain.h"

#define SLOTS 48
#define WATCHERS 96
#define SESSIONS 8
#define IDENTITIES 6
#define MARKS 4096
#define ERRANDS_MAX 12
#define REMEMBERED 24
#define ARGS_MAX 1400
#define UNDER_WAY_MAX 160

/* Faults of ours, each of which the oracle must find. */
enum plant {
    PLANT_NONE,
    PLANT_LOST_KEY,     /* one written key of a commit is not told */
    PLANT_LATE_COMMIT,  /* a commit is told a round too late */
    PLANT_OLD_CLOCK,    /* rounds are not told that time passes */
    PLANT_TOLD_TWICE,   /* a commit is told once more a round later */
    PLANT_OTHER_CALLER, /* now and then a question is asked as somebody else */
    PLANT_DEAF_IN_JOB,  /* what was committed while a job was out is not told */
    PLANT_COUNT,
};
extern const char *const plant_names[PLANT_COUNT];

struct oracle_options {
    enum store_engine engine;
    const char *path; /* SQLite only */
    uint64_t seed;
    uint64_t steps;
    enum plant plant;
    const uint8_t *leaves_out;   /* by step; or NULL */
    volatile uint64_t *progress; /* the step under way; or NULL */
    bool is_loud;                /* tells each step */
    bool has_threads;            /* see threads.h */
};

struct oracle_counts {
    uint64_t steps, commits, mutations, refused, replays, rounds, jobs, late_jobs, asked;
    uint64_t pairs;  /* of a live query that had a result, and a round behind a commit */
    uint64_t untold; /* of these, where the query was not run again */
    /* Wasted: run again though nothing that it read is other than it was; those of seeds where no
     * mutation writes back what was there are counted apart. */
    uint64_t reruns, wasted;
    uint64_t straight_reruns, straight_wasted;
};

bool oracle_run(const struct oracle_options *options, struct oracle_counts *counts);

/* ---- inside ---- */

struct slot {
    bool is_used;
    struct question question;
    size_t number; /* of the question: those of one have the same arguments */
    int identity;  /* -1: nobody, or all */
    int journal;   /* mark; -1: none */
    char args[ARGS_MAX];
    size_t watchers;
    const struct live_query *query; /* the real one */

    bool is_in_job; /* it stays until the job has ended */
    bool has_result, has_pin;
    bool is_pinned; /* run again since: who asks anew gets a first run of their own */
    struct mark pin;
    uint64_t version; /* of the result last compared */
    struct hash128 hash;
    uint64_t imprint;
    instant valid_until, retry_at;
    unsigned failures;  /* transient ones in a row */
    unsigned evaluated; /* since it was last compared */
    bool was_busy;      /* the last time */
};

struct watcher {
    bool is_used;
    struct subscription subscription;
    size_t slot, session;
    unsigned news;
};

/* One mutation under way, or remembered so that it can be sent again. */
struct sent {
    struct errand errands[ERRANDS_MAX];
    size_t count;
    uint32_t number; /* of the session; 0: not to be recorded */
    uint64_t place;  /* they come back in the order in which they were sent */
    bool may_fail;   /* a fault was put beside it */
};

struct remembered {
    struct sent sent;
    unsigned under_way;
    bool is_done;
    str result; /* the first time */
    struct arena arena;
};

struct job {
    struct live_job *job;
    struct arena arena;
    struct view view;
    struct plain plain; /* of its snapshot */
    instant now;        /* when it was run */
    bool is_run, was_busy;
};

struct kept {
    struct arena arena;
    struct view view;
    struct plain plain;
    bool is_used;
};

struct oracle {
    struct oracle_options options;
    struct oracle_counts *counts;
    struct dice dice;
    uint64_t step;
    bool has_failed, is_ending;
    bool goes_back; /* some mutations write what was there before: even seeds */

    struct program program;
    struct village_config config;
    struct engine *engine; /* in memory, and can be made to fail */
    struct store *store;
    struct commit_log *log;
    struct writer *writer;
    struct follower *follower;
    struct live *live;
    struct threads *threads; /* NULL: all of it in this one */
    struct queue *wake;      /* with threads: something was committed */
    instant now;

    struct plain plain;
    struct identity *identities[IDENTITIES];
    int sessions[SESSIONS]; /* identity of each; -1: nobody */
    struct slot slots[SLOTS];
    struct watcher watchers[WATCHERS];
    struct mark marks[MARKS];
    size_t mark_count;
    struct remembered remembered[REMEMBERED];
    uint32_t last_number;
    uint64_t last_sent, last_back;
    size_t last_question;
    struct sent *under_way[UNDER_WAY_MAX];
    size_t under_way_count, adds_under_way;
    unsigned busy_rounds;
    bool has_fault; /* the engine was told to fail once in this round */
    struct job job;
    struct kept kept;
    struct answer answer;
    struct buffer wanted;
    struct arena arena;
    struct write_set told; /* for the plants: the last that wrote */
    struct arena told_arena;
};

/* Only the first failure counts. Answers false. */
bool oracle_fail(struct oracle *oracle, const char *format, ...) PRINTF_LIKE(2, 3);

/* ---- errands.c ---- */
void mutation_send(struct oracle *oracle);
void mutation_repeat(struct oracle *oracle);

/* ---- questions.c ---- */
const char *question_path(enum question_kind kind);
void question_make(struct oracle *oracle, struct question *out);
void question_args(const struct oracle *oracle, const struct question *question, size_t query,
                   char out[ARGS_MAX]);
bool question_is_for_all(enum question_kind kind);

/* ---- watchers.c ---- */
void watcher_add(struct oracle *oracle);
void watcher_drop(struct oracle *oracle, struct watcher *watcher);
void session_change(struct oracle *oracle);
int identity_word(int identity);
const struct identity *identity_at(const struct oracle *oracle, int identity); /* or NULL */
str mark_text(const struct oracle *oracle, int mark);                          /* .at NULL for -1 */
void slot_release(struct slot *slot);

/* ---- rounds.c ---- */
void commit_run(struct oracle *oracle); /* what is queued; with a fault, now and then */
void round_run(struct oracle *oracle);
void job_go_on(struct oracle *oracle); /* runs it, or settles it */
void job_finish(struct oracle *oracle);
void job_settle(struct oracle *oracle);

/* ---- compare.c ---- */
int mark_number(const struct oracle *oracle, const struct mark *mark); /* -1: not seen yet */
void compare_all(struct oracle *oracle, bool has_commits);
void compare_job(struct oracle *oracle);
void compare_once(struct oracle *oracle); /* a question of the kept snapshot */
