/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is left when the disk fails: batches that were answered are there whole after a reopening,
 * others are there whole or not at all; at every single call, with several ways to lose what was
 * not synced.
 */
#include "people.h"
#include "vfs_fault.h"

#include "store/database.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#define PATH "/disk/test.db"
#define BATCHES 6

struct run {
    struct place place; /* its store; opened and closed by the run */
    bool is_answered[BATCHES + 1];
    bool is_failed[BATCHES + 1]; /* answered with a failure */
    struct fault fault;          /* the last */
};

static bool open_store(struct run *run)
{
    run->place.engine = STORE_SQLITE;
    snprintf(run->place.path, sizeof(run->place.path), "%s", PATH);
    run->place.now = (instant){1700000000000000};
    return place_open(&run->place, &people_schema, &run->fault);
}

static void close_store(struct run *run)
{
    store_close(run->place.store);
    run->place.store = NULL;
}

static void add(struct change *change, const char *which, int number)
{
    char email[32];
    snprintf(email, sizeof(email), "%s%d", which, number);
    struct person person = {
        .email = str_copy(change->view.arena, str_of(email)),
        .balance = {number},
        .rank = RANK_GUEST,
    };
    change_new(change, &person_type, &person);
    change_put(change, &person_type, &person);
}

/* Batch n makes an(n) and bn(n), sets the first person's balance to n, and has an outcome n. */
static bool do_batch(struct run *run, int number)
{
    struct batch *batch;
    struct change change;
    struct person first;
    commit_ts ts;
    run->place.now.us += 1000;
    if (!batch_begin(run->place.store, run->place.now, &batch, &run->fault))
        return false;
    change_begin(batch, &run->place.arena, &change);
    add(&change, "a", number);
    add(&change, "b", number);
    if (number > 1) {
        doc_id id = view_find(&change.view, index_at(person_type, PERSON_BY_EMAIL),
                              KEY(key_text(STR("a1"))));
        if (view_row(&change.view, &person_type, id, &first)) {
            first.balance.n = number;
            change_put(&change, &person_type, &first);
        }
    }
    if (!change_accept(&change)) {
        run->fault = change.view.fault;
        batch_drop(batch);
        return false;
    }
    batch_outcome(
        batch, &(struct outcome){.session = {9}, .request = (uint32_t)number, .result = STR("x")});
    return batch_commit(batch, &ts, &run->fault);
}

/* Closing and opening in the middle: the last connection's checkpoint is a part of it. */
static void do_all(struct run *run)
{
    if (!open_store(run))
        return;
    for (int i = 1; i <= BATCHES; i++) {
        if (i == BATCHES / 2 + 1) {
            close_store(run);
            if (!open_store(run))
                return;
        }
        run->is_answered[i] = do_batch(run, i);
        run->is_failed[i] = !run->is_answered[i];
        if (run->is_failed[i])
            break;
    }
}

static bool is_there(struct view *view, const char *which, int number)
{
    char email[32];
    snprintf(email, sizeof(email), "%s%d", which, number);
    doc_id id = view_find(view, index_at(person_type, PERSON_BY_EMAIL),
                          KEY(key_text(str_copy(view->arena, str_of(email)))));
    struct person person;
    return doc_id_is_set(id) && view_row(view, &person_type, id, &person) &&
           (person.balance.n == number || number == 1);
}

static bool has_outcome(struct run *run, int number)
{
    struct batch *batch = place_begin(&run->place);
    struct outcome sought = {.session = {9}, .request = (uint32_t)number};
    bool is_found = batch_find_outcome(batch, &run->place.arena, &sought);
    batch_drop(batch);
    return is_found;
}

static size_t count_entries(struct view *view, enum person_index index)
{
    struct scan scan;
    struct person person;
    size_t count = 0;
    view_scan(view, index_at(person_type, index), (struct bounds){0}, ORDER_UP, &scan);
    while (scan_next(&scan, &person))
        count++;
    scan_end(&scan);
    return count;
}

/* Every batch whole or absent, no answered one absent; how many there are. */
static int check_all(struct run *run)
{
    struct view view;
    struct fault fault;
    struct person first;
    int newest = 0;
    assert_true(view_begin(run->place.store, &run->place.arena, &view, &fault));
    for (int i = 1; i <= BATCHES; i++) {
        bool is_whole = is_there(&view, "a", i);
        assert_int_equal(is_there(&view, "b", i), is_whole);
        assert_int_equal(has_outcome(run, i), is_whole);
        assert_true(is_whole || !run->is_answered[i]);
        assert_true(!is_whole || newest == i - 1); /* none is missing before it */
        newest = is_whole ? i : newest;
    }
    for (size_t i = 0; i < person_type.index_count; i++)
        assert_int_equal(count_entries(&view, (enum person_index)i), newest * 2);
    doc_id id = view_find(&view, index_at(person_type, PERSON_BY_EMAIL), KEY(key_text(STR("a1"))));
    if (newest > 0) {
        assert_true(view_row(&view, &person_type, id, &first));
        assert_int_equal(first.balance.n, newest);
    }
    if (view.is_failed)
        fail_msg("%s", view.fault.text);
    view_end(&view);
    return newest;
}

static void finish(struct run *run)
{
    close_store(run);
    arena_done(&run->place.arena);
    disk_remove();
    *run = (struct run){0};
}

static int calls_of_whole_run(unsigned kinds)
{
    struct run run = {0};
    disk_insert();
    disk_set_plan((struct disk_plan){.calls = kinds});
    do_all(&run);
    if (!run.is_answered[BATCHES])
        fail_msg("%s", run.fault.text);
    close_store(&run);
    int calls = disk_calls();
    finish(&run);
    return calls;
}

static void the_power_may_go_at_any_call(void **state)
{
    int calls = calls_of_whole_run(DISK_CHANGES);
    int kept[BATCHES + 1] = {0};
    assert_true(calls > 60);
    for (int at = 1; at <= calls; at++)
        for (uint64_t seed = 1; seed <= 2; seed++) {
            struct run run = {0};
            disk_insert();
            disk_set_plan((struct disk_plan){.calls = DISK_CHANGES, .at = at, .cuts_power = true});
            do_all(&run);
            close_store(&run);
            assert_false(disk_has_power());
            disk_power_on(seed * 1000 + (uint64_t)at);
            if (!open_store(&run))
                fail_msg("call %d seed %d: %s", at, (int)seed, run.fault.text);
            kept[check_all(&run)]++;
            close_store(&run);
            struct fault fault = {0};
            if (!database_check(PATH, &fault))
                fail_msg("call %d seed %d: %s", at, (int)seed, fault.text);
            finish(&run);
        }
    for (int i = 0; i <= BATCHES; i++)
        assert_true(kept[i] > 0); /* it stopped everywhere */
}

/* Fails call after call with the result; answers how many batches failed in all. */
static int fail_each(unsigned kinds, int count, int result, bool (*check)(struct run *run))
{
    int calls = calls_of_whole_run(kinds), failures = 0;
    assert_true(calls > 0);
    for (int at = 1; at <= calls; at++) {
        struct run run = {0};
        disk_insert();
        disk_set_plan(
            (struct disk_plan){.calls = kinds, .at = at, .count = count, .result = result});
        do_all(&run);
        for (int i = 1; i <= BATCHES; i++)
            failures += run.is_failed[i];
        if (run.place.store != NULL && !check(&run))
            fail_msg("call %d: %s", at, run.fault.text);
        close_store(&run);
        disk_set_plan((struct disk_plan){0});
        if (!open_store(&run))
            fail_msg("call %d: %s", at, run.fault.text);
        check_all(&run);
        finish(&run);
    }
    return failures;
}

/* After a failure that passes, nothing of the batch is there, and the same batch works. */
static bool works_again(struct run *run)
{
    disk_set_plan((struct disk_plan){0});
    for (int i = 1; i <= BATCHES; i++) {
        if (!run->is_failed[i])
            continue;
        assert_true(run->fault.kind == FAULT_FULL || run->fault.kind == FAULT_TRANSIENT);
        assert_int_equal(check_all(run), i - 1);
        run->is_failed[i] = false;
        run->is_answered[i] = do_batch(run, i);
        if (!run->is_answered[i])
            return false;
    }
    check_all(run);
    return true;
}

static bool is_full_and_works_again(struct run *run)
{
    for (int i = 1; i <= BATCHES; i++)
        if (run->is_failed[i])
            assert_int_equal(run->fault.kind, FAULT_FULL);
    return works_again(run);
}

static void a_full_disk_fails_the_batch_and_nothing_else(void **state)
{
    assert_true(fail_each(DISK_WRITE, 1, SQLITE_FULL, is_full_and_works_again) > BATCHES);
    assert_true(fail_each(DISK_WRITE, 10000, SQLITE_FULL, is_full_and_works_again) > BATCHES);
}

static void a_failed_write_or_read_fails_the_batch_and_nothing_else(void **state)
{
    assert_true(fail_each(DISK_WRITE, 1, SQLITE_IOERR_WRITE, works_again) > BATCHES);
    fail_each(DISK_READ, 1, SQLITE_IOERR_READ, works_again);
}

static bool stops(struct run *run)
{
    for (int i = 1; i <= BATCHES; i++) {
        if (!run->is_failed[i])
            continue;
        struct batch *batch;
        struct fault fault = {0};
        assert_int_equal(run->fault.kind, FAULT_SYSTEM);
        assert_false(batch_begin(run->place.store, run->place.now, &batch, &fault));
        assert_int_equal(fault.kind, FAULT_SYSTEM);
    }
    return true;
}

static void a_failed_sync_stops_the_store(void **state)
{
    assert_true(fail_each(DISK_SYNC, 1, SQLITE_IOERR_FSYNC, stops) >= BATCHES);
}

/* A mutation whose reading fails is dropped; others of its batch are committed with it. */
static bool do_after_failed_read(struct run *run, int at)
{
    struct batch *batch;
    struct change change;
    struct person person;
    commit_ts ts;
    if (!batch_begin(run->place.store, run->place.now, &batch, &run->fault))
        return false;
    disk_set_plan((struct disk_plan){.calls = DISK_READ, .at = at, .result = SQLITE_IOERR_READ});
    change_begin(batch, &run->place.arena, &change);
    struct scan scan;
    view_scan(&change.view, index_at(person_type, PERSON_BY_EMAIL), (struct bounds){0}, ORDER_UP,
              &scan);
    while (scan_next(&scan, &person)) {
    }
    scan_end(&scan);
    change_drop(&change);
    disk_set_plan((struct disk_plan){0});
    change_begin(batch, &run->place.arena, &change);
    add(&change, "a", BATCHES + 1);
    add(&change, "b", BATCHES + 1);
    return change_accept(&change) && batch_commit(batch, &ts, &run->fault);
}

static void a_read_that_fails_leaves_no_half_batch(void **state)
{
    int failed = 0;
    for (int at = 1; at <= 12; at++) {
        struct run run = {0};
        struct view view;
        struct fault fault = {0};
        disk_insert();
        do_all(&run);
        close_store(&run);
        assert_true(open_store(&run)); /* nothing is in memory */
        bool is_done = do_after_failed_read(&run, at);
        failed += !is_done;
        assert_true(view_begin(run.place.store, &run.place.arena, &view, &fault));
        assert_int_equal(count_entries(&view, PERSON_BY_EMAIL), (BATCHES + is_done) * 2);
        view_end(&view);
        close_store(&run);
        finish(&run);
    }
    assert_true(failed > 0 && failed < 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_power_may_go_at_any_call),
        cmocka_unit_test(a_full_disk_fails_the_batch_and_nothing_else),
        cmocka_unit_test(a_failed_write_or_read_fails_the_batch_and_nothing_else),
        cmocka_unit_test(a_read_that_fails_leaves_no_half_batch),
        cmocka_unit_test(a_failed_sync_stops_the_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
