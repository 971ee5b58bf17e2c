/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "json/fields.h"

static const struct doc_type users = {.name = "users", .number = 1};
static const struct doc_type assets = {.name = "assets", .number = 250};

static const uint8_t key[16] = "0123456789abcde";

static void ids_read_back(void **state)
{
    static const int64_t numbers[] = {1, 2, 255, 256, 1000000, INT64_C(1) << 55, INT64_MAX};
    doc_id_set_key(key);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        char text[DOC_ID_TEXT];
        doc_id id = {0};
        doc_id_write(&assets, (doc_id){numbers[i]}, text);
        assert_true(doc_id_read(&assets, (str){text, sizeof(text)}, &id));
        assert_int_equal(id.n, numbers[i]);
    }
}

static void an_id_of_another_table_is_refused(void **state)
{
    char text[DOC_ID_TEXT], other[DOC_ID_TEXT];
    doc_id id;
    doc_id_set_key(key);
    doc_id_write(&users, (doc_id){7}, text);
    doc_id_write(&assets, (doc_id){7}, other);
    assert_false(doc_id_read(&assets, (str){text, sizeof(text)}, &id));
    assert_memory_not_equal(text + 4, other + 4, 8); /* one number shows nothing of the other */
}

static void one_wrong_character_is_always_seen(void **state)
{
    static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
    char text[DOC_ID_TEXT];
    doc_id id;
    doc_id_set_key(key);
    doc_id_write(&users, (doc_id){123456}, text);
    for (size_t at = 0; at < DOC_ID_TEXT; at++) {
        char right = text[at];
        for (size_t i = 0; i < 32; i++) {
            text[at] = alphabet[i];
            bool is_read = doc_id_read(&users, (str){text, sizeof(text)}, &id);
            assert_int_equal(is_read, alphabet[i] == right);
        }
        text[at] = right;
    }
}

static void only_the_exact_form_is_read(void **state)
{
    char text[DOC_ID_TEXT + 1] = {0};
    doc_id id;
    doc_id_set_key(key);
    doc_id_write(&users, (doc_id){123456}, text);
    assert_true(doc_id_read(&users, (str){text, DOC_ID_TEXT}, &id));
    assert_false(doc_id_read(&users, (str){text, DOC_ID_TEXT + 1}, &id));
    assert_false(doc_id_read(&users, (str){text, DOC_ID_TEXT - 1}, &id));
    assert_false(doc_id_read(&users, (str){0}, &id));
    for (size_t at = 0; at < DOC_ID_TEXT; at++) {
        if (text[at] < 'a')
            continue;
        text[at] = (char)(text[at] - 'a' + 'A');
        assert_false(doc_id_read(&users, (str){text, DOC_ID_TEXT}, &id));
        text[at] = (char)(text[at] - 'A' + 'a');
    }
    assert_false(doc_id_read(&users, STR("iiiiiiiiiiiiiiii"), &id));
}

/* The cipher's published example, in our letters: table 0 leaves the number as it is. */
static void the_permutation_is_the_published_one(void **state)
{
    static const uint8_t example_key[16] = {0x00, 0x01, 0x02, 0x03, 0x08, 0x09, 0x0a, 0x0b,
                                            0x10, 0x11, 0x12, 0x13, 0x18, 0x19, 0x1a, 0x1b};
    static const struct doc_type none = {.name = "none", .number = 0};
    char text[DOC_ID_TEXT];
    doc_id_set_key(example_key);
    doc_id_write(&none, (doc_id){INT64_C(0x3b7265747475432d)}, text);
    /* The table, 00, and the published 8c6fa548454e028b; the rest holds the check byte. */
    assert_memory_equal(text, "0266z9a88n7052", 14);
    doc_id id;
    assert_true(doc_id_read(&none, (str){text, sizeof(text)}, &id));
    assert_int_equal(id.n, INT64_C(0x3b7265747475432d));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_read_back),
        cmocka_unit_test(an_id_of_another_table_is_refused),
        cmocka_unit_test(one_wrong_character_is_always_seen),
        cmocka_unit_test(only_the_exact_form_is_read),
        cmocka_unit_test(the_permutation_is_the_published_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
