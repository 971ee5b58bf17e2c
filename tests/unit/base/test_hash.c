/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "base/encode.h"
#include "base/hash.h"

static void equal_bytes_have_equal_hashes_and_others_do_not(void **state)
{
    char a[] = "one", b[] = "one";
    assert_int_equal(hash_bytes(a, 3), hash_bytes(b, 3));
    assert_int_not_equal(hash_bytes("one", 3), hash_bytes("two", 3));
    assert_int_not_equal(hash_bytes("one", 3), hash_bytes("one", 2));
    struct hash128 x = hash128_bytes(a, 3), y = hash128_bytes(b, 3), z = hash128_bytes("two", 3);
    assert_memory_equal(&x, &y, sizeof(x));
    assert_memory_not_equal(&x, &z, sizeof(x));
}

/* Results are compared with those of an earlier process, so the value itself is a promise. */
static void the_long_hash_is_the_same_in_every_process(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    struct hash128 x = hash128_bytes("", 0);
    str text = hex_write(&arena, (bytes){(const uint8_t *)&x, sizeof(x)});
    assert_true(str_equal(text, STR("cae66941d9efbd404e4d88758ea67670")));
}

static void sha256_is_the_published_one(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    uint8_t sum[32];
    sha256(bytes_of(STR("abc")), sum);
    assert_true(str_equal(hex_write(&arena, (bytes){sum, sizeof(sum)}),
                          STR("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")));
}

/* RFC 4231, test case 2. */
static void hmac_is_the_published_one(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    uint8_t sum[32];
    hmac_sha256(bytes_of(STR("Jefe")), bytes_of(STR("what do ya want for nothing?")), sum);
    assert_true(str_equal(hex_write(&arena, (bytes){sum, sizeof(sum)}),
                          STR("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")));
}

static void the_same_bytes_are_the_same_and_no_others(void **state)
{
    assert_true(bytes_are_same(bytes_of(STR("abc")), bytes_of(STR("abc"))));
    assert_true(bytes_are_same((bytes){0}, bytes_of(STR(""))));
    assert_false(bytes_are_same(bytes_of(STR("abc")), bytes_of(STR("abd"))));
    assert_false(bytes_are_same(bytes_of(STR("abc")), bytes_of(STR("abcd"))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_bytes_have_equal_hashes_and_others_do_not),
        cmocka_unit_test(the_long_hash_is_the_same_in_every_process),
        cmocka_unit_test(sha256_is_the_published_one),
        cmocka_unit_test(hmac_is_the_published_one),
        cmocka_unit_test(the_same_bytes_are_the_same_and_no_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
