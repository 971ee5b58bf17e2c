/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "call/mutation.h"

#include <string.h>

static const commit_ts ANY = {UINT64_MAX};

static void count_wake(void *context)
{
    ++*(int *)context;
}

static struct mutation *mutation_of(struct follower *follower)
{
    struct mutation *mutation = mutation_new();
    mutation->from = follower;
    return mutation;
}

/* One commit that wrote one key. */
static void commit(struct commit_log *log, struct mutation **mutations, size_t count, uint64_t ts,
                   enum commit_state state)
{
    struct write_key key = {.space = 256, .key = {(const uint8_t *)"k", 1}};
    struct write_set writes = {.ts = {ts}, .count = 1, .keys = &key};
    commit_log_open(log, mutations, count, false);
    commit_log_before_commit(log, &writes);
    commit_log_close(log, state);
}

static void entries_come_in_the_order_of_their_commits(void **state)
{
    int wakes = 0;
    struct commit_log *log = commit_log_new();
    struct follower *follower = commit_log_follow(log, count_wake, &wakes);
    for (uint64_t ts = 1; ts <= 5; ts++)
        commit(log, NULL, 0, ts * 10, COMMIT_DONE);
    for (uint64_t ts = 1; ts <= 5; ts++) {
        struct commit_entry entry;
        assert_true(follower_next(follower, ANY, &entry));
        assert_int_equal(entry.ts.n, ts * 10);
        assert_int_equal(entry.writes.count, 1);
        assert_int_equal(entry.writes.keys[0].space, 256);
        assert_memory_equal(entry.writes.keys[0].key.at, "k", 1);
    }
    struct commit_entry entry;
    assert_false(follower_next(follower, ANY, &entry));
    assert_int_equal(wakes, 1); /* once, until everything was taken */
    commit(log, NULL, 0, 60, COMMIT_DONE);
    assert_int_equal(wakes, 2);
    commit_log_free(log);
}

static void an_entry_is_taken_before_it_is_decided_when_a_reader_can_see_it(void **state)
{
    int wakes = 0;
    struct commit_log *log = commit_log_new();
    struct follower *follower = commit_log_follow(log, count_wake, &wakes);
    struct write_set writes = {.ts = {10}};
    struct commit_entry entry;

    commit_log_open(log, NULL, 0, true);
    assert_false(follower_next(follower, ANY, &entry)); /* not appended yet */
    commit_log_before_commit(log, &writes);
    assert_false(follower_next(follower, (commit_ts){9}, &entry));
    assert_true(follower_next(follower, (commit_ts){10}, &entry));
    assert_false(entry.is_failed);
    assert_true(entry.wakes_jobs);
    commit_log_close(log, COMMIT_DONE);
    assert_false(follower_next(follower, ANY, &entry));
    commit_log_free(log);
}

static void what_is_newer_than_the_snapshot_waits_and_wakes_again(void **state)
{
    int wakes = 0;
    struct commit_log *log = commit_log_new();
    struct follower *follower = commit_log_follow(log, count_wake, &wakes);
    struct commit_entry entry;
    commit(log, NULL, 0, 10, COMMIT_DONE);
    commit(log, NULL, 0, 20, COMMIT_DONE);
    assert_int_equal(wakes, 1);
    assert_true(follower_next(follower, (commit_ts){10}, &entry));
    assert_false(follower_next(follower, (commit_ts){10}, &entry));
    assert_int_equal(wakes, 2); /* nobody else would wake it for what is there already */
    assert_true(follower_next(follower, (commit_ts){20}, &entry));
    assert_int_equal(entry.ts.n, 20);
    commit_log_free(log);
}

static void a_failed_entry_has_its_mutations_but_no_writes(void **state)
{
    int wakes = 0;
    struct commit_log *log = commit_log_new();
    struct follower *follower = commit_log_follow(log, count_wake, &wakes);
    struct mutation *mutation = mutation_of(follower);
    struct commit_entry entry;
    commit(log, &mutation, 1, 10, COMMIT_FAILED);
    assert_true(follower_next(follower, (commit_ts){0}, &entry)); /* whatever the snapshot */
    assert_true(entry.is_failed);
    assert_int_equal(entry.writes.count, 0);
    assert_int_equal(entry.mutation_count, 1);
    assert_ptr_equal(entry.mutations[0], mutation);
    mutation_free(mutation);
    commit_log_free(log);
}

static void a_batch_that_wrote_nothing_is_answered_all_the_same(void **state)
{
    int wakes = 0;
    struct commit_log *log = commit_log_new();
    struct follower *follower = commit_log_follow(log, count_wake, &wakes);
    struct mutation *mutation = mutation_of(follower);
    struct commit_entry entry;
    commit_log_open(log, &mutation, 1, false);
    commit_log_close(log, COMMIT_DONE);
    assert_true(follower_next(follower, (commit_ts){0}, &entry));
    assert_int_equal(entry.writes.count, 0);
    assert_int_equal(entry.mutation_count, 1);
    assert_int_equal(entry.ts.n, 0);
    mutation_free(mutation);
    commit_log_free(log);
}

static void a_follower_gets_its_own_mutations_and_everybodys_writes(void **state)
{
    int wakes[2] = {0};
    struct commit_log *log = commit_log_new();
    struct follower *a = commit_log_follow(log, count_wake, &wakes[0]);
    struct follower *b = commit_log_follow(log, count_wake, &wakes[1]);
    struct mutation *all[] = {mutation_of(a), mutation_of(b), mutation_of(a)};
    struct commit_entry entry;
    commit(log, all, 3, 10, COMMIT_DONE);

    assert_true(follower_next(a, ANY, &entry));
    assert_int_equal(entry.mutation_count, 2);
    assert_ptr_equal(entry.mutations[0], all[0]);
    assert_ptr_equal(entry.mutations[1], all[2]);
    assert_int_equal(entry.mutations[0]->ts.n, 10);
    assert_true(follower_next(b, ANY, &entry));
    assert_int_equal(entry.mutation_count, 1);
    assert_ptr_equal(entry.mutations[0], all[1]);
    assert_int_equal(entry.writes.count, 1);
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        mutation_free(all[i]);
    commit_log_free(log);
}

static void who_follows_later_sees_only_what_comes_then(void **state)
{
    int wakes = 0;
    struct commit_log *log = commit_log_new();
    struct follower *early = commit_log_follow(log, count_wake, &wakes);
    struct commit_entry entry;
    commit(log, NULL, 0, 10, COMMIT_DONE);
    struct follower *late = commit_log_follow(log, count_wake, &wakes);
    commit(log, NULL, 0, 20, COMMIT_DONE);
    assert_true(follower_next(late, ANY, &entry));
    assert_int_equal(entry.ts.n, 20);
    assert_true(follower_next(early, ANY, &entry));
    assert_int_equal(entry.ts.n, 10);
    commit_log_free(log);
}

static void who_cares_for_some_is_woken_for_those_and_to_pass_the_rest(void **state)
{
    int wakes = 0;
    struct commit_log *log = commit_log_new();
    struct follower *follower = commit_log_follow(log, count_wake, &wakes);
    struct commit_entry entry;
    follower_narrow(follower, 512);
    uint64_t ts = 1;
    while (wakes == 0 && ts < 1000)
        commit(log, NULL, 0, ts++, COMMIT_DONE); /* writes to 256 */
    assert_int_equal(ts - 1, FOLLOWER_LAG_MAX);
    uint64_t passed = 0;
    while (follower_next(follower, ANY, &entry))
        assert_int_equal(entry.ts.n, ++passed);
    assert_int_equal(passed, FOLLOWER_LAG_MAX);

    struct mutation *mine[] = {mutation_of(follower)};
    commit(log, mine, 1, 2000, COMMIT_DONE);
    assert_int_equal(wakes, 2);
    while (follower_next(follower, ANY, &entry))
        mutation_free(entry.mutations[0]);

    struct write_key keys[] = {{.space = 256, .key = {(const uint8_t *)"k", 1}},
                               {.space = 512, .key = {(const uint8_t *)"k", 1}}};
    struct write_set writes = {.ts = {3000}, .count = 2, .keys = keys};
    commit_log_open(log, NULL, 0, false);
    commit_log_before_commit(log, &writes);
    commit_log_close(log, COMMIT_DONE);
    assert_int_equal(wakes, 3);
    while (follower_next(follower, ANY, &entry))
        ;
    commit_log_open(log, NULL, 0, true); /* there may be jobs */
    commit_log_close(log, COMMIT_DONE);
    assert_int_equal(wakes, 4);
    commit_log_free(log);
}

/* Under the leak checker this fails when they are forgotten. */
static void mutations_that_nobody_took_go_with_the_log(void **state)
{
    int wakes = 0;
    struct commit_log *log = commit_log_new();
    struct follower *a = commit_log_follow(log, count_wake, &wakes);
    struct follower *b = commit_log_follow(log, count_wake, &wakes);
    struct mutation *first[] = {mutation_of(a), mutation_of(b)};
    struct mutation *second[] = {mutation_of(a)};
    struct commit_entry entry;
    commit(log, first, 2, 10, COMMIT_DONE);
    commit(log, second, 1, 20, COMMIT_FAILED);
    assert_true(follower_next(a, ANY, &entry));
    mutation_free(entry.mutations[0]);
    commit_log_free(log);
}

/* A mutation that was answered from an earlier one keeps that one's ts. */
static void a_replayed_mutation_keeps_the_ts_of_its_first_commit(void **state)
{
    int wakes = 0;
    struct commit_log *log = commit_log_new();
    struct follower *follower = commit_log_follow(log, count_wake, &wakes);
    struct mutation *replayed = mutation_of(follower);
    replayed->ts = (commit_ts){3};
    commit(log, &replayed, 1, 10, COMMIT_DONE);
    assert_int_equal(replayed->ts.n, 3);
    commit_log_free(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_come_in_the_order_of_their_commits),
        cmocka_unit_test(an_entry_is_taken_before_it_is_decided_when_a_reader_can_see_it),
        cmocka_unit_test(what_is_newer_than_the_snapshot_waits_and_wakes_again),
        cmocka_unit_test(a_failed_entry_has_its_mutations_but_no_writes),
        cmocka_unit_test(a_batch_that_wrote_nothing_is_answered_all_the_same),
        cmocka_unit_test(a_follower_gets_its_own_mutations_and_everybodys_writes),
        cmocka_unit_test(who_follows_later_sees_only_what_comes_then),
        cmocka_unit_test(who_cares_for_some_is_woken_for_those_and_to_pass_the_rest),
        cmocka_unit_test(mutations_that_nobody_took_go_with_the_log),
        cmocka_unit_test(a_replayed_mutation_keeps_the_ts_of_its_first_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
