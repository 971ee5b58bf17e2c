/* SPDX-License-Identifier: Apache-2.0 */
#include "live/watch.h"

#include "base/hash.h"
#include "base/planted.h"
#include "store/words.h"

#include <string.h>

#define BUCKETS_MIN 1024
#define WIDE CLASSES /* the class of what has no prefix long enough */

/* A narrow range is found by the longest of these prefixes that all of it has. The first is a row's
 * id; the longer ones tell apart keys that all begin alike, as addresses and e-mails do. */
static const uint8_t class_lengths[] = {8, 16, 32, 64, 128};
#define CLASSES ARRAY_LEN(class_lengths)

struct watch {
    struct watch *next, **link; /* in its list */
    uint16_t space;
    uint8_t class;
    bytes from, to;
    str terms; /* of a search, which only documents that have them hit; .at NULL: of none */
    void *query;
};

struct watch_table {
    struct watch **buckets; /* of the narrow ones */
    size_t bucket_count;    /* a power of two */
    size_t in_class[CLASSES + 1];
    struct watch *wide[256]; /* by the space's low bits; space is compared */
    size_t count;
};

struct watch_table *watch_table_new(void)
{
    struct watch_table *table = memory_zeroed(sizeof(*table));
    table->bucket_count = BUCKETS_MIN;
    table->buckets = memory_zeroed(BUCKETS_MIN * sizeof(struct watch *));
    return table;
}

void watch_table_free(struct watch_table *table)
{
    if (table == NULL)
        return;
    free(table->buckets);
    free(table);
}

/* The least key behind all that start with these bytes; false: there is none. */
static bool behind(bytes prefix, uint8_t out[128], size_t *len)
{
    *len = prefix.len;
    memcpy(out, prefix.at, prefix.len);
    while (*len > 0 && out[*len - 1] == 0xff)
        --*len;
    if (*len == 0)
        return false;
    out[*len - 1]++;
    return true;
}

/* Everything in [from, to) starts with the first length bytes of from. */
static bool has_prefix(bytes from, bytes to, size_t length)
{
    uint8_t next[128];
    size_t next_len;
    return from.len >= length && behind((bytes){from.at, length}, next, &next_len) &&
           bytes_compare(to, (bytes){next, next_len}) <= 0;
}

static uint8_t class_of(bytes from, bytes to)
{
    for (size_t class = CLASSES; class > 0; class --)
        if (has_prefix(from, to, class_lengths[class - 1]))
            return (uint8_t)(class - 1);
    return WIDE;
}

static struct watch **bucket_of(struct watch_table *table, uint16_t space, size_t class,
                                const uint8_t *key)
{
    uint8_t text[128 + 3];
    size_t length = class_lengths[class];
    memcpy(text, key, length);
    memcpy(text + length, &space, sizeof(space));
    text[length + sizeof(space)] = (uint8_t) class;
    return &table
                ->buckets[hash_bytes(text, length + sizeof(space) + 1) & (table->bucket_count - 1)];
}

static struct watch **list_of(struct watch_table *table, const struct watch *watch)
{
    return watch->class == WIDE ? &table->wide[watch->space % ARRAY_LEN(table->wide)]
                                : bucket_of(table, watch->space, watch->class, watch->from.at);
}

static void link_in(struct watch **list, struct watch *watch)
{
    watch->next = *list;
    watch->link = list;
    if (watch->next != NULL)
        watch->next->link = &watch->next;
    *list = watch;
}

static void unlink_from(struct watch *watch)
{
    *watch->link = watch->next;
    if (watch->next != NULL)
        watch->next->link = watch->link;
}

static void grow(struct watch_table *table)
{
    struct watch **old = table->buckets;
    size_t old_count = table->bucket_count;

    table->bucket_count *= 4;
    table->buckets = memory_zeroed(table->bucket_count * sizeof(struct watch *));
    for (size_t i = 0; i < old_count; i++) {
        for (struct watch *watch = old[i]; watch != NULL;) {
            struct watch *next = watch->next;
            link_in(list_of(table, watch), watch);
            watch = next;
        }
    }
    free(old);
}

void watch_clear(struct watch_table *table, struct watches *watches)
{
    for (size_t i = 0; i < watches->count; i++) {
        table->in_class[watches->items[i].class]--;
        unlink_from(&watches->items[i]);
    }
    table->count -= watches->count;
    free(watches->items);
    free(watches->keys);
    *watches = (struct watches){0};
}

static bytes put(char **to, bytes from)
{
    bytes copy = {(uint8_t *)*to, from.len};
    if (from.len != 0)
        memcpy(*to, from.at, from.len);
    *to += from.len;
    return copy;
}

static struct watch watch_of_range(const struct read_range *range, char **at)
{
    struct watch watch = {.space = range->space};
    watch.from = put(at, range->from);
    watch.to = put(at, range->to);
    return watch;
}

static struct watch watch_of_search(const struct read_search *search, char **at)
{
    struct watch watch = {.space = search->space};
    watch.from = put(at, search->from);
    watch.to = put(at, search->to);
    watch.terms = str_from(put(at, bytes_of(search->terms)));
    return watch;
}

void watch_set(struct watch_table *table, struct watches *watches, struct read_set reads,
               void *query)
{
    watch_clear(table, watches);
    if (reads.count + reads.search_count == 0)
        return;

    size_t size = 0, count = reads.count + reads.search_count;
    for (size_t i = 0; i < reads.count; i++)
        size += reads.ranges[i].from.len + reads.ranges[i].to.len;
    for (size_t i = 0; i < reads.search_count; i++)
        size += reads.searches[i].from.len + reads.searches[i].to.len + reads.searches[i].terms.len;
    watches->items = memory_new(count * sizeof(struct watch));
    watches->keys = memory_new(size);
    watches->size = size + count * sizeof(struct watch);
    watches->count = count;
    table->count += count;
    if (table->count > table->bucket_count * 2)
        grow(table);

    char *at = watches->keys;
    for (size_t i = 0; i < count; i++) {
        struct watch *watch = &watches->items[i];
        *watch = i < reads.count ? watch_of_range(&reads.ranges[i], &at)
                                 : watch_of_search(&reads.searches[i - reads.count], &at);
        watch->query = query;
        watch->class = class_of(watch->from, watch->to);
        table->in_class[watch->class]++;
        link_in(list_of(table, watch), watch);
    }
}

static void find_in(struct watch *list, const struct write_key *key,
                    void (*hit)(void *context, void *query), void *context)
{
    for (struct watch *watch = list; watch != NULL; watch = watch->next)
        if (watch->space == key->space &&
            bytes_compare(watch->from, key->key) < (PLANTED(range_start) ? 0 : 1) &&
            bytes_compare(key->key, watch->to) < 0 &&
            (watch->terms.at == NULL || words_match(key->words, watch->terms)))
            hit(context, watch->query);
}

void watch_find(struct watch_table *table, const struct write_key *key,
                void (*hit)(void *context, void *query), void *context)
{
    find_in(table->wide[key->space % ARRAY_LEN(table->wide)], key, hit, context);
    for (size_t class = 0; class < CLASSES && key->key.len >= class_lengths[class]; class ++)
        if (table->in_class[class] != 0)
            find_in(*bucket_of(table, key->space, class, key->key.at), key, hit, context);
}

size_t watch_count(const struct watch_table *table)
{
    return table->count;
}
