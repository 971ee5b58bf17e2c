/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "serve/keepers.h"

#include <poll.h>
#include <stdatomic.h>

#define MANY 500

static struct {
    atomic_int ran, dropped, woken;
} seen;

struct parcel {
    struct keeping keeping;
    bool is_run;
};

static void run(struct keeping *keeping, struct random *random)
{
    random_u64(random); /* each has its own */
    ((struct parcel *)keeping)->is_run = true;
    seen.ran++;
}

static void run_slowly(struct keeping *keeping, struct random *random)
{
    poll(NULL, 0, 20);
    run(keeping, random);
}

static void drop(struct keeping *keeping)
{
    seen.dropped++;
    free(keeping);
}

static void wake(void *context)
{
    seen.woken++;
}

static struct keepers *start(void)
{
    struct fault fault;
    seen.ran = seen.dropped = seen.woken = 0;
    struct keepers *keepers = keepers_new(wake, NULL, &fault);
    assert_non_null(keepers);
    return keepers;
}

static void put(struct keepers *keepers, void (*how)(struct keeping *, struct random *))
{
    struct parcel *parcel = memory_zeroed(sizeof(*parcel));
    parcel->keeping = (struct keeping){.run = how, .drop = drop};
    keepers_put(keepers, &parcel->keeping);
}

static void what_was_put_is_run_once_and_can_be_taken(void **state)
{
    struct keepers *keepers = start();
    int taken = 0;
    for (int i = 0; i < MANY; i++)
        put(keepers, run);
    for (int ms = 0; taken < MANY && ms < 5000; ms++) {
        for (struct keeping *keeping; (keeping = keepers_take(keepers)) != NULL; taken++) {
            assert_true(((struct parcel *)keeping)->is_run);
            drop(keeping);
        }
        poll(NULL, 0, 1);
    }
    assert_int_equal(taken, MANY);
    assert_int_equal(seen.ran, MANY);
    assert_true(seen.woken >= 1);
    keepers_free(keepers);
    assert_int_equal(seen.dropped, MANY);
}

static void the_slow_are_run_beside_one_another(void **state)
{
    struct keepers *keepers = start();
    for (int i = 0; i < KEEPERS * 2; i++)
        put(keepers, run_slowly);
    for (int ms = 0; seen.ran < KEEPERS * 2 && ms < 5000; ms += 5)
        poll(NULL, 0, 5);
    assert_int_equal(seen.ran, KEEPERS * 2);
    keepers_free(keepers);
}

static void what_nobody_took_is_dropped_at_the_end_and_those_at_work_are_waited_for(void **state)
{
    struct keepers *keepers = start();
    for (int i = 0; i < KEEPERS * 3; i++)
        put(keepers, run_slowly);
    poll(NULL, 0, 5);
    keepers_free(keepers);
    assert_int_equal(seen.dropped, KEEPERS * 3);
    assert_true(seen.ran < KEEPERS * 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_is_run_once_and_can_be_taken),
        cmocka_unit_test(the_slow_are_run_beside_one_another),
        cmocka_unit_test(what_nobody_took_is_dropped_at_the_end_and_those_at_work_are_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
