/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queries too large for a round: taken together as one job, evaluated on the snapshot of the round
 * that took them, and settled when they come back, later. What was committed in between is compared
 * with what they read.
 */
#include "live/state.h"

#include "base/planted.h"
#include "store/words.h"

#include <string.h>

#define JOB_LEAST 4  /* queries, however little memory there is */
#define JOB_MOST 256 /* so that it ends within seconds, whatever they read */
#define JOB_OF_ONE 64

struct item {
    struct live_query *query;
    struct evaluation evaluation;
    struct read_set reads;
    bool was_small, was_hit;
};

struct live_job {
    const struct program *program;
    struct arena arena; /* of what the evaluations bring back */
    struct item *items;
    size_t count;
    instant now;
    bool is_settled;
};

/* Results come back all together, before they are counted: when memory is short, few at once. */
static size_t most_of(const struct live *live)
{
    const struct budget *budget = live->options.budget;
    if (budget == NULL || budget->max == 0)
        return JOB_MOST;
    size_t used = budget->used;
    size_t left = used < budget->max ? budget->max - used : 0;
    return MIN_OF(MAX_OF(left / MIB(8), (size_t)JOB_LEAST), (size_t)JOB_MOST);
}

/* Who asked how many of a job's queries: one caller may not keep all others waiting. */
struct askers {
    struct hash128 who[JOB_MOST];
    size_t asked[JOB_MOST], count;
};

static bool may_join(struct askers *askers, const struct live_query *query)
{
    struct hash128 who = query->identity == NULL ? (struct hash128){0} : query->identity->hash;
    size_t at = 0;
    while (at < askers->count && (askers->who[at].a != who.a || askers->who[at].b != who.b))
        at++;
    if (at == askers->count) {
        if (at == JOB_MOST)
            return false;
        askers->who[at] = who;
        askers->asked[at] = 0;
        askers->count++;
    }
    return askers->asked[at]++ < JOB_OF_ONE;
}

struct live_job *live_job_take(struct live *live)
{
    if (live->job != NULL || live->large.first == NULL)
        return NULL;
    struct live_job *job = memory_zeroed(sizeof(*job));
    job->program = live->options.program;
    job->items = arena_array(&job->arena, struct item, JOB_MOST);
    struct askers askers = {.count = 0};
    size_t most = most_of(live);
    struct live_query *next;
    for (struct live_query *query = live->large.first; query != NULL && job->count < most;
         query = next) {
        next = query->next_marked;
        if (query_starve(live, query) || !may_join(&askers, query))
            continue;
        query_unmark(live, query);
        query->valid_until = (instant){0};
        query->in = job;
        job->items[job->count++] = (struct item){.query = query};
    }
    if (job->count == 0) {
        live_job_drop(job);
        return NULL;
    }
    live->job = job;
    return job;
}

bool live_job_has(const struct live_job *job, const struct subscription *subscription)
{
    return job != NULL && subscription->query->in == job;
}

/* ---- on any thread ---- */

static bytes copy_bytes(struct arena *arena, bytes from)
{
    return (bytes){arena_copy(arena, from.at, from.len), from.len};
}

static struct read_set copy_reads(struct arena *arena, struct read_set from)
{
    struct read_range *ranges = arena_array(arena, struct read_range, from.count);
    for (size_t i = 0; i < from.count; i++)
        ranges[i] =
            (struct read_range){from.ranges[i].space, copy_bytes(arena, from.ranges[i].from),
                                copy_bytes(arena, from.ranges[i].to)};
    struct read_search *searches = arena_array(arena, struct read_search, from.search_count);
    for (size_t i = 0; i < from.search_count; i++)
        searches[i] = (struct read_search){
            from.searches[i].space, copy_bytes(arena, from.searches[i].from),
            copy_bytes(arena, from.searches[i].to), str_copy(arena, from.searches[i].terms)};
    return (struct read_set){ranges, from.count, searches, from.search_count};
}

void live_job_run(struct live_job *job, struct view *view, instant now)
{
    AUTO(arena_done) struct arena arena = {0};
    job->now = now;
    for (size_t i = 0; i < job->count; i++) {
        struct item *item = &job->items[i];
        view_renew(view, &arena);
        query_run(item->query, job->program, view, &arena, now, &item->evaluation);
        if (item->evaluation.journal.at != NULL)
            item->evaluation.journal = str_copy(&job->arena, item->evaluation.journal);
        item->reads = copy_reads(&job->arena, view_read_set(view));
        item->was_small =
            view->reads <= LIVE_SMALL_READS / 2 && view->read_bytes <= LIVE_SMALL_BYTES / 2;
        arena_reset(&arena);
    }
    view_renew(view, NULL);
}

/* ---- back on the loop ---- */

/* Ranges are sorted and do not overlap. */
static bool holds(struct read_set reads, const struct write_key *key)
{
    size_t low = 0, high = reads.count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct read_range *range = &reads.ranges[middle];
        int order = key->space < range->space   ? -1
                    : key->space > range->space ? 1
                                                : bytes_compare(key->key, range->from);
        if (order < 0)
            high = middle;
        else if (order > 0 &&
                 (key->space > range->space || bytes_compare(key->key, range->to) >= 0))
            low = middle + 1;
        else
            return bytes_compare(key->key, range->to) < 0;
    }
    return false;
}

static bool finds(struct read_set reads, const struct write_key *key)
{
    for (size_t i = 0; i < reads.search_count; i++) {
        const struct read_search *search = &reads.searches[i];
        if (key->space == search->space && bytes_compare(key->key, search->from) >= 0 &&
            bytes_compare(key->key, search->to) < 0 && words_match(key->words, search->terms))
            return true;
    }
    return false;
}

static bool was_hit(const struct written *written, struct read_set reads)
{
    if (written->is_over)
        return true;
    for (size_t i = 0; i < written->count; i++)
        if (holds(reads, &written->keys[i]) || finds(reads, &written->keys[i]))
            return true;
    return false;
}

static void written_clear(struct written *written)
{
    arena_reset(&written->arena);
    written->count = written->bytes = 0;
    written->is_over = false;
}

void live_job_settle(struct live *live, struct live_job *job)
{
    assert(live->job == job);
    for (size_t i = 0; i < job->count; i++) {
        struct item *item = &job->items[i];
        query_settle(live, item->query, &item->evaluation, item->reads, job->now);
        item->query->is_large = !item->was_small;
        item->was_hit = was_hit(&live->written, item->reads) && !PLANTED(large_missed);
        live->counts.invalidations += item->was_hit;
    }
    written_clear(&live->written);
    job->is_settled = true;
}

struct live_result live_job_result(const struct live_query *query)
{
    return query->result;
}

void live_job_end(struct live *live, struct live_job *job)
{
    assert(job->is_settled);
    live->job = NULL;
    for (size_t i = 0; i < job->count; i++) {
        struct live_query *query = job->items[i].query;
        query->in = NULL;
        if (query->subscriptions == NULL)
            query_remove(live, query);
        else if (job->items[i].was_hit)
            query_mark(live, query);
    }
    live_job_drop(job);
}

void live_job_drop(struct live_job *job)
{
    for (size_t i = 0; i < job->count && !job->is_settled; i++)
        shared_drop(job->items[i].evaluation.result.tail);
    arena_done(&job->arena);
    free(job);
}
