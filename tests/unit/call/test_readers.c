/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "call/readers.h"

#include <poll.h>
#include <stdatomic.h>
#include <string.h>

struct tally {
    struct readers *readers;
    int done, dropped;
    char order[64];
    size_t len;
};

static atomic_int ran;

static void run(struct reading *reading, instant now)
{
    assert_true(now.us > 0);
    *(char *)reading->work += 1;
    ran++;
}

static void on_done(void *owner, struct reading *reading)
{
    struct tally *tally = owner;
    tally->done++;
    if (tally->len < sizeof(tally->order) - 1)
        tally->order[tally->len++] = *(char *)reading->work;
    reading_free(reading);
}

static void on_drop(struct reading *reading)
{
    ((struct tally *)reading->owner)->dropped++;
}

static struct reading *reading_of(struct tally *tally, char mark)
{
    struct reading *reading = reading_new();
    char *work = arena_alloc(&reading->arena, 1);
    *work = (char)(mark - 1);
    reading->work = work;
    reading->run = run;
    reading->done = on_done;
    reading->drop = on_drop;
    reading->owner = tally;
    return reading;
}

static struct readers *open_readers(size_t threads)
{
    struct fault fault = {0};
    struct readers *readers = readers_new(
        &(struct readers_options){.count = threads, .niceness = 1, .clock = clock_now}, &fault);
    assert_non_null(readers);
    ran = 0;
    return readers;
}

static void put(struct tally *tally, char mark, bool is_live)
{
    assert_true(readers_put(tally->readers, reading_of(tally, mark), is_live));
}

static void live_readings_and_requests_take_turns(void **state)
{
    struct tally tally = {.readers = open_readers(0)};
    for (int i = 0; i < 3; i++)
        put(&tally, 'r', false);
    for (int i = 0; i < 2; i++)
        put(&tally, 'l', true);
    assert_int_equal(readers_waiting(tally.readers), 5);
    while (readers_step(tally.readers)) {
    }
    assert_int_equal(tally.done, 0); /* only when delivered */
    readers_deliver(tally.readers);
    assert_string_equal(tally.order, "lrlrr");
    readers_free(tally.readers);
}

static void too_many_requests_are_refused_but_never_a_live_one(void **state)
{
    struct tally tally = {.readers = open_readers(0)};
    for (int i = 0; i < READERS_WAITING_MAX; i++)
        put(&tally, 'r', false);
    struct reading *one_more = reading_of(&tally, 'r');
    assert_false(readers_put(tally.readers, one_more, false));
    reading_free(one_more);
    put(&tally, 'l', true);
    readers_free(tally.readers);
    assert_int_equal(tally.dropped, READERS_WAITING_MAX + 1);
    assert_int_equal(tally.done, 0);
    assert_int_equal(ran, 0);
}

static void each_reading_is_run_once_and_comes_back_to_who_asked(void **state)
{
    enum { COUNT = 5000 };
    struct tally tally = {.readers = open_readers(3)};
    int asked = 0;
    while (tally.done < COUNT) {
        while (asked < COUNT && asked - tally.done < READERS_WAITING_MAX) {
            put(&tally, 'r', asked % 7 == 0);
            asked++;
        }
        struct pollfd wait = {.fd = readers_fd(tally.readers), .events = POLLIN};
        assert_int_equal(poll(&wait, 1, 10000), 1);
        readers_deliver(tally.readers);
    }
    assert_int_equal(ran, COUNT);
    readers_free(tally.readers);
    assert_int_equal(tally.dropped, 0);
}

static void what_was_under_way_at_the_end_is_freed(void **state)
{
    struct tally tally = {.readers = open_readers(2)};
    for (int i = 0; i < 100; i++)
        put(&tally, 'r', false);
    readers_free(tally.readers);
    assert_int_equal(tally.done, 0);
    assert_int_equal(tally.dropped, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(live_readings_and_requests_take_turns),
        cmocka_unit_test(too_many_requests_are_refused_but_never_a_live_one),
        cmocka_unit_test(each_reading_is_run_once_and_comes_back_to_who_asked),
        cmocka_unit_test(what_was_under_way_at_the_end_is_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
