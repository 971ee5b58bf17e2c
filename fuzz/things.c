/* SPDX-License-Identifier: Apache-2.0 */
#include "things.h"

#include "store/keys.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define COMMITTED 42
#define TEXT_MAX 200 /* longer ones are cut in keys: their order is nobody's promise */

#define ROW struct thing
static const struct field thing_fields[] = {ID(id), CREATED(created), INT(owner), INT(rank),
                                            MAYBE_TEXT(name)};
#undef ROW
const struct doc_type thing_type = {
    .name = "things",
    .size = sizeof(struct thing),
    .number = 1,
    FIELDS(thing_fields),
    INDEXES({.name = "by_owner_name", .fields = {"owner", "name"}},
            {.name = "by_owner", .fields = {"owner"}, .holds_body = true}),
};
static const struct doc_type *const types[] = {&thing_type};
static const struct schema schema = {types, 1, 0};
static struct store *store;

/* What was put: first what is committed, then what this input's change added. */
static struct thing made[ROWS_MAX];
static size_t made_count;

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

void things_see(struct bench *bench)
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

struct store *things_store(void)
{
    if (store == NULL)
        open_store();
    return store;
}

/* ---- what the input says ---- */

uint8_t take_byte(struct bench *bench)
{
    if (bench->input.len == 0)
        return 0;
    uint8_t byte = (uint8_t)bench->input.at[0];
    bench->input = str_slice(bench->input, 1, bench->input.len);
    return byte;
}

/* In memory of its own and never empty there, so that reading one beyond is seen. */
str take_piece(struct bench *bench)
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

struct bounds take_bounds(struct bench *bench)
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
bytes take_position(struct bench *bench)
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

void things_change(struct bench *bench, struct change *change)
{
    made_count = COMMITTED;
    put_things(change, COMMITTED + take_byte(bench) % 21, take_byte(bench) % 30);
    for (int count = take_byte(bench) % 8; count > 0; count--)
        change_remove(change, &thing_type, made[take_byte(bench) % made_count].id);
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

struct wanted things_between(const struct bench *bench, const struct bounds *bounds,
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
