/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log of commits, from the writer to everyone who follows: what each commit wrote, and the
 * mutations it answered. An entry is appended before the engine commits, so that who reads a
 * snapshot at S can take every entry up to S at once: an entry whose ts a reader can see is
 * durable. So a response is always handled before the effects of its commit are shown.
 *
 * Owns:     entries, until every follower has passed them. Mutations go back to their follower;
 *           those not taken are freed with the log, which goes after writer and followers.
 * Threads:  one appends; each follower is used by one.
 * Time:     none.
 * Fails:    never; the log is as long as its slowest follower is behind.
 */
#pragma once

#include "base/queue.h"
#include "call/execute.h"

struct commit_log;
struct mutation;

enum commit_state {
    COMMIT_NONE,
    COMMIT_PENDING, /* not known yet; visible to a reader means it was done */
    COMMIT_DONE,
    COMMIT_FAILED, /* its writes never happened; its mutations carry the failure */
};

struct follower;

/* One commit as its follower sees it. */
struct commit_entry {
    commit_ts ts;
    struct write_set writes; /* empty when nothing was written */
    bool wakes_jobs;
    struct mutation **mutations; /* of this follower */
    size_t mutation_count;
    bool is_failed;
};

struct commit_log *commit_log_new(void);
void commit_log_free(struct commit_log *log);

/* wake(context) is called from the writer's thread whenever there is something to take. */
struct follower *commit_log_follow(struct commit_log *log, void (*wake)(void *context),
                                   void *context);

/* From now on it is woken only for mutations of its own, for jobs and for what is written to rows
 * of this space; and once in FOLLOWER_LAG_MAX commits, to pass the others. Before there are
 * commits. */
#define FOLLOWER_LAG_MAX 16
void follower_narrow(struct follower *follower, uint16_t space);

/* Takes the next entry if it is decided or at most `visible`. It is valid until the next call. */
bool follower_next(struct follower *follower, commit_ts visible, struct commit_entry *out);

/* ---- for the writer ---- */

/* The store's before_commit hook; context is the log. */
void commit_log_before_commit(void *context, const struct write_set *writes);

/* Opens the entry of a batch: the mutations in it, in order; their memory stays the caller's. */
void commit_log_open(struct commit_log *log, struct mutation **mutations, size_t count,
                     bool wakes_jobs);

/* The batch of the open entry is decided. After a commit its mutations may not be touched here. */
void commit_log_close(struct commit_log *log, enum commit_state state);
