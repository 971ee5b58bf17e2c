/* SPDX-License-Identifier: Apache-2.0 */
#include "studio_keep.h"

#include <stdlib.h>
#include <string.h>

void keep_init(struct keep *keep, size_t size)
{
    *keep = (struct keep){.size = size};
}

void keep_done(struct keep *keep)
{
    free(keep->items);
    free(keep->slots);
    *keep = (struct keep){0};
}

void *keep_at(const struct keep *keep, size_t place)
{
    return keep->items + place * keep->size;
}

static uint64_t key_at(const struct keep *keep, size_t place)
{
    uint64_t key;
    memcpy(&key, keep_at(keep, place), sizeof(key));
    return key;
}

/* The slot of the key, or the free one where it would be. */
static size_t slot_of(const struct keep *keep, uint64_t key)
{
    size_t at = (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) % keep->slot_count;
    while (keep->slots[at] != 0 && key_at(keep, keep->slots[at] - 1) != key)
        at = (at + 1) % keep->slot_count;
    return at;
}

static void widen(struct keep *keep)
{
    keep->room = keep->room == 0 ? 64 : keep->room * 2;
    keep->items = memory_resize(keep->items, keep->room * keep->size);
    free(keep->slots);
    keep->slot_count = keep->room * 2;
    keep->slots = memory_zeroed(keep->slot_count * sizeof(*keep->slots));
    for (size_t i = 0; i < keep->count; i++)
        keep->slots[slot_of(keep, key_at(keep, i))] = (uint32_t)i + 1;
}

void *keep_find(const struct keep *keep, uint64_t key)
{
    if (keep->count == 0)
        return NULL;
    uint32_t place = keep->slots[slot_of(keep, key)];
    return place == 0 ? NULL : keep_at(keep, place - 1);
}

void *keep_get(struct keep *keep, uint64_t key)
{
    void *item = keep_find(keep, key);
    if (item != NULL)
        return item;
    if (keep->count == keep->room)
        widen(keep);
    keep->slots[slot_of(keep, key)] = (uint32_t)keep->count + 1;
    item = keep_at(keep, keep->count++);
    memset(item, 0, keep->size);
    memcpy(item, &key, sizeof(key));
    return item;
}
