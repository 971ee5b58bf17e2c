/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scan merges two sorted sources: the writes of the change as they were when it began, and the
 * engine's snapshot. An entry of the writes replaces or hides the engine's of the same key.
 */
#include "store/state.h"

#include "base/planted.h"

#include <string.h>

struct source {
    struct view *view;
    struct source *next_open; /* of the view */
    uint16_t space;
    enum order order;
    bytes from, to;
    struct cursor *cursor; /* NULL: closed */
    struct entry below;    /* the engine's next entry, when is_loaded; borrowed from the cursor */
    bool is_loaded;
    struct tree writes;
    uint8_t *place; /* key of the entry last visited, and a 00 behind it */
    size_t place_len, place_room;
};

/* ---- bounds ---- */

static bytes copy(struct view *view, const struct packed_key *key)
{
    return (bytes){arena_copy(view->arena, key->at, key->len), key->len};
}

/* The first key behind this one. */
static bytes behind(struct view *view, bytes key)
{
    uint8_t *at = arena_alloc(view->arena, key.len + 1);
    if (key.len != 0)
        memcpy(at, key.at, key.len);
    return (bytes){at, key.len + 1};
}

/* Where entries start whose next field is the limit, or behind all of them. */
static bytes limit(struct view *view, const struct index_plan *plan, const struct bounds *bounds,
                   const struct key_part *part, bool is_behind)
{
    struct packed_key key;
    index_key_of_parts(plan, &bounds->prefix, &key);
    index_key_add(plan, bounds->prefix.count, part, &key);
    if (is_behind)
        packed_skip(&key);
    return copy(view, &key);
}

static void set_bounds(struct scan *scan, const struct index_plan *plan,
                       const struct bounds *bounds)
{
    struct view *view = scan->view;
    struct packed_key key;
    index_key_of_parts(plan, &bounds->prefix, &key);
    if (bounds->from.kind != KEY_NONE)
        scan->from = limit(view, plan, bounds, &bounds->from, bounds->from_is_open);
    else
        scan->from = copy(view, &key);
    if (bounds->to.kind != KEY_NONE) {
        scan->to = limit(view, plan, bounds, &bounds->to, !bounds->to_is_open);
    } else {
        packed_skip(&key);
        scan->to = copy(view, &key);
    }
}

static void raise_from(struct scan *scan, bytes at)
{
    if (bytes_compare(at, scan->from) > 0)
        scan->from = at;
}

static void lower_to(struct scan *scan, bytes at)
{
    if (bytes_compare(at, scan->to) < 0)
        scan->to = at;
}

static void set_positions(struct scan *scan, const struct bounds *bounds)
{
    struct view *view = scan->view;
    if (bounds->after.len > STORE_KEY_MAX || bounds->until.len > STORE_KEY_MAX) {
        view_fail(view, FAULT_INPUT, "A page position is longer than any is.");
        return;
    }
    if (scan->order == ORDER_UP) {
        if (bounds->after.at != NULL)
            raise_from(scan, behind(view, bounds->after));
        if (bounds->until.at != NULL)
            lower_to(scan, behind(view, bounds->until));
        return;
    }
    if (bounds->after.at != NULL && PLANTED(page_overlaps))
        lower_to(scan, behind(view, bounds->after));
    else if (bounds->after.at != NULL)
        lower_to(scan, (bytes){arena_copy(view->arena, bounds->after.at, bounds->after.len),
                               bounds->after.len});
    if (bounds->until.at != NULL)
        raise_from(scan, (bytes){arena_copy(view->arena, bounds->until.at, bounds->until.len),
                                 bounds->until.len});
}

static void start(struct scan *scan)
{
    scan->is_done = scan->view->is_failed || bytes_compare(scan->from, scan->to) >= 0;
    if (scan->is_done)
        return;
    struct source *source = arena_new(scan->view->arena, struct source);
    *source = (struct source){.view = scan->view,
                              .space = scan->index->space,
                              .order = scan->order,
                              .from = scan->from,
                              .to = scan->to,
                              .next_open = scan->view->open_scans};
    if (scan->view->change != NULL)
        source->writes = tree_copy(scan->view->change->writes);
    scan->view->open_scans = source;
    scan->source = source;
    scan->range =
        view_record(scan->view, scan->index->space, scan->order == ORDER_UP ? scan->from : scan->to,
                    scan->order == ORDER_UP ? scan->from : scan->to);
}

void view_scan(struct view *view, const struct index *index, struct bounds bounds, enum order order,
               struct scan *out)
{
    assert(order == ORDER_UP || order == ORDER_DOWN);
    const struct index_plan *plan = plan_index(&view->store->plan, index);
    *out = (struct scan){.view = view, .index = index, .order = order};
    set_bounds(out, plan, &bounds);
    set_positions(out, &bounds);
    start(out);
}

void view_scan_between(struct view *view, const struct index *index, bytes from, bytes to,
                       struct scan *out)
{
    *out = (struct scan){.view = view, .index = index, .order = ORDER_UP};
    out->from = (bytes){arena_copy(view->arena, from.at, from.len), from.len};
    out->to = (bytes){arena_copy(view->arena, to.at, to.len), to.len};
    start(out);
}

/* ---- merging ---- */

static bool fail_by(struct view *view, const struct fault *fault)
{
    return view_fail(view, fault->kind, "%s", fault->text);
}

static bool load_below(struct source *source)
{
    const struct engine_methods *engine = source->view->store->engine->methods;
    struct fault fault;
    if (source->is_loaded)
        return true;
    if (source->cursor == NULL && !engine->scan(source->view->snapshot, source->space, source->from,
                                                source->to, source->order, &source->cursor, &fault))
        return fail_by(source->view, &fault);
    if (!engine->next(source->cursor, &source->below, &fault))
        return fail_by(source->view, &fault);
    source->is_loaded = true;
    return true;
}

static const struct tree_item *load_above(const struct source *source)
{
    if (source->writes.root == NULL)
        return NULL;
    bool is_up = source->order == ORDER_UP;
    bytes at = is_up ? source->from : source->to;
    if (source->place != NULL)
        at = (bytes){source->place, source->place_len + (is_up ? 1 : 0)};
    const struct tree_item *item = tree_seek(&source->writes, source->space, at, source->order);
    if (item == NULL)
        return NULL;
    bytes key = tree_item_key(item);
    bool is_in = is_up ? bytes_compare(key, source->to) < 0 : bytes_compare(key, source->from) >= 0;
    return is_in ? item : NULL;
}

static void set_place(struct source *source, bytes key)
{
    if (key.len + 1 > source->place_room) {
        source->place_room = MAX_OF((key.len + 1) * 2, (size_t)64);
        source->place = arena_alloc(source->view->arena, source->place_room);
    }
    memcpy(source->place, key.at, key.len);
    source->place[key.len] = 0;
    source->place_len = key.len;
}

/* The next entry; key.at NULL when there is none. Borrowed until the next step. */
static bool step(struct source *source, struct entry *out)
{
    for (;;) {
        if (!load_below(source))
            return false;
        const struct tree_item *above = load_above(source);
        if (above == NULL) {
            *out = source->below;
            source->is_loaded = source->below.key.at == NULL; /* the end stays */
            if (out->key.at != NULL)
                set_place(source, out->key);
            return true;
        }
        bytes key = tree_item_key(above);
        int side = source->below.key.at == NULL ? -1 : bytes_compare(key, source->below.key);
        if (source->below.key.at != NULL && source->order == ORDER_DOWN)
            side = -side;
        if (side > 0) {
            *out = source->below;
            source->is_loaded = false;
            set_place(source, out->key);
            return true;
        }
        if (side == 0)
            source->is_loaded = false;
        set_place(source, key);
        if (!above->is_removed) {
            *out = (struct entry){key, tree_item_body(above)};
            return true;
        }
    }
}

/* ---- the scan ---- */

static void source_close(struct source *source)
{
    if (source->cursor != NULL)
        source->view->store->engine->methods->close_scan(source->cursor);
    source->cursor = NULL;
    tree_done(&source->writes);
}

void view_close_scans(struct view *view)
{
    for (struct source *source = view->open_scans; source != NULL; source = source->next_open)
        source_close(source);
    view->open_scans = NULL;
}

void scan_end(struct scan *scan)
{
    scan->is_done = true;
    if (scan->source == NULL)
        return;
    struct source **link = &scan->view->open_scans;
    while (*link != NULL && *link != scan->source)
        link = &(*link)->next_open;
    if (*link != NULL) { /* not yet closed by view_end */
        *link = scan->source->next_open;
        source_close(scan->source);
    }
    scan->source = NULL;
}

static void record_progress(struct scan *scan, bool is_at_end)
{
    struct view *view = scan->view;
    if (!view->records_reads || scan->range >= view->range_count)
        return;
    struct read_range *range = &view->ranges[scan->range];
    if (scan->source->place == NULL && PLANTED(absent_read))
        return;
    if (is_at_end && !(scan->source->place != NULL && PLANTED(range_end)))
        *range = (struct read_range){range->space, scan->from, scan->to};
    else if (scan->order == ORDER_UP)
        range->to = (bytes){scan->source->place, scan->source->place_len + 1};
    else
        range->from = (bytes){scan->source->place, scan->source->place_len};
}

static bool next_entry(struct scan *scan, struct entry *out)
{
    if (scan->is_done)
        return false;
    struct view *view = scan->view;
    if (!view_ask(view) || !step(scan->source, out)) {
        scan_end(scan);
        return false;
    }
    record_progress(scan, out->key.at == NULL);
    if (out->key.at == NULL || !view_count(view, out->key.len)) {
        scan_end(scan);
        return false;
    }
    scan->last = (bytes){scan->source->place, scan->source->place_len};
    return true;
}

static doc_id entry_id(struct view *view, const struct index *index, bytes key)
{
    if (key.len < 16) {
        view_fail(view, FAULT_SYSTEM, "An entry of the index %s is damaged.", index->name);
        return (doc_id){0};
    }
    return (doc_id){(int64_t)u64_read(key.at + key.len - 8)};
}

/* Leaves out rows that the change removed since the scan began. */
static bool next_live(struct scan *scan, struct entry *entry, doc_id *id)
{
    for (;;) {
        if (!next_entry(scan, entry))
            return false;
        *id = entry_id(scan->view, scan->index, scan->last);
        if (scan->view->is_failed)
            return false;
        if (scan->view->change == NULL)
            return true;
        struct row_seen *seen = rows_seen_find(scan->view->change, scan->index->type, *id);
        if (seen == NULL)
            return true;
        if (seen->body.at != NULL) {
            entry->body = seen->body; /* and those it rewrote are shown as they are now */
            return true;
        }
    }
}

bool scan_next_id(struct scan *scan, doc_id *id)
{
    struct entry entry;
    if (next_live(scan, &entry, id))
        return true;
    *id = (doc_id){0};
    return false;
}

/* The body in the entry, or else the row's, which is then a read of its own. */
static bool next_row(struct scan *scan, doc_id *id, str *body)
{
    struct entry entry;
    struct view *view = scan->view;
    if (!next_live(scan, &entry, id))
        return false;
    if (entry.body.at != NULL && scan->index->holds_body) {
        *body = str_copy(view->arena, entry.body);
    } else {
        view_record_row(view, scan->index->type, *id);
        if (!view_body_of(view, scan->index->type, *id, body))
            return false;
    }
    if (body->at == NULL)
        return view_fail(view, FAULT_SYSTEM,
                         "The index %s of %s names a document that is not there.",
                         scan->index->name, scan->index->type->name);
    view->read_bytes += body->len;
    return true;
}

bool scan_next_body(struct scan *scan, str *body)
{
    doc_id id;
    if (next_row(scan, &id, body))
        return true;
    *body = (str){0};
    return false;
}

bool scan_next(struct scan *scan, void *row)
{
    doc_id id;
    str body;
    const struct doc_type *type = scan->index->type;
    memset(row, 0, type->size);
    if (!next_row(scan, &id, &body))
        return false;
    if (view_parse(scan->view, type, id, body, row))
        return true;
    memset(row, 0, type->size);
    return false;
}

/* ---- finding one ---- */

static void keep_found(struct view *view, const struct entry *entry, struct found *out)
{
    size_t len = entry->key.len + entry->body.len;
    out->key = (bytes){0};
    out->body = (str){0};
    if (entry->key.at == NULL)
        return;
    if (len > out->room_len) {
        out->room_len = len * 2;
        out->room = arena_alloc(view->arena, out->room_len);
    }
    memcpy(out->room, entry->key.at, entry->key.len);
    out->key = (bytes){(const uint8_t *)out->room, entry->key.len};
    if (entry->body.at == NULL)
        return;
    memcpy(out->room + entry->key.len, entry->body.at, entry->body.len);
    out->body = (str){out->room + entry->key.len, entry->body.len};
}

/* As with view_find, mostly no write is near. */
static bool is_written(const struct view *view, uint16_t space, bytes from, bytes to)
{
    if (view->change == NULL)
        return false;
    const struct tree_item *near = tree_seek(view->change->writes, space, from, ORDER_UP);
    return near != NULL && bytes_compare(tree_item_key(near), to) < 0;
}

bool view_seek(struct view *view, uint16_t space, bytes from, bytes to, enum order order,
               struct found *out)
{
    const struct engine_methods *engine = view->store->engine->methods;
    struct source source = {.view = view, .space = space, .order = order, .from = from, .to = to};
    struct entry entry = {0};
    struct fault fault = {0};
    bool is_well = !view->is_failed;
    out->key = (bytes){0};
    out->body = (str){0};
    if (is_well && is_written(view, space, from, to)) {
        source.writes = tree_copy(view->change->writes);
        is_well = step(&source, &entry);
    } else if (is_well) {
        is_well = engine->scan(view->snapshot, space, from, to, order, &source.cursor, &fault) &&
                  engine->next(source.cursor, &entry, &fault);
        if (!is_well)
            fail_by(view, &fault);
    }
    if (is_well)
        keep_found(view, &entry, out);
    source_close(&source);
    return is_well;
}

/* The engine's first entry of the range; only up to it was read. */
static doc_id first_below(struct view *view, const struct index *index, bytes from, bytes to)
{
    const struct engine_methods *engine = view->store->engine->methods;
    struct cursor *cursor = NULL;
    struct entry entry = {0};
    struct fault fault;
    doc_id id = {0};
    bytes end = to;
    bool is_read =
        engine->scan(view->snapshot, index->space, from, to, ORDER_UP, &cursor, &fault) &&
        engine->next(cursor, &entry, &fault);
    if (entry.key.at != NULL) {
        end = behind(view, entry.key);
        id = entry_id(view, index, entry.key);
    }
    if (cursor != NULL)
        engine->close_scan(cursor);
    if (!is_read) {
        fail_by(view, &fault);
        return (doc_id){0};
    }
    view_record(view, index->space, from, end);
    return doc_id_is_set(id) && view_count(view, end.len - 1) ? id : (doc_id){0};
}

bool view_walk(struct view *view, uint16_t space, bytes from, bytes to, enum order order,
               bool (*take)(void *context, const struct entry *entry), void *context)
{
    struct source source = {.view = view, .space = space, .order = order, .from = from, .to = to};
    struct entry entry = {0};
    bool is_well = !view->is_failed;
    if (is_well && is_written(view, space, from, to))
        source.writes = tree_copy(view->change->writes);
    while (is_well && (is_well = step(&source, &entry)) && entry.key.at != NULL)
        if (!take(context, &entry))
            break;
    source_close(&source);
    return is_well;
}

/* Most change nothing near what they look for: then there are no two sources to merge. */
doc_id view_find(struct view *view, const struct index *index, struct key key)
{
    struct scan scan = {.view = view, .index = index, .order = ORDER_UP};
    doc_id id = {0};
    set_bounds(&scan, plan_index(&view->store->plan, index), &(struct bounds){.prefix = key});
    const struct tree_item *near =
        view->change == NULL ? NULL
                             : tree_seek(view->change->writes, index->space, scan.from, ORDER_UP);
    if (near == NULL || bytes_compare(tree_item_key(near), scan.to) >= 0)
        return view_ask(view) ? first_below(view, index, scan.from, scan.to) : id;
    start(&scan);
    if (!scan_next_id(&scan, &id))
        id = (doc_id){0};
    scan_end(&scan);
    return id;
}

bytes scan_position(const struct scan *scan)
{
    if (scan->last.at == NULL)
        return (bytes){0};
    return (bytes){arena_copy(scan->view->arena, scan->last.at, scan->last.len), scan->last.len};
}
