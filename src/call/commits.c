/* SPDX-License-Identifier: Apache-2.0 */
#include "call/commits.h"

#include "call/mutation.h"

#include <pthread.h>
#include <string.h>

#define FOLLOWERS_MAX 16

struct entry {
    struct entry *next;
    struct arena arena;
    enum commit_state state;
    struct write_set writes;
    bool wakes_jobs, has_ts;
    struct mutation **mutations;
    struct follower **owners; /* of the mutations: read without touching them */
    size_t count;
    size_t passes_left; /* followers that stand on it or have yet to reach it */
};

struct follower {
    struct commit_log *log;
    struct entry *at; /* the last entry passed; its next is the next to take */
    void (*wake)(void *context);
    void *context;
    struct mutation **mine; /* of the entry last taken */
    size_t mine_room;
    bool is_woken;
    uint16_t space; /* of follower_narrow; 0: it cares for all */
    size_t lag;     /* entries it was not woken for */
};

struct commit_log {
    pthread_mutex_t lock;
    struct entry
        *first; /* at the start an empty one, so that followers have something to stand on */
    struct entry *last;
    struct entry *open;
    struct follower followers[FOLLOWERS_MAX];
    size_t follower_count;
};

struct commit_log *commit_log_new(void)
{
    struct commit_log *log = memory_zeroed(sizeof(*log));
    pthread_mutex_init(&log->lock, NULL);
    log->first = memory_zeroed(sizeof(*log->first));
    log->first->state = COMMIT_DONE;
    log->last = log->first;
    return log;
}

static void entry_free(struct entry *entry)
{
    arena_done(&entry->arena);
    free(entry);
}

/* What its follower never took, because it went first, is nobody else's. */
static void free_untaken(const struct follower *follower)
{
    for (struct entry *entry = follower->at->next; entry != NULL; entry = entry->next)
        for (size_t i = 0; i < entry->count; i++)
            if (entry->owners[i] == follower)
                mutation_free(entry->mutations[i]);
}

void commit_log_free(struct commit_log *log)
{
    if (log == NULL)
        return;
    for (size_t i = 0; i < log->follower_count; i++)
        free_untaken(&log->followers[i]);
    for (struct entry *entry = log->first; entry != NULL;) {
        struct entry *next = entry->next;
        entry_free(entry);
        entry = next;
    }
    for (size_t i = 0; i < log->follower_count; i++)
        free(log->followers[i].mine);
    pthread_mutex_destroy(&log->lock);
    free(log);
}

struct follower *commit_log_follow(struct commit_log *log, void (*wake)(void *context),
                                   void *context)
{
    pthread_mutex_lock(&log->lock);
    assert(log->follower_count < FOLLOWERS_MAX);
    struct follower *follower = &log->followers[log->follower_count++];
    log->last->passes_left++;
    *follower = (struct follower){.log = log, .at = log->last, .wake = wake, .context = context};
    pthread_mutex_unlock(&log->lock);
    return follower;
}

void follower_narrow(struct follower *follower, uint16_t space)
{
    follower->space = space;
}

/* Frees what every follower has left behind. Under the lock. */
static void trim(struct commit_log *log)
{
    while (log->first != log->last && log->first->passes_left == 0) {
        struct entry *passed = log->first;
        log->first = passed->next;
        entry_free(passed);
    }
}

static void take_mine(struct follower *follower, const struct entry *entry,
                      struct commit_entry *out)
{
    if (entry->count > follower->mine_room) {
        follower->mine_room = entry->count * 2;
        follower->mine = memory_resize(follower->mine, follower->mine_room * sizeof(void *));
    }
    size_t count = 0;
    for (size_t i = 0; i < entry->count; i++)
        if (entry->owners[i] == follower)
            follower->mine[count++] = entry->mutations[i];
    out->mutations = follower->mine;
    out->mutation_count = count;
}

/* An entry that wrote is taken when a reader can see it: then it is durable, and no snapshot
 * older than it will be used any more. */
static bool is_ready(const struct entry *entry, commit_ts visible)
{
    if (entry == NULL)
        return false;
    if (!entry->has_ts || entry->state == COMMIT_FAILED)
        return entry->state != COMMIT_PENDING;
    return entry->writes.ts.n <= visible.n;
}

bool follower_next(struct follower *follower, commit_ts visible, struct commit_entry *out)
{
    struct commit_log *log = follower->log;
    bool is_behind = false;

    pthread_mutex_lock(&log->lock);
    struct entry *entry = follower->at->next;
    bool takes = is_ready(entry, visible);
    if (takes) {
        *out = (struct commit_entry){
            .ts = entry->writes.ts,
            .writes = entry->writes,
            .wakes_jobs = entry->wakes_jobs,
            .is_failed = entry->state == COMMIT_FAILED,
        };
        if (out->is_failed)
            out->writes = (struct write_set){0};
        take_mine(follower, entry, out);
        follower->at->passes_left--;
        follower->at = entry;
        trim(log);
    } else {
        /* Decided but newer than the snapshot: come again with a newer one. */
        is_behind = entry != NULL && entry->state != COMMIT_PENDING;
        follower->is_woken = is_behind;
    }
    pthread_mutex_unlock(&log->lock);
    if (is_behind)
        follower->wake(follower->context);
    return takes;
}

static void entry_append(struct commit_log *log, struct entry *entry)
{
    pthread_mutex_lock(&log->lock);
    entry->passes_left = log->follower_count;
    log->last->next = entry;
    log->last = entry;
    pthread_mutex_unlock(&log->lock);
}

static void copy_writes(struct entry *entry, const struct write_set *writes)
{
    struct write_key *keys = arena_array(&entry->arena, struct write_key, writes->count);
    for (size_t i = 0; i < writes->count; i++) {
        bytes from = writes->keys[i].key;
        keys[i].space = writes->keys[i].space;
        keys[i].key = (bytes){arena_copy(&entry->arena, from.at, from.len), from.len};
        if (writes->keys[i].words.at != NULL)
            keys[i].words = str_copy(&entry->arena, writes->keys[i].words);
    }
    entry->writes = (struct write_set){.ts = writes->ts, .count = writes->count, .keys = keys};
    entry->has_ts = true;
}

void commit_log_open(struct commit_log *log, struct mutation **mutations, size_t count,
                     bool wakes_jobs)
{
    struct entry *entry = memory_zeroed(sizeof(*entry));
    entry->state = COMMIT_PENDING;
    entry->count = count;
    entry->wakes_jobs = wakes_jobs;
    entry->mutations = arena_array(&entry->arena, struct mutation *, count);
    entry->owners = arena_array(&entry->arena, struct follower *, count);
    for (size_t i = 0; i < count; i++) {
        entry->mutations[i] = mutations[i];
        entry->owners[i] = mutations[i]->from;
    }
    log->open = entry;
}

void commit_log_before_commit(void *context, const struct write_set *writes)
{
    struct commit_log *log = context;
    struct entry *entry = log->open;

    copy_writes(entry, writes);
    for (size_t i = 0; i < entry->count; i++)
        if (entry->mutations[i]->ts.n == 0)
            entry->mutations[i]->ts = writes->ts;
    entry_append(log, entry);
}

static bool writes_to(const struct write_set *writes, uint16_t space)
{
    size_t low = 0, high = writes->count; /* the keys are sorted by space */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (writes->keys[middle].space < space)
            low = middle + 1;
        else
            high = middle;
    }
    return low < writes->count && writes->keys[low].space == space;
}

static bool concerns(const struct entry *entry, const struct follower *follower)
{
    if (follower->space == 0 || entry->wakes_jobs || writes_to(&entry->writes, follower->space))
        return true;
    for (size_t i = 0; i < entry->count; i++)
        if (entry->owners[i] == follower)
            return true;
    return false;
}

/* Under the lock. */
static bool must_wake(const struct entry *entry, struct follower *follower)
{
    if (follower->is_woken || (++follower->lag < FOLLOWER_LAG_MAX && !concerns(entry, follower)))
        return false;
    follower->is_woken = true;
    follower->lag = 0;
    return true;
}

void commit_log_close(struct commit_log *log, enum commit_state state)
{
    struct entry *entry = log->open;
    log->open = NULL;

    /* Without a commit (nothing written, or it failed early) nobody has seen the entry yet. */
    if (!entry->has_ts) {
        entry->state = state;
        entry_append(log, entry);
    }
    struct follower *woken[FOLLOWERS_MAX];
    size_t count = 0;
    pthread_mutex_lock(&log->lock);
    entry->state = state;
    for (size_t i = 0; i < log->follower_count; i++)
        if (must_wake(entry, &log->followers[i]))
            woken[count++] = &log->followers[i];
    pthread_mutex_unlock(&log->lock);
    for (size_t i = 0; i < count; i++)
        woken[i]->wake(woken[i]->context);
}
