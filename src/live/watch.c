/* SPDX-License-Identifier: Apache-2.0 */
#include "live/watch.h"

#include "base/hash.h"
#include "base/planted.h"

#include <endian.h>
#include <string.h>

#define PREFIX 8
#define BUCKETS_MIN 1024

struct watch {
    struct watch *next, **link; /* in its list */
    uint16_t space;
    bool is_wide;
    uint64_t prefix;
    bytes from, to;
    void *query;
};

struct watch_table {
    struct watch **buckets;  /* of the narrow ones */
    size_t bucket_count;     /* a power of two */
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

/* The first bytes as a number, short keys filled with zeros: order is kept. */
static uint64_t prefix_of(bytes key)
{
    uint64_t big = 0;
    memcpy(&big, key.at, MIN_OF(key.len, (size_t)PREFIX));
    return be64toh(big);
}

/* Everything in [from, to) starts with the first eight bytes of from. */
static bool is_narrow(bytes from, bytes to)
{
    if (from.len < PREFIX)
        return false;
    uint64_t start = prefix_of(from);
    uint64_t next = htobe64(start + 1);
    return start != UINT64_MAX && bytes_compare(to, (bytes){(uint8_t *)&next, PREFIX}) <= 0;
}

static struct watch **bucket_of(struct watch_table *table, uint16_t space, uint64_t prefix)
{
    struct {
        uint64_t prefix, space;
    } key = {prefix, space};
    return &table->buckets[hash_bytes(&key, sizeof(key)) & (table->bucket_count - 1)];
}

static struct watch **list_of(struct watch_table *table, const struct watch *watch)
{
    return watch->is_wide ? &table->wide[watch->space % ARRAY_LEN(table->wide)]
                          : bucket_of(table, watch->space, watch->prefix);
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
    for (size_t i = 0; i < watches->count; i++)
        unlink_from(&watches->items[i]);
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

void watch_set(struct watch_table *table, struct watches *watches, struct read_set reads,
               void *query)
{
    watch_clear(table, watches);
    if (reads.count == 0)
        return;

    size_t size = 0;
    for (size_t i = 0; i < reads.count; i++)
        size += reads.ranges[i].from.len + reads.ranges[i].to.len;
    watches->items = memory_new(reads.count * sizeof(struct watch));
    watches->keys = memory_new(size);
    watches->size = size + reads.count * sizeof(struct watch);
    watches->count = reads.count;
    table->count += reads.count;
    if (table->count > table->bucket_count * 2)
        grow(table);

    char *at = watches->keys;
    for (size_t i = 0; i < reads.count; i++) {
        struct watch *watch = &watches->items[i];
        *watch = (struct watch){.space = reads.ranges[i].space, .query = query};
        watch->from = put(&at, reads.ranges[i].from);
        watch->to = put(&at, reads.ranges[i].to);
        watch->is_wide = !is_narrow(watch->from, watch->to);
        watch->prefix = prefix_of(watch->from);
        link_in(list_of(table, watch), watch);
    }
}

static void find_in(struct watch *list, const struct write_key *key,
                    void (*hit)(void *context, void *query), void *context)
{
    for (struct watch *watch = list; watch != NULL; watch = watch->next)
        if (watch->space == key->space &&
            bytes_compare(watch->from, key->key) < (PLANTED(range_start) ? 0 : 1) &&
            bytes_compare(key->key, watch->to) < 0)
            hit(context, watch->query);
}

void watch_find(struct watch_table *table, const struct write_key *key,
                void (*hit)(void *context, void *query), void *context)
{
    find_in(table->wide[key->space % ARRAY_LEN(table->wide)], key, hit, context);
    if (key->key.len >= PREFIX)
        find_in(*bucket_of(table, key->space, prefix_of(key->key)), key, hit, context);
}

size_t watch_count(const struct watch_table *table)
{
    return table->count;
}
