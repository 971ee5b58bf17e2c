/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "json/json.h"

/* The canonical text, or "!" and the fault's. */
static str canonical(struct arena *arena, str text)
{
    struct json tree;
    struct fault fault = {0};
    /* A block of exactly its size, so that reading beyond is seen. */
    str exact = str_copy(arena, text);
    if (!json_read(arena, exact, 0, &tree, &fault))
        return str_format(arena, "!%s", fault.text);
    AUTO(buffer_done) struct buffer out = {0};
    json_write_canonical(&out, &tree);
    return str_copy(arena, buffer_text(&out));
}

static void expect(str text, const char *wanted)
{
    AUTO(arena_done) struct arena arena = {0};
    str got = canonical(&arena, text);
    if (!str_equal(got, str_of(wanted)))
        fail_msg("%.*s gave %.*s and not %s", STR_ARG(text), STR_ARG(got), wanted);
}

static void well_formed_texts_are_read(void **state)
{
    expect(STR("null"), "null");
    expect(STR(" true "), "true");
    expect(STR("[false,[],{}]"), "[false,[],{}]");
    expect(STR("\t{ \"b\" : 1 ,\r\n \"a\" : [ 1 , 2 ] } "), "{\"a\":[1,2],\"b\":1}");
    expect(STR("\"\""), "\"\"");
    expect(STR("{\"\":\"\"}"), "{\"\":\"\"}");
}

static void escapes_are_undone_and_written_only_where_needed(void **state)
{
    expect(STR("\"\\u0041\\/\\b\\f\\n\\r\\t\\\\\\\"\""), "\"A/\\b\\f\\n\\r\\t\\\\\\\"\"");
    expect(STR("\"\\u00e9\\u20AC\\ud83d\\ude00\""), "\"é€😀\"");
    expect(STR("\"plain é text that is long \\u0001\""), "\"plain é text that is long \\u0001\"");
    expect(STR("{\"\\u0061\":1}"), "{\"a\":1}");
}

static void malformed_texts_are_refused_with_the_place(void **state)
{
    expect(STR(""), "!byte 0: a value was expected");
    expect(STR("  "), "!byte 2: a value was expected");
    expect(STR("nul"), "!byte 0: a value was expected");
    expect(STR("nulll"), "!byte 4: the text goes on after the value");
    expect(STR("[1,]"), "!byte 3: a value was expected");
    expect(STR("[1"), "!byte 2: a comma or ] was expected");
    expect(STR("{\"a\":1"), "!byte 6: a comma or } was expected");
    expect(STR("{\"a\"}"), "!byte 4: a colon was expected");
    expect(STR("{a:1}"), "!byte 1: a key was expected");
    expect(STR("{\"a\":1,}"), "!byte 7: a key was expected");
    expect(STR("[1 2]"), "!byte 3: a comma or ] was expected");
    expect(STR("\"abc"), "!byte 4: the text has no end");
    expect(STR("\"abc\\"), "!byte 5: the text has no end");
    expect(STR("\"a\nb\""), "!byte 2: a control character stands in a text");
    expect(STR("\"\\x\""), "!byte 1: a backslash is followed by what is no escape");
    expect(STR("\"\\u12g4\""), "!byte 3: four hex digits were expected after \\u");
    expect(STR("\xEF\xBB\xBF[]"), "!byte 0: a value was expected");
    expect(STR("[]\0"), "!byte 2: the text goes on after the value");
}

static void text_must_be_utf8_without_lone_surrogates_and_nul(void **state)
{
    expect(STR("\"\xC3\""), "!byte 1: the text is not valid UTF-8");
    expect(STR("\"a\xED\xA0\x80\""), "!byte 1: the text is not valid UTF-8");
    expect(STR("{\"\xFF\":1}"), "!byte 2: the text is not valid UTF-8");
    expect(STR("\"\\ud800\""), "!byte 7: half of a surrogate pair stands alone");
    expect(STR("\"\\ud800\\u0041\""), "!byte 7: half of a surrogate pair stands alone");
    expect(STR("\"\\udc00\\ud800\""), "!byte 7: half of a surrogate pair stands alone");
    expect(STR("\"\\u0000\""), "!byte 3: the character U+0000 is not allowed");
}

static void numbers_follow_the_grammar(void **state)
{
    expect(STR("01"), "!byte 0: a number begins with a needless 0");
    expect(STR("-01"), "!byte 0: a number begins with a needless 0");
    expect(STR("-"), "!byte 0: a digit was expected");
    expect(STR("1."), "!byte 0: a digit was expected");
    expect(STR(".5"), "!byte 0: a value was expected");
    expect(STR("1e"), "!byte 0: a digit was expected");
    expect(STR("1e+"), "!byte 0: a digit was expected");
    expect(STR("+1"), "!byte 0: a value was expected");
    expect(STR("NaN"), "!byte 0: a value was expected");
    expect(STR("0x10"), "!byte 1: the text goes on after the value");
}

static void numbers_of_many_digits_are_read_to_the_last_bit(void **state)
{
    uint64_t seed = 42;
    for (int i = 0; i < 200000; i++) {
        char text[64];
        AUTO(arena_done) struct arena arena = {0};
        struct json tree;
        uint64_t parts[3];
        for (size_t k = 0; k < ARRAY_LEN(parts); k++)
            parts[k] = seed = seed * 6364136223846793005u + 1442695040888963407u;
        /* Up to 19 digits, some behind the point; often half way between two doubles. */
        uint64_t digits = parts[0] >> (parts[1] >> 58);
        if (i % 4 == 0)
            digits = ((parts[0] >> 11) | (uint64_t)1 << 52) * 5;
        int places = (int)(parts[2] >> 33) % 19 + 1;
        snprintf(text, sizeof(text), "%s%llue-%d", i % 2 == 0 ? "-" : "",
                 (unsigned long long)digits, i % 4 == 0 ? 1 : places);
        if (!json_read(&arena, str_of(text), 0, &tree, NULL))
            fail_msg("%s was refused", text);
        if (tree.kind == JSON_NUMBER && tree.number != strtod(text, NULL))
            fail_msg("%s was read as %.17g", text, tree.number);
    }
}

static void numbers_beyond_the_doubles_are_refused(void **state)
{
    expect(STR("1e309"), "!byte 0: the number is too large");
    expect(STR("[-1e400]"), "!byte 1: the number is too large");
    expect(STR("1e99999999999999999999"), "!byte 0: the number is too large");
    expect(STR("1e-99999999999999999999"), "0");
    expect(STR("0e99999999999999999999"), "0");
    expect(STR("1.7976931348623157e308"), "1.7976931348623157e308");
}

static void equal_numbers_have_one_canonical_text(void **state)
{
    expect(STR("[1,1.0,1e0,10e-1,0.1e1]"), "[1,1,1,1,1]");
    expect(STR("[0,-0,0.0,-0.0,0e5]"), "[0,-0,0,-0,0]");
    expect(STR("[100000000000000000,1e17]"), "[100000000000000000,100000000000000000]");
    expect(STR("[1e21,1E+21,1000000000000000000000]"), "[1e21,1e21,1e21]");
    expect(STR("[0.5,1.25e-7,123456.789]"), "[0.5,1.25e-7,123456.789]");
    expect(STR("[5e-324,2.2250738585072014e-308]"), "[5e-324,2.2250738585072014e-308]");
}

static void whole_numbers_keep_all_64_bits(void **state)
{
    expect(STR("[9223372036854775807,-9223372036854775808]"),
           "[9223372036854775807,-9223372036854775808]");
    expect(STR("9007199254740993"), "9007199254740993");
    expect(STR("9223372036854775808"), "9.223372036854776e18");
    expect(STR("-9223372036854775809"), "-9.223372036854776e18");
}

static void double_keys_are_refused_in_small_and_large_objects(void **state)
{
    expect(STR("{\"a\":1,\"b\":2,\"a\":3}"), "!byte 19: the key \"a\" is there twice");
    expect(STR("{\"a\":1,\"\\u0061\":3}"), "!byte 18: the key \"a\" is there twice");

    AUTO(arena_done) struct arena arena = {0};
    for (int twice = 0; twice < 2; twice++) {
        AUTO(buffer_done) struct buffer text = {0};
        for (int i = 0; i < 5000; i++)
            buffer_format(&text, "%s\"k%d\":%d", i == 0 ? "{" : ",", i, i);
        buffer_format(&text, ",\"%s\":0}", twice ? "k77" : "other");
        str got = canonical(&arena, buffer_text(&text));
        assert_int_equal(got.at[0] == '!', twice);
        assert_int_equal(str_contains(got, STR("\"k77\" is there twice")), twice);
    }
}

static void nesting_is_limited(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    for (int depth = 63; depth <= 66; depth++) {
        AUTO(buffer_done) struct buffer text = {0};
        for (int i = 0; i < depth; i++)
            buffer_str(&text, STR("["));
        for (int i = 0; i < depth; i++)
            buffer_str(&text, STR("]"));
        str got = canonical(&arena, buffer_text(&text));
        assert_int_equal(got.at[0] == '!', depth > 64);
    }
    struct json tree;
    assert_false(json_read(&arena, STR("[[1]]"), 1, &tree, NULL));
    assert_true(json_read(&arena, STR("[[1]]"), 2, &tree, NULL));
}

static void the_number_of_values_is_limited(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    AUTO(buffer_done) struct buffer text = {0};
    struct json tree;
    struct fault fault = {0};
    buffer_char(&text, '[');
    for (int i = 0; i < JSON_VALUES_MAX - 2; i++)
        buffer_add(&text, "0,", 2);
    buffer_add(&text, "0]", 2);
    assert_true(json_read(&arena, buffer_text(&text), 0, &tree, &fault));
    text.len--;
    buffer_add(&text, ",0]", 3);
    assert_false(json_read(&arena, buffer_text(&text), 0, &tree, &fault));
    assert_non_null(strstr(fault.text, "there are more than 1,048,576 values"));
}

static void text_without_escapes_is_borrowed(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    str text = STR("{\"key\":\"välue\"}");
    struct json tree;
    assert_true(json_read(&arena, text, 0, &tree, NULL));
    assert_ptr_equal(tree.items[0].key.at, text.at + 2);
    assert_ptr_equal(tree.items[0].text.at, text.at + 8);
}

static void members_are_found_and_absence_is_harmless(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    struct json tree;
    assert_true(json_read(&arena, STR("{\"n\":7,\"x\":2.5,\"w\":3.0,\"t\":\"s\",\"b\":true}"), 0,
                          &tree, NULL));
    assert_int_equal(json_int(json_get(&tree, "n"), -1), 7);
    assert_int_equal(json_int(json_get(&tree, "w"), -1), 3);
    assert_int_equal(json_int(json_get(&tree, "x"), -1), -1);
    assert_int_equal(json_int(json_get(&tree, "none"), -1), -1);
    assert_true(json_number(json_get(&tree, "x"), 0) == 2.5);
    assert_true(json_number(json_get(&tree, "n"), 0) == 7.0);
    assert_true(str_equal(json_text(json_get(&tree, "t")), STR("s")));
    assert_null(json_text(json_get(&tree, "n")).at);
    assert_true(json_bool(json_get(&tree, "b"), false));
    assert_true(json_bool(json_get(json_get(&tree, "b"), "below"), true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed_texts_are_read),
        cmocka_unit_test(escapes_are_undone_and_written_only_where_needed),
        cmocka_unit_test(malformed_texts_are_refused_with_the_place),
        cmocka_unit_test(text_must_be_utf8_without_lone_surrogates_and_nul),
        cmocka_unit_test(numbers_follow_the_grammar),
        cmocka_unit_test(numbers_of_many_digits_are_read_to_the_last_bit),
        cmocka_unit_test(numbers_beyond_the_doubles_are_refused),
        cmocka_unit_test(equal_numbers_have_one_canonical_text),
        cmocka_unit_test(whole_numbers_keep_all_64_bits),
        cmocka_unit_test(double_keys_are_refused_in_small_and_large_objects),
        cmocka_unit_test(nesting_is_limited),
        cmocka_unit_test(the_number_of_values_is_limited),
        cmocka_unit_test(text_without_escapes_is_borrowed),
        cmocka_unit_test(members_are_found_and_absence_is_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
