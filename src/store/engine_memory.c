/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine that keeps everything in memory: one tree of all spaces. A snapshot is a copy of it,
 * which costs nothing. For tests and the simulator; nothing outlives the process.
 */
#include "store/engine.h"

#include <pthread.h>
#include <string.h>

struct memory_engine {
    struct engine engine;
    pthread_mutex_t lock; /* guards newest */
    struct tree newest;
};

struct snapshot {
    struct memory_engine *engine;
    struct tree tree;
};

struct cursor {
    const struct tree *tree;
    uint16_t space;
    enum order order;
    bytes from, to; /* what is left to read */
    bool is_behind; /* up: from itself has been read */
};

static void close_engine(struct engine *engine)
{
    struct memory_engine *memory = (struct memory_engine *)engine;
    tree_done(&memory->newest);
    pthread_mutex_destroy(&memory->lock);
    free(memory);
}

static bool make_spaces(struct engine *engine, const struct space *list, size_t count,
                        struct fault *fault)
{
    return true;
}

static bool drop_space(struct engine *engine, const char *name, struct fault *fault)
{
    return true;
}

static bool make_view(struct engine *engine, const struct space_view *view, struct fault *fault)
{
    return true;
}

static bool begin(struct engine *engine, struct snapshot **out, struct fault *fault)
{
    struct memory_engine *memory = (struct memory_engine *)engine;
    struct snapshot *snapshot = memory_zeroed(sizeof(*snapshot));
    snapshot->engine = memory;
    pthread_mutex_lock(&memory->lock);
    snapshot->tree = tree_copy(&memory->newest);
    pthread_mutex_unlock(&memory->lock);
    *out = snapshot;
    return true;
}

static void end(struct snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    tree_done(&snapshot->tree);
    free(snapshot);
}

static bool get(struct snapshot *snapshot, uint16_t space, bytes key, struct arena *arena,
                str *body, struct fault *fault)
{
    const struct tree_item *item = tree_get(&snapshot->tree, space, key);
    *body = item == NULL ? (str){0} : str_copy(arena, tree_item_body(item));
    return true;
}

static bool scan(struct snapshot *snapshot, uint16_t space, bytes from, bytes to, enum order order,
                 struct cursor **out, struct fault *fault)
{
    struct cursor *cursor = memory_new(sizeof(*cursor));
    *cursor = (struct cursor){&snapshot->tree, space, order, from, to, false};
    *out = cursor;
    return true;
}

static const struct tree_item *step_up(struct cursor *cursor)
{
    const struct tree_item *item = tree_seek(cursor->tree, cursor->space, cursor->from, ORDER_UP);
    if (item != NULL && cursor->is_behind &&
        bytes_compare(tree_item_key(item), cursor->from) == 0) {
        uint8_t behind[STORE_KEY_MAX + 1];
        memcpy(behind, cursor->from.at, cursor->from.len);
        behind[cursor->from.len] = 0;
        item =
            tree_seek(cursor->tree, cursor->space, (bytes){behind, cursor->from.len + 1}, ORDER_UP);
    }
    if (item == NULL || bytes_compare(tree_item_key(item), cursor->to) >= 0)
        return NULL;
    cursor->from = tree_item_key(item);
    cursor->is_behind = true;
    return item;
}

static const struct tree_item *step_down(struct cursor *cursor)
{
    const struct tree_item *item = tree_seek(cursor->tree, cursor->space, cursor->to, ORDER_DOWN);
    if (item == NULL || bytes_compare(tree_item_key(item), cursor->from) < 0)
        return NULL;
    cursor->to = tree_item_key(item);
    return item;
}

static bool next(struct cursor *cursor, struct entry *out, struct fault *fault)
{
    const struct tree_item *item = cursor->order == ORDER_UP ? step_up(cursor) : step_down(cursor);
    *out = (struct entry){0};
    if (item != NULL)
        *out = (struct entry){tree_item_key(item), tree_item_body(item)};
    return true;
}

static void close_scan(struct cursor *cursor)
{
    free(cursor);
}

static bool apply(struct snapshot *snapshot, const struct tree_item *const *writes, size_t count,
                  struct fault *fault)
{
    struct memory_engine *memory = snapshot->engine;
    for (size_t i = 0; i < count; i++) {
        if (writes[i]->is_removed)
            tree_remove(&snapshot->tree, writes[i]->space, tree_item_key(writes[i]));
        else
            tree_add(&snapshot->tree, writes[i]);
    }
    pthread_mutex_lock(&memory->lock);
    struct tree old = memory->newest;
    memory->newest = tree_copy(&snapshot->tree);
    pthread_mutex_unlock(&memory->lock);
    tree_done(&old);
    end(snapshot);
    return true;
}

static bool backup(struct engine *engine, const char *to, struct fault *fault)
{
    return fault_set(fault, FAULT_INPUT, "a store in memory has no backup");
}

static void idle(struct engine *engine)
{
}

static const struct engine_methods methods = {
    .close = close_engine,
    .make_spaces = make_spaces,
    .drop_space = drop_space,
    .make_view = make_view,
    .begin_read = begin,
    .begin_write = begin,
    .end = end,
    .get = get,
    .scan = scan,
    .next = next,
    .close_scan = close_scan,
    .apply = apply,
    .backup = backup,
    .idle = idle,
};

struct engine *engine_memory_new(void)
{
    struct memory_engine *memory = memory_zeroed(sizeof(*memory));
    memory->engine.methods = &methods;
    pthread_mutex_init(&memory->lock, NULL);
    return &memory->engine;
}
