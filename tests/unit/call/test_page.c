/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/random.h"
#include "call/page.h"

#include <string.h>

/* ---- something to page through ---- */

struct thing {
    doc_id id;
    tick created;
    int64_t owner, rank;
};

#define ROW struct thing
static const struct field thing_fields[] = {ID(id), CREATED(created), INT(owner), INT(rank)};
#undef ROW
static const struct doc_type thing_type = {
    .name = "things",
    .size = sizeof(struct thing),
    .number = 1,
    FIELDS(thing_fields),
    INDEXES({.name = "by_owner_rank", .fields = {"owner", "rank"}}),
};
static const struct doc_type *const types[] = {&thing_type};
static const struct schema schema = {types, 1, 0};

struct stage {
    struct store *store;
    struct program program;
    struct random random;
};

static const struct function function = {.name = "things:list"};

static int open_stage(void **state)
{
    struct stage *stage = memory_zeroed(sizeof(*stage));
    struct fault fault = {0};
    struct store_options options = {
        .engine = STORE_MEMORY, .schema = &schema, .now = {1700000000000000}};
    assert_true(store_open(&options, &stage->store, &fault));
    memset(stage->program.seal_key, 7, sizeof(stage->program.seal_key));
    random_init_seeded(&stage->random, 11);
    *state = stage;
    return 0;
}

static int close_stage(void **state)
{
    struct stage *stage = *state;
    store_close(stage->store);
    free(stage);
    return 0;
}

static void change(struct stage *stage, bool (*work)(struct change *, void *), void *context)
{
    AUTO(arena_done) struct arena arena = {0};
    struct fault fault = {0};
    struct batch *batch;
    struct change change;
    commit_ts ts;
    assert_true(batch_begin(stage->store, (instant){1700000000000000}, &batch, &fault));
    change_begin(batch, &arena, &change);
    assert_true(work(&change, context));
    assert_true(change_accept(&change));
    assert_true(batch_commit(batch, &ts, &fault));
}

static bool add(struct change *change, void *context)
{
    struct thing *thing = context;
    change_new(change, &thing_type, thing);
    change_put(change, &thing_type, thing);
    return true;
}

static bool drop(struct change *change, void *context)
{
    change_remove(change, &thing_type, *(doc_id *)context);
    return true;
}

static doc_id thing_add(struct stage *stage, int64_t owner, int64_t rank)
{
    struct thing thing = {.owner = owner, .rank = rank};
    change(stage, add, &thing);
    return thing.id;
}

/* ---- pages ---- */

#define ITEMS_MAX 600

struct ids {
    int64_t all[ITEMS_MAX];
    size_t count;
};

static bool make(struct call *call, const void *row, void *item, void *context)
{
    *(int64_t *)item = ((const struct thing *)row)->id.n;
    return true;
}

static struct page_source source_of(int64_t owner, enum order order)
{
    return (struct page_source){
        .index = &thing_type.indexes[0],
        .bounds = {.prefix = KEY(key_int(owner))},
        .order = order,
        .item_size = sizeof(int64_t),
        .make = make,
    };
}

/* A page as its client keeps it. */
struct kept_page {
    char cursor[600], end_cursor[600], journal[600], next[600], split[600];
    bool has_cursor, has_end, is_done, has_failed;
    int64_t num_items;
    enum error_code error;
};

static str text_or_none(const char *text, bool is_there)
{
    return is_there ? str_of(text) : (str){0};
}

static void keep(char to[600], str text)
{
    assert_true(text.len < 600);
    if (text.len != 0)
        memcpy(to, text.at, text.len);
    to[text.len] = 0;
}

/* Runs the page as it is kept, keeps where it ended, and adds its ids. */
static size_t page_run(struct stage *stage, struct kept_page *kept,
                       const struct page_source *source, struct ids *ids)
{
    AUTO(arena_done) struct arena arena = {0};
    struct view view;
    struct fault fault = {0};
    struct page page;
    assert_true(view_begin(stage->store, &arena, &view, &fault));
    struct call call = {.arena = &arena,
                        .view = &view,
                        .program = &stage->program,
                        .function = &function,
                        .journal = str_of(kept->journal)};
    struct page_options options = {.num_items = kept->num_items,
                                   .cursor = text_or_none(kept->cursor, kept->has_cursor),
                                   .end_cursor = text_or_none(kept->end_cursor, kept->has_end)};
    page_read(&call, &options, source, &page);
    kept->error = call.error;
    kept->has_failed = call_failed(&call);
    if (!kept->has_failed) {
        const int64_t *items = page.page.items;
        for (size_t i = 0; i < page.page.count && ids->count < ITEMS_MAX; i++)
            ids->all[ids->count++] = items[i];
        kept->is_done = page.is_done;
        keep(kept->journal, call.journal);
        keep(kept->next, page.continue_cursor);
        keep(kept->split, page.split_cursor);
    }
    view_end(&view);
    return kept->has_failed ? 0 : page.page.count;
}

static void scan_all(struct stage *stage, const struct page_source *source, struct ids *ids)
{
    AUTO(arena_done) struct arena arena = {0};
    struct view view;
    struct fault fault = {0};
    struct scan scan;
    doc_id id;
    assert_true(view_begin(stage->store, &arena, &view, &fault));
    view_scan(&view, source->index, source->bounds, source->order, &scan);
    while (scan_next_id(&scan, &id) && ids->count < ITEMS_MAX)
        ids->all[ids->count++] = id.n;
    view_end(&view);
}

/* All pages one after another are a beginning of the list, and all of it when the last is done. */
static void check_pages(struct stage *stage, struct kept_page *pages, size_t count,
                        const struct page_source *source)
{
    struct ids paged = {0}, wanted = {0};
    scan_all(stage, source, &wanted);
    for (size_t i = 0; i < count; i++) {
        char before[600];
        memcpy(before, pages[i].next, sizeof(before));
        page_run(stage, &pages[i], source, &paged);
        assert_false(pages[i].has_failed);
        if (before[0] != 0 && !pages[i].is_done)
            assert_string_equal(before, pages[i].next);
    }
    assert_true(paged.count <= wanted.count);
    assert_memory_equal(paged.all, wanted.all, paged.count * sizeof(int64_t));
    if (pages[count - 1].is_done)
        assert_int_equal(paged.count, wanted.count);
}

static void change_something(struct stage *stage, struct ids *alive)
{
    bool adds = alive->count < 20 || (alive->count < 200 && random_below(&stage->random, 5) < 3);
    if (adds) {
        doc_id id = thing_add(stage, 1 + (int64_t)random_below(&stage->random, 2),
                              (int64_t)random_below(&stage->random, 30));
        alive->all[alive->count++] = id.n;
        return;
    }
    size_t at = (size_t)random_below(&stage->random, alive->count);
    change(stage, drop, &(doc_id){alive->all[at]});
    alive->all[at] = alive->all[--alive->count];
}

#define PAGES_MAX 12

/* Random writes, and pages opened one by one, against a scan of everything. */
static void pages_stay_gapless_whatever_is_written(void **state)
{
    struct stage *stage = *state;
    for (int round = 0; round < 12; round++) {
        struct page_source source = source_of(1, round % 2 == 0 ? ORDER_UP : ORDER_DOWN);
        struct kept_page *pages = memory_zeroed(PAGES_MAX * sizeof(*pages));
        struct ids alive = {0};
        size_t count = 1;
        scan_all(stage, &source, &alive);
        pages[0].num_items = 3;
        for (int step = 0; step < 60; step++) {
            change_something(stage, &alive);
            check_pages(stage, pages, count, &source);
            if (count < PAGES_MAX && !pages[count - 1].is_done && step % 4 == 3) {
                struct kept_page *next = &pages[count];
                memcpy(next->cursor, pages[count - 1].next, sizeof(next->cursor));
                next->has_cursor = true;
                next->num_items = 1 + (int64_t)random_below(&stage->random, 5);
                count++;
            }
        }
        free(pages);
    }
}

static void a_page_ends_exactly_where_the_list_does(void **state)
{
    struct stage *stage = *state;
    struct page_source source = source_of(1, ORDER_UP);
    struct kept_page first = {.num_items = 2}, second = {.num_items = 2, .has_cursor = true};
    struct ids ids = {0};
    thing_add(stage, 1, 1);
    thing_add(stage, 1, 2);
    assert_int_equal(page_run(stage, &first, &source, &ids), 2);
    assert_false(first.is_done); /* it cannot know yet */
    memcpy(second.cursor, first.next, sizeof(second.cursor));
    assert_int_equal(page_run(stage, &second, &source, &ids), 0);
    assert_true(second.is_done);
    thing_add(stage, 1, 3);
    assert_int_equal(page_run(stage, &second, &source, &ids), 1);
    assert_true(second.is_done);
}

/* As the client does it: two pages in place of the one. */
static void split(struct kept_page *whole, struct kept_page *upper, struct kept_page *lower)
{
    *upper = *lower = (struct kept_page){.num_items = whole->num_items, .has_end = true};
    memcpy(upper->cursor, whole->cursor, sizeof(upper->cursor));
    upper->has_cursor = whole->has_cursor;
    memcpy(upper->end_cursor, whole->split, sizeof(upper->end_cursor));
    memcpy(lower->cursor, whole->split, sizeof(lower->cursor));
    lower->has_cursor = true;
    memcpy(lower->end_cursor, whole->next, sizeof(lower->end_cursor));
}

static void a_page_that_has_grown_is_cut_in_two_without_a_gap(void **state)
{
    struct stage *stage = *state;
    struct page_source source = source_of(1, ORDER_UP);
    struct kept_page whole = {.num_items = 3}, halves[2];
    struct ids once = {0}, again = {0}, cut = {0};
    for (int64_t i = 0; i < 4; i++)
        thing_add(stage, 1, 10 * i);
    page_run(stage, &whole, &source, &once);
    assert_string_equal(whole.split, ""); /* it is as large as was asked for */
    for (int64_t i = 1; i < 6; i++)
        thing_add(stage, 1, i);
    assert_int_equal(page_run(stage, &whole, &source, &again), 8);
    assert_string_not_equal(whole.split, "");
    split(&whole, &halves[0], &halves[1]);
    assert_int_equal(page_run(stage, &halves[0], &source, &cut), 4);
    assert_int_equal(page_run(stage, &halves[1], &source, &cut), 4);
    assert_memory_equal(cut.all, again.all, 8 * sizeof(int64_t));
    assert_string_equal(halves[1].next, whole.next);

    struct kept_page last = {.num_items = 2, .has_cursor = true}; /* the page at the end, too */
    memcpy(last.cursor, whole.next, sizeof(last.cursor));
    page_run(stage, &last, &source, &cut);
    for (int64_t i = 0; i < 4; i++)
        thing_add(stage, 1, 100 + i);
    assert_int_equal(page_run(stage, &last, &source, &cut), 5);
    split(&last, &halves[0], &halves[1]);
    cut = (struct ids){0};
    assert_int_equal(page_run(stage, &halves[0], &source, &cut), 3);
    assert_false(halves[0].is_done);
    assert_int_equal(page_run(stage, &halves[1], &source, &cut), 2);
    assert_true(halves[1].is_done);
}

static void a_cursor_of_another_list_is_refused(void **state)
{
    struct stage *stage = *state;
    struct page_source mine = source_of(1, ORDER_UP), yours = source_of(2, ORDER_UP);
    struct page_source back = source_of(1, ORDER_DOWN);
    struct kept_page first = {.num_items = 1}, next = {.num_items = 1, .has_cursor = true};
    struct ids ids = {0};
    thing_add(stage, 1, 1);
    thing_add(stage, 1, 2);
    page_run(stage, &first, &mine, &ids);
    memcpy(next.cursor, first.next, sizeof(next.cursor));
    page_run(stage, &next, &yours, &ids);
    assert_true(next.has_failed);
    assert_int_equal(next.error, APPLICATION);
    page_run(stage, &next, &back, &ids);
    assert_true(next.has_failed);
    next.cursor[5] = next.cursor[5] == 'A' ? 'B' : 'A';
    page_run(stage, &next, &mine, &ids);
    assert_true(next.has_failed);
}

static void a_journal_of_another_list_is_as_if_there_were_none(void **state)
{
    struct stage *stage = *state;
    struct page_source mine = source_of(1, ORDER_UP), yours = source_of(2, ORDER_UP);
    struct kept_page first = {.num_items = 1}, other = {.num_items = 5};
    struct ids ids = {0};
    for (int64_t i = 0; i < 4; i++)
        thing_add(stage, 1 + i % 2, i);
    page_run(stage, &first, &mine, &ids);
    memcpy(other.journal, first.journal, sizeof(other.journal));
    assert_int_equal(page_run(stage, &other, &yours, &ids), 2);
    assert_true(other.is_done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pages_stay_gapless_whatever_is_written, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(a_page_ends_exactly_where_the_list_does, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(a_page_that_has_grown_is_cut_in_two_without_a_gap,
                                        open_stage, close_stage),
        cmocka_unit_test_setup_teardown(a_cursor_of_another_list_is_refused, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(a_journal_of_another_list_is_as_if_there_were_none,
                                        open_stage, close_stage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
