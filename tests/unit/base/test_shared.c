/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "base/shared.h"

static void the_bytes_live_until_the_last_reference_goes(void **state)
{
    struct shared *shared = shared_copy(STR("result"));
    struct shared *second = shared_keep(shared);
    assert_ptr_equal(second, shared);
    shared_drop(shared);
    assert_true(str_equal(shared_text(second), STR("result")));
    shared_drop(second); /* LeakSanitizer sees if this did not free it */
}

static void nothing_is_a_reference_too(void **state)
{
    assert_null(shared_keep(NULL));
    shared_drop(NULL);
    assert_int_equal(shared_text(NULL).len, 0);
    struct shared *empty = shared_copy(str_of(NULL));
    assert_int_equal(shared_text(empty).len, 0);
    shared_drop(empty);
}

static void *keep_and_drop(void *argument)
{
    struct shared *shared = argument;
    for (int i = 0; i < 20000; i++) {
        struct shared *mine = shared_keep(shared);
        if (!str_equal(shared_text(mine), STR("result")))
            abort();
        shared_drop(mine);
    }
    shared_drop(shared);
    return NULL;
}

static void threads_share_it_without_a_lock(void **state)
{
    struct shared *shared = shared_copy(STR("result"));
    pthread_t threads[4];
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, keep_and_drop, shared_keep(shared)), 0);
    shared_drop(shared);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bytes_live_until_the_last_reference_goes),
        cmocka_unit_test(nothing_is_a_reference_too),
        cmocka_unit_test(threads_share_it_without_a_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
