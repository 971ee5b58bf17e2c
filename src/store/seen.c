/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows that a change has read or written, so that each is fetched and parsed once: a put finds
 * the old index entries here. A nested change looks into its outer ones and writes to its own.
 */
#include "store/state.h"

#include <string.h>

struct rows_seen {
    size_t count, room; /* a power of two */
    struct row_seen *slots;
};

static struct row_seen *slot_of(const struct rows_seen *seen, const struct doc_type *type,
                                doc_id id)
{
    uint64_t mixed = ((uint64_t)id.n << 8 | type->number) * 0x9e3779b97f4a7c15u;
    size_t at = (size_t)(mixed >> 32) & (seen->room - 1);
    while (seen->slots[at].type != NULL &&
           (seen->slots[at].type != type || seen->slots[at].id.n != id.n))
        at = (at + 1) & (seen->room - 1);
    return &seen->slots[at];
}

static void grow(struct rows_seen *seen, struct arena *arena)
{
    struct rows_seen old = *seen;
    seen->room = old.room == 0 ? 16 : old.room * 2;
    seen->slots = arena_array(arena, struct row_seen, seen->room);
    for (size_t i = 0; i < old.room; i++)
        if (old.slots[i].type != NULL)
            *slot_of(seen, old.slots[i].type, old.slots[i].id) = old.slots[i];
}

struct row_seen *rows_seen_find(struct change *change, const struct doc_type *type, doc_id id)
{
    for (; change != NULL; change = change->outer) {
        if (change->seen == NULL)
            continue;
        struct row_seen *slot = slot_of(change->seen, type, id);
        if (slot->type != NULL)
            return slot;
    }
    return NULL;
}

struct row_seen *rows_seen_put(struct change *change, const struct doc_type *type, doc_id id)
{
    struct arena *arena = change->view.arena;
    if (change->seen == NULL)
        change->seen = arena_new(arena, struct rows_seen);
    if (change->seen->count * 2 >= change->seen->room)
        grow(change->seen, arena);
    struct row_seen *slot = slot_of(change->seen, type, id);
    if (slot->type == NULL)
        change->seen->count++;
    *slot = (struct row_seen){.type = type, .id = id};
    return slot;
}

void rows_seen_merge(struct change *from, struct change *to)
{
    if (from->seen == NULL)
        return;
    for (size_t i = 0; i < from->seen->room; i++) {
        const struct row_seen *slot = &from->seen->slots[i];
        if (slot->type != NULL)
            *rows_seen_put(to, slot->type, slot->id) = *slot;
    }
}
