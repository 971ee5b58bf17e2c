/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/date.h"

#include <time.h>

static void every_day_of_five_centuries_is_the_calendars(void **state)
{
    for (int64_t day = 0; day < 183000; day++) {
        time_t seconds = (time_t)(day * 86400);
        struct tm tm;
        gmtime_r(&seconds, &tm);
        struct date date = date_of_day(day);
        assert_int_equal(date.year, tm.tm_year + 1900);
        assert_int_equal(date.month, tm.tm_mon + 1);
        assert_int_equal(date.day, tm.tm_mday);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_day_of_five_centuries_is_the_calendars),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
