/* SPDX-License-Identifier: Apache-2.0 */
#include "call/page.h"

#include "base/planted.h"
#include "base/seal.h"

#include <endian.h>
#include <string.h>

#define ROW struct page_options
static const struct field page_options_fields[] = {
    INT(num_items, .min = 1, .max = PAGE_ITEMS_MAX, .about = "How many rows the first run reads."),
    TEXT(cursor, .is_nullable = true, .about = "continueCursor of the page before, or null."),
    MAYBE_TEXT(end_cursor, .is_nullable = true, .about = "Fixes the end of the page."),
    MAYBE_NUMBER(id, .about = "Of the hook; ignored."),
    MAYBE_INT(maximum_rows_read),
    MAYBE_INT(maximum_bytes_read),
};
#undef ROW

const struct shape page_options_shape = {
    .name = "paginationOpts",
    .size = sizeof(struct page_options),
    FIELDS(page_options_fields),
};

/* A position is one byte, P with an entry's key (an id's bytes in a search) or E for the end of the
 * range. */
static const bytes at_end = {(const uint8_t *)"E", 1};

static void add_key(struct buffer *to, const struct key *key)
{
    for (size_t i = 0; i < key->count; i++) {
        const struct key_part *part = &key->parts[i];
        buffer_format(to, "/%d:%d:%.17g:%lld:", part->kind, part->truth, part->number,
                      (long long)part->id.n);
        buffer_str(to, part->text);
    }
}

static bytes context_of(struct call *call, const struct page_source *source)
{
    struct buffer context = buffer_with_max(KIB(64));
    if (source->search != NULL) {
        buffer_format(&context, "%s/search/%u/%.*s", call->function->name,
                      source->search->type->number, STR_ARG(source->search->terms));
        add_key(&context, &source->search->filters);
    } else {
        buffer_format(&context, "%s/%u/%d", call->function->name, source->index->space,
                      source->order);
        add_key(&context, &source->bounds.prefix);
    }
    bytes out = {arena_copy(call->arena, context.at, context.len), context.len};
    buffer_done(&context);
    return out;
}

static str position_write(struct call *call, bytes context, bytes key)
{
    uint8_t *plain = arena_alloc(call->arena, key.len + 1);
    plain[0] = 'P';
    if (key.len != 0)
        memcpy(plain + 1, key.at, key.len);
    return seal_make(call->arena, call->program->seal_key, context, (bytes){plain, key.len + 1});
}

static bool position_read(struct call *call, bytes context, str sealed, bytes *out)
{
    return seal_open(call->arena, call->program->seal_key, context, sealed, out) && out->len >= 1 &&
           (out->at[0] == 'P' || (out->at[0] == 'E' && out->len == 1));
}

static void invalid_cursor(struct call *call)
{
    call_fail_data(call,
                   STR("{\"isConvexSystemError\":true,\"paginationError\":\"InvalidCursor\"}"),
                   "InvalidCursor: this cursor is not one of this query.");
}

static bytes key_of(bytes position)
{
    return (bytes){position.at + 1, position.len - 1};
}

/* Where the page starts and, if that is pinned, ends. */
struct page_ends {
    bytes end; /* .at NULL: not pinned */
    bool starts_at_end;
};

static bool read_positions(struct call *call, const struct page_options *options, bytes context,
                           struct bounds *bounds, struct page_ends *out)
{
    bytes position;
    *out = (struct page_ends){0};
    if (options->cursor.at != NULL) {
        if (!position_read(call, context, options->cursor, &position)) {
            invalid_cursor(call);
            return false;
        }
        out->starts_at_end = position.at[0] == 'E';
        bounds->after = out->starts_at_end ? (bytes){0} : key_of(position);
    }
    if (options->end_cursor.at != NULL && !PLANTED(end_cursor_unread)) {
        if (!position_read(call, context, options->end_cursor, &out->end)) {
            invalid_cursor(call);
            return false;
        }
    } else if (call->journal.len != 0 && !position_read(call, context, call->journal, &out->end)) {
        out->end = (bytes){0}; /* of another query or key: as absent */
    }
    if (out->end.at != NULL && out->end.at[0] == 'P')
        bounds->until = key_of(out->end);
    return true;
}

struct rows_read {
    char *items;
    size_t count, room;
    bytes *positions; /* of the rows read, also of those left out */
    size_t read, read_room;
    bool has_more; /* a search gave up for now, at the last position */
};

static void add_position(struct call *call, bytes position, struct rows_read *rows)
{
    if (rows->read == rows->read_room) {
        size_t room = MAX_OF(rows->read_room * 2, (size_t)16);
        bytes *larger = arena_array(call->arena, bytes, room);
        if (rows->read != 0)
            memcpy(larger, rows->positions, rows->read * sizeof(bytes));
        rows->positions = larger;
        rows->read_room = room;
    }
    rows->positions[rows->read++] = position;
}

static void add_item(struct call *call, const struct page_source *source, const void *row,
                     struct rows_read *rows)
{
    if (rows->count == rows->room) {
        size_t room = MAX_OF(rows->room * 2, (size_t)16);
        char *larger = arena_alloc(call->arena, room * source->item_size);
        if (rows->count != 0)
            memcpy(larger, rows->items, rows->count * source->item_size);
        rows->items = larger;
        rows->room = room;
    }
    char *item = rows->items + rows->count * source->item_size;
    memset(item, 0, source->item_size);
    if (source->make(call, row, item, source->context))
        rows->count++;
}

/* Positions in a search are ids. */
static doc_id id_at(bytes position)
{
    uint64_t big = 0;
    if (position.len == sizeof(big))
        memcpy(&big, position.at, sizeof(big));
    return (doc_id){(int64_t)be64toh(big)};
}

static bytes position_of(struct call *call, doc_id id)
{
    uint64_t big = htobe64((uint64_t)id.n);
    return (bytes){arena_copy(call->arena, &big, sizeof(big)), sizeof(big)};
}

static void search_rows(struct call *call, const struct page_source *source,
                        const struct bounds *bounds, size_t max, struct rows_read *rows)
{
    void *row = arena_alloc(call->arena, source->search->type->size);
    struct search_for what = *source->search;
    struct search search;
    what.after = id_at(bounds->after);
    what.until = id_at(bounds->until);
    what.looks_max = max == SIZE_MAX ? SIZE_MAX : 0;
    view_search(call->view, &what, &search);
    while (rows->read < max && search_next(&search, row)) {
        add_position(call, position_of(call, search_position(&search)), rows);
        add_item(call, source, row, rows);
    }
    rows->has_more = search.has_more;
    if (rows->has_more)
        add_position(call, position_of(call, search_position(&search)), rows);
}

/* A pinned page is read to its end, or fails by the limit of reads: it never ends before. */
static void read_rows(struct call *call, const struct page_source *source,
                      const struct bounds *bounds, size_t max, struct rows_read *rows)
{
    if (source->search != NULL) {
        search_rows(call, source, bounds, max, rows);
        return;
    }
    void *row = arena_alloc(call->arena, source->index->type->size);
    struct scan scan;
    view_scan(call->view, source->index, *bounds, source->order, &scan);
    while (rows->read < max && scan_next(&scan, row)) {
        add_position(call, scan_position(&scan), rows);
        add_item(call, source, row, rows);
    }
    scan_end(&scan);
}

/* One that has grown can be cut in the middle: the client then asks for two pages instead. */
static str split_of(struct call *call, bytes context, const struct page_options *options,
                    const struct rows_read *rows)
{
    if (rows->read < 2 || rows->read <= (size_t)options->num_items)
        return (str){0};
    return position_write(call, context, rows->positions[(rows->read - 1) / 2]);
}

void page_read(struct call *call, const struct page_options *options,
               const struct page_source *source, struct page *out)
{
    *out = (struct page){.page.items = arena_alloc(call->arena, 1)};
    REQUIRE(call, !call->has_paged, INTERNAL_ERROR, "One pagination a call.");
    call->has_paged = true;

    bytes context = context_of(call, source);
    struct bounds bounds = source->bounds;
    struct page_ends ends;
    if (!read_positions(call, options, context, &bounds, &ends))
        return;

    str end = seal_make(call->arena, call->program->seal_key, context, at_end);
    struct rows_read rows = {0};
    bool is_done = true;
    if (!ends.starts_at_end) {
        size_t max = ends.end.at != NULL ? SIZE_MAX : (size_t)options->num_items;
        read_rows(call, source, &bounds, max, &rows);
        is_done = ends.end.at != NULL
                      ? ends.end.at[0] == 'E'
                      : (rows.read < max && !rows.has_more) || PLANTED(page_done_early);
    }
    if (call_failed(call))
        return;

    out->page = (struct list){rows.count == 0 ? out->page.items : rows.items, rows.count};
    out->is_done = is_done;
    out->split_cursor = split_of(call, context, options, &rows);
    if (is_done)
        out->continue_cursor = end;
    else if (ends.end.at != NULL)
        out->continue_cursor = position_write(call, context, key_of(ends.end));
    else if (rows.read > 0) /* it is: as many as were asked for */
        out->continue_cursor = position_write(call, context, rows.positions[rows.read - 1]);
    call->journal = out->continue_cursor;
}
