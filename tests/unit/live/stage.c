/* SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"

bool stage_is_busy, stage_is_quick;

/* ---- a small program ---- */

struct thing {
    doc_id id;
    tick created;
    int64_t owner;
};

#define ROW struct thing
static const struct field thing_fields[] = {ID(id), CREATED(created), INT(owner)};
#undef ROW
static const struct doc_type thing_type = {
    .name = "things",
    .size = sizeof(struct thing),
    .number = 1,
    FIELDS(thing_fields),
    INDEXES({.name = "by_owner", .fields = {"owner"}}),
};
static const struct doc_type *const types[] = {&thing_type};
static const struct schema schema = {types, 1, 0};

struct count_args {
    int64_t owner;
};
#define ROW struct count_args
static const struct field count_fields[] = {INT(owner)};
#undef ROW
NO_ARGS(clock_of)
NO_ARGS(busy)
BACKEND_FUNCTION(count, int64_t)
BACKEND_FUNCTION(clock_of, int64_t)
BACKEND_FUNCTION(busy, int64_t)
struct large_once_args {
    int64_t owner;
};
#define ROW struct large_once_args
static const struct field large_once_fields[] = {INT(owner)};
#undef ROW
BACKEND_FUNCTION(large_once, int64_t)
#define page_args count_args
#define page_fields count_fields
BACKEND_FUNCTION(page, int64_t)

static const struct function functions[] = {
    QUERY("t:count", count, .caller = ANYONE, .returns = RETURNS_INT),
    QUERY("t:clock", clock_of, .caller = ANYONE, .returns = RETURNS_INT),
    QUERY("t:busy", busy, .caller = ANYONE, .returns = RETURNS_INT),
    QUERY("t:large_once", large_once, .caller = ANYONE, .returns = RETURNS_INT),
    QUERY("t:page", page, .caller = ANYONE, .returns = RETURNS_INT),
    QUERY("t:for_all", count, .caller = ANYONE, .returns = RETURNS_INT, .ignores_caller = true),
};

static void count(struct call *call, const struct count_args *args, int64_t *result)
{
    struct scan scan;
    doc_id id;
    view_scan(call->view, &thing_type.indexes[0],
              (struct bounds){.prefix = KEY(key_int(args->owner))}, ORDER_UP, &scan);
    while (scan_next_id(&scan, &id))
        ++*result;
    scan_end(&scan);
}

/* The minute: right until the next one begins. */
static void clock_of(struct call *call, const struct clock_of_args *args, int64_t *result)
{
    *result = call->now.us / MINUTES(1).us;
    call_valid_until(call, (instant){(*result + 1) * MINUTES(1).us});
}

static void busy(struct call *call, const struct busy_args *args, int64_t *result)
{
    count(call, &(struct count_args){9}, result);
    if (stage_is_busy)
        call_fail(call, TRANSIENT, "Not just now.");
    if (*result == 3)
        call_fail(call, STATE, "Three are too many.");
}

/* Reads all of them, or the newest alone. */
static void large_once(struct call *call, const struct large_once_args *args, int64_t *result)
{
    struct scan scan;
    doc_id id;
    int64_t count = 0;
    view_scan(call->view, &thing_type.indexes[0],
              (struct bounds){.prefix = KEY(key_int(args->owner))}, ORDER_DOWN, &scan);
    while ((count == 0 || !stage_is_quick) && scan_next_id(&scan, &id))
        count++;
    scan_end(&scan);
    *result = count;
}

/* As a page does: 100 more when it is run for the first time, which its journal tells. */
static void page(struct call *call, const struct page_args *args, int64_t *result)
{
    count(call, args, result);
    *result += call->journal.len == 0 ? 100 : 0;
    call->has_paged = true;
    call->journal = STR("its end");
}

/* ---- a stage ---- */

static void on_news(void *context, struct subscription *subscription)
{
    ((struct stage *)context)->news++;
}

static void on_starved(void *context, struct subscription *subscription)
{
    ((struct stage *)context)->starved++;
}

static void keep_writes(void *context, const struct write_set *writes)
{
    struct stage *stage = context;
    struct write_key *keys = arena_array(&stage->written, struct write_key, writes->count);
    for (size_t i = 0; i < writes->count; i++) {
        bytes key = writes->keys[i].key;
        str words = writes->keys[i].words;
        keys[i] = (struct write_key){
            .space = writes->keys[i].space,
            .key = {arena_copy(&stage->written, key.at, key.len), key.len},
            .words = words.at == NULL ? words : str_copy(&stage->written, words),
        };
    }
    stage->writes = (struct write_set){writes->ts, writes->count, keys};
}

int stage_open(void **state)
{
    struct stage *stage = memory_zeroed(sizeof(*stage));
    struct fault fault = {0};
    const struct function *tables[] = {functions};
    size_t counts[] = {ARRAY_LEN(functions)};
    stage_is_busy = stage_is_quick = false;
    stage->now = (instant){MINUTES(1000).us};
    struct store_options options = {.engine = STORE_MEMORY,
                                    .schema = &schema,
                                    .now = stage->now,
                                    .before_commit = keep_writes,
                                    .context = stage};
    assert_true(store_open(&options, &stage->store, &fault));
    program_init(&stage->program, tables, counts, 1);
    stage->live = live_new(&(struct live_options){.program = &stage->program,
                                                  .budget = &stage->budget,
                                                  .on_starved = on_starved,
                                                  .on_news = on_news,
                                                  .context = stage});
    *state = stage;
    return 0;
}

int stage_close(void **state)
{
    struct stage *stage = *state;
    live_free(stage->live);
    assert_int_equal(stage->budget.used, 0);
    assert_int_equal(stage->budget.strangers, 0);
    store_close(stage->store);
    program_done(&stage->program);
    arena_done(&stage->written);
    free(stage);
    return 0;
}

void stage_round(struct stage *stage)
{
    AUTO(arena_done) struct arena arena = {0};
    struct view view;
    struct fault fault = {0};
    assert_true(view_begin(stage->store, &arena, &view, &fault));
    live_round(stage->live, &view, stage->now);
    view_end(&view);
}

void stage_add(struct stage *stage, int64_t owner)
{
    AUTO(arena_done) struct arena arena = {0};
    struct fault fault = {0};
    struct thing thing = {.owner = owner};
    struct batch *batch;
    struct change change;
    commit_ts ts;
    assert_true(batch_begin(stage->store, stage->now, &batch, &fault));
    change_begin(batch, &arena, &change);
    change_new(&change, &thing_type, &thing);
    change_put(&change, &thing_type, &thing);
    assert_true(change_accept(&change));
    assert_true(batch_commit(batch, &ts, &fault));
    live_commit(stage->live, &stage->writes);
}

void stage_subscribe(struct stage *stage, struct subscription *to, const char *path,
                     const char *args)
{
    *to = (struct subscription){0};
    live_subscribe(stage->live, to, str_of(path), str_of(args), NULL, STR(""));
}

void expect_tail(const struct subscription *subscription, const char *start)
{
    struct live_result result = live_result(subscription);
    assert_non_null(result.tail);
    str text = shared_text(result.tail);
    if (!str_starts(text, str_of(start)))
        fail_msg("%.*s, not %s", STR_ARG(text), start);
}

uint64_t stage_evaluations(const struct stage *stage)
{
    return live_counts(stage->live).evaluations;
}

void stage_add_many(struct stage *stage, int64_t owner, size_t count)
{
    for (size_t i = 0; i < count; i++)
        stage_add(stage, owner);
}
