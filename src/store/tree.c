/* SPDX-License-Identifier: Apache-2.0 */
#include "store/tree.h"

#include <string.h>

/*
 * A treap: sorted by (space, key), and a heap by priority. Functions that change it consume one
 * reference to the node they are given and answer one. A node whose only reference we hold is
 * changed in place; any other is copied first.
 */
struct tree_node {
    atomic_uint count;
    uint32_t priority;
    struct tree_item *item;
    struct tree_node *left, *right;
};

/* One write: what came, and what was there; NULL: nothing was. */
struct tree_note {
    struct tree_note *next; /* the one before it, in time */
    struct tree_item *came, *was;
};

struct place {
    uint16_t space;
    bytes key;
};

static int compare(struct place a, const struct tree_item *b)
{
    if (a.space != b->space)
        return a.space < b->space ? -1 : 1;
    return bytes_compare(a.key, (bytes){b->data, b->key_len});
}

static struct tree_item *item_new(struct place place, str body, bool is_removed)
{
    struct tree_item *item = memory_new(sizeof(*item) + place.key.len + body.len);
    atomic_init(&item->count, 1);
    item->space = place.space;
    item->is_removed = is_removed;
    item->has_body = body.at != NULL;
    item->is_likely_below = false;
    item->key_len = (uint32_t)place.key.len;
    item->body_len = (uint32_t)body.len;
    if (place.key.len != 0 && place.key.at != NULL)
        memcpy(item->data, place.key.at, place.key.len);
    if (body.at != NULL && body.len != 0)
        memcpy(item->data + place.key.len, body.at, body.len);
    return item;
}

static struct tree_item *item_keep(struct tree_item *item)
{
    atomic_fetch_add_explicit(&item->count, 1, memory_order_relaxed);
    return item;
}

static void item_drop(struct tree_item *item)
{
    if (item != NULL && atomic_fetch_sub_explicit(&item->count, 1, memory_order_acq_rel) == 1)
        free(item);
}

static struct tree_node *node_keep(struct tree_node *node)
{
    if (node != NULL)
        atomic_fetch_add_explicit(&node->count, 1, memory_order_relaxed);
    return node;
}

static void node_drop(struct tree_node *node)
{
    while (node != NULL && atomic_fetch_sub_explicit(&node->count, 1, memory_order_acq_rel) == 1) {
        struct tree_node *right = node->right;
        node_drop(node->left);
        item_drop(node->item);
        free(node);
        node = right;
    }
}

static struct tree_node *node_new(struct tree_item *item, uint32_t priority)
{
    struct tree_node *node = memory_zeroed(sizeof(*node));
    atomic_init(&node->count, 1);
    node->priority = priority;
    node->item = item;
    return node;
}

/* The node itself when nobody else holds it, or else a copy of it. */
static struct tree_node *node_own(struct tree_node *node)
{
    if (atomic_load_explicit(&node->count, memory_order_acquire) == 1)
        return node;
    struct tree_node *copy = node_new(item_keep(node->item), node->priority);
    copy->left = node_keep(node->left);
    copy->right = node_keep(node->right);
    node_drop(node);
    return copy;
}

static uint32_t next_priority(struct tree *tree)
{
    uint64_t z = tree->seed += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)(z >> 32);
}

/* What lies before and behind the place; an entry at the place itself goes to *was. */
static void split(struct tree_node *node, struct place place, struct tree_node **before,
                  struct tree_node **behind, struct tree_item **was)
{
    if (node == NULL) {
        *before = *behind = NULL;
        return;
    }
    node = node_own(node);
    int side = compare(place, node->item);
    if (side == 0) {
        *before = take_pointer(&node->left);
        *behind = take_pointer(&node->right);
        *was = item_keep(node->item);
        node_drop(node);
    } else if (side < 0) {
        split(take_pointer(&node->left), place, before, &node->left, was);
        *behind = node;
    } else {
        split(take_pointer(&node->right), place, &node->right, behind, was);
        *before = node;
    }
}

static struct tree_node *join(struct tree_node *before, struct tree_node *behind)
{
    if (before == NULL || behind == NULL)
        return before == NULL ? behind : before;
    if (before->priority > behind->priority) {
        before = node_own(before);
        before->right = join(take_pointer(&before->right), behind);
        return before;
    }
    behind = node_own(behind);
    behind->left = join(before, take_pointer(&behind->left));
    return behind;
}

/* What was at its place goes to *was. */
static struct tree_node *insert(struct tree_node *node, struct tree_node *added,
                                struct tree_item **was)
{
    if (node == NULL)
        return added;
    struct place place = {added->item->space, tree_item_key(added->item)};
    int side = compare(place, node->item);
    if (side == 0) {
        node = node_own(node);
        *was = node->item;
        node->item = item_keep(added->item);
        node_drop(added);
        return node;
    }
    if (added->priority > node->priority) {
        split(node, place, &added->left, &added->right, was);
        return added;
    }
    node = node_own(node);
    if (side < 0)
        node->left = insert(take_pointer(&node->left), added, was);
    else
        node->right = insert(take_pointer(&node->right), added, was);
    return node;
}

static struct tree_node *cut(struct tree_node *node, struct place place)
{
    if (node == NULL)
        return NULL;
    node = node_own(node);
    int side = compare(place, node->item);
    if (side == 0) {
        struct tree_node *rest = join(take_pointer(&node->left), take_pointer(&node->right));
        node_drop(node);
        return rest;
    }
    if (side < 0)
        node->left = cut(take_pointer(&node->left), place);
    else
        node->right = cut(take_pointer(&node->right), place);
    return node;
}

struct tree tree_copy(const struct tree *tree)
{
    return (struct tree){.root = node_keep(tree->root), .seed = tree->seed};
}

void tree_done(struct tree *tree)
{
    node_drop(tree->root);
    tree->root = NULL;
}

/* Answers what was there. */
static struct tree_item *exchange(struct tree *tree, struct tree_item *item)
{
    struct tree_item *was = NULL;
    tree->root = insert(tree->root, node_new(item, next_priority(tree)), &was);
    return was;
}

static void add(struct tree *tree, struct tree_item *item)
{
    struct tree_item *was = exchange(tree, item);
    if (tree->note_arena != NULL) {
        struct tree_note *note = arena_new(tree->note_arena, struct tree_note);
        *note = (struct tree_note){tree->notes, item_keep(item), was};
        tree->notes = note;
    } else {
        item_drop(was);
    }
}

void tree_take_notes(struct tree *tree, struct arena *arena)
{
    assert(tree->notes == NULL && tree->note_arena == NULL);
    tree->note_arena = arena;
}

static void note_done(struct tree *tree)
{
    struct tree_note *note = tree->notes;
    tree->notes = note->next;
    item_drop(note->came);
    item_drop(note->was);
}

void tree_take_back(struct tree *tree, struct tree_note *notes)
{
    while (tree->notes != notes) {
        const struct tree_note *note = tree->notes;
        struct place place = {note->came->space, tree_item_key(note->came)};
        if (note->was != NULL)
            item_drop(exchange(tree, item_keep(note->was)));
        else
            tree->root = cut(tree->root, place);
        note_done(tree);
    }
}

void tree_settle(struct tree *tree)
{
    while (tree->notes != NULL)
        note_done(tree);
    tree->note_arena = NULL;
}

void tree_put(struct tree *tree, uint16_t space, bytes key, str body)
{
    add(tree, item_new((struct place){space, key}, body, false));
}

void tree_replace(struct tree *tree, uint16_t space, bytes key, str body)
{
    struct tree_item *item = item_new((struct place){space, key}, body, false);
    item->is_likely_below = true;
    add(tree, item);
}

void tree_hide(struct tree *tree, uint16_t space, bytes key)
{
    add(tree, item_new((struct place){space, key}, (str){0}, true));
}

void tree_add(struct tree *tree, const struct tree_item *item)
{
    add(tree, item_keep((struct tree_item *)item));
}

void tree_remove(struct tree *tree, uint16_t space, bytes key)
{
    if (tree_get(tree, space, key) != NULL)
        tree->root = cut(tree->root, (struct place){space, key});
}

const struct tree_item *tree_get(const struct tree *tree, uint16_t space, bytes key)
{
    const struct tree_node *node = tree->root;
    while (node != NULL) {
        int side = compare((struct place){space, key}, node->item);
        if (side == 0)
            return node->item;
        node = side < 0 ? node->left : node->right;
    }
    return NULL;
}

const struct tree_item *tree_seek(const struct tree *tree, uint16_t space, bytes key,
                                  enum order order)
{
    const struct tree_node *node = tree->root;
    const struct tree_item *best = NULL;
    while (node != NULL) {
        bool is_before = compare((struct place){space, key}, node->item) > 0;
        if (is_before == (order == ORDER_DOWN))
            best = node->item;
        node = is_before ? node->right : node->left;
    }
    return best != NULL && best->space == space ? best : NULL;
}

static size_t count_of(const struct tree_node *node)
{
    return node == NULL ? 0 : count_of(node->left) + 1 + count_of(node->right);
}

static const struct tree_item **list_into(const struct tree_node *node, const struct tree_item **to)
{
    if (node == NULL)
        return to;
    to = list_into(node->left, to);
    *to++ = node->item;
    return list_into(node->right, to);
}

const struct tree_item **tree_list(const struct tree *tree, size_t *count)
{
    *count = count_of(tree->root);
    const struct tree_item **list = memory_new(*count * sizeof(*list));
    list_into(tree->root, list);
    return list;
}
