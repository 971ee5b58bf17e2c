/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/session.h"

#include <string.h>

static void tokens_are_long_and_differ(void **state)
{
    struct arena arena = {0};
    struct random random;
    random_init(&random);
    str one = session_token_make(&arena, &random);
    str two = session_token_make(&arena, &random);
    assert_int_equal(one.len, SESSION_TOKEN_LEN);
    assert_false(str_equal(one, two));
    arena_done(&arena);
}

static void what_is_stored_does_not_tell_the_token(void **state)
{
    struct arena arena = {0};
    struct random random;
    random_init_seeded(&random, 7);
    str token = session_token_make(&arena, &random);
    str hash = session_token_hash(&arena, token);
    assert_int_equal(hash.len, SESSION_HASH_LEN);
    assert_true(str_equal(hash, session_token_hash(&arena, token)));
    assert_false(str_contains(hash, token));
    str other = session_token_hash(&arena, session_token_make(&arena, &random));
    assert_false(str_equal(hash, other));
    arena_done(&arena);
}

static void what_cannot_be_a_token_has_no_hash(void **state)
{
    struct arena arena = {0};
    static const char *const broken[] = {
        "",
        "short",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAA AAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAA+AAAAAAAAAAAAAAA",
    };
    for (size_t i = 0; i < ARRAY_LEN(broken); i++)
        assert_int_equal(session_token_hash(&arena, str_of(broken[i])).len, 0);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_long_and_differ),
        cmocka_unit_test(what_is_stored_does_not_tell_the_token),
        cmocka_unit_test(what_cannot_be_a_token_has_no_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
