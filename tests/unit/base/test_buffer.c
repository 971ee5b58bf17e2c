/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "base/buffer.h"

static void what_is_added_comes_out_in_order(void **state)
{
    AUTO(buffer_done) struct buffer buffer = {0};
    buffer_str(&buffer, STR("one"));
    buffer_char(&buffer, ',');
    buffer_format(&buffer, "%d-%s", 2, "three");
    buffer_add(&buffer, NULL, 0);
    assert_true(str_equal(buffer_text(&buffer), STR("one,2-three")));
}

static void it_grows_to_what_is_needed(void **state)
{
    AUTO(buffer_done) struct buffer buffer = {0};
    for (int i = 0; i < 100000; i++)
        buffer_add(&buffer, &i, sizeof(i));
    assert_int_equal(buffer.len, 100000 * sizeof(int));
    int last;
    memcpy(&last, buffer.at + 99999 * sizeof(int), sizeof(last));
    assert_int_equal(last, 99999);
}

static void going_over_the_limit_sticks(void **state)
{
    AUTO(buffer_done) struct buffer buffer = buffer_with_max(8);
    buffer_str(&buffer, STR("12345678"));
    assert_false(buffer.is_over);
    buffer_char(&buffer, '9');
    assert_true(buffer.is_over);
    assert_int_equal(buffer.len, 8);
    buffer_drop(&buffer, 4);
    buffer_char(&buffer, 'x'); /* there would be room again */
    assert_true(buffer.is_over);
    assert_true(str_equal(buffer_text(&buffer), STR("5678")));
    buffer_clear(&buffer);
    assert_false(buffer.is_over);
    buffer_char(&buffer, 'y');
    assert_true(str_equal(buffer_text(&buffer), STR("y")));
}

static void a_reservation_over_the_limit_is_refused_whatever_its_size(void **state)
{
    AUTO(buffer_done) struct buffer buffer = buffer_with_max(100);
    assert_null(buffer_reserve(&buffer, SIZE_MAX));
    assert_true(buffer.is_over);
    buffer_clear(&buffer);
    assert_non_null(buffer_reserve(&buffer, 100));
    assert_null(buffer_reserve(&buffer, 101));
}

static void bytes_are_dropped_from_the_front(void **state)
{
    AUTO(buffer_done) struct buffer buffer = {0};
    buffer_drop(&buffer, 3);
    buffer_str(&buffer, STR("abcdef"));
    buffer_drop(&buffer, 0);
    buffer_drop(&buffer, 2);
    assert_true(str_equal(buffer_text(&buffer), STR("cdef")));
    buffer_drop(&buffer, 100);
    assert_int_equal(buffer.len, 0);
}

static void the_limit_is_still_there_after_it_is_done_with(void **state)
{
    struct buffer buffer = buffer_with_max(4);
    buffer_str(&buffer, STR("abcd"));
    buffer_done(&buffer);
    assert_null(buffer.at);
    buffer_str(&buffer, STR("abcde"));
    assert_true(buffer.is_over);
    buffer_done(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_added_comes_out_in_order),
        cmocka_unit_test(it_grows_to_what_is_needed),
        cmocka_unit_test(going_over_the_limit_sticks),
        cmocka_unit_test(a_reservation_over_the_limit_is_refused_whatever_its_size),
        cmocka_unit_test(bytes_are_dropped_from_the_front),
        cmocka_unit_test(the_limit_is_still_there_after_it_is_done_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
