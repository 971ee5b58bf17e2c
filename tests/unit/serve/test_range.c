/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "serve/range.h"

static void check(const char *header, int64_t size, int status, int64_t from, int64_t to)
{
    int64_t first = -1, last = -1;
    assert_int_equal(range_read(str_of(header), size, &first, &last), status);
    if (status != 206)
        return;
    assert_int_equal(first, from);
    assert_int_equal(last, to);
}

static void one_range_is_served(void **state)
{
    check("bytes=0-0", 10, 206, 0, 0);
    check("bytes=2-5", 10, 206, 2, 5);
    check("bytes=2-", 10, 206, 2, 9);
    check("bytes=9-99", 10, 206, 9, 9);
    check("bytes=-3", 10, 206, 7, 9);
    check("bytes=-30", 10, 206, 0, 9);
    check("Bytes=1-1", 10, 206, 1, 1);
    check("bytes= 1-1 ", 10, 206, 1, 1);
}

static void a_number_that_is_too_large_is_the_end(void **state)
{
    check("bytes=2-99999999999999999999999999", 10, 206, 2, 9);
    check("bytes=-99999999999999999999999999", 10, 206, 0, 9);
    check("bytes=99999999999999999999999999-", 10, 416, 0, 0);
}

static void what_is_not_there_cannot_be_served(void **state)
{
    check("bytes=10-", 10, 416, 0, 0);
    check("bytes=10-12", 10, 416, 0, 0);
    check("bytes=-0", 10, 416, 0, 0);
    check("bytes=0-", 0, 416, 0, 0);
    check("bytes=-1", 0, 416, 0, 0);
}

static void what_is_not_understood_is_ignored(void **state)
{
    static const char *const headers[] = {
        "",           "bytes",         "bytes=",      "bytes=-",    "bytes=a-b",  "bytes=1",
        "bytes=5-2",  "bytes=1-2,4-5", "items=0-1",   "bytes 0-1",  "bytes=+1-2", "bytes=--1",
        "bytes=1--2", "bytes=0x1-2",   "bytes=1-2-3", "bytes=1 -2", "bytes=1- 2",
    };
    for (size_t i = 0; i < ARRAY_LEN(headers); i++)
        check(headers[i], 10, 0, 0, 0);
}

static void a_tag_is_found_in_a_list(void **state)
{
    str tag = STR("\"ab\"");
    assert_true(etag_is_listed(STR("\"ab\""), tag));
    assert_true(etag_is_listed(STR("W/\"ab\""), tag));
    assert_true(etag_is_listed(STR(" \"x\", W/\"y,z\" ,\"ab\""), tag));
    assert_true(etag_is_listed(STR("*"), tag));
    assert_false(etag_is_listed(STR(""), tag));
    assert_false(etag_is_listed(STR("ab"), tag));
    assert_false(etag_is_listed(STR("\"abc\""), tag));
    assert_false(etag_is_listed(STR("\"x, \\\"ab\""), tag));
    assert_false(etag_is_listed(STR("\"x"), tag));
    assert_false(etag_is_listed(STR("W/"), tag));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_range_is_served),
        cmocka_unit_test(a_number_that_is_too_large_is_the_end),
        cmocka_unit_test(what_is_not_there_cannot_be_served),
        cmocka_unit_test(what_is_not_understood_is_ignored),
        cmocka_unit_test(a_tag_is_found_in_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
