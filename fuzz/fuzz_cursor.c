/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Positions from strangers: cursors, journals and the bounds that they become. Whatever the bytes
 * are, a scan gives exactly the rows of its prefix that lie between them, and reads nothing else;
 * a page gives exactly what such a scan does, ends where it says, and goes on behind that. A text
 * that was not sealed here under this very list is refused, or as a journal passed over.
 *
 * The answers are checked against a plain filter over all rows, which compares values, not keys.
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/seal.h"
#include "call/page.h"
#include "store/keys.h"

#include "fuzz.h"

#define ROWS_MAX 96
#define COMMITTED 42
#define TEXT_MAX 200 /* longer ones are cut in keys: their order is nobody's promise */

struct thing {
    doc_id id;
    tick created;
    int64_t owner, rank;
    str name;
};

#define ROW struct thing
static const struct field thing_fields[] = {ID(id), CREATED(created), INT(owner), INT(rank),
                                            MAYBE_TEXT(name)};
#undef ROW
static const struct doc_type thing_type = {
    .name = "things",
    .size = sizeof(struct thing),
    .number = 1,
    FIELDS(thing_fields),
    INDEXES({.name = "by_owner_name", .fields = {"owner", "name"}},
            {.name = "by_owner", .fields = {"owner"}, .holds_body = true}),
};
static const struct doc_type *const types[] = {&thing_type};
static const struct schema schema = {types, 1, 0};
static const struct function function = {.name = "things:list"};
static struct program program = {.seal_key = "a key that nobody outside knows"};
static struct store *store;

/* All rows as they are now, in the order of the index. */
struct seen_row {
    struct thing row;
    bytes key;
};

/* What was put: first what is committed, then what this input's change added. */
static struct thing made[ROWS_MAX];
static size_t made_count;

struct bench {
    struct arena arena;
    struct view *view;
    const struct index *index;
    struct seen_row rows[ROWS_MAX];
    size_t count;
    str input;
};

/* ---- the store ---- */

static void put_things(struct change *change, int64_t from, int64_t count)
{
    static const str names[] = {
        {NULL, 0}, STR(""), STR("a"), STR("a\x01"), STR("a\x01\xc3\xbf"), STR("ab"), STR("b"),
    };
    for (int64_t i = from; i < from + count; i++) {
        struct thing thing = {.owner = 1 + i % 3, .rank = i, .name = names[i / 3 % 7]};
        change_new(change, &thing_type, &thing);
        change_put(change, &thing_type, &thing);
        assert(made_count < ROWS_MAX);
        made[made_count++] = thing;
    }
}

static void open_store(void)
{
    struct store_options options = {
        .engine = STORE_MEMORY, .schema = &schema, .now = {1700000000000000}};
    struct arena arena = {0};
    struct fault fault;
    struct batch *batch;
    struct change change;
    commit_ts ts;
    bool is_open = store_open(&options, &store, &fault) &&
                   batch_begin(store, (instant){1700000000000000}, &batch, &fault);
    assert(is_open);
    change_begin(batch, &arena, &change);
    put_things(&change, 0, COMMITTED);
    bool is_done = change_accept(&change) && batch_commit(batch, &ts, &fault);
    assert(is_done);
    arena_done(&arena);
}

static const struct thing *thing_of(doc_id id)
{
    size_t at = (size_t)(id.n - made[0].id.n);
    if (at >= COMMITTED)
        at = COMMITTED + (size_t)(id.n - made[COMMITTED].id.n);
    assert(at < made_count && doc_id_equal(made[at].id, id));
    return &made[at];
}

static void see_rows(struct bench *bench)
{
    struct scan scan;
    doc_id id;
    bench->count = 0;
    view_scan(bench->view, bench->index, (struct bounds){0}, ORDER_UP, &scan);
    while (scan_next_id(&scan, &id)) {
        assert(bench->count < ROWS_MAX);
        bench->rows[bench->count++] = (struct seen_row){*thing_of(id), scan_position(&scan)};
    }
    scan_end(&scan);
    assert(!bench->view->is_failed && bench->count != 0);
}

/* ---- what the input says ---- */

static uint8_t take_byte(struct bench *bench)
{
    if (bench->input.len == 0)
        return 0;
    uint8_t byte = (uint8_t)bench->input.at[0];
    bench->input = str_slice(bench->input, 1, bench->input.len);
    return byte;
}

/* In memory of its own and never empty there, so that reading one beyond is seen. */
static str take_piece(struct bench *bench)
{
    size_t len = take_byte(bench);
    if (len == 255)
        len = (size_t)take_byte(bench) * 32;
    str piece = str_slice(bench->input, 0, len);
    bench->input = str_slice(bench->input, piece.len, bench->input.len);
    char *at = arena_alloc(&bench->arena, MAX_OF(piece.len, (size_t)1));
    if (piece.len != 0)
        memcpy(at, piece.at, piece.len);
    return (str){at, piece.len};
}

static struct key_part take_part(struct bench *bench)
{
    static const double numbers[] = {-INFINITY, -1,    -0.0,   0,
                                     1,         1.5,   2,      3,
                                     4,         1e300, 1.7e12, 1700000000000.5,
                                     5e-324,    -2e9,  NAN,    (double)INFINITY};
    uint8_t byte = take_byte(bench);
    switch (byte % 6) {
    case 0:
        return (struct key_part){0};
    case 1:
        return key_null();
    case 2:
        return key_bool(byte >= 128);
    case 3:
        return key_number(numbers[byte / 6 % ARRAY_LEN(numbers)]);
    case 4:
        return key_text(str_slice(take_piece(bench), 0, TEXT_MAX));
    default:
        return key_id((doc_id){byte / 6});
    }
}

/* A moment of creation, around one that there is. */
static struct key_part take_moment(struct bench *bench)
{
    uint8_t byte = take_byte(bench);
    if (byte % 4 == 0)
        return (struct key_part){0};
    if (byte % 4 == 1)
        return key_number(byte >= 128 ? 1e300 : NAN);
    const struct thing *row = &bench->rows[byte / 4 % bench->count].row;
    return key_number(((double)row->created.n + (byte % 4 == 2 ? 0 : 0.5)) / 1024.0);
}

/* The next field of the index is not the one of the prefix: the moment, behind the last. */
static size_t field_count(const struct bench *bench)
{
    return bench->index == &thing_type.indexes[0] ? 2 : 1;
}

static struct bounds take_bounds(struct bench *bench)
{
    struct bounds bounds = {0};
    uint8_t byte = take_byte(bench);
    bounds.prefix.count = byte % (field_count(bench) + 1);
    for (size_t i = 0; i < bounds.prefix.count; i++) {
        bounds.prefix.parts[i] = i == 0 ? key_int(byte / 16 % 4) : take_part(bench);
        if (bounds.prefix.parts[i].kind == KEY_NONE)
            bounds.prefix.parts[i].kind = KEY_NULL;
    }
    bool is_moment = bounds.prefix.count == field_count(bench);
    bounds.from = is_moment ? take_moment(bench) : take_part(bench);
    bounds.to = is_moment ? take_moment(bench) : take_part(bench);
    bounds.from_is_open = (byte & 64) != 0;
    bounds.to_is_open = (byte & 128) != 0;
    return bounds;
}

/* Any bytes, or the key of a row, whole, cut or with something behind it. .at NULL: none. */
static bytes take_position(struct bench *bench)
{
    uint8_t byte = take_byte(bench);
    bytes key = bench->rows[take_byte(bench) % bench->count].key;
    switch (byte % 4) {
    case 0:
        return (bytes){0};
    case 1:
        return bytes_of(take_piece(bench));
    case 2:
        return (bytes){key.at, MIN_OF(key.len, (size_t)byte / 4)};
    default: {
        str more = take_piece(bench);
        uint8_t *at = arena_alloc(&bench->arena, key.len + more.len);
        memcpy(at, key.at, key.len);
        memcpy(at + key.len, more.at, more.len);
        return (bytes){at, key.len + more.len};
    }
    }
}

/* ---- what has to come out ---- */

static int kind_rank(const struct key_part *part)
{
    switch (part->kind) {
    case KEY_NONE:
    case KEY_NULL:
        return 1;
    case KEY_BOOL:
        return 2;
    case KEY_NUMBER:
        return 3;
    case KEY_TEXT:
        return part->text.at == NULL ? 1 : 4;
    case KEY_ID:
        return doc_id_is_set(part->id) ? 5 : 1;
    }
    return 0;
}

static int compare_numbers(double a, double b)
{
    if (isnan(a) || isnan(b))
        return (isnan(a) ? 1 : 0) - (isnan(b) ? 1 : 0); /* behind all others */
    return (a > b) - (a < b);
}

static int compare_parts(const struct key_part *a, const struct key_part *b)
{
    int rank = kind_rank(a);
    if (rank != kind_rank(b))
        return rank - kind_rank(b);
    if (rank == 2)
        return a->truth - b->truth;
    if (rank == 3)
        return compare_numbers(a->number, b->number);
    return rank == 4 ? str_compare(a->text, b->text) : (a->id.n > b->id.n) - (a->id.n < b->id.n);
}

/* A row's value where the bounds have their part number `which`, against that part. */
static int compare_row(const struct bench *bench, const struct thing *row, size_t which,
                       const struct key_part *part)
{
    if (which == field_count(bench)) {
        double ticks = part->number * 1024;
        return compare_numbers((double)row->created.n, ticks > 0 ? floor(ticks) : 0);
    }
    struct key_part own = which == 0 ? key_int(row->owner) : key_text(row->name);
    return compare_parts(&own, part);
}

static bool is_in(const struct bench *bench, const struct seen_row *seen,
                  const struct bounds *bounds, enum order order)
{
    const struct thing *row = &seen->row;
    size_t next = bounds->prefix.count;
    for (size_t i = 0; i < next; i++)
        if (compare_row(bench, row, i, &bounds->prefix.parts[i]) != 0)
            return false;
    if (bounds->from.kind != KEY_NONE &&
        compare_row(bench, row, next, &bounds->from) < (bounds->from_is_open ? 1 : 0))
        return false;
    if (bounds->to.kind != KEY_NONE &&
        compare_row(bench, row, next, &bounds->to) > (bounds->to_is_open ? -1 : 0))
        return false;
    int sign = order == ORDER_UP ? 1 : -1;
    if (bounds->after.at != NULL && sign * bytes_compare(seen->key, bounds->after) <= 0)
        return false;
    return bounds->until.at == NULL || sign * bytes_compare(seen->key, bounds->until) <= 0;
}

struct wanted {
    const struct seen_row *rows[ROWS_MAX];
    size_t count;
};

static struct wanted filter(const struct bench *bench, const struct bounds *bounds,
                            enum order order)
{
    struct wanted wanted = {.count = 0};
    for (size_t i = 0; i < bench->count; i++) {
        size_t at = order == ORDER_UP ? i : bench->count - 1 - i;
        if (is_in(bench, &bench->rows[at], bounds, order))
            wanted.rows[wanted.count++] = &bench->rows[at];
    }
    return wanted;
}

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

static void try_scan(struct bench *bench, enum order order)
{
    struct bounds bounds = take_bounds(bench);
    bounds.after = take_position(bench);
    bounds.until = take_position(bench);
    struct wanted wanted = filter(bench, &bounds, order);
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
    *wanted = filter(bench, &bounds, asked->source.order);
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
    see_rows(bench);
    if ((flags & 4) != 0)
        try_pages(bench, order);
    else
        try_scan(bench, order);
}

static void change_something(struct bench *bench, struct change *change)
{
    made_count = COMMITTED;
    put_things(change, COMMITTED + take_byte(bench) % 21, take_byte(bench) % 30);
    for (int count = take_byte(bench) % 8; count > 0; count--)
        change_remove(change, &thing_type, made[take_byte(bench) % made_count].id);
}

int fuzz_one(const uint8_t *data, size_t size)
{
    struct bench bench = {.input = {(const char *)data, size}};
    struct fault fault;
    if (store == NULL)
        open_store();
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
        change_something(&bench, &change);
        try_all(&bench, flags);
        change_drop(&change);
        batch_drop(batch);
    }
    arena_done(&bench.arena);
    return 0;
}
