/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "studio_life.h"

#define LIVES 3
#define DEEDS 150

static bool live(uint64_t seed, struct life_counts *counts, uint64_t *hash)
{
    struct life_options options = {.seed = seed, .deeds = DEEDS, .config = getenv("SIM_CONFIG")};
    return life_run(&options, counts, hash);
}

static void every_life_ends_without_a_violation(void **state)
{
    struct life_counts counts = {0};
    uint64_t hash = 0;
    for (uint64_t seed = 7; seed < 7 + LIVES; seed++) /* the eighth is on SQLite */
        assert_true(live(seed, &counts, &hash));
    assert_int_equal(counts.violations, 0);
    assert_true(counts.jobs > 0 && counts.made > 0 && counts.lives_on_disk == 1);
}

static void accidents_do_happen(void **state)
{
    struct life_counts counts = {0};
    uint64_t hash = 0;
    assert_true(live(1, &counts, &hash));
    assert_true(counts.crashes > 0 && counts.store_faults > 0);
}

static void the_same_seed_leaves_the_same_trace(void **state)
{
    struct life_counts counts = {0};
    uint64_t first = 0, again = 0, other = 0;
    assert_true(live(7, &counts, &first));
    assert_true(live(7, &counts, &again));
    assert_true(live(8, &counts, &other));
    assert_true(first == again);
    assert_true(first != other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_life_ends_without_a_violation),
        cmocka_unit_test(accidents_do_happen),
        cmocka_unit_test(the_same_seed_leaves_the_same_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
