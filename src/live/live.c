/* SPDX-License-Identifier: Apache-2.0 */
#include "live/live.h"

#include "base/hash.h"
#include "live/watch.h"

#include <string.h>

#define BUCKETS_MIN 256
#define RETRY_AFTER MILLISECONDS(100)

struct live_query {
    struct live_query *next; /* in its bucket */
    uint64_t hash;
    str key;
    str path, args, asked_journal; /* parts of the key */
    char *journal;                 /* where its page ended the first time; NULL: none */
    const struct identity *identity;
    struct subscription *subscriptions;
    struct live_result result;
    struct watches watches;
    instant valid_until;
    bool is_dirty;
    struct live_query *next_dirty, **dirty_link;
    char text[]; /* the key's */
};

struct live {
    struct live_options options;
    struct live_query **buckets;
    size_t bucket_count;
    struct live_query *dirty, **dirty_end;
    struct watch_table *watches;
    struct arena arena; /* of one evaluation */
    instant next;       /* soonest valid_until, or earlier */
    struct live_counts counts;
};

struct live *live_new(const struct live_options *options)
{
    struct live *live = memory_zeroed(sizeof(*live));
    live->options = *options;
    live->bucket_count = BUCKETS_MIN;
    live->buckets = memory_zeroed(BUCKETS_MIN * sizeof(struct live_query *));
    live->watches = watch_table_new();
    live->dirty_end = &live->dirty;
    return live;
}

static void query_free(struct live *live, struct live_query *query)
{
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
    free(live->buckets);
    free(live);
}

static void mark(struct live *live, struct live_query *query)
{
    if (query->is_dirty)
        return;
    query->is_dirty = true;
    query->next_dirty = NULL;
    query->dirty_link = live->dirty_end;
    *live->dirty_end = query;
    live->dirty_end = &query->next_dirty;
}

static void unmark(struct live *live, struct live_query *query)
{
    if (!query->is_dirty)
        return;
    *query->dirty_link = query->next_dirty;
    if (query->next_dirty != NULL)
        query->next_dirty->dirty_link = query->dirty_link;
    else
        live->dirty_end = query->dirty_link;
    query->is_dirty = false;
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

/* What makes two queries the same one. */
static str key_of(struct arena *arena, const struct function *function, str path, str args,
                  const struct identity *identity, str journal)
{
    bool is_for_all = function != NULL && function->ignores_caller;
    struct hash128 who = identity == NULL || is_for_all ? (struct hash128){0} : identity->hash;
    return str_format(arena, "%.*s%c%.*s%c%016llx%016llx%.*s", STR_ARG(path), 0, STR_ARG(args), 0,
                      (unsigned long long)who.a, (unsigned long long)who.b, STR_ARG(journal));
}

static struct live_query *query_find(struct live *live, uint64_t hash, str key)
{
    struct live_query *query = live->buckets[hash & (live->bucket_count - 1)];
    while (query != NULL && (query->hash != hash || !str_equal(query->key, key)))
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
    if (query == NULL) {
        query = query_new(live, hash, key);
        size_t args_at = canonical.len + 1;
        query->path = str_slice(query->key, 0, canonical.len);
        query->args = str_slice(query->key, args_at, args_at + args.len);
        query->asked_journal = str_slice(query->key, query->key.len - journal.len, query->key.len);
        query->identity = identity_keep(identity);
        mark(live, query);
    }
    subscription->query = query;
    subscription->seen = 0;
    subscription->prev = NULL;
    subscription->next = query->subscriptions;
    if (subscription->next != NULL)
        subscription->next->prev = subscription;
    query->subscriptions = subscription;
    live->counts.subscriptions++;
}

void live_unsubscribe(struct live *live, struct subscription *subscription)
{
    struct live_query *query = subscription->query;
    if (query == NULL)
        return;

    if (subscription->prev != NULL)
        subscription->prev->next = subscription->next;
    else
        query->subscriptions = subscription->next;
    if (subscription->next != NULL)
        subscription->next->prev = subscription->prev;
    subscription->query = NULL;
    live->counts.subscriptions--;
    if (query->subscriptions != NULL)
        return;

    struct live_query **at = &live->buckets[query->hash & (live->bucket_count - 1)];
    while (*at != query)
        at = &(*at)->next;
    *at = query->next;
    unmark(live, query);
    query_free(live, query);
    live->counts.queries--;
}

struct live_result live_result(const struct subscription *subscription)
{
    return subscription->query->result;
}

static void hit(void *context, void *query)
{
    struct live *live = context;
    live->counts.invalidations += !((struct live_query *)query)->is_dirty;
    mark(live, query);
}

void live_commit(struct live *live, const struct write_set *writes)
{
    for (size_t i = 0; i < writes->count; i++)
        watch_find(live->watches, &writes->keys[i], hit, live);
}

bool live_is_due(const struct live *live, instant now)
{
    return live->dirty != NULL || (live->next.us != 0 && live->next.us <= now.us);
}

instant live_next(const struct live *live)
{
    return live->next;
}

/* ---- evaluating ---- */

static void add_journal(struct buffer *to, str journal)
{
    buffer_str(to, STR(",\"logLines\":[],\"journal\":"));
    if (journal.at == NULL)
        buffer_str(to, STR("null"));
    else
        json_write_text(to, journal);
}

static struct shared *tail_of(const struct call_reply *reply)
{
    AUTO(buffer_done) struct buffer text = buffer_with_max(CALL_RESULT_MAX * 2);
    if (reply->error == ERROR_NONE) {
        buffer_str(&text, STR("\"value\":"));
        buffer_str(&text, reply->value);
        add_journal(&text, reply->journal);
    } else {
        buffer_str(&text, STR("\"errorMessage\":"));
        json_write_text(&text, reply->error_text);
        add_journal(&text, (str){0});
        if (reply->error_data.at != NULL) {
            buffer_str(&text, STR(",\"errorData\":"));
            buffer_str(&text, reply->error_data);
        }
    }
    buffer_char(&text, '}');
    return shared_copy(buffer_text(&text));
}

static void keep_journal(struct live_query *query, str journal)
{
    if (journal.at == NULL || query->journal != NULL)
        return;
    query->journal = memory_new(journal.len + 1);
    memcpy(query->journal, journal.at, journal.len);
    query->journal[journal.len] = 0;
}

static void store_result(struct live *live, struct live_query *query,
                         const struct call_reply *reply)
{
    struct shared *tail = tail_of(reply);
    struct hash128 hash = hash128_bytes(tail->at, tail->len);
    bool is_same = query->result.tail != NULL && hash.a == query->result.hash.a &&
                   hash.b == query->result.hash.b;
    if (is_same) {
        shared_drop(tail);
        return;
    }
    shared_drop(query->result.tail);
    query->result.tail = tail;
    query->result.is_failure = reply->error != ERROR_NONE;
    query->result.version++;
    query->result.hash = hash;
    for (struct subscription *each = query->subscriptions; each != NULL; each = each->next)
        live->options.on_news(live->options.context, each);
}

static void wake_at(struct live *live, instant at)
{
    if (live->next.us == 0 || at.us < live->next.us)
        live->next = at;
}

static void evaluate(struct live *live, struct live_query *query, struct view *view, instant now)
{
    struct call_request request = {
        .path = query->path,
        .args = query->args,
        .identity = query->identity,
        .journal = query->journal != NULL ? str_of(query->journal) : query->asked_journal,
    };
    struct call_reply reply;

    arena_reset(&live->arena);
    view_renew(view, &live->arena);
    execute_query(live->options.program, &request, FUNCTION_QUERY, view, &live->arena, now, &reply);
    live->counts.evaluations++;
    watch_set(live->watches, &query->watches, view_read_set(view), query);

    if (reply.error == TRANSIENT || reply.error == OVERLOAD) {
        reply.valid_until = instant_add(now, RETRY_AFTER);
        if (query->result.tail == NULL)
            store_result(live, query, &reply);
    } else {
        keep_journal(query, reply.journal);
        store_result(live, query, &reply);
    }
    query->valid_until = reply.valid_until;
    if (query->valid_until.us != 0)
        wake_at(live, query->valid_until);
}

static void mark_expired(struct live *live, instant now)
{
    if (live->next.us == 0 || live->next.us > now.us)
        return;
    live->next = (instant){0};
    for (size_t i = 0; i < live->bucket_count; i++) {
        for (struct live_query *query = live->buckets[i]; query != NULL; query = query->next) {
            if (query->valid_until.us == 0)
                continue;
            if (query->valid_until.us <= now.us)
                mark(live, query);
            else
                wake_at(live, query->valid_until);
        }
    }
}

void live_round(struct live *live, struct view *view, instant now)
{
    mark_expired(live, now);
    while (live->dirty != NULL) {
        struct live_query *query = live->dirty;
        unmark(live, query);
        query->valid_until = (instant){0};
        evaluate(live, query, view, now);
    }
    arena_reset(&live->arena);
}

struct live_counts live_counts(const struct live *live)
{
    struct live_counts counts = live->counts;
    counts.watches = watch_count(live->watches);
    return counts;
}
