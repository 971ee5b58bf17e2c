/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "targets.h"

static struct row row_of(const char *name, double value)
{
    struct row row = {.name = name};
    samples_add(&row.samples, value, 0, 0);
    return row;
}

static struct row row_with_ratio(const char *name, double value, double ratio)
{
    struct row row = {.name = name, .has_baseline = true};
    samples_add(&row.samples, value, value / ratio, ratio);
    return row;
}

static void assert_verdict(struct row row, enum verdict wanted)
{
    assert_string_equal(verdict_names[target_verdict(&row)], verdict_names[wanted]);
}

static void a_rate_must_reach_its_floor_and_should_reach_its_goal(void **state)
{
    assert_verdict(row_of("transfers_single", 14999), VERDICT_FLOOR_MISSED);
    assert_verdict(row_of("transfers_single", 15000), VERDICT_GOAL_MISSED);
    assert_verdict(row_of("transfers_single", 34999), VERDICT_GOAL_MISSED);
    assert_verdict(row_of("transfers_single", 35000), VERDICT_MET);
}

static void a_size_must_not_exceed_its_floor(void **state)
{
    assert_verdict(row_of("idle_rss", 40.1), VERDICT_FLOOR_MISSED);
    assert_verdict(row_of("idle_rss", 40), VERDICT_GOAL_MISSED);
    assert_verdict(row_of("idle_rss", 20), VERDICT_MET);
}

static void the_worse_of_value_and_ratio_counts(void **state)
{
    assert_verdict(row_with_ratio("transfers", 70000, 0.7), VERDICT_MET);
    assert_verdict(row_with_ratio("transfers", 70000, 0.5), VERDICT_GOAL_MISSED);
    assert_verdict(row_with_ratio("transfers", 70000, 0.3), VERDICT_FLOOR_MISSED);
    assert_verdict(row_with_ratio("transfers", 20000, 0.7), VERDICT_FLOOR_MISSED);
}

static void a_ratio_that_was_not_measured_misses_its_floor(void **state)
{
    assert_verdict(row_of("point_query_same", 5), VERDICT_FLOOR_MISSED);
}

static void two_evaluations_where_one_suffices_miss_the_floor(void **state)
{
    assert_verdict(row_of("fanout_10k_evaluations", 1), VERDICT_MET);
    assert_verdict(row_of("fanout_10k_evaluations", 1.2), VERDICT_FLOOR_MISSED);
}

static void a_cost_is_flat_within_a_fifth_either_way(void **state)
{
    static const struct {
        double flatness;
        enum verdict wanted;
    } cases[] = {{1.19, VERDICT_MET},
                 {0.81, VERDICT_MET},
                 {1.21, VERDICT_GOAL_MISSED},
                 {0.79, VERDICT_GOAL_MISSED}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct row row = row_of("invalidate_one_50000", 200);
        row.has_flatness = true;
        row.flatness[0] = cases[i].flatness;
        assert_verdict(row, cases[i].wanted);
    }
}

static void the_median_decides_and_not_the_best_run(void **state)
{
    struct row row = row_of("transfers_http", 50000);
    samples_add(&row.samples, 11000, 0, 0);
    samples_add(&row.samples, 11500, 0, 0);
    assert_verdict(row, VERDICT_FLOOR_MISSED);
}

static void a_figure_without_targets_has_no_verdict(void **state)
{
    assert_verdict(row_of("mutations_64", 1), VERDICT_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rate_must_reach_its_floor_and_should_reach_its_goal),
        cmocka_unit_test(a_size_must_not_exceed_its_floor),
        cmocka_unit_test(the_worse_of_value_and_ratio_counts),
        cmocka_unit_test(a_ratio_that_was_not_measured_misses_its_floor),
        cmocka_unit_test(two_evaluations_where_one_suffices_miss_the_floor),
        cmocka_unit_test(a_cost_is_flat_within_a_fifth_either_way),
        cmocka_unit_test(the_median_decides_and_not_the_best_run),
        cmocka_unit_test(a_figure_without_targets_has_no_verdict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
