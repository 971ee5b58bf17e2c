/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "json/convex.h"

static struct json tree_of(struct arena *arena, str text)
{
    struct json tree;
    struct fault fault = {0};
    if (!json_read(arena, text, 0, &tree, &fault))
        fail_msg("%.*s: %s", STR_ARG(text), fault.text);
    return tree;
}

static void expect_taken(const char *text)
{
    AUTO(arena_done) struct arena arena = {0};
    struct json tree = tree_of(&arena, str_of(text));
    struct fault fault = {0};
    if (!convex_value_check(&tree, &fault))
        fail_msg("%s: %s", text, fault.text);
}

static void expect_refused(const char *text, const char *why)
{
    AUTO(arena_done) struct arena arena = {0};
    struct json tree = tree_of(&arena, str_of(text));
    struct fault fault = {0};
    assert_false(convex_value_check(&tree, &fault));
    assert_string_equal(fault.text, why);
    assert_int_equal(fault.kind, FAULT_INPUT);
}

static void the_three_forms_are_values(void **state)
{
    expect_taken("{\"$integer\":\"AQAAAAAAAAA=\"}");
    expect_taken("[{\"$bytes\":\"\"},{\"$bytes\":\"AQID\"}]");
    expect_taken(
        "{\"nan\":{\"$float\":\"AAAAAAAA+H8=\"},\"minus0\":{\"$float\":\"AAAAAAAAAIA=\"}}");
    expect_taken("{\"_a b~\":1,\"\":2}");
}

static void other_keys_with_a_dollar_are_refused(void **state)
{
    expect_refused("{\"$set\":[]}", "The value: a key cannot begin with $.");
    expect_refused("{\"a\":[0,{\"$map\":[]}]}", ".a[1]: a key cannot begin with $.");
    expect_refused("{\"$integer\":\"AQAAAAAAAAA=\",\"b\":1}",
                   "The value: a key cannot begin with $.");
}

static void forms_with_a_wrong_value_are_refused(void **state)
{
    expect_refused("{\"$integer\":\"AQ==\"}",
                   "The value: $integer takes the base64 text of 8 bytes.");
    expect_refused("{\"$integer\":1}", "The value: $integer takes the base64 text of 8 bytes.");
    expect_refused("{\"x\":{\"$bytes\":\"A\"}}", ".x: $bytes takes base64 text.");
    expect_refused("{\"x\":{\"$bytes\":null}}", ".x: $bytes takes base64 text.");
}

static void an_ordinary_number_in_the_float_form_would_break_clients_and_is_refused(void **state)
{
    expect_refused("{\"$float\":\"AAAAAAAA8D8=\"}",
                   "The value: $float takes the base64 text of 8 bytes, and only NaN, the "
                   "infinities and -0 are written so.");
    expect_refused("{\"$float\":\"AAAAAAAAAAA=\"}",
                   "The value: $float takes the base64 text of 8 bytes, and only NaN, the "
                   "infinities and -0 are written so.");
}

static void keys_are_printable_ascii_of_limited_length(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    expect_refused("{\"\xC3\xA9\":1}",
                   "The value: a key has characters that are not printable ASCII.");
    expect_refused("[{\"a\\n\":1}]", "[0]: a key has characters that are not printable ASCII.");
    for (int len = 1024; len <= 1025; len++) {
        AUTO(buffer_done) struct buffer text = {0};
        buffer_str(&text, STR("{\""));
        for (int i = 0; i < len; i++)
            buffer_char(&text, 'k');
        buffer_str(&text, STR("\":1}"));
        struct json tree = tree_of(&arena, buffer_text(&text));
        assert_int_equal(convex_value_check(&tree, NULL), len == 1024);
    }
}

static void lists_and_objects_are_limited(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    for (int extra = 0; extra < 2; extra++) {
        AUTO(buffer_done) struct buffer list = {0};
        AUTO(buffer_done) struct buffer object = {0};
        for (int i = 0; i < 8192 + extra; i++)
            buffer_format(&list, "%c%d", i == 0 ? '[' : ',', i);
        for (int i = 0; i < 1024 + extra; i++)
            buffer_format(&object, "%c\"%d\":0", i == 0 ? '{' : ',', i);
        buffer_char(&list, ']');
        buffer_char(&object, '}');
        struct json a = tree_of(&arena, buffer_text(&list));
        struct json b = tree_of(&arena, buffer_text(&object));
        assert_int_equal(convex_value_check(&a, NULL), extra == 0);
        assert_int_equal(convex_value_check(&b, NULL), extra == 0);
    }
}

static void expect_clean(const char *text, const char *wanted)
{
    AUTO(arena_done) struct arena arena = {0};
    AUTO(buffer_done) struct buffer out = {0};
    struct json tree = tree_of(&arena, str_of(text));
    convex_write_clean(&out, &tree);
    buffer_char(&out, '\0');
    assert_string_equal(out.at, wanted);
}

static void the_lossy_format_has_plain_json_for_the_forms(void **state)
{
    expect_clean("{\"$integer\":\"//////////8=\"}", "\"-1\"");
    expect_clean("[{\"$bytes\":\"AQID\"},{\"a\":[{\"$float\":\"AAAAAAAA8H8=\"}]}]",
                 "[\"AQID\",{\"a\":[\"Infinity\"]}]");
    expect_clean("[{\"$float\":\"AAAAAAAA8P8=\"},{\"$float\":\"AAAAAAAA+H8=\"}]",
                 "[\"-Infinity\",\"NaN\"]");
    expect_clean("{\"b\":1.5,\"a\":null}", "{\"b\":1.5,\"a\":null}");
}

static void numbers_json_cannot_say_are_written_in_the_float_form(void **state)
{
    static const double numbers[] = {NAN, INFINITY, -INFINITY, -0.0};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        AUTO(arena_done) struct arena arena = {0};
        AUTO(buffer_done) struct buffer out = {0};
        double again;
        convex_write_number(&out, numbers[i]);
        struct json tree = tree_of(&arena, buffer_text(&out));
        assert_true(convex_float_read(&tree, &again));
        assert_memory_equal(&again, &numbers[i], sizeof(again));
    }
    AUTO(buffer_done) struct buffer out = {0};
    convex_write_number(&out, 0.25);
    assert_true(str_equal(buffer_text(&out), STR("0.25")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_three_forms_are_values),
        cmocka_unit_test(other_keys_with_a_dollar_are_refused),
        cmocka_unit_test(forms_with_a_wrong_value_are_refused),
        cmocka_unit_test(an_ordinary_number_in_the_float_form_would_break_clients_and_is_refused),
        cmocka_unit_test(keys_are_printable_ascii_of_limited_length),
        cmocka_unit_test(lists_and_objects_are_limited),
        cmocka_unit_test(the_lossy_format_has_plain_json_for_the_forms),
        cmocka_unit_test(numbers_json_cannot_say_are_written_in_the_float_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
