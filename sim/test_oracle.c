/* SPDX-License-Identifier: Apache-2.0 */
/* A short run of the oracle for every test run; `make sim` makes long ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "runs.h"

#include <string.h>

#define SHORT 4000

static struct oracle_counts run(enum store_engine engine, uint64_t first, uint64_t seeds,
                                uint64_t steps)
{
    struct oracle_counts counts = {0};
    for (uint64_t seed = first; seed < first + seeds; seed++) {
        struct oracle_options options = {.engine = engine, .seed = seed, .steps = steps};
        assert_true(seed_run(&options, &counts));
    }
    return counts;
}

static void live_results_are_what_a_plain_scan_gives_in_memory(void **state)
{
    struct oracle_counts counts = run(STORE_MEMORY, 1, 4, SHORT);
    /* Or the rest proves little. */
    assert_true(counts.jobs > 50 && counts.replays > 100 && counts.asked > 500);
    assert_true(counts.pairs > 20000);
    assert_true(counts_are_good(&counts));
}

static void live_results_are_what_a_plain_scan_gives_on_sqlite(void **state)
{
    struct oracle_counts counts = run(STORE_SQLITE, 9, 1, SHORT);
    assert_true(counts.pairs > 4000);
}

static void the_same_seed_is_the_same_run(void **state)
{
    struct oracle_counts a = run(STORE_MEMORY, 5, 1, 1000), b = run(STORE_MEMORY, 5, 1, 1000);
    assert_memory_equal(&a, &b, sizeof(a));
}

static void the_engine_makes_no_difference(void **state)
{
    struct oracle_counts a = run(STORE_MEMORY, 7, 1, 300), b = run(STORE_SQLITE, 7, 1, 300);
    assert_true(a.steps == b.steps && a.steps == 300);
}

static struct oracle_options planted(enum plant plant, uint64_t seed)
{
    return (struct oracle_options){
        .engine = STORE_MEMORY, .seed = seed, .steps = SHORT, .plant = plant};
}

static void faults_put_there_are_found(void **state)
{
    static const enum plant plants[] = {PLANT_LOST_KEY, PLANT_LATE_COMMIT, PLANT_OLD_CLOCK,
                                        PLANT_OTHER_CALLER, PLANT_DEAF_IN_JOB};
    for (size_t i = 0; i < ARRAY_LEN(plants); i++) {
        struct oracle_options options = planted(plants[i], 3);
        uint64_t at;
        if (!seed_fails(&options, true, &at))
            fail_msg("%s was not found", plant_names[plants[i]]);
    }
}

static void queries_run_for_nothing_are_counted(void **state)
{
    struct oracle_options options = planted(PLANT_TOLD_TWICE, 3);
    struct oracle_counts counts = {0};
    assert_true(seed_run(&options, &counts)); /* the answers are right all the same */
    assert_false(counts_are_good(&counts));
}

static void a_failing_run_is_made_shorter(void **state)
{
    struct oracle_options options = planted(PLANT_LATE_COMMIT, 1);
    uint64_t at;
    assert_true(seed_fails(&options, true, &at));
    uint64_t left = seed_shorten(&options, SECONDS(20));
    assert_true(left > 0 && left <= 12 && left < at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(live_results_are_what_a_plain_scan_gives_in_memory),
        cmocka_unit_test(live_results_are_what_a_plain_scan_gives_on_sqlite),
        cmocka_unit_test(the_same_seed_is_the_same_run),
        cmocka_unit_test(the_engine_makes_no_difference),
        cmocka_unit_test(faults_put_there_are_found),
        cmocka_unit_test(queries_run_for_nothing_are_counted),
        cmocka_unit_test(a_failing_run_is_made_shorter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
