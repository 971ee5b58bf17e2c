/* SPDX-License-Identifier: Apache-2.0 */
#include "base/kept.h"

#include <pthread.h>

struct entry {
    struct entry *next;
    int64_t first, second;
    void *value;
    instant used_at;
};

struct kept {
    pthread_mutex_t lock;
    span age;
    instant (*clock)(void);
    void (*drop)(void *value);
    struct entry *entries; /* the newest first */
};

struct kept *kept_new(span age, instant (*clock)(void), void (*drop)(void *value))
{
    struct kept *kept = memory_zeroed(sizeof(*kept));
    pthread_mutex_init(&kept->lock, NULL);
    kept->age = age;
    kept->clock = clock;
    kept->drop = drop;
    return kept;
}

static void entry_free(struct kept *kept, struct entry *entry)
{
    kept->drop(entry->value);
    free(entry);
}

void kept_free(struct kept *kept)
{
    if (kept == NULL)
        return;
    while (kept->entries != NULL) {
        struct entry *entry = kept->entries;
        kept->entries = entry->next;
        entry_free(kept, entry);
    }
    pthread_mutex_destroy(&kept->lock);
    free(kept);
}

static void drop_old(struct kept *kept, instant now)
{
    for (struct entry **at = &kept->entries; *at != NULL;) {
        struct entry *entry = *at;
        if (!instant_is_before(instant_add(entry->used_at, kept->age), now)) {
            at = &entry->next;
            continue;
        }
        *at = entry->next;
        entry_free(kept, entry);
    }
}

void kept_put(struct kept *kept, int64_t first, int64_t second, void *value)
{
    struct entry *entry = memory_new(sizeof(*entry));
    instant now = kept->clock();
    pthread_mutex_lock(&kept->lock);
    drop_old(kept, now);
    *entry = (struct entry){kept->entries, first, second, value, now};
    kept->entries = entry;
    pthread_mutex_unlock(&kept->lock);
}

static void *used(struct kept *kept, struct entry *entry)
{
    if (entry == NULL)
        return NULL;
    entry->used_at = kept->clock();
    return entry->value;
}

void *kept_find(struct kept *kept, int64_t first, int64_t second)
{
    pthread_mutex_lock(&kept->lock);
    struct entry *entry = kept->entries;
    while (entry != NULL && (entry->first != first || entry->second != second))
        entry = entry->next;
    void *value = used(kept, entry);
    pthread_mutex_unlock(&kept->lock);
    return value;
}

void *kept_newest(struct kept *kept)
{
    pthread_mutex_lock(&kept->lock);
    void *value = used(kept, kept->entries);
    pthread_mutex_unlock(&kept->lock);
    return value;
}
