/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "base/encode.h"

static const struct {
    const char *plain, *hex, *base64, *base64url;
} examples[] = {
    {"", "", "", ""},
    {"f", "66", "Zg==", "Zg"},
    {"fo", "666f", "Zm8=", "Zm8"},
    {"foo", "666f6f", "Zm9v", "Zm9v"},
    {"\xFB\xFF", "fbff", "+/8=", "-_8"},
};

static void bytes_are_written_as_the_standard_says_and_read_back(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    for (size_t i = 0; i < ARRAY_LEN(examples); i++) {
        bytes plain = bytes_of(str_of(examples[i].plain)), back;
        assert_true(str_equal(hex_write(&arena, plain), str_of(examples[i].hex)));
        assert_true(str_equal(base64_write(&arena, plain), str_of(examples[i].base64)));
        assert_true(str_equal(base64url_write(&arena, plain), str_of(examples[i].base64url)));
        assert_true(hex_read(&arena, str_of(examples[i].hex), &back));
        assert_int_equal(bytes_compare(plain, back), 0);
        assert_true(base64_read(&arena, str_of(examples[i].base64), &back));
        assert_int_equal(bytes_compare(plain, back), 0);
        assert_true(base64url_read(&arena, str_of(examples[i].base64url), &back));
        assert_int_equal(bytes_compare(plain, back), 0);
    }
}

static void loose_forms_are_refused(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    static const char *const wrong_hex[] = {"6", "6g", "66 ", "0x66"};
    static const char *const wrong[] = {
        "Zg", "Zg=", "Zg===", "Zh==", "Zm9v\n", "Zm 9v", "-_8=", "Z"};
    static const char *const wrong_url[] = {"Zg==", "Zh", "+/8", "Z", "Zm9v\n"};
    bytes ignored;
    for (size_t i = 0; i < ARRAY_LEN(wrong_hex); i++)
        if (hex_read(&arena, str_of(wrong_hex[i]), &ignored))
            fail_msg("hex \"%s\" was taken", wrong_hex[i]);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        if (base64_read(&arena, str_of(wrong[i]), &ignored))
            fail_msg("base64 \"%s\" was taken", wrong[i]);
    for (size_t i = 0; i < ARRAY_LEN(wrong_url); i++)
        if (base64url_read(&arena, str_of(wrong_url[i]), &ignored))
            fail_msg("base64url \"%s\" was taken", wrong_url[i]);
}

static void numbers_are_little_endian_in_twelve_characters(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    uint64_t value = 1;
    assert_true(str_equal(u64_base64_write(&arena, 0), STR("AAAAAAAAAAA=")));
    assert_true(str_equal(u64_base64_write(&arena, 256), STR("AAEAAAAAAAA=")));
    assert_true(u64_base64_read(STR("AAEAAAAAAAA="), &value) && value == 256);
    assert_true(u64_base64_read(STR("//////////8="), &value) && value == UINT64_MAX);
    assert_false(u64_base64_read(STR("AAEAAAAAAAA"), &value));
    assert_false(u64_base64_read(STR("AAEAAAAAAAAA"), &value));
    assert_false(u64_base64_read(STR("AAEAAAAAAA=="), &value));
    assert_false(u64_base64_read(STR("AAEAAAAAAAB="), &value));
}

static void base64_goes_into_a_buffer_as_well(void **state)
{
    AUTO(buffer_done) struct buffer buffer = {0};
    buffer_char(&buffer, '<');
    base64_append(&buffer, bytes_of(STR("fo")));
    buffer_char(&buffer, '>');
    assert_true(str_equal(buffer_text(&buffer), STR("<Zm8=>")));
}

static void what_an_address_must_not_hold_is_escaped(void **state)
{
    AUTO(buffer_done) struct buffer text = {0};
    AUTO(arena_done) struct arena arena = {0};
    str back;
    percent_append(&text, STR("a-b_c.d~e/f?g=\xc3\xa9 %"));
    assert_true(str_equal(buffer_text(&text), STR("a-b_c.d~e%2Ff%3Fg%3D%C3%A9%20%25")));
    assert_true(percent_read(&arena, buffer_text(&text), false, &back));
    assert_true(str_equal(back, STR("a-b_c.d~e/f?g=\xc3\xa9 %")));
}

static void percent_escapes_are_read_and_malformed_ones_refused(void **state)
{
    static const char *const wrong[] = {"%", "a%2", "%g0", "%0G", "%%41"};
    AUTO(arena_done) struct arena arena = {0};
    str out;
    assert_true(percent_read(&arena, STR("a%2Fb%2f+%00"), false, &out));
    assert_true(str_equal(out, (str){"a/b/+", 6}));
    assert_true(percent_read(&arena, STR("a+b%2B"), true, &out) && str_equal(out, STR("a b+")));
    assert_true(percent_read(&arena, STR(""), true, &out) && out.len == 0);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        if (percent_read(&arena, str_of(wrong[i]), false, &out))
            fail_msg("%s was taken", wrong[i]);
}

static void a_hex_digit_has_a_value_and_nothing_else_has(void **state)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    for (int c = 0; c < 256; c++) {
        const char *at = c == 0 ? NULL : strchr(digits, c);
        int value = at == NULL ? -1 : (int)(at - digits);
        assert_int_equal(hex_value((char)c), value > 15 ? value - 6 : value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_written_as_the_standard_says_and_read_back),
        cmocka_unit_test(loose_forms_are_refused),
        cmocka_unit_test(numbers_are_little_endian_in_twelve_characters),
        cmocka_unit_test(base64_goes_into_a_buffer_as_well),
        cmocka_unit_test(what_an_address_must_not_hold_is_escaped),
        cmocka_unit_test(percent_escapes_are_read_and_malformed_ones_refused),
        cmocka_unit_test(a_hex_digit_has_a_value_and_nothing_else_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
