/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sorted map whose copies cost nothing: a copy shares all nodes, and a write copies only the path
 * to what it changes. It holds the writes of a batch, which a scan copies, and all of the in-memory
 * engine, of which a snapshot is a copy. What a change wrote can be taken back: no copy is made for
 * that, since nearly all changes stay.
 *
 * Owns:     nodes and items, counted; tree_done gives up one copy.
 * Threads:  one tree one at a time; copies may live in different threads.
 * Time:     none.
 * Fails:    never.
 */
#pragma once

#include "store/store.h"

#include <stdatomic.h>

/* One entry of one space: never changed once it is made. */
struct tree_item {
    atomic_uint count;
    uint16_t space;
    bool is_removed; /* it hides what lies below, in an overlay */
    bool has_body;
    bool is_likely_below; /* a hint to engines for which replacing is another thing than adding */
    uint32_t key_len, body_len;
    uint8_t data[]; /* key, then body */
};

struct tree_node;
struct tree_note;

/* A zeroed tree is empty. */
struct tree {
    struct tree_node *root;
    uint64_t seed;            /* of the nodes' priorities */
    struct tree_note *notes;  /* newest first */
    struct arena *note_arena; /* NULL: nothing is noted */
};

/* Without its notes. */
struct tree tree_copy(const struct tree *tree);
void tree_done(struct tree *tree);

void tree_put(struct tree *tree, uint16_t space, bytes key, str body);     /* body.at NULL: none */
void tree_replace(struct tree *tree, uint16_t space, bytes key, str body); /* sets the hint */
void tree_hide(struct tree *tree, uint16_t space, bytes key);              /* puts a removed item */
void tree_remove(struct tree *tree, uint16_t space, bytes key);
void tree_add(struct tree *tree, const struct tree_item *item); /* shares the item */

/* Notes in the arena what is put from now on, until it is settled. */
void tree_take_notes(struct tree *tree, struct arena *arena);
/* What was put behind these notes; they may be those of an earlier moment, NULL of the first. */
void tree_take_back(struct tree *tree, struct tree_note *notes);
void tree_settle(struct tree *tree); /* all of it stays */

/* NULL when it is not there. Items live as long as a tree that holds them is not changed. */
const struct tree_item *tree_get(const struct tree *tree, uint16_t space, bytes key);

/* Up: the first entry of the space at or behind the key. Down: the last one before it. */
const struct tree_item *tree_seek(const struct tree *tree, uint16_t space, bytes key,
                                  enum order order);

/* All items in order of space and key; the array is the caller's to free. */
const struct tree_item **tree_list(const struct tree *tree, size_t *count);

static inline bytes tree_item_key(const struct tree_item *item)
{
    return (bytes){item->data, item->key_len};
}

static inline str tree_item_body(const struct tree_item *item)
{
    if (!item->has_body)
        return (str){0};
    return (str){(const char *)item->data + item->key_len, item->body_len};
}
