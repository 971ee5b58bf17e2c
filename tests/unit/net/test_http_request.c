/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "net/http_parse.h"

static void assert_str(str got, const char *wanted)
{
    if (!str_equal(got, str_of(wanted)))
        fail_msg("%.*s is not %s", STR_ARG(got), wanted);
}

static void query_parameters_are_found_by_name_and_decoded(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    struct http_request request = {.query = STR("a=1&b=x+y%2B%26&a=2&%63=d&flag&e=&=z&bad=%zz")};
    str value;
    assert_true(http_query(&arena, &request, "a", &value));
    assert_str(value, "1");
    assert_true(http_query(&arena, &request, "b", &value));
    assert_str(value, "x y+&");
    assert_true(http_query(&arena, &request, "c", &value));
    assert_str(value, "d");
    assert_true(http_query(&arena, &request, "flag", &value));
    assert_str(value, "");
    assert_true(http_query(&arena, &request, "e", &value));
    assert_str(value, "");
    assert_false(http_query(&arena, &request, "bad", &value));
    assert_false(http_query(&arena, &request, "missing", &value));
}

static void expect_path(const char *raw, const char *wanted)
{
    AUTO(arena_done) struct arena arena = {0};
    struct http_request request = {.path = str_copy(&arena, str_of(raw))};
    str path = http_path(&arena, &request);
    if (wanted == NULL)
        assert_int_equal(path.len, 0);
    else
        assert_str(path, wanted);
}

static void paths_are_decoded_once(void **state)
{
    expect_path("/", "/");
    expect_path("/a%20b/%C3%A9", "/a b/\xc3\xa9");
    expect_path("/a+b", "/a+b");
    expect_path("/%252e", "/%2e");
    expect_path("//api/x", "//api/x");
    expect_path("/a..b/...", "/a..b/...");
}

static void paths_that_could_climb_or_hide_are_refused(void **state)
{
    static const char *const bad[] = {
        "/..",         "/../a",   "/a/..",   "/a/../b",    "/.",     "/./a",  "/a/.",
        "/%2e%2e/a",   "/%2E./a", "/a%2fb",  "/a%2Fb",     "/a%5cb", "/a\\b", "/a/%2e",
        "/a%2f..%2fb", "/%ff",    "/%c0%af", "/%ed%a0%80", "/a%",    "/a%2",  "/%zz",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        expect_path(bad[i], NULL);
}

static void lists_are_searched_by_token(void **state)
{
    assert_true(http_list_has(STR("keep-alive, Upgrade"), STR("upgrade")));
    assert_true(http_list_has(STR("a,b\t,c"), STR("b")));
    assert_false(http_list_has(STR("keep-alive, Upgrades"), STR("upgrade")));
    assert_false(http_list_has(STR(""), STR("upgrade")));
    assert_false(http_list_has(STR("up grade"), STR("upgrade")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(query_parameters_are_found_by_name_and_decoded),
        cmocka_unit_test(paths_are_decoded_once),
        cmocka_unit_test(paths_that_could_climb_or_hide_are_refused),
        cmocka_unit_test(lists_are_searched_by_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
