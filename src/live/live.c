/* SPDX-License-Identifier: Apache-2.0 */
#include "live/state.h"

#include "base/hash.h"
#include "base/planted.h"

#include <string.h>

#define BUCKETS_MIN 256
#define WRITTEN_MAX MIB(32)

struct live *live_new(const struct live_options *options)
{
    struct live *live = memory_zeroed(sizeof(*live));
    live->options = *options;
    live->bucket_count = BUCKETS_MIN;
    live->buckets = memory_zeroed(BUCKETS_MIN * sizeof(struct live_query *));
    live->watches = watch_table_new();
    live->dirty.end = &live->dirty.first;
    live->large.end = &live->large.first;
    return live;
}

static void query_free(struct live *live, struct live_query *query)
{
    claim_force(live->options.budget, &query->claim, 0);
    watch_clear(live->watches, &query->watches);
    identity_drop(query->identity);
    shared_drop(query->result.tail);
    free(query->journal);
    free(query);
}

void live_free(struct live *live)
{
    if (live == NULL)
        return;
    for (size_t i = 0; i < live->bucket_count; i++) {
        for (struct live_query *query = live->buckets[i]; query != NULL;) {
            struct live_query *next = query->next;
            query_free(live, query);
            query = next;
        }
    }
    watch_table_free(live->watches);
    arena_done(&live->arena);
    arena_done(&live->written.arena);
    free(live->written.keys);
    free(live->buckets);
    free(live);
}

void query_mark(struct live *live, struct live_query *query)
{
    query->is_pinned =
        query->journal != NULL && !str_equal(str_of(query->journal), query->asked_journal);
    if (query->list != NULL || query->in != NULL)
        return;
    struct marked *list = query->is_large ? &live->large : &live->dirty;
    query->list = list;
    query->next_marked = NULL;
    query->link = list->end;
    *list->end = query;
    list->end = &query->next_marked;
    live->counts.large += query->is_large;
}

void query_unmark(struct live *live, struct live_query *query)
{
    struct marked *list = query->list;
    if (list == NULL)
        return;
    *query->link = query->next_marked;
    if (query->next_marked != NULL)
        query->next_marked->link = query->link;
    else
        list->end = query->link;
    query->list = NULL;
    live->counts.large -= list == &live->large;
}

static void rehash(struct live *live)
{
    size_t count = live->bucket_count * 4;
    struct live_query **buckets = memory_zeroed(count * sizeof(struct live_query *));
    for (size_t i = 0; i < live->bucket_count; i++) {
        for (struct live_query *query = live->buckets[i]; query != NULL;) {
            struct live_query *next = query->next;
            query->next = buckets[query->hash & (count - 1)];
            buckets[query->hash & (count - 1)] = query;
            query = next;
        }
    }
    free(live->buckets);
    live->buckets = buckets;
    live->bucket_count = count;
}

/* ---- memory ---- */

void query_account(struct live *live, struct live_query *query)
{
    size_t size = sizeof(*query) + query->key.len + query->watches.size;
    size += query->journal == NULL ? 0 : strlen(query->journal);
    size += query->result.tail == NULL ? 0 : query->result.tail->len;
    claim_force(live->options.budget, &query->claim, size);
}

bool query_starve(struct live *live, struct live_query *query)
{
    const struct budget *budget = live->options.budget;
    if (!budget_is_over(budget) && (query->claim.is_known || !budget_is_over_by_strangers(budget)))
        return false;
    for (struct subscription *each = query->subscriptions; each != NULL; each = each->next)
        live->options.on_starved(live->options.context, each);
    return true;
}

size_t live_share(const struct subscription *subscription)
{
    const struct live_query *query = subscription->query;
    return query == NULL ? 0 : query->claim.amount / query->subscription_count;
}

/* What somebody signed in asks, too, is no stranger's: strangers cannot starve it. */
static void name(struct live *live, struct live_query *query, const struct identity *identity)
{
    if (identity != NULL && !query->claim.is_known)
        claim_name(live->options.budget, &query->claim, NULL, true);
}

/* ---- subscribing ---- */

/* What makes two queries the same one. */
static str key_of(struct arena *arena, const struct function *function, str path, str args,
                  const struct identity *identity, str journal)
{
    bool is_for_all = (function != NULL && function->ignores_caller) || PLANTED(caller_mixed);
    struct hash128 who = identity == NULL || is_for_all ? (struct hash128){0} : identity->hash;
    if (PLANTED(refresh_reruns))
        who.b = (uintptr_t)identity;
    return str_format(arena, "%.*s%c%.*s%c%016llx%016llx%.*s", STR_ARG(path), 0, STR_ARG(args), 0,
                      (unsigned long long)who.a, (unsigned long long)who.b, STR_ARG(journal));
}

static struct live_query *query_find(struct live *live, uint64_t hash, str key)
{
    struct live_query *query = live->buckets[hash & (live->bucket_count - 1)];
    while (query != NULL &&
           (query->hash != hash || query->is_pinned || !str_equal(query->key, key)))
        query = query->next;
    return query;
}

static struct live_query *query_new(struct live *live, uint64_t hash, str key)
{
    if (live->counts.queries >= live->bucket_count * 2)
        rehash(live);
    struct live_query *query = memory_zeroed(sizeof(*query) + key.len);
    struct live_query **bucket = &live->buckets[hash & (live->bucket_count - 1)];
    query->hash = hash;
    memcpy(query->text, key.at, key.len);
    query->key = (str){query->text, key.len};
    query->next = *bucket;
    *bucket = query;
    live->counts.queries++;
    return query;
}

void live_subscribe(struct live *live, struct subscription *subscription, str path, str args,
                    const struct identity *identity, str journal)
{
    arena_reset(&live->arena);
    str canonical = function_path(&live->arena, path);
    const struct function *function = function_find(live->options.program, canonical);
    str key = key_of(&live->arena, function, canonical, args, identity, journal);
    uint64_t hash = hash_bytes(key.at, key.len);

    struct live_query *query = query_find(live, hash, key);
    if (query == NULL || PLANTED(unshared)) {
        query = query_new(live, hash, key);
        size_t args_at = canonical.len + 1;
        query->path = str_slice(query->key, 0, canonical.len);
        query->args = str_slice(query->key, args_at, args_at + args.len);
        query->asked_journal = str_slice(query->key, query->key.len - journal.len, query->key.len);
        query->identity = identity_keep(identity);
        query_account(live, query);
        query_mark(live, query);
    }
    name(live, query, identity);
    subscription->query = query;
    subscription->seen = PLANTED(shared_untold) ? query->result.version : 0;
    subscription->prev = NULL;
    subscription->next = query->subscriptions;
    if (subscription->next != NULL)
        subscription->next->prev = subscription;
    query->subscriptions = subscription;
    query->subscription_count++;
    live->counts.subscriptions++;
}

static void detach(struct live *live, struct subscription *subscription)
{
    struct live_query *query = subscription->query;
    if (subscription->prev != NULL)
        subscription->prev->next = subscription->next;
    else
        query->subscriptions = subscription->next;
    if (subscription->next != NULL)
        subscription->next->prev = subscription->prev;
    subscription->query = NULL;
    query->subscription_count--;
    live->counts.subscriptions--;
}

static void remove_unused(struct live *live, struct live_query *query)
{
    if (query->subscriptions == NULL && query->in == NULL)
        query_remove(live, query);
}

void live_unsubscribe(struct live *live, struct subscription *subscription)
{
    struct live_query *query = subscription->query;
    if (query == NULL)
        return;
    detach(live, subscription);
    remove_unused(live, query);
}

void live_resubscribe(struct live *live, struct subscription *subscription,
                      const struct identity *identity)
{
    struct live_query *old = subscription->query;
    const struct function *function = function_find(live->options.program, old->path);
    if (function != NULL && function->ignores_caller) {
        name(live, old, identity);
        return;
    }
    detach(live, subscription);
    live_subscribe(live, subscription, old->path, old->args, identity,
                   old->journal != NULL ? str_of(old->journal) : old->asked_journal);
    remove_unused(live, old);
}

void query_remove(struct live *live, struct live_query *query)
{
    struct live_query **at = &live->buckets[query->hash & (live->bucket_count - 1)];
    while (*at != query)
        at = &(*at)->next;
    *at = query->next;
    query_unmark(live, query);
    query_free(live, query);
    live->counts.queries--;
}

struct live_result live_result(const struct subscription *subscription)
{
    return subscription->query->result;
}

bool live_is_current(const struct subscription *subscription)
{
    const struct live_query *query = subscription->query;
    return query->result.tail != NULL && query->list == NULL && query->in == NULL &&
           (query->failures == 0 || query->failures >= FAILURES_UNTOLD);
}

static void hit(void *context, void *hit_query)
{
    struct live *live = context;
    struct live_query *query = hit_query;
    live->counts.invalidations += query->list == NULL;
    query_mark(live, query);
}

/* The job will see whether it hit what it reads. */
static void keep_written(struct written *written, const struct write_set *writes)
{
    for (size_t i = 0; i < writes->count && !written->is_over; i++) {
        bytes key = writes->keys[i].key;
        str words = writes->keys[i].words;
        written->bytes += key.len + words.len + sizeof(struct write_key);
        written->is_over = written->bytes > WRITTEN_MAX;
        if (written->count == written->room) {
            written->room = MAX_OF(written->room * 2, (size_t)256);
            written->keys = memory_resize(written->keys, written->room * sizeof(*written->keys));
        }
        written->keys[written->count++] = (struct write_key){
            .space = writes->keys[i].space,
            .key = {arena_copy(&written->arena, key.at, key.len), key.len},
            .words = words.at == NULL ? words : str_copy(&written->arena, words),
        };
    }
}

void live_commit(struct live *live, const struct write_set *writes)
{
    for (size_t i = 0; i < writes->count; i++)
        watch_find(live->watches, &writes->keys[i], hit, live);
    if (live->job != NULL)
        keep_written(&live->written, writes);
}

bool live_is_due(const struct live *live, instant now)
{
    bool has_job = live->large.first != NULL && live->job == NULL;
    return live->dirty.first != NULL || has_job || (live->next.us != 0 && live->next.us <= now.us);
}

instant live_next(const struct live *live)
{
    return live->next;
}

struct live_counts live_counts(const struct live *live)
{
    struct live_counts counts = live->counts;
    counts.watches = watch_count(live->watches);
    return counts;
}
