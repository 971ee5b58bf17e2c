/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"

static void moments_and_lengths_of_time_are_reckoned_in_microseconds(void **state)
{
    instant begin = {1000};
    instant end = instant_add(begin, SECONDS(2));
    assert_int_equal(end.us, 2001000);
    assert_int_equal(instant_since(end, begin).us, 2000000);
    assert_true(instant_is_before(begin, end));
    assert_false(instant_is_before(end, end));
    assert_int_equal(MILLISECONDS(3).us, 3000);
    assert_int_equal(MINUTES(1).us, 60000000);
    assert_int_equal(HOURS(1).us, INT64_C(3600000000));
    assert_int_equal(DAYS(2).us, INT64_C(172800000000));
}

static void the_wall_clock_is_in_this_century(void **state)
{
    int64_t years = clock_now().us / DAYS(365).us;
    assert_in_range(years, 50, 130); /* since 1970 */
}

static void the_steady_clock_never_goes_back(void **state)
{
    instant last = clock_monotonic();
    for (int i = 0; i < 10000; i++) {
        instant now = clock_monotonic();
        assert_false(instant_is_before(now, last));
        last = now;
    }
}

static void work_takes_processor_time(void **state)
{
    span begin = clock_cpu();
    volatile uint64_t sum = 0;
    for (uint64_t i = 0; i < 20000000; i++)
        sum += i;
    assert_true(sum != 0 && clock_cpu().us > begin.us);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments_and_lengths_of_time_are_reckoned_in_microseconds),
        cmocka_unit_test(the_wall_clock_is_in_this_century),
        cmocka_unit_test(the_steady_clock_never_goes_back),
        cmocka_unit_test(work_takes_processor_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
