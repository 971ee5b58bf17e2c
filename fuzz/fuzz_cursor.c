/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Positions from strangers: cursors, journals and the bounds that they become. Whatever the bytes
 * are, a scan gives exactly the rows of its prefix that lie between them, and reads nothing else;
 * a page gives exactly what such a scan does, ends where it says, and goes on behind that. A text
 * that was not sealed here under this very list is refused, or as a journal passed over.
 */
#include <assert.h>
#include <string.h>

#include "base/seal.h"
#include "call/page.h"
#include "store/keys.h"

#include "fuzz.h"
#include "things.h"

static const struct function function = {.name = "things:list"};
static struct program program = {.seal_key = "a key that nobody outside knows"};

/* ---- scans ---- */

/* The read set holds nothing of the index that does not start with the prefix. */
static void check_reads(const struct bench *bench, const struct key *prefix)
{
    struct packed_key from = {0}, to;
    struct read_set set = view_read_set(bench->view);
    for (size_t i = 0; i < prefix->count; i++)
        packed_add(&from, &prefix->parts[i]);
    to = from;
    packed_skip(&to);
    for (size_t i = 0; i < set.count; i++) {
        if (set.ranges[i].space != bench->index->space)
            continue;
        assert(bytes_compare(set.ranges[i].from, packed_bytes(&from)) >= 0);
        assert(bytes_compare(set.ranges[i].to, packed_bytes(&to)) <= 0);
    }
}

static void try_find(struct bench *bench, struct key prefix)
{
    struct bounds bounds = {.prefix = prefix};
    struct wanted wanted = things_between(bench, &bounds, ORDER_UP);
    doc_id found = view_find(bench->view, bench->index, prefix);
    assert(found.n == (wanted.count == 0 ? 0 : wanted.rows[0]->row.id.n));
}

static void try_scan(struct bench *bench, enum order order)
{
    struct bounds bounds = take_bounds(bench);
    bounds.after = take_position(bench);
    bounds.until = take_position(bench);
    struct wanted wanted = things_between(bench, &bounds, order);
    struct scan scan;
    doc_id id;
    size_t count = 0;
    bench->view->range_count = 0;
    view_scan(bench->view, bench->index, bounds, order, &scan);
    if (MAX_OF(bounds.after.len, bounds.until.len) > STORE_KEY_MAX) {
        assert(bench->view->is_failed && !scan_next_id(&scan, &id));
        return;
    }
    for (; scan_next_id(&scan, &id); count++)
        assert(count < wanted.count && doc_id_equal(id, wanted.rows[count]->row.id));
    assert(count == wanted.count && !bench->view->is_failed);
    scan_end(&scan);
    check_reads(bench, &bounds.prefix);
    try_find(bench, bounds.prefix);
}

/* ---- pages ---- */

/* A text that a client hands in, and what it is. */
struct ticket {
    str text;
    bool is_good, is_end;
    bytes key;
};

struct list_asked {
    struct page_source source;
    struct ticket cursor, end, journal;
    int64_t num_items;
};

/* As page.c has it; when that changes, the first page of every input says so. */
static bytes context_of(struct bench *bench, const struct page_source *source)
{
    struct buffer text = {0};
    buffer_format(&text, "%s/%u/%d", function.name, source->index->space, source->order);
    for (size_t i = 0; i < source->bounds.prefix.count; i++) {
        const struct key_part *part = &source->bounds.prefix.parts[i];
        buffer_format(&text, "/%d:%d:%.17g:%lld:", part->kind, part->truth, part->number,
                      (long long)part->id.n);
        buffer_str(&text, part->text);
    }
    bytes context = bytes_of(str_copy(&bench->arena, buffer_text(&text)));
    buffer_done(&text);
    return context;
}

static struct ticket seal(struct bench *bench, bytes context, bytes plain)
{
    struct ticket ticket = {.text = seal_make(&bench->arena, program.seal_key, context, plain)};
    ticket.is_end = plain.len == 1 && plain.at[0] == 'E';
    ticket.is_good = ticket.is_end || (plain.len != 0 && plain.at[0] == 'P');
    if (ticket.is_good && !ticket.is_end)
        ticket.key = (bytes){plain.at + 1, plain.len - 1};
    return ticket;
}

static struct ticket seal_position(struct bench *bench, bytes context, bytes key)
{
    uint8_t *plain = arena_alloc(&bench->arena, key.len + 1);
    plain[0] = 'P';
    if (key.len != 0)
        memcpy(plain + 1, key.at, key.len);
    return seal(bench, context, (bytes){plain, key.len + 1});
}

/* Nobody who changed a letter gets in. */
static struct ticket spoil(struct bench *bench, struct ticket ticket)
{
    str text = str_copy(&bench->arena, ticket.text);
    char *at = (char *)(uintptr_t)text.at + (size_t)take_byte(bench) * 7 % text.len;
    char by = (char)take_byte(bench);
    *at = *at == by ? (char)(by ^ 1) : by;
    return (struct ticket){.text = text};
}

static struct ticket take_ticket(struct bench *bench, const struct page_source *source)
{
    bytes context = context_of(bench, source);
    switch (take_byte(bench) % 7) {
    case 0:
        return (struct ticket){0};
    case 1:
        return (struct ticket){.text = take_piece(bench)};
    case 2:
        return seal_position(bench, context, take_position(bench));
    case 3:
        return seal(bench, context, bytes_of(take_piece(bench)));
    case 4:
        return seal(bench, context, bytes_of(STR("E")));
    case 5: /* of another list */
        context = bytes_of(STR("?"));
        return (struct ticket){.text = seal_position(bench, context, take_position(bench)).text};
    default:
        return spoil(bench, seal_position(bench, context, take_position(bench)));
    }
}

static bool make(struct call *call, const void *row, void *item, void *context)
{
    const struct thing *thing = row;
    *(int64_t *)item = thing->id.n;
    return thing->rank % 5 != 0;
}

/* Where the page of these tickets has to end, and its rows; false: it has to be refused. */
static bool expect(const struct bench *bench, const struct list_asked *asked, struct wanted *wanted,
                   struct ticket *ends)
{
    const struct ticket *cursor = &asked->cursor;
    const struct ticket *end = asked->end.text.at != NULL ? &asked->end : &asked->journal;
    struct bounds bounds = asked->source.bounds;
    *wanted = (struct wanted){.count = 0};
    *ends = (struct ticket){.is_end = true};
    if ((cursor->text.at != NULL && !cursor->is_good) ||
        (asked->end.text.at != NULL && !asked->end.is_good))
        return false;
    if (cursor->is_end)
        return true;
    bounds.after = cursor->key;
    bounds.until = end->is_good ? end->key : (bytes){0};
    if (MAX_OF(bounds.after.len, bounds.until.len) > STORE_KEY_MAX)
        return false;
    *wanted = things_between(bench, &bounds, asked->source.order);
    if (end->is_good) {
        *ends = *end;
    } else if (wanted->count >= (size_t)asked->num_items) {
        wanted->count = (size_t)asked->num_items;
        *ends = (struct ticket){.key = wanted->rows[wanted->count - 1]->key};
    }
    return true;
}

static void check_rows(const struct page *page, const struct wanted *wanted)
{
    const int64_t *ids = page->page.items;
    size_t count = 0;
    for (size_t i = 0; i < wanted->count; i++) {
        if (wanted->rows[i]->row.rank % 5 == 0)
            continue;
        assert(count < page->page.count && ids[count] == wanted->rows[i]->row.id.n);
        count++;
    }
    assert(count == page->page.count);
}

/* A page that has grown says where its middle is. */
static void check_split(struct bench *bench, const struct list_asked *asked,
                        const struct page *page, const struct wanted *wanted)
{
    if (wanted->count < 2 || wanted->count <= (size_t)asked->num_items) {
        assert(page->split_cursor.at == NULL);
        return;
    }
    bytes context = context_of(bench, &asked->source);
    bytes middle = wanted->rows[(wanted->count - 1) / 2]->key;
    assert(str_equal(page->split_cursor, seal_position(bench, context, middle).text));
}

/* Runs a page and checks it; false: it was refused, as it should be. */
static bool run_page(struct bench *bench, const struct list_asked *asked, struct ticket *next)
{
    struct call call = {.arena = &bench->arena,
                        .view = bench->view,
                        .program = &program,
                        .function = &function,
                        .journal = asked->journal.text};
    struct page_options options = {
        .num_items = asked->num_items, .cursor = asked->cursor.text, .end_cursor = asked->end.text};
    struct page page;
    struct wanted wanted;
    bench->view->range_count = 0;
    bool is_right = expect(bench, asked, &wanted, next);
    page_read(&call, &options, &asked->source, &page);
    assert(call_failed(&call) == !is_right);
    if (!is_right) {
        assert(page.page.count == 0 && call.error != INTERNAL_ERROR);
        return false;
    }
    check_rows(&page, &wanted);
    check_split(bench, asked, &page, &wanted);
    check_reads(bench, &asked->source.bounds.prefix);
    assert(page.is_done == next->is_end && str_equal(call.journal, page.continue_cursor));
    bytes context = context_of(bench, &asked->source);
    struct ticket same = next->is_end ? seal(bench, context, bytes_of(STR("E")))
                                      : seal_position(bench, context, next->key);
    assert(str_equal(same.text, page.continue_cursor));
    *next = same;
    return true;
}

/* The page, the page again as its journal pins it, and all that come behind it. */
static void try_pages(struct bench *bench, enum order order)
{
    struct list_asked asked = {.source = {.index = bench->index,
                                          .bounds = take_bounds(bench),
                                          .order = order,
                                          .item_size = sizeof(int64_t),
                                          .make = make}};
    struct ticket next, again;
    asked.num_items = 1 + take_byte(bench) % 50;
    asked.cursor = take_ticket(bench, &asked.source);
    asked.end = take_ticket(bench, &asked.source);
    asked.journal = take_ticket(bench, &asked.source);
    if (!run_page(bench, &asked, &next))
        return;
    asked.end = (struct ticket){0};
    asked.journal = next;
    bool is_same = run_page(bench, &asked, &again);
    assert(is_same && str_equal(next.text, again.text));
    asked.journal = (struct ticket){0};
    for (size_t pages = 0; !next.is_end; pages++) {
        assert(pages <= ROWS_MAX);
        asked.cursor = next;
        if (!run_page(bench, &asked, &next))
            return;
    }
}

/* ---- both ---- */

static void try_all(struct bench *bench, uint8_t flags)
{
    enum order order = (flags & 1) != 0 ? ORDER_DOWN : ORDER_UP;
    bench->index = &thing_type.indexes[(flags & 2) != 0 ? 1 : 0];
    things_see(bench);
    if ((flags & 4) != 0)
        try_pages(bench, order);
    else
        try_scan(bench, order);
}

int fuzz_one(const uint8_t *data, size_t size)
{
    struct bench bench = {.input = {(const char *)data, size}};
    struct fault fault;
    struct store *store = things_store();
    uint8_t flags = take_byte(&bench);
    if ((flags & 8) == 0) {
        struct view view;
        bool is_open = view_begin(store, &bench.arena, &view, &fault);
        assert(is_open);
        bench.view = &view;
        try_all(&bench, flags);
        view_end(&view);
    } else { /* inside a change, over what it wrote */
        struct batch *batch;
        struct change change;
        bool is_open = batch_begin(store, (instant){1700000001000000}, &batch, &fault);
        assert(is_open);
        change_begin(batch, &bench.arena, &change);
        bench.view = &change.view;
        things_change(&bench, &change);
        try_all(&bench, flags);
        change_drop(&change);
        batch_drop(batch);
    }
    arena_done(&bench.arena);
    return 0;
}
