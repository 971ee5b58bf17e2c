/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "live/live.h"

#include <stdio.h>
#include <string.h>

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

static bool is_busy, is_quick;

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
    if (is_busy)
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
    while ((count == 0 || !is_quick) && scan_next_id(&scan, &id))
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

struct stage {
    struct program program;
    struct store *store;
    struct live *live;
    struct arena written; /* of the last write set */
    struct write_set writes;
    instant now;
    size_t news, starved;
    struct budget budget;
};

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
        keys[i] = (struct write_key){writes->keys[i].space,
                                     {arena_copy(&stage->written, key.at, key.len), key.len}};
    }
    stage->writes = (struct write_set){writes->ts, writes->count, keys};
}

static int open_stage(void **state)
{
    struct stage *stage = memory_zeroed(sizeof(*stage));
    struct fault fault = {0};
    const struct function *tables[] = {functions};
    size_t counts[] = {ARRAY_LEN(functions)};
    is_busy = is_quick = false;
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

static int close_stage(void **state)
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

static void round_of(struct stage *stage)
{
    AUTO(arena_done) struct arena arena = {0};
    struct view view;
    struct fault fault = {0};
    assert_true(view_begin(stage->store, &arena, &view, &fault));
    live_round(stage->live, &view, stage->now);
    view_end(&view);
}

static void add_thing(struct stage *stage, int64_t owner)
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

static void subscribe(struct stage *stage, struct subscription *to, const char *path,
                      const char *args)
{
    *to = (struct subscription){0};
    live_subscribe(stage->live, to, str_of(path), str_of(args), NULL, STR(""));
}

static void expect_tail(const struct subscription *subscription, const char *start)
{
    struct live_result result = live_result(subscription);
    assert_non_null(result.tail);
    str text = shared_text(result.tail);
    if (!str_starts(text, str_of(start)))
        fail_msg("%.*s, not %s", STR_ARG(text), start);
}

static uint64_t evaluations(const struct stage *stage)
{
    return live_counts(stage->live).evaluations;
}

/* ---- tests ---- */

static void a_commit_evaluates_what_it_hit_and_nothing_else(void **state)
{
    struct stage *stage = *state;
    struct subscription one, two;
    subscribe(stage, &one, "t:count", "{\"owner\":1}");
    subscribe(stage, &two, "t:count", "{\"owner\":2}");
    round_of(stage);
    expect_tail(&one, "\"value\":0,");
    assert_int_equal(evaluations(stage), 2);
    add_thing(stage, 1);
    assert_true(live_is_due(stage->live, stage->now));
    round_of(stage);
    expect_tail(&one, "\"value\":1,");
    expect_tail(&two, "\"value\":0,");
    assert_int_equal(evaluations(stage), 3);
    assert_int_equal(live_result(&one).version, 2);
    assert_int_equal(live_result(&two).version, 1);
    add_thing(stage, 3);
    assert_false(live_is_due(stage->live, stage->now));
    live_unsubscribe(stage->live, &one);
    live_unsubscribe(stage->live, &two);
}

static void many_commits_are_one_evaluation(void **state)
{
    struct stage *stage = *state;
    struct subscription one;
    subscribe(stage, &one, "t:count", "{\"owner\":1}");
    round_of(stage);
    for (int i = 0; i < 10; i++)
        add_thing(stage, 1);
    round_of(stage);
    expect_tail(&one, "\"value\":10,");
    assert_int_equal(evaluations(stage), 2);
    assert_int_equal(stage->news, 2);
    live_unsubscribe(stage->live, &one);
}

static void who_asks_what_others_ask_gets_their_answer_at_once(void **state)
{
    struct stage *stage = *state;
    struct subscription one, two;
    subscribe(stage, &one, "t:count", "{\"owner\":1}");
    round_of(stage);
    subscribe(stage, &two, "t.js:count", "{\"owner\":1}"); /* the same function */
    expect_tail(&two, "\"value\":0,");
    assert_false(live_is_due(stage->live, stage->now));
    live_unsubscribe(stage->live, &one);
    add_thing(stage, 1);
    round_of(stage);
    expect_tail(&two, "\"value\":1,");
    live_unsubscribe(stage->live, &two);
}

static void a_page_that_moved_on_is_not_given_to_who_asks_anew(void **state)
{
    struct stage *stage = *state;
    struct subscription one, two, three, four;
    subscribe(stage, &one, "t:page", "{\"owner\":1}");
    round_of(stage);
    subscribe(stage, &two, "t:page", "{\"owner\":1}"); /* it is still as a first run gives it */
    expect_tail(&two, "\"value\":100,");
    add_thing(stage, 1);
    subscribe(stage, &three, "t:page", "{\"owner\":1}");
    round_of(stage);
    expect_tail(&one, "\"value\":1,");
    expect_tail(&two, "\"value\":1,");
    expect_tail(&three, "\"value\":101,");
    subscribe(stage, &four, "t:page", "{\"owner\":1}");
    assert_ptr_equal(three.query, four.query);
    struct subscription *all[] = {&one, &two, &three, &four};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        live_unsubscribe(stage->live, all[i]);
    assert_int_equal(live_counts(stage->live).queries, 0);
}

static void another_caller_asks_for_the_same_page(void **state)
{
    struct stage *stage = *state;
    struct identity *somebody = memory_zeroed(sizeof(*somebody));
    *somebody = (struct identity){.count = 1, .hash = {1, 2}};
    struct subscription one;
    subscribe(stage, &one, "t:page", "{\"owner\":1}");
    round_of(stage);
    add_thing(stage, 1);
    live_resubscribe(stage->live, &one, somebody);
    round_of(stage);
    expect_tail(&one, "\"value\":1,");
    assert_int_equal(live_counts(stage->live).queries, 1);
    live_unsubscribe(stage->live, &one);
    identity_drop(somebody);
}

static void what_nobody_asks_is_forgotten(void **state)
{
    struct stage *stage = *state;
    struct subscription one, two;
    subscribe(stage, &one, "t:count", "{\"owner\":1}");
    subscribe(stage, &two, "t:count", "{\"owner\":2}");
    live_unsubscribe(stage->live, &two); /* before its first evaluation */
    round_of(stage);
    assert_int_equal(evaluations(stage), 1);
    assert_int_equal(live_counts(stage->live).queries, 1);
    add_thing(stage, 1);
    live_unsubscribe(stage->live, &one); /* while it is marked */
    live_unsubscribe(stage->live, &one);
    assert_false(live_is_due(stage->live, stage->now));
    assert_int_equal(live_counts(stage->live).queries, 0);
    assert_int_equal(live_counts(stage->live).watches, 0);
    assert_int_equal(live_counts(stage->live).subscriptions, 0);
}

static void an_answer_whose_time_is_over_is_evaluated_again(void **state)
{
    struct stage *stage = *state;
    struct subscription one;
    subscribe(stage, &one, "t:clock", "{}");
    round_of(stage);
    expect_tail(&one, "\"value\":1000,");
    assert_int_equal(live_next(stage->live).us, MINUTES(1001).us);
    stage->now.us = MINUTES(1001).us - 1;
    assert_false(live_is_due(stage->live, stage->now));
    stage->now.us = MINUTES(1001).us;
    assert_true(live_is_due(stage->live, stage->now));
    round_of(stage);
    expect_tail(&one, "\"value\":1001,");
    assert_int_equal(live_next(stage->live).us, MINUTES(1002).us);
    live_unsubscribe(stage->live, &one);
}

static void a_passing_failure_keeps_the_last_answer_and_is_tried_again(void **state)
{
    struct stage *stage = *state;
    struct subscription first;
    is_busy = true;
    subscribe(stage, &first, "t:busy", "{}");
    round_of(stage);
    assert_false(live_is_current(&first)); /* who waits for it goes on waiting */
    assert_false(live_is_due(stage->live, stage->now));
    stage->now = live_next(stage->live);
    is_busy = false;
    round_of(stage);
    assert_true(live_is_current(&first));
    expect_tail(&first, "\"value\":0,");

    is_busy = true;
    add_thing(stage, 9);
    round_of(stage);
    expect_tail(&first, "\"value\":0,");
    assert_false(live_is_current(&first));
    stage->now = live_next(stage->live);
    is_busy = false;
    round_of(stage);
    expect_tail(&first, "\"value\":1,");
    assert_int_equal(live_result(&first).version, 2);
    live_unsubscribe(stage->live, &first);
}

static void a_refusal_from_before_is_not_current_while_the_query_fails(void **state)
{
    struct stage *stage = *state;
    struct subscription first;
    for (int i = 0; i < 3; i++)
        add_thing(stage, 9);
    subscribe(stage, &first, "t:busy", "{}");
    round_of(stage);
    assert_true(live_result(&first).is_failure && live_is_current(&first));
    is_busy = true;
    add_thing(stage, 9);
    round_of(stage);
    assert_false(live_is_current(&first)); /* there are four now */
    live_unsubscribe(stage->live, &first);
}

static void a_transient_failure_that_stays_is_told_after_all(void **state)
{
    struct stage *stage = *state;
    struct subscription first;
    int tries = 1;
    is_busy = true;
    subscribe(stage, &first, "t:busy", "{}");
    round_of(stage);
    while (!live_is_current(&first)) {
        assert_true(++tries < 100);
        stage->now = live_next(stage->live);
        round_of(stage);
    }
    assert_true(tries > 1);
    assert_true(live_result(&first).is_failure);
    is_busy = false;
    stage->now = live_next(stage->live);
    round_of(stage);
    expect_tail(&first, "\"value\":0,");
    live_unsubscribe(stage->live, &first);
}

/* ---- what is too large for a round ---- */

static void add_things(struct stage *stage, int64_t owner, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add_thing(stage, owner);
}

/* A round whose job is run on its snapshot and handed back by settle_job, later. */
static struct live_job *round_with_job(struct stage *stage)
{
    AUTO(arena_done) struct arena arena = {0};
    struct view view;
    struct fault fault = {0};
    assert_true(view_begin(stage->store, &arena, &view, &fault));
    live_round(stage->live, &view, stage->now);
    struct live_job *job = live_job_take(stage->live);
    if (job != NULL)
        live_job_run(job, &view, stage->now);
    view_end(&view);
    return job;
}

static void settle_job(struct stage *stage, struct live_job *job)
{
    live_job_settle(stage->live, job);
    live_job_end(stage->live, job);
}

static void a_large_query_waits_for_its_job(void **state)
{
    struct stage *stage = *state;
    struct subscription large, small;
    add_things(stage, 9, LIVE_SMALL_READS + 1);
    add_thing(stage, 8);
    subscribe(stage, &large, "t:count", "{\"owner\":9}");
    subscribe(stage, &small, "t:count", "{\"owner\":8}");
    struct live_job *job = round_with_job(stage);
    assert_non_null(job);
    assert_true(live_is_current(&small));
    assert_false(live_is_current(&large));
    assert_false(live_is_due(stage->live, stage->now)); /* one job at a time */
    assert_true(live_job_has(job, &large));
    assert_false(live_job_has(job, &small));
    assert_int_equal(stage->news, 1);
    settle_job(stage, job);
    assert_true(live_is_current(&large));
    expect_tail(&large, "\"value\":257,");
    assert_int_equal(stage->news, 2);
    live_unsubscribe(stage->live, &large);
    live_unsubscribe(stage->live, &small);
}

static void a_commit_while_the_job_is_out_marks_what_it_hits(void **state)
{
    struct stage *stage = *state;
    struct subscription nine, eight;
    add_things(stage, 9, LIVE_SMALL_READS + 1);
    add_things(stage, 8, LIVE_SMALL_READS + 1);
    subscribe(stage, &nine, "t:count", "{\"owner\":9}");
    subscribe(stage, &eight, "t:count", "{\"owner\":8}");
    struct live_job *job = round_with_job(stage);
    add_thing(stage, 9);
    settle_job(stage, job);
    expect_tail(&nine, "\"value\":257,"); /* of the job's moment */
    assert_false(live_is_current(&nine));
    assert_true(live_is_current(&eight));
    assert_true(live_is_due(stage->live, stage->now));
    uint64_t before = live_counts(stage->live).evaluations;
    settle_job(stage, round_with_job(stage));
    assert_int_equal(live_counts(stage->live).evaluations, before + 1);
    expect_tail(&nine, "\"value\":258,");
    assert_int_equal(live_counts(stage->live).abandoned, 2); /* known to be large by now */
    live_unsubscribe(stage->live, &nine);
    live_unsubscribe(stage->live, &eight);
}

static void who_leaves_while_the_job_is_out_leaves_nothing(void **state)
{
    struct stage *stage = *state;
    struct subscription first, second;
    add_things(stage, 9, LIVE_SMALL_READS + 1);
    subscribe(stage, &first, "t:count", "{\"owner\":9}");
    struct live_job *job = round_with_job(stage);
    live_unsubscribe(stage->live, &first);
    subscribe(stage, &second, "t:count", "{\"owner\":9}"); /* joins what is under way */
    settle_job(stage, job);
    expect_tail(&second, "\"value\":257,");
    add_thing(stage, 9);
    job = round_with_job(stage);
    live_unsubscribe(stage->live, &second);
    settle_job(stage, job);
    assert_int_equal(live_counts(stage->live).queries, 0);
    assert_int_equal(live_counts(stage->live).watches, 0);
}

/* Another caller's one question is in the first job, behind a hundred of somebody's. */
static void one_caller_does_not_fill_a_job(void **state)
{
    struct stage *stage = *state;
    struct subscription many[100], other;
    struct identity *somebody = memory_zeroed(sizeof(*somebody));
    atomic_init(&somebody->count, 1);
    somebody->hash = hash128_bytes("somebody", 8);
    char args[100][160];
    add_things(stage, 9, LIVE_SMALL_READS + 1);
    for (size_t i = 0; i < ARRAY_LEN(many); i++) {
        snprintf(args[i], sizeof(args[i]), "{\"owner\":9%*s}", (int)i, "");
        many[i] = (struct subscription){0};
        live_subscribe(stage->live, &many[i], STR("t:count"), str_of(args[i]), NULL, (str){0});
    }
    other = (struct subscription){0};
    live_subscribe(stage->live, &other, STR("t:count"), STR("{\"owner\":9}"), somebody, (str){0});
    struct live_job *job = round_with_job(stage);
    size_t in = 0;
    for (size_t i = 0; i < ARRAY_LEN(many); i++)
        in += live_job_has(job, &many[i]);
    assert_int_equal(in, 64);
    assert_true(live_job_has(job, &other));
    settle_job(stage, job);
    settle_job(stage, round_with_job(stage)); /* the rest */
    for (size_t i = 0; i < ARRAY_LEN(many); i++) {
        assert_true(live_is_current(&many[i]));
        live_unsubscribe(stage->live, &many[i]);
    }
    live_unsubscribe(stage->live, &other);
    identity_drop(somebody);
}

static void a_job_may_be_dropped_with_its_live(void **state)
{
    struct stage *stage = *state;
    static struct subscription first;
    add_things(stage, 9, LIVE_SMALL_READS + 1);
    subscribe(stage, &first, "t:count", "{\"owner\":9}");
    struct live_job *job = round_with_job(stage);
    live_job_drop(job); /* close_stage frees the rest */
}

static void what_became_small_is_small_again(void **state)
{
    struct stage *stage = *state;
    struct subscription first;
    add_things(stage, 9, LIVE_SMALL_READS + 1);
    subscribe(stage, &first, "t:large_once", "{\"owner\":9}");
    settle_job(stage, round_with_job(stage));
    is_quick = true;
    add_thing(stage, 9); /* small from now on, but asked by a job once more */
    settle_job(stage, round_with_job(stage));
    add_thing(stage, 9);
    assert_null(round_with_job(stage));
    expect_tail(&first, "\"value\":1,");
    live_unsubscribe(stage->live, &first);
}

static void failures_are_answers_with_their_data(void **state)
{
    struct stage *stage = *state;
    struct subscription wrong, missing;
    subscribe(stage, &wrong, "t:count", "{\"owner\":\"x\"}");
    subscribe(stage, &missing, "t:nothing", "{}");
    round_of(stage);
    assert_true(live_result(&wrong).is_failure);
    expect_tail(&wrong, "\"errorMessage\":\"[Request ID: ");
    assert_true(str_contains(shared_text(live_result(&missing).tail),
                             STR("Could not find public function for 't:nothing'")));
    live_unsubscribe(stage->live, &wrong);
    live_unsubscribe(stage->live, &missing);
}

/* Enough for the table of queries to grow, twice. */
static void thousands_of_questions_are_told_apart(void **state)
{
    enum { MANY = 5000 };
    struct stage *stage = *state;
    struct subscription *all = memory_zeroed(MANY * sizeof(*all));
    char args[40];
    for (int i = 0; i < MANY; i++) {
        snprintf(args, sizeof(args), "{\"owner\":%d}", i);
        subscribe(stage, &all[i], "t:count", args);
    }
    round_of(stage);
    assert_int_equal(live_counts(stage->live).queries, MANY);
    for (int i = 0; i < MANY; i += 7)
        add_thing(stage, i);
    uint64_t before = evaluations(stage);
    round_of(stage);
    assert_int_equal(evaluations(stage) - before, (MANY + 6) / 7);
    for (int i = 0; i < MANY; i++) {
        expect_tail(&all[i], i % 7 == 0 ? "\"value\":1," : "\"value\":0,");
        live_unsubscribe(stage->live, &all[i]);
    }
    assert_int_equal(live_counts(stage->live).queries, 0);
    free(all);
}

static void what_there_is_no_memory_for_is_given_up_and_the_rest_is_answered(void **state)
{
    struct stage *stage = *state;
    struct subscription one, two;
    subscribe(stage, &one, "t:count", "{\"owner\":1}");
    round_of(stage);
    size_t each = stage->budget.used;
    assert_true(each > 100);
    assert_int_equal(stage->budget.strangers, each);
    assert_int_equal(live_share(&one), each);

    stage->budget.max = 2 * each + 2; /* strangers have half of it, and one more is too much */
    subscribe(stage, &two, "t:count", "{\"owner\":2}");
    round_of(stage);
    assert_int_equal(stage->starved, 1);
    assert_null(live_result(&two).tail);
    assert_false(live_is_current(&two));
    assert_true(live_is_current(&one));

    live_unsubscribe(stage->live, &one);
    round_of(stage);
    assert_int_equal(stage->starved, 1);
    expect_tail(&two, "\"value\":0,");
    live_unsubscribe(stage->live, &two);
}

/* Else strangers who fill their half could starve what people who are signed in look at. */
static void what_somebody_signed_in_asks_too_is_no_strangers(void **state)
{
    struct stage *stage = *state;
    struct identity *somebody = memory_zeroed(sizeof(*somebody));
    *somebody = (struct identity){.count = 1, .hash = {1, 2}};
    struct subscription one, two;
    subscribe(stage, &one, "t:for_all", "{\"owner\":1}");
    subscribe(stage, &two, "t:for_all", "{\"owner\":2}");
    round_of(stage);
    assert_int_equal(stage->budget.strangers, stage->budget.used);

    live_resubscribe(stage->live, &one, somebody);
    struct subscription three = {0};
    live_subscribe(stage->live, &three, STR("t:for_all"), STR("{\"owner\":2}"), somebody, STR(""));
    assert_ptr_equal(three.query, two.query);
    assert_int_equal(stage->budget.strangers, 0);
    live_unsubscribe(stage->live, &one);
    live_unsubscribe(stage->live, &two);
    live_unsubscribe(stage->live, &three);
    identity_drop(somebody);
}

static void who_shares_a_result_shares_its_memory(void **state)
{
    struct stage *stage = *state;
    struct subscription one, two;
    subscribe(stage, &one, "t:count", "{\"owner\":1}");
    subscribe(stage, &two, "t:count", "{\"owner\":1}");
    round_of(stage);
    assert_int_equal(live_share(&one), stage->budget.used / 2);
    live_unsubscribe(stage->live, &one);
    assert_int_equal(live_share(&two), stage->budget.used);
    live_unsubscribe(stage->live, &two);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_commit_evaluates_what_it_hit_and_nothing_else),
        TEST(many_commits_are_one_evaluation),
        TEST(who_asks_what_others_ask_gets_their_answer_at_once),
        TEST(a_page_that_moved_on_is_not_given_to_who_asks_anew),
        TEST(another_caller_asks_for_the_same_page),
        TEST(what_nobody_asks_is_forgotten),
        TEST(an_answer_whose_time_is_over_is_evaluated_again),
        TEST(a_passing_failure_keeps_the_last_answer_and_is_tried_again),
        TEST(a_refusal_from_before_is_not_current_while_the_query_fails),
        TEST(a_transient_failure_that_stays_is_told_after_all),
        TEST(a_large_query_waits_for_its_job),
        TEST(a_commit_while_the_job_is_out_marks_what_it_hits),
        TEST(who_leaves_while_the_job_is_out_leaves_nothing),
        TEST(one_caller_does_not_fill_a_job),
        TEST(a_job_may_be_dropped_with_its_live),
        TEST(what_became_small_is_small_again),
        TEST(failures_are_answers_with_their_data),
        TEST(thousands_of_questions_are_told_apart),
        TEST(what_there_is_no_memory_for_is_given_up_and_the_rest_is_answered),
        TEST(what_somebody_signed_in_asks_too_is_no_strangers),
        TEST(who_shares_a_result_shares_its_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
