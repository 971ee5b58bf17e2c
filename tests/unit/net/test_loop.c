/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <pthread.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "net/loop.h"

static struct loop *loop_or_fail(void)
{
    struct fault fault = {0};
    struct loop *loop = loop_new(&fault);
    if (loop == NULL)
        fail_msg("%s", fault.text);
    return loop;
}

struct fired {
    struct loop_timer timer;
    struct loop *loop;
    int number;
    int *order;
    int *count;
};

static void note(void *context, instant now)
{
    struct fired *fired = context;
    assert_false(instant_is_before(now, fired->timer.when));
    assert_false(loop_timer_is_set(&fired->timer));
    fired->order[(*fired->count)++] = fired->number;
}

static void timers_fire_in_the_order_of_their_moments(void **state)
{
    enum { COUNT = 200 };
    struct loop *loop = loop_or_fail();
    struct fired timers[COUNT];
    int order[COUNT], count = 0;
    for (int i = 0; i < COUNT; i++) {
        timers[i] = (struct fired){.timer = {.fire = note, .context = &timers[i]},
                                   .number = i * 37 % COUNT,
                                   .order = order,
                                   .count = &count};
        loop_timer_set(loop, &timers[i].timer,
                       instant_add(loop_now(loop), MICROSECONDS(timers[i].number * 10)));
    }
    for (int i = 0; i < COUNT; i += 3)
        loop_timer_clear(loop, &timers[i].timer);
    for (int turns = 0; turns < 100 && count < COUNT - (COUNT + 2) / 3; turns++)
        loop_turn(loop, MILLISECONDS(50));
    assert_int_equal(count, COUNT - (COUNT + 2) / 3);
    for (int i = 1; i < count; i++)
        assert_true(order[i - 1] < order[i]);
    loop_free(loop);
}

static void a_timer_that_is_moved_fires_once_at_its_new_moment(void **state)
{
    struct loop *loop = loop_or_fail();
    int order[4], count = 0;
    struct fired timer = {
        .timer = {.fire = note, .context = &timer}, .order = order, .count = &count};
    instant begun = loop_now(loop);
    loop_timer_set(loop, &timer.timer, begun);
    loop_timer_set(loop, &timer.timer, instant_add(begun, MILLISECONDS(15)));
    while (count == 0)
        loop_turn(loop, SECONDS(1));
    assert_true(instant_since(loop_now(loop), begun).us >= 15000);
    loop_turn(loop, MILLISECONDS(1));
    assert_int_equal(count, 1);
    loop_free(loop);
}

static void set_again(void *context, instant now)
{
    struct fired *fired = context;
    ++*fired->count;
    loop_timer_set(fired->loop, &fired->timer, (instant){0});
}

static void a_timer_set_to_the_past_by_itself_waits_for_the_next_turn(void **state)
{
    struct loop *loop = loop_or_fail();
    int count = 0;
    struct fired timer = {
        .timer = {.fire = set_again, .context = &timer}, .loop = loop, .count = &count};
    loop_timer_set(loop, &timer.timer, loop_now(loop));
    for (int i = 1; i <= 3; i++) {
        loop_turn(loop, MILLISECONDS(100));
        assert_int_equal(count, i);
    }
    loop_timer_clear(loop, &timer.timer);
    loop_turn(loop, MILLISECONDS(1));
    assert_int_equal(count, 3);
    loop_free(loop);
}

struct pair {
    struct loop *loop;
    int own, other, count;
};

static void close_the_other(void *context, uint32_t events)
{
    struct pair *pair = context;
    pair->count++;
    loop_unwatch(pair->loop, pair->own);
    loop_unwatch(pair->loop, pair->other);
    close(pair->other);
    /* The number is used again at once, by one that nothing has happened to. */
    assert_int_equal(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), pair->other);
    assert_true(loop_watch(pair->loop, pair->other, EPOLLIN, close_the_other, pair, NULL));
}

static void events_of_an_earlier_owner_of_a_descriptor_are_forgotten(void **state)
{
    struct loop *loop = loop_or_fail();
    int a = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK), b = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    struct pair pairs[2] = {{loop, a, b, 0}, {loop, b, a, 0}};
    assert_true(loop_watch(loop, a, EPOLLIN, close_the_other, &pairs[0], NULL));
    assert_true(loop_watch(loop, b, EPOLLIN, close_the_other, &pairs[1], NULL));
    loop_turn(loop, MILLISECONDS(100));
    assert_int_equal(pairs[0].count + pairs[1].count, 1);
    loop_unwatch(loop, a);
    loop_unwatch(loop, b);
    close(a);
    close(b);
    loop_free(loop);
}

static void *stop_soon(void *context)
{
    usleep(20000);
    loop_stop(context);
    return NULL;
}

static void count_turn(void *context, instant now)
{
    ++*(int *)context;
}

static void another_thread_can_stop_the_loop(void **state)
{
    struct loop *loop = loop_or_fail();
    pthread_t thread;
    int turns = 0;
    loop_on_turn(loop, count_turn, &turns);
    pthread_create(&thread, NULL, stop_soon, loop);
    loop_run(loop);
    pthread_join(thread, NULL);
    assert_in_range(turns, 1, 5);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_fire_in_the_order_of_their_moments),
        cmocka_unit_test(a_timer_that_is_moved_fires_once_at_its_new_moment),
        cmocka_unit_test(a_timer_set_to_the_past_by_itself_waits_for_the_next_turn),
        cmocka_unit_test(events_of_an_earlier_owner_of_a_descriptor_are_forgotten),
        cmocka_unit_test(another_thread_can_stop_the_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
