/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words of documents that were there before they were searched: gathered of many documents at once,
 * so that each word's last block is read and written once for all of them.
 */
#include "store/postings.h"
#include "store/words.h"

#include <string.h>

#define ROWS_AT_ONCE 20000
#define BYTES_AT_ONCE MIB(32) /* of their words */

struct gathering {
    const struct type_plan *type;
    struct change change; /* a view, and where writes go */
    struct arena rows;    /* of one document */
    struct mentions mentions;
    size_t bytes;
};

static bool gather_row(struct gathering *g, doc_id id, str body)
{
    const struct search_plan *plan = g->type->search;
    struct arena *arena = g->change.view.arena;
    void *row = arena_alloc(&g->rows, g->type->type->size);
    g->change.view.arena = &g->rows;
    bool is_read = view_parse(&g->change.view, g->type->type, id, body, row);
    g->change.view.arena = arena;
    if (!is_read)
        return false;
    struct packed_key filters, key;
    str words = search_words_of_row(&g->rows, plan, row), word;
    search_filters_of_row(plan, row, &filters);
    key = filters;
    packed_add_u64(&key, (uint64_t)id.n);
    tree_put(g->change.writes, space_of_words(g->type->type), packed_bytes(&key), words);
    postings_put_last(g->change.writes, g->type->type, &filters, id.n);
    g->bytes += words.len;
    while (words_next(&words, &word))
        g->bytes += mention(&g->mentions, &filters, word, id.n);
    arena_reset(&g->rows);
    return true;
}

static bool gather(struct gathering *g, doc_id *last, bool *is_done, struct fault *fault)
{
    const struct engine_methods *engine = g->change.view.store->engine->methods;
    struct cursor *cursor;
    uint8_t from[8], to[8];
    u64_write(from, (uint64_t)last->n + 1);
    u64_write(to, INT64_MAX);
    if (!engine->scan(g->change.view.snapshot, space_of_rows(g->type->type), (bytes){from, 8},
                      (bytes){to, 8}, ORDER_UP, &cursor, fault))
        return false;
    bool is_well = true;
    for (int i = 0; i < ROWS_AT_ONCE && g->bytes < BYTES_AT_ONCE && is_well; i++) {
        struct entry entry;
        is_well = engine->next(cursor, &entry, fault);
        *is_done = is_well && entry.key.at == NULL;
        if (!is_well || *is_done)
            break;
        *last = (doc_id){(int64_t)u64_read(entry.key.at)};
        is_well = gather_row(g, *last, entry.body) ||
                  fault_set(fault, g->change.view.fault.kind, "%s", g->change.view.fault.text);
    }
    engine->close_scan(cursor);
    return is_well;
}

bool search_fill(struct store *store, const struct type_plan *type, doc_id *last, bool *is_done,
                 struct tree *writes, struct fault *fault)
{
    AUTO(arena_done) struct arena arena = {0};
    struct gathering g = {.type = type, .change.writes = writes};
    if (!view_begin(store, &arena, &g.change.view, fault))
        return false;
    g.mentions.arena = &arena;
    bool is_well = gather(&g, last, is_done, fault);
    if (is_well)
        mentions_append(&g.mentions, &g.change, type);
    if (is_well && g.change.view.is_failed)
        is_well = fault_set(fault, g.change.view.fault.kind, "%s", g.change.view.fault.text);
    view_end(&g.change.view);
    arena_done(&g.rows);
    mentions_done(&g.mentions);
    return is_well;
}
