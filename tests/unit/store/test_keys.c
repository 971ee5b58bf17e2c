/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "store/keys.h"

static struct packed_key pack(struct key_part part)
{
    struct packed_key key;
    key.len = 0;
    packed_add(&key, &part);
    return key;
}

static struct key_part text(const char *at, size_t len)
{
    return key_text((str){at, len});
}

static void keys_sort_as_their_values(void **state)
{
    const struct key_part parts[] = {
        key_null(),
        key_bool(false),
        key_bool(true),
        key_number(-INFINITY),
        key_int(-(INT64_C(1) << 53)),
        key_number(-1.5),
        key_int(-1),
        key_number(-0x1p-1074),
        key_int(0),
        key_number(0x1p-1074),
        key_number(0.1),
        key_int(1),
        key_int(255),
        key_int(256),
        key_time((instant){1700000000000000}),
        key_time((instant){1700000000000001}),
        key_int(INT64_C(1) << 53),
        key_number(INFINITY),
        text("", 0),
        text("\0", 1),
        text("\0\0", 2),
        text("\0a", 2),
        text("\x01", 1),
        text("a", 1),
        text("a\0", 2),
        text("a\0b", 3),
        text("aa", 2),
        text("b", 1),
        text("\xc3\xa9", 2),
        text("\xff", 1),
        key_id((doc_id){1}),
        key_id((doc_id){256}),
        key_id((doc_id){INT64_MAX}),
    };
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        for (size_t k = 0; k < ARRAY_LEN(parts); k++) {
            struct packed_key a = pack(parts[i]), b = pack(parts[k]);
            int side = bytes_compare(packed_bytes(&a), packed_bytes(&b));
            if ((side > 0) - (side < 0) != (i > k) - (i < k))
                fail_msg("%zu against %zu", i, k);
        }
}

static void equal_values_have_one_key(void **state)
{
    struct packed_key a = pack(key_number(-0.0)), b = pack(key_int(0));
    assert_int_equal(bytes_compare(packed_bytes(&a), packed_bytes(&b)), 0);
    a = pack(key_id((doc_id){0}));
    b = pack(key_text((str){0}));
    assert_int_equal(a.len, 1);
    assert_int_equal(bytes_compare(packed_bytes(&a), packed_bytes(&b)), 0);
}

/* No key starts with another of its kind, so that a prefix of fields means just these values. */
static void no_text_is_the_start_of_another(void **state)
{
    struct packed_key a = pack(text("a", 1)), b = pack(text("ab", 2)), c = pack(text("a\0", 2));
    assert_memory_not_equal(a.at, b.at, a.len);
    assert_memory_not_equal(a.at, c.at, a.len);
}

static void every_part_knows_its_length(void **state)
{
    char long_text[2000];
    memset(long_text, 'x', sizeof(long_text));
    memset(long_text + 100, 0, 100);
    const struct key_part parts[] = {
        key_null(),           key_bool(true),        key_int(5),
        text("", 0),          text("a\0b", 3),       text(long_text, 479),
        text(long_text, 400), text(long_text, 2000), key_id((doc_id){77}),
    };
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        struct packed_key key = pack(parts[i]);
        size_t len = key.len;
        packed_add(&key, &parts[(i + 1) % ARRAY_LEN(parts)]);
        assert_int_equal(packed_part_len(packed_bytes(&key)), len);
    }
}

static void four_long_texts_fit_one_key(void **state)
{
    char long_text[3000];
    struct packed_key key;
    key.len = 0;
    for (int zeros = 0; zeros < 2; zeros++) {
        memset(long_text, zeros == 0 ? 'x' : 0, sizeof(long_text));
        key.len = 0;
        for (int i = 0; i < INDEX_FIELDS_MAX; i++) {
            struct key_part part = text(long_text, sizeof(long_text));
            packed_add(&key, &part);
        }
        packed_add_u64(&key, 1);
        packed_add_u64(&key, 2);
        assert_true(key.len <= STORE_KEY_MAX);
    }
}

static void long_texts_differ_when_they_do(void **state)
{
    char one[3000], two[3000];
    memset(one, 'x', sizeof(one));
    memset(two, 'x', sizeof(two));
    two[2999] = 'y';
    struct packed_key a = pack(text(one, 3000)), b = pack(text(two, 3000)),
                      c = pack(text(one, 2999));
    assert_int_not_equal(bytes_compare(packed_bytes(&a), packed_bytes(&b)), 0);
    assert_int_not_equal(bytes_compare(packed_bytes(&a), packed_bytes(&c)), 0);
}

static void skipping_leads_behind_all_that_start_so(void **state)
{
    struct packed_key key = {.len = 3, .at = {5, 0xff, 0xff}};
    packed_skip(&key);
    assert_int_equal(key.len, 1);
    assert_int_equal(key.at[0], 6);
    key.len = 0;
    packed_skip(&key);
    assert_int_equal(key.len, 1);
    assert_int_equal(key.at[0], 0xff);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_sort_as_their_values),
        cmocka_unit_test(equal_values_have_one_key),
        cmocka_unit_test(no_text_is_the_start_of_another),
        cmocka_unit_test(every_part_knows_its_length),
        cmocka_unit_test(four_long_texts_fit_one_key),
        cmocka_unit_test(long_texts_differ_when_they_do),
        cmocka_unit_test(skipping_leads_behind_all_that_start_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
