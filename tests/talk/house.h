/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole program in one process and one thread, without sockets: store, commit log, writer,
 * runner and live queries, with a set clock, seeded randomness and a pretend outside. It is driven
 * one actor's step at a time, so that it can be killed between any two of them.
 *
 * Owns:     everything it opened, and the database's folder.
 * Threads:  one.
 * Time:     house.now, moved only by house_pass.
 * Fails:    a broken promise of the program ends the process with a message.
 */
#pragma once

#include "call/writer.h"
#include "cli/settings.h"
#include "job/runner.h"
#include "live/live.h"
#include "pretend.h"
#include "studio/studio.h"

#define HOUSE_STEPS_MAX 200000
#define HOUSE_LANES_MAX STUDIO_LANES_MAX
#define HOUSE_WATCHES_MAX 32

struct house_options {
    enum store_engine engine;
    const char *config;   /* more plans, models and providers beside those of the preset; or NULL */
    struct engine *given; /* of STORE_GIVEN; it is closed with the house, not at a crash */
    uint64_t seed;
};

/* A live query that somebody looks at. */
struct watch_seen {
    struct subscription subscription;
    bool has_news;
};

struct house {
    struct house_options options;
    struct arena arena; /* of the configuration */
    struct settings settings;
    struct program program;
    struct pretend *outside;

    char folder[64], path[96];
    struct engine *memory; /* outlives a crash, as a disk does */
    struct store *store;
    struct commit_log *log;
    struct writer *writer;
    struct runner *runner;
    struct live *live;
    struct follower *follower;
    struct lane_limit lanes[HOUSE_LANES_MAX];
    struct watch_seen *watches[HOUSE_WATCHES_MAX];

    instant now, runner_next;
    bool runner_is_woken;
    uint64_t steps, crash_at; /* a crash after that step; 0: none */
    uint64_t crashes;
    int pay_status;     /* of the pretended payment service from now on; 0: 200 */
    char paid_at[1024]; /* what it was asked last: path, a blank, the form */
    /* Told of each reply that succeeded; may be NULL. */
    void (*on_reply)(void *context, const struct function *function, str value);
    void *context;
    /* Between a crash and the new start; may be NULL. */
    void (*on_down)(void *context);
    void *down_context;
};

struct house *house_new(const struct house_options *options);
void house_free(struct house *house);

/* kill -9 and a new start: what was not committed is gone, and so are all subscriptions. */
void house_crash(struct house *house);

/* The disk cannot be trusted any more since the last start: the program would end itself now. */
bool house_must_end(void);

/* ---- calls ---- */

/* Hands a request to the writer; it comes back by house_settle_calls. */
struct mutation *house_send(struct house *house, const struct call_request *request);

/* The writer's next batch and what follows from it; not the runner, not the outside. */
void house_commit(struct house *house);

/* Sends, commits and answers; the mutation is the caller's to free. */
struct mutation *house_mutate(struct house *house, const struct call_request *request);
bool mutation_is_back(const struct mutation *mutation);

/* An action: its halves are mutations; between them, what the pretended payment service answers. */
struct mutation *house_act(struct house *house, const struct call_request *request);

/* Runs a query on the newest snapshot; the reply is in the arena. */
void house_query(struct house *house, const struct call_request *request, struct arena *arena,
                 struct call_reply *reply);

/* The program's own work, as a mutation. It must succeed. */
void house_do(struct house *house, void (*body)(struct call *call, void *context), void *context);

/* ---- watching ---- */

void house_watch(struct house *house, struct watch_seen *watch, const struct call_request *request);
void house_unwatch(struct house *house, struct watch_seen *watch);

/* ---- time ---- */

/* One step of one actor; false when nobody has anything to do now. */
bool house_step(struct house *house);

/* Lets time pass; everyone works in the order in which things fall due. */
void house_pass(struct house *house, span time);
