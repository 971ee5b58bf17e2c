/* SPDX-License-Identifier: Apache-2.0 */
#include "store/state.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool view_fail(struct view *view, enum fault_kind kind, const char *format, ...)
{
    if (view->is_failed)
        return false;
    view->is_failed = true;
    view->fault.kind = kind;
    va_list args;
    va_start(args, format);
    vsnprintf(view->fault.text, sizeof(view->fault.text), format, args);
    va_end(args);
    return false;
}

bool view_begin(struct store *store, struct arena *arena, struct view *out, struct fault *fault)
{
    const struct engine_methods *engine = store->engine->methods;
    *out = (struct view){.store = store, .arena = arena, .records_reads = true};
    struct snapshot *snapshot;
    if (!engine->begin_read(store->engine, &snapshot, fault))
        return false;
    struct counters counters;
    if (!counters_read(snapshot, store->engine, arena, &counters, fault)) {
        engine->end(snapshot);
        return false;
    }
    out->snapshot = snapshot;
    out->ts = (commit_ts){counters.ts};
    return true;
}

void view_end(struct view *view)
{
    view_close_scans(view);
    if (view->change == NULL && view->snapshot != NULL)
        view->store->engine->methods->end(view->snapshot);
    view->snapshot = NULL;
}

void view_renew(struct view *view, struct arena *arena)
{
    assert(view->change == NULL);
    view_close_scans(view);
    *view = (struct view){.store = view->store,
                          .arena = arena,
                          .snapshot = view->snapshot,
                          .ts = view->ts,
                          .records_reads = true};
}

commit_ts view_ts(const struct view *view)
{
    return view->ts;
}

bool view_ask(struct view *view)
{
    if (view->is_failed)
        return false;
    if (view->change != NULL && ++view->store->asked == view->store->fail_at)
        return view_fail(view, FAULT_TRANSIENT, "A test made this fail.");
    return true;
}

bool view_read(struct view *view, uint16_t space, bytes key, str *body)
{
    *body = (str){0};
    if (view->change != NULL) {
        const struct tree_item *item = tree_get(view->change->writes, space, key);
        if (item != NULL) {
            if (!item->is_removed)
                *body = str_copy(view->arena, tree_item_body(item));
            return true;
        }
    }
    struct fault fault;
    if (!view->store->engine->methods->get(view->snapshot, space, key, view->arena, body, &fault))
        return view_fail(view, fault.kind, "%s", fault.text);
    return true;
}

bool view_body_of(struct view *view, const struct doc_type *type, doc_id id, str *body)
{
    if (view->change != NULL) {
        struct row_seen *seen = rows_seen_find(view->change, type, id);
        if (seen != NULL) {
            *body = seen->body;
            return true;
        }
    }
    uint8_t key[8];
    u64_write(key, (uint64_t)id.n);
    if (!view_read(view, space_of_rows(type), (bytes){key, sizeof(key)}, body))
        return false;
    if (view->change != NULL)
        rows_seen_put(view->change, type, id)->body = *body;
    return true;
}

void view_be_small(struct view *view, size_t reads, size_t read_bytes)
{
    view->small_reads = reads;
    view->small_bytes = read_bytes;
}

bool view_count(struct view *view, size_t bytes_read)
{
    view->reads++;
    view->read_bytes += bytes_read;
    if (view->small_reads != 0 &&
        (view->reads > view->small_reads || view->read_bytes > view->small_bytes)) {
        view->is_too_large = true;
        return view_fail(view, FAULT_FULL, "This reads too much to be done in between.");
    }
    if (view->reads > STORE_READS_MAX)
        return view_fail(view, FAULT_FULL,
                         "This reads more than %d documents. Read fewer, by an index or by pages.",
                         STORE_READS_MAX);
    if (view->read_bytes > STORE_READ_BYTES_MAX)
        return view_fail(view, FAULT_FULL,
                         "This reads more than %zu MiB. Read less, by an index or by pages.",
                         STORE_READ_BYTES_MAX >> 20);
    size_t max = view->store->call_memory;
    if (max != 0 && view->arena->used > max)
        return view_fail(view, FAULT_FULL,
                         "This takes more than %zu MiB of memory, an eighth of what the server may "
                         "use. Read less at once, by an index or by pages.",
                         max >> 20);
    return true;
}

static bool find_body(struct view *view, const struct doc_type *type, doc_id id, str *body)
{
    *body = (str){0};
    if (!view_ask(view))
        return false;
    view_record_row(view, type, id);
    return view_body_of(view, type, id, body) && view_count(view, body->len) && body->at != NULL;
}

bool view_body(struct view *view, const struct doc_type *type, doc_id id, str *body)
{
    if (find_body(view, type, id, body))
        return true;
    *body = (str){0};
    return false;
}

bool view_parse(struct view *view, const struct doc_type *type, doc_id id, str body, void *row)
{
    struct json json;
    struct fault fault;
    struct field_error error;
    if (!json_read(view->arena, body, 0, &json, &fault))
        return view_fail(view, FAULT_SYSTEM, "A stored document of %s cannot be read: %s",
                         type->name, fault.text);
    if (!shape_read(view->arena, &type->shape, &json, true, row, &error))
        return view_fail(view, FAULT_SYSTEM,
                         "A stored document of %s cannot be read: %.100s %.150s", type->name,
                         error.path, error.text);
    if (view->change != NULL) {
        struct row_seen *seen = rows_seen_put(view->change, type, id);
        seen->body = body;
        seen->row = arena_copy(view->arena, row, type->size);
    }
    return true;
}

bool view_row(struct view *view, const struct doc_type *type, doc_id id, void *row)
{
    str body;
    memset(row, 0, type->size);
    if (!find_body(view, type, id, &body))
        return false;
    const struct row_seen *seen =
        view->change == NULL ? NULL : rows_seen_find(view->change, type, id);
    if (seen != NULL && seen->row != NULL && plan_type(&view->store->plan, type)->is_flat) {
        memcpy(row, seen->row, type->size);
        return true;
    }
    if (view_parse(view, type, id, body, row))
        return true;
    memset(row, 0, type->size);
    return false;
}

size_t view_record(struct view *view, uint16_t space, bytes from, bytes to)
{
    if (!view->records_reads)
        return 0;
    if (view->range_count == view->range_room) {
        size_t room = view->range_room == 0 ? 16 : view->range_room * 2;
        struct read_range *ranges = arena_array(view->arena, struct read_range, room);
        if (view->range_count != 0)
            memcpy(ranges, view->ranges, view->range_count * sizeof(*ranges));
        view->ranges = ranges;
        view->range_room = room;
    }
    view->ranges[view->range_count] = (struct read_range){space, from, to};
    return view->range_count++;
}

void view_record_row(struct view *view, const struct doc_type *type, doc_id id)
{
    if (!view->records_reads)
        return;
    uint8_t *key = arena_alloc(view->arena, 9);
    u64_write(key, (uint64_t)id.n);
    view_record(view, space_of_rows(type), (bytes){key, 8}, (bytes){key, 9});
}

static int compare_ranges(const void *left, const void *right)
{
    const struct read_range *a = left, *b = right;
    if (a->space != b->space)
        return a->space < b->space ? -1 : 1;
    return bytes_compare(a->from, b->from);
}

size_t view_record_search(struct view *view, const struct read_search *search)
{
    if (!view->records_reads)
        return 0;
    if (view->search_count == view->search_room) {
        size_t room = view->search_room == 0 ? 4 : view->search_room * 2;
        struct read_search *searches = arena_array(view->arena, struct read_search, room);
        if (view->search_count != 0)
            memcpy(searches, view->searches, view->search_count * sizeof(*searches));
        view->searches = searches;
        view->search_room = room;
    }
    view->searches[view->search_count] = *search;
    return view->search_count++;
}

struct read_set view_read_set(const struct view *view)
{
    size_t count = view->range_count;
    struct read_set set = {.searches = view->searches, .search_count = view->search_count};
    if (count == 0)
        return set;
    struct read_range *out =
        arena_copy(view->arena, view->ranges, count * sizeof(struct read_range));
    qsort(out, count, sizeof(*out), compare_ranges);
    size_t last = 0;
    for (size_t i = 1; i < count; i++) {
        if (bytes_compare(out[i].from, out[i].to) >= 0)
            continue; /* a scan that read nothing */
        if (out[i].space != out[last].space || bytes_compare(out[i].from, out[last].to) > 0)
            out[++last] = out[i];
        else if (bytes_compare(out[i].to, out[last].to) > 0)
            out[last].to = out[i].to;
    }
    bool is_empty = bytes_compare(out[0].from, out[0].to) >= 0;
    set.ranges = out + (is_empty ? 1 : 0);
    set.count = last + (is_empty ? 0 : 1);
    return set;
}
