/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exactly once, where it is decided: the writer, the store's outcomes and a disk that can fail.
 * Each run of the mutation gives another answer, so who was answered by which run shows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "call/writer.h"
#include "vfs_fault.h"

#include <sqlite3.h>
#include <string.h>

/* ---- a small program ---- */

struct mark {
    doc_id id;
    tick created;
    int64_t value;
};

#define ROW struct mark
static const struct field mark_fields[] = {ID(id), CREATED(created), INT(value)};
#undef ROW
static const struct doc_type mark_type = {
    .name = "marks",
    .size = sizeof(struct mark),
    .number = 1,
    FIELDS(mark_fields),
    INDEXES({.name = "by_value", .fields = {"value"}}),
};
static const struct doc_type *const types[] = {&mark_type};
static const struct schema schema = {types, 1, 0};

struct make_args {
    int64_t value;
    bool fails;
};
#define ROW struct make_args
static const struct field make_fields[] = {INT(value), BOOL(fails)};
#undef ROW
NO_ARGS(nothing)
BACKEND_FUNCTION(make, int64_t)
BACKEND_FUNCTION(nothing, int64_t)

static const struct function functions[] = {
    MUTATION("t:make", make, .caller = ANYONE, .returns = RETURNS_INT),
    MUTATION("t:nothing", nothing, .caller = ANYONE, .returns = RETURNS_INT),
};

static int64_t runs;           /* of both */
static void (*during)(void *); /* what happens while make runs, once */
static void *during_what;

static void make(struct call *call, const struct make_args *args, int64_t *result)
{
    struct mark mark = {.value = args->value};
    row_new(call, &mark_type, &mark);
    row_put(call, &mark_type, &mark);
    *result = ++runs;
    if (during != NULL) {
        void (*now)(void *) = during;
        during = NULL;
        now(during_what);
    }
    REQUIRE(call, !args->fails, STATE, "Refused, as asked.");
}

static void nothing(struct call *call, const struct nothing_args *args, int64_t *result)
{
    *result = ++runs;
}

/* ---- a stage ---- */

struct stage {
    struct program program;
    struct store *store;
    struct commit_log *log;
    struct follower *follower;
    struct writer *writer;
    instant now;
};

/* What one copy of a request was told. */
struct answer {
    uint32_t number; /* of the request */
    bool is_there;
    enum error_code error;
    int64_t run; /* that gave it */
    uint64_t ts;
};

static void on_wake(void *context)
{
}

static void open_parts(struct stage *stage)
{
    struct fault fault = {0};
    stage->log = commit_log_new();
    stage->follower = commit_log_follow(stage->log, on_wake, stage);
    struct store_options options = {.engine = STORE_SQLITE,
                                    .path = "/disk/test.db",
                                    .schema = &schema,
                                    .now = stage->now,
                                    .before_commit = commit_log_before_commit,
                                    .context = stage->log};
    if (!store_open(&options, &stage->store, &fault))
        fail_msg("%s", fault.text);
    stage->writer = writer_new(
        &(struct writer_options){
            .program = &stage->program, .store = stage->store, .log = stage->log, .seed = 1},
        &fault);
    assert_non_null(stage->writer);
}

static void close_parts(struct stage *stage)
{
    writer_free(stage->writer);
    store_close(stage->store);
    commit_log_free(stage->log);
}

static void reopen(struct stage *stage)
{
    close_parts(stage);
    open_parts(stage);
}

static int open_stage(void **state)
{
    struct stage *stage = memory_zeroed(sizeof(*stage));
    const struct function *tables[] = {functions};
    size_t counts[] = {ARRAY_LEN(functions)};
    runs = 0;
    during = NULL;
    stage->now = (instant){1700000000000000};
    program_init(&stage->program, tables, counts, 1);
    disk_insert();
    open_parts(stage);
    *state = stage;
    return 0;
}

static int close_stage(void **state)
{
    struct stage *stage = *state;
    close_parts(stage);
    disk_remove();
    program_done(&stage->program);
    free(stage);
    return 0;
}

static void on_done(void *owner, struct mutation *mutation)
{
    struct answer *answer = owner;
    assert_false(answer->is_there);
    assert_int_equal(mutation->number, answer->number);
    *answer = (struct answer){answer->number, true, mutation->reply.error, 0, mutation->ts.n};
    if (answer->error == ERROR_NONE)
        assert_true(str_to_int(mutation->reply.value, &answer->run));
    mutation_free(mutation);
}

/* One copy of request `number` of session `session`; 0: of none, as over HTTP. */
static void ask(struct stage *stage, uint32_t session, uint32_t number, const char *args,
                struct answer *answer)
{
    struct mutation *mutation = mutation_new();
    *answer = (struct answer){.number = number};
    mutation->request.path = args == NULL ? STR("t:nothing") : STR("t:make");
    mutation->request.args = args == NULL ? STR("{}") : str_of(args);
    mutation->has_session = session != 0;
    memcpy(mutation->session, &session, sizeof(session));
    mutation->number = number;
    mutation->from = stage->follower;
    mutation->done = on_done;
    mutation->owner = answer;
    assert_true(writer_put(stage->writer, mutation));
}

#define WELL "{\"value\":1,\"fails\":false}"
#define FAILS "{\"value\":1,\"fails\":true}"

/* All that is queued is run and answered. */
static void settle(struct stage *stage)
{
    struct commit_entry entry;
    stage->now.us += 1000;
    while (writer_step(stage->writer, stage->now)) {
    }
    while (follower_next(stage->follower, (commit_ts){UINT64_MAX}, &entry))
        for (size_t i = 0; i < entry.mutation_count; i++)
            entry.mutations[i]->done(entry.mutations[i]->owner, entry.mutations[i]);
}

static struct answer ask_alone(struct stage *stage, uint32_t session, uint32_t number,
                               const char *args)
{
    struct answer answer;
    ask(stage, session, number, args, &answer);
    settle(stage);
    assert_true(answer.is_there);
    return answer;
}

static int64_t count_rows(struct stage *stage)
{
    AUTO(arena_done) struct arena arena = {0};
    struct view view;
    struct scan scan;
    struct fault fault;
    doc_id id;
    int64_t count = 0;
    assert_true(view_begin(stage->store, &arena, &view, &fault));
    view_scan(&view, &mark_type.indexes[0], (struct bounds){0}, ORDER_UP, &scan);
    while (scan_next_id(&scan, &id))
        count++;
    view_end(&view);
    return count;
}

static void expect_same(struct answer a, struct answer b)
{
    assert_true(a.is_there && b.is_there);
    assert_int_equal(a.error, ERROR_NONE);
    assert_int_equal(b.error, ERROR_NONE);
    assert_int_equal(a.run, b.run);
    assert_int_not_equal(a.ts, 0);
    assert_int_equal(a.ts, b.ts);
}

/* ---- while the first is under way ---- */

static void a_copy_in_the_same_batch_joins_the_first(void **state)
{
    struct stage *stage = *state;
    struct answer first, second;
    ask(stage, 1, 7, WELL, &first);
    ask(stage, 1, 7, WELL, &second);
    settle(stage);
    expect_same(first, second);
    assert_int_equal(runs, 1);
    assert_int_equal(count_rows(stage), 1);
    assert_int_equal(writer_counts(stage->writer).batches, 1);
    assert_int_equal(writer_counts(stage->writer).replayed, 1);
}

struct copies {
    struct stage *stage;
    struct answer answers[10];
};

static void send_copies(void *context)
{
    struct copies *copies = context;
    for (size_t i = 0; i < ARRAY_LEN(copies->answers); i++)
        ask(copies->stage, 1, 7, WELL, &copies->answers[i]);
}

static void copies_that_come_while_the_first_runs_get_its_answer(void **state)
{
    struct stage *stage = *state;
    struct copies copies = {.stage = stage};
    struct answer first;
    during = send_copies;
    during_what = &copies;
    ask(stage, 1, 7, WELL, &first);
    settle(stage);
    for (size_t i = 0; i < ARRAY_LEN(copies.answers); i++)
        expect_same(first, copies.answers[i]);
    assert_int_equal(runs, 1);
    assert_int_equal(count_rows(stage), 1);
    assert_int_equal(writer_counts(stage->writer).batches, 2);
}

/* More than fit one batch, with other requests of the session and of others between them. */
static void copies_among_others_in_several_batches_run_once(void **state)
{
    enum { COPIES = 2 * WRITER_BATCH_MAX };
    struct stage *stage = *state;
    struct answer copies[COPIES], others[COPIES];
    for (uint32_t i = 0; i < COPIES; i++) {
        ask(stage, 1, 7, WELL, &copies[i]);
        ask(stage, 1 + i % 3, 8 + i, WELL, &others[i]);
    }
    settle(stage);
    for (int i = 1; i < COPIES; i++) {
        expect_same(copies[0], copies[i]);
        assert_int_not_equal(others[i].run, others[i - 1].run);
    }
    assert_int_equal(runs, 1 + COPIES);
    assert_int_equal(count_rows(stage), 1 + COPIES);
    assert_int_equal(writer_counts(stage->writer).batches, 4);
}

static void a_lower_number_that_was_never_sent_runs(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(ask_alone(stage, 1, 7, WELL).run, 1);
    assert_int_equal(ask_alone(stage, 1, 3, WELL).run, 2);
    assert_int_equal(ask_alone(stage, 2, 7, WELL).run, 3);
    assert_int_equal(ask_alone(stage, 1, 3, WELL).run, 2);
    assert_int_equal(ask_alone(stage, 1, 7, WELL).run, 1);
}

/* ---- afterwards ---- */

static void a_later_copy_gets_the_answer_and_timestamp_of_the_first(void **state)
{
    struct stage *stage = *state;
    struct answer first = ask_alone(stage, 1, 7, WELL);
    for (uint32_t i = 8; i < 20; i++)
        ask_alone(stage, 1, i, WELL);
    expect_same(first, ask_alone(stage, 1, 7, WELL));
    assert_int_equal(runs, 13);
    assert_int_equal(count_rows(stage), 13);
}

static void what_the_copy_asks_for_does_not_matter(void **state)
{
    struct stage *stage = *state;
    struct answer first = ask_alone(stage, 1, 7, WELL);
    expect_same(first, ask_alone(stage, 1, 7, "{\"value\":2,\"fails\":false}"));
    expect_same(first, ask_alone(stage, 1, 7, FAILS));
    expect_same(first, ask_alone(stage, 1, 7, "{\"no such argument\":1}"));
    expect_same(first, ask_alone(stage, 1, 7, NULL));
    assert_int_equal(runs, 1);
    assert_int_equal(count_rows(stage), 1);
}

static void a_mutation_that_writes_nothing_runs_once_too(void **state)
{
    struct stage *stage = *state;
    struct answer first = ask_alone(stage, 1, 7, NULL);
    reopen(stage);
    expect_same(first, ask_alone(stage, 1, 7, NULL));
    assert_int_equal(runs, 1);
}

static void without_a_session_each_copy_runs(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(ask_alone(stage, 0, 7, WELL).run, 1);
    assert_int_equal(ask_alone(stage, 0, 7, WELL).run, 2);
    assert_int_equal(count_rows(stage), 2);
}

/* ---- failures ---- */

static void a_failed_mutation_is_not_recorded(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(ask_alone(stage, 1, 7, FAILS).error, STATE);
    assert_int_equal(ask_alone(stage, 1, 7, FAILS).error, STATE);
    assert_int_equal(runs, 2);
    assert_int_equal(count_rows(stage), 0);
    struct answer first = ask_alone(stage, 1, 7, WELL);
    assert_int_equal(first.run, 3);
    expect_same(first, ask_alone(stage, 1, 7, FAILS));
    assert_int_equal(count_rows(stage), 1);
}

static void a_copy_beside_a_failed_first_runs_for_itself(void **state)
{
    struct stage *stage = *state;
    struct answer first, second, third;
    ask(stage, 1, 7, FAILS, &first);
    ask(stage, 1, 7, WELL, &second);
    ask(stage, 1, 7, WELL, &third);
    settle(stage);
    assert_int_equal(first.error, STATE);
    assert_int_equal(second.run, 2);
    expect_same(second, third);
    assert_int_equal(count_rows(stage), 1);
}

static void break_disk(void)
{
    disk_set_plan(
        (struct disk_plan){.calls = DISK_WRITE, .at = 1, .count = 1000000, .result = SQLITE_FULL});
}

static void mend_disk(void)
{
    disk_set_plan((struct disk_plan){0});
}

static void nothing_of_a_failed_commit_is_recorded(void **state)
{
    struct stage *stage = *state;
    struct answer first, second;
    break_disk();
    ask(stage, 1, 7, WELL, &first);
    ask(stage, 1, 7, WELL, &second);
    settle(stage);
    assert_int_equal(first.error, TRANSIENT);
    assert_int_equal(second.error, TRANSIENT);
    mend_disk();
    assert_int_equal(count_rows(stage), 0);

    first = ask_alone(stage, 1, 7, WELL);
    assert_int_equal(first.run, 2);
    expect_same(first, ask_alone(stage, 1, 7, WELL));
    assert_int_equal(count_rows(stage), 1);
}

/* Whose request was recorded long ago is told to come back, and then what it was answered. */
static void a_copy_beside_a_failed_commit_finds_its_answer_later(void **state)
{
    struct stage *stage = *state;
    struct answer first = ask_alone(stage, 1, 7, WELL), copy, other;
    break_disk();
    ask(stage, 1, 7, WELL, &copy);
    ask(stage, 2, 1, WELL, &other);
    settle(stage);
    assert_int_equal(copy.error, TRANSIENT);
    assert_int_equal(other.error, TRANSIENT);
    mend_disk();
    expect_same(first, ask_alone(stage, 1, 7, WELL));
    assert_int_equal(count_rows(stage), 1);
}

/*
 * The command line may commit while the server runs; the server then reads the outcomes anew. When
 * the disk does not let it, no request may be taken for a new one.
 */
static void what_another_process_recorded_is_found_though_reading_fails(void **state)
{
    enum { READS = 60 };
    struct stage *stage = *state;
    struct stage other = {.program = stage->program, .now = stage->now};
    open_parts(&other);
    int refused = 0;
    for (int at = 1; at <= READS; at++) {
        uint32_t session = 100 + (uint32_t)at;
        other.now = stage->now;
        struct answer first = ask_alone(&other, session, 7, WELL);
        disk_set_plan((struct disk_plan){
            .calls = DISK_READ, .at = at, .count = 1, .result = SQLITE_IOERR_READ});
        struct answer copy = ask_alone(stage, session, 7, WELL);
        mend_disk();
        refused += copy.error != ERROR_NONE;
        expect_same(first, ask_alone(stage, session, 7, WELL));
        assert_int_equal(runs, at);
    }
    assert_true(refused > 0);
    close_parts(&other);
}

/* ---- over time ---- */

static void an_answer_is_found_after_a_restart(void **state)
{
    struct stage *stage = *state;
    struct answer first = ask_alone(stage, 1, 7, WELL);
    reopen(stage);
    expect_same(first, ask_alone(stage, 1, 7, WELL));
    struct answer next = ask_alone(stage, 1, 8, WELL);
    assert_int_equal(next.run, 2);
    assert_true(next.ts > first.ts);
    reopen(stage);
    expect_same(first, ask_alone(stage, 1, 7, WELL));
    expect_same(next, ask_alone(stage, 1, 8, WELL));
    assert_int_equal(count_rows(stage), 2);
}

/* So many other requests that the memory of the store is written into its index. */
static void crowd(struct stage *stage, uint32_t session)
{
    static struct answer answers[5000];
    for (uint32_t i = 0; i < ARRAY_LEN(answers); i++)
        ask(stage, session, i, NULL, &answers[i]);
    settle(stage);
}

static void pass(struct stage *stage, span time)
{
    stage->now = instant_add(stage->now, time);
    ask_alone(stage, 99, (uint32_t)(stage->now.us >> 32), NULL); /* the time comes with a batch */
    for (int i = 0; i < 50; i++)
        writer_step(stage->writer, stage->now);
}

static void an_answer_is_kept_13_days_and_forgotten_after_15(void **state)
{
    struct stage *stage = *state;
    struct answer old = ask_alone(stage, 1, 7, WELL);
    crowd(stage, 2);
    pass(stage, DAYS(13));
    reopen(stage);
    expect_same(old, ask_alone(stage, 1, 7, WELL));
    struct answer young = ask_alone(stage, 1, 8, WELL);
    crowd(stage, 3);
    assert_int_equal(count_rows(stage), 2);

    pass(stage, DAYS(2));
    reopen(stage); /* in memory it may be known for longer */
    expect_same(young, ask_alone(stage, 1, 8, WELL));
    struct answer again = ask_alone(stage, 1, 7, WELL);
    assert_int_equal(again.error, ERROR_NONE);
    assert_true(again.run > young.run);
    assert_int_equal(count_rows(stage), 3);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_copy_in_the_same_batch_joins_the_first),
        CASE(copies_that_come_while_the_first_runs_get_its_answer),
        CASE(copies_among_others_in_several_batches_run_once),
        CASE(a_lower_number_that_was_never_sent_runs),
        CASE(a_later_copy_gets_the_answer_and_timestamp_of_the_first),
        CASE(what_the_copy_asks_for_does_not_matter),
        CASE(a_mutation_that_writes_nothing_runs_once_too),
        CASE(without_a_session_each_copy_runs),
        CASE(a_failed_mutation_is_not_recorded),
        CASE(a_copy_beside_a_failed_first_runs_for_itself),
        CASE(nothing_of_a_failed_commit_is_recorded),
        CASE(a_copy_beside_a_failed_commit_finds_its_answer_later),
        CASE(what_another_process_recorded_is_found_though_reading_fails),
        CASE(an_answer_is_found_after_a_restart),
        CASE(an_answer_is_kept_13_days_and_forgotten_after_15),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
