/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/kept.h"

#include <pthread.h>
#include <stdatomic.h>

static atomic_int dropped, hours;

static instant told(void)
{
    return (instant){HOURS(hours).us + 1};
}

static void drop(void *value)
{
    atomic_fetch_add(&dropped, 1);
    free(value);
}

static int *number_new(int n)
{
    int *value = memory_new(sizeof(*value));
    *value = n;
    return value;
}

static void a_value_is_found_by_its_pair(void **state)
{
    struct kept *kept = kept_new(HOURS(1), told, drop);
    dropped = 0;
    assert_null(kept_newest(kept));
    kept_put(kept, 1, 2, number_new(12));
    kept_put(kept, 2, 1, number_new(21));
    assert_int_equal(*(int *)kept_find(kept, 1, 2), 12);
    assert_int_equal(*(int *)kept_find(kept, 2, 1), 21);
    assert_int_equal(*(int *)kept_newest(kept), 21);
    assert_null(kept_find(kept, 1, 1));
    assert_int_equal(dropped, 0);
    kept_free(kept);
    assert_int_equal(dropped, 2);
}

static void only_what_nobody_used_for_a_while_is_dropped(void **state)
{
    struct kept *kept = kept_new(HOURS(1), told, drop);
    dropped = 0;
    kept_put(kept, 1, 0, number_new(1));
    kept_put(kept, 2, 0, number_new(2));
    hours++;
    assert_non_null(kept_find(kept, 1, 0));
    hours++;
    assert_non_null(kept_find(kept, 1, 0));
    kept_put(kept, 3, 0, number_new(3));
    assert_int_equal(dropped, 1);
    assert_null(kept_find(kept, 2, 0));
    assert_non_null(kept_find(kept, 1, 0));
    kept_free(kept);
    assert_int_equal(dropped, 3);
}

#define ROUNDS 2000

static void *put_and_find(void *context)
{
    struct kept *kept = context;
    for (int i = 0; i < ROUNDS; i++) {
        if (kept_find(kept, i, 0) == NULL)
            kept_put(kept, i, 0, number_new(i));
        const int *value = kept_find(kept, i, 0);
        if (value == NULL || *value != i)
            return kept;
    }
    return NULL;
}

static void many_threads_find_what_any_of_them_put(void **state)
{
    struct kept *kept = kept_new(HOURS(1), told, drop);
    pthread_t threads[3];
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, put_and_find, kept), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        void *wrong;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    kept_free(kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_found_by_its_pair),
        cmocka_unit_test(only_what_nobody_used_for_a_while_is_dropped),
        cmocka_unit_test(many_threads_find_what_any_of_them_put),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
