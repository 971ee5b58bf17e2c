/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "base/random.h"

static void a_seed_gives_the_same_bytes_again(void **state)
{
    struct random a, b, c;
    random_init_seeded(&a, 7);
    random_init_seeded(&b, 7);
    random_init_seeded(&c, 8);
    for (int i = 0; i < 100; i++) {
        uint64_t value = random_u64(&a);
        assert_int_equal(value, random_u64(&b));
        assert_int_not_equal(value, random_u64(&c));
    }
}

static void the_system_gives_other_bytes_each_time(void **state)
{
    struct random a, b;
    random_init(&a);
    random_init(&b);
    assert_memory_not_equal(a.key, b.key, sizeof(a.key));
}

static void each_fill_differs_from_the_one_before(void **state)
{
    struct random random;
    uint8_t a[64], b[64];
    random_init_seeded(&random, 1);
    random_fill(&random, a, sizeof(a));
    random_fill(&random, b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
}

static void a_bound_is_kept_and_every_value_below_it_comes(void **state)
{
    struct random random;
    int seen[7] = {0};
    random_init_seeded(&random, 3);
    for (int i = 0; i < 7000; i++) {
        uint64_t value = random_below(&random, ARRAY_LEN(seen));
        assert_in_range(value, 0, ARRAY_LEN(seen) - 1);
        seen[value]++;
    }
    for (size_t i = 0; i < ARRAY_LEN(seen); i++)
        assert_in_range(seen[i], 850, 1150);
    assert_int_equal(random_below(&random, 1), 0);
}

static void a_token_is_32_hex_digits(void **state)
{
    struct random random;
    char token[33], other[33];
    random_init_seeded(&random, 5);
    random_token(&random, token);
    random_token(&random, other);
    assert_int_equal(strlen(token), 32);
    assert_int_equal(strspn(token, "0123456789abcdef"), 32);
    assert_string_not_equal(token, other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seed_gives_the_same_bytes_again),
        cmocka_unit_test(the_system_gives_other_bytes_each_time),
        cmocka_unit_test(each_fill_differs_from_the_one_before),
        cmocka_unit_test(a_bound_is_kept_and_every_value_below_it_comes),
        cmocka_unit_test(a_token_is_32_hex_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
