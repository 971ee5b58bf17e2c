/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "base/str.h"

static void empty_and_absent_texts_are_equal_but_not_the_same(void **state)
{
    assert_true(str_equal(str_of(NULL), STR("")));
    assert_null(str_of(NULL).at);
    assert_non_null(STR("").at);
}

static void texts_are_ordered_by_bytes_and_then_by_length(void **state)
{
    assert_true(str_compare(STR("a"), STR("b")) < 0);
    assert_true(str_compare(STR("a"), STR("ab")) < 0);
    assert_true(str_compare(STR("\xC3\xA9"), STR("z")) > 0);
    assert_true(str_compare(STR("a\0b"), STR("a\0c")) < 0);
    assert_int_equal(str_compare(STR(""), str_of(NULL)), 0);
}

static void only_ascii_letters_lose_their_case(void **state)
{
    assert_true(str_equal_nocase(STR("Content-Type"), STR("content-TYPE")));
    assert_false(str_equal_nocase(STR("abc"), STR("abd")));
    assert_false(str_equal_nocase(STR("\xC3\xA9"), STR("\xC3\x89")));
}

static void beginnings_ends_and_parts_are_found(void **state)
{
    assert_true(str_starts(STR("image/png"), STR("image/")));
    assert_false(str_starts(STR("im"), STR("image/")));
    assert_true(str_ends(STR("a.png"), STR(".png")));
    assert_false(str_ends(STR("png"), STR(".png")));
    assert_true(str_contains(STR("abc"), STR("bc")));
    assert_true(str_contains(STR("abc"), STR("")));
    assert_true(str_contains(str_of(NULL), STR("")));
    assert_false(str_contains(str_of(NULL), STR("a")));
    assert_int_equal(str_find(STR("a,b,c"), ','), 1);
    assert_int_equal(str_find_last(STR("a,b,c"), ','), 3);
    assert_int_equal(str_find(str_of(NULL), ','), -1);
    assert_int_equal(str_find_last(STR("abc"), ','), -1);
}

static void slices_stay_inside(void **state)
{
    assert_true(str_equal(str_slice(STR("abcdef"), 2, 4), STR("cd")));
    assert_true(str_equal(str_slice(STR("abc"), 1, 100), STR("bc")));
    assert_int_equal(str_slice(STR("abc"), 100, 200).len, 0);
    assert_int_equal(str_slice(STR("abc"), 2, 1).len, 0);
    assert_true(str_equal(str_trim(STR(" \t a b\r\n")), STR("a b")));
    assert_int_equal(str_trim(STR(" \n ")).len, 0);
}

static void splitting_gives_every_part_in_turn(void **state)
{
    str rest = STR("a,,b"), head;
    assert_true(str_split(&rest, ',', &head));
    assert_true(str_equal(head, STR("a")));
    assert_true(str_split(&rest, ',', &head));
    assert_int_equal(head.len, 0);
    assert_true(str_split(&rest, ',', &head));
    assert_true(str_equal(head, STR("b")));
    assert_false(str_split(&rest, ',', &head));
}

static void whole_numbers_are_read_up_to_the_ends_of_their_range(void **state)
{
    int64_t value;
    assert_true(str_to_int(STR("0"), &value) && value == 0);
    assert_true(str_to_int(STR("-17"), &value) && value == -17);
    assert_true(str_to_int(STR("9223372036854775807"), &value) && value == INT64_MAX);
    assert_true(str_to_int(STR("-9223372036854775808"), &value) && value == INT64_MIN);
}

static void what_is_no_whole_number_is_refused(void **state)
{
    static const char *const wrong[] = {"",
                                        "-",
                                        "+1",
                                        "1 ",
                                        " 1",
                                        "1.0",
                                        "0x1",
                                        "--1",
                                        "1a",
                                        "9223372036854775808",
                                        "-9223372036854775809"};
    int64_t value;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        if (str_to_int(str_of(wrong[i]), &value))
            fail_msg("\"%s\" was read as %lld", wrong[i], (long long)value);
}

static void copies_live_in_the_arena(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    char text[] = "abc";
    str copy = str_copy(&arena, str_of(text));
    char *ended = str_zero_ended(&arena, str_of(text));
    str made = str_format(&arena, "%s-%d", text, 5);
    memset(text, 'x', 3);
    assert_true(str_equal(copy, STR("abc")));
    assert_string_equal(ended, "abc");
    assert_true(str_equal(made, STR("abc-5")));
    assert_string_equal(str_zero_ended(&arena, str_of(NULL)), "");
}

static void well_formed_utf8_is_taken(void **state)
{
    assert_true(utf8_is_valid(STR("")));
    assert_true(utf8_is_valid(STR("plain, \0 and é 漢 😀")));
    assert_true(utf8_is_valid(STR("\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80")));
    assert_true(utf8_is_valid(STR("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF")));
}

static void malformed_utf8_is_refused(void **state)
{
    static const char *const wrong[] = {
        "\x80",             /* a tail alone */
        "\xC3",             /* cut */
        "a\xE2\x82",        /* cut */
        "\xF0\x9F\x98",     /* cut */
        "\xC0\xAF",         /* too long a form */
        "\xC1\xBF",         /* too long a form */
        "\xE0\x9F\xBF",     /* too long a form */
        "\xF0\x8F\xBF\xBF", /* too long a form */
        "\xED\xA0\x80",     /* a surrogate */
        "\xED\xBF\xBF",     /* a surrogate */
        "\xF4\x90\x80\x80", /* beyond U+10FFFF */
        "\xF5\x80\x80\x80",
        "\xFF",
        "\xC3(",
        "\xE2\x28\xA1",
        "\xE2\x82\x28",
        "\xF0\x9F\x98\x28",
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        if (utf8_is_valid(str_of(wrong[i])))
            fail_msg("number %zu was taken", i);
}

static void characters_are_counted_and_never_cut_in_two(void **state)
{
    str text = STR("aé漢😀");
    assert_int_equal(utf8_length(text), 4);
    assert_int_equal(utf8_length(STR("")), 0);
    static const size_t lengths[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};
    for (size_t max = 0; max < ARRAY_LEN(lengths); max++)
        assert_int_equal(utf8_cut(text, max).len, lengths[max]);
}

static void an_address_is_told_from_its_port(void **state)
{
    static const char *const hosts[][2] = {
        {"203.0.113.9:4711", "203.0.113.9"},
        {"203.0.113.9", "203.0.113.9"},
        {"[2001:db8::9]:4711", "2001:db8::9"},
        {"[2001:db8::9]", "2001:db8::9"},
        {"2001:db8::9", "2001:db8::9"},
        {"[broken", "[broken"},
        {"", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++)
        if (!str_equal(str_without_port(str_of(hosts[i][0])), str_of(hosts[i][1])))
            fail_msg("%s", hosts[i][0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_and_absent_texts_are_equal_but_not_the_same),
        cmocka_unit_test(texts_are_ordered_by_bytes_and_then_by_length),
        cmocka_unit_test(only_ascii_letters_lose_their_case),
        cmocka_unit_test(beginnings_ends_and_parts_are_found),
        cmocka_unit_test(slices_stay_inside),
        cmocka_unit_test(splitting_gives_every_part_in_turn),
        cmocka_unit_test(whole_numbers_are_read_up_to_the_ends_of_their_range),
        cmocka_unit_test(what_is_no_whole_number_is_refused),
        cmocka_unit_test(copies_live_in_the_arena),
        cmocka_unit_test(well_formed_utf8_is_taken),
        cmocka_unit_test(malformed_utf8_is_refused),
        cmocka_unit_test(characters_are_counted_and_never_cut_in_two),
        cmocka_unit_test(an_address_is_told_from_its_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
