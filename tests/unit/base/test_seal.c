/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "base/seal.h"

static const uint8_t key[SEAL_KEY_SIZE] = "0123456789abcdef0123456789abcde";

static void what_was_sealed_opens_under_its_key_and_context(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    bytes context = bytes_of(STR("cursor")), plain;
    str sealed = seal_make(&arena, key, context, bytes_of(STR("position 17")));
    assert_true(seal_open(&arena, key, context, sealed, &plain));
    assert_true(str_equal(str_from(plain), STR("position 17")));
    assert_false(str_contains(sealed, STR("position")));
    assert_true(str_equal(sealed, seal_make(&arena, key, context, bytes_of(STR("position 17")))));

    sealed = seal_make(&arena, key, context, (bytes){0});
    assert_true(seal_open(&arena, key, context, sealed, &plain));
    assert_int_equal(plain.len, 0);
}

static void it_opens_under_no_other_key_or_context(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    uint8_t other[SEAL_KEY_SIZE];
    bytes context = bytes_of(STR("cursor")), plain;
    str sealed = seal_make(&arena, key, context, bytes_of(STR("position 17")));
    memcpy(other, key, sizeof(other));
    other[31] ^= 1;
    assert_false(seal_open(&arena, other, context, sealed, &plain));
    assert_false(seal_open(&arena, key, bytes_of(STR("journal")), sealed, &plain));
}

static void any_change_is_seen(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    bytes context = bytes_of(STR("cursor")), plain;
    str sealed = seal_make(&arena, key, context, bytes_of(STR("position 17")));
    for (size_t i = 0; i < sealed.len; i++) {
        char *changed = str_zero_ended(&arena, sealed);
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        assert_false(seal_open(&arena, key, context, (str){changed, sealed.len}, &plain));
    }
    for (size_t len = 0; len < sealed.len; len++)
        assert_false(seal_open(&arena, key, context, str_slice(sealed, 0, len), &plain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_sealed_opens_under_its_key_and_context),
        cmocka_unit_test(it_opens_under_no_other_key_or_context),
        cmocka_unit_test(any_change_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
