/* SPDX-License-Identifier: Apache-2.0 */
/* The oracle with a writer and readers on threads of their own; for the thread sanitizer, too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "runs.h"

static void run(enum store_engine engine, uint64_t seed)
{
    struct oracle_counts counts = {0};
    struct oracle_options options = {
        .engine = engine, .seed = seed, .steps = 3000, .has_threads = true};
    assert_true(seed_run(&options, &counts));
    assert_true(counts.jobs > 5 && counts.rounds > 300 && counts.asked > 50);
}

static void results_are_right_while_others_write_and_read_in_memory(void **state)
{
    run(STORE_MEMORY, 1);
    run(STORE_MEMORY, 2);
}

static void results_are_right_while_others_write_and_read_on_sqlite(void **state)
{
    run(STORE_SQLITE, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_are_right_while_others_write_and_read_in_memory),
        cmocka_unit_test(results_are_right_while_others_write_and_read_on_sqlite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
