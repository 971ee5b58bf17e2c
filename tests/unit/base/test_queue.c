/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>

#include "base/queue.h"

static bool is_signalled(const struct queue *queue)
{
    struct pollfd wait = {.fd = queue_fd(queue), .events = POLLIN};
    return poll(&wait, 1, 0) == 1;
}

static void items_come_out_in_order(void **state)
{
    struct queue *queue = queue_new(4, NULL);
    int items[6];
    void *got[8];
    for (int round = 0; round < 3; round++) { /* around the end of the slots */
        for (int i = 0; i < 3; i++)
            assert_true(queue_put(queue, &items[i]));
        assert_int_equal(queue_len(queue), 3);
        assert_int_equal(queue_take(queue, got, 2), 2);
        assert_ptr_equal(got[0], &items[0]);
        assert_ptr_equal(got[1], &items[1]);
        assert_int_equal(queue_take(queue, got, 8), 1);
        assert_ptr_equal(got[0], &items[2]);
    }
    assert_int_equal(queue_take(queue, got, 8), 0);
    queue_free(queue);
}

static void a_full_queue_refuses(void **state)
{
    struct queue *queue = queue_new(2, NULL);
    int item;
    void *got[2];
    assert_true(queue_put(queue, &item));
    assert_true(queue_put(queue, &item));
    assert_false(queue_put(queue, &item));
    assert_int_equal(queue_take(queue, got, 1), 1);
    assert_true(queue_put(queue, &item));
    queue_free(queue);
}

static void it_is_signalled_while_something_is_in_it(void **state)
{
    struct queue *queue = queue_new(4, NULL);
    int item;
    void *got[4];
    assert_false(is_signalled(queue));
    assert_true(queue_put(queue, &item));
    assert_true(queue_put(queue, &item));
    assert_true(is_signalled(queue));
    assert_int_equal(queue_take(queue, got, 1), 1);
    assert_true(is_signalled(queue));
    assert_int_equal(queue_take(queue, got, 1), 1);
    assert_false(is_signalled(queue));
    queue_wake(queue);
    assert_true(is_signalled(queue));
    assert_int_equal(queue_take(queue, got, 1), 0);
    assert_false(is_signalled(queue));
    queue_free(queue);
    queue_free(NULL);
}

#define EACH 20000
#define PUTTERS 3
static int sent[PUTTERS][EACH];

struct putter {
    struct queue *queue;
    int *from;
};

static void *put_all(void *argument)
{
    struct putter *putter = argument;
    for (int i = 0; i < EACH; i++) {
        putter->from[i] = i;
        while (!queue_put(putter->queue, &putter->from[i])) {
            struct pollfd nothing = {.fd = -1};
            poll(&nothing, 1, 0);
        }
    }
    return NULL;
}

static void many_threads_put_and_nothing_is_lost_or_out_of_turn(void **state)
{
    struct queue *queue = queue_new(64, NULL);
    struct putter putters[PUTTERS];
    pthread_t threads[PUTTERS];
    int next[PUTTERS] = {0};
    for (int i = 0; i < PUTTERS; i++) {
        putters[i] = (struct putter){queue, sent[i]};
        assert_int_equal(pthread_create(&threads[i], NULL, put_all, &putters[i]), 0);
    }
    for (int left = PUTTERS * EACH; left > 0;) {
        struct pollfd wait = {.fd = queue_fd(queue), .events = POLLIN};
        void *got[32];
        assert_int_equal(poll(&wait, 1, 5000), 1); /* else a signal was lost */
        size_t count = queue_take(queue, got, ARRAY_LEN(got));
        for (size_t i = 0; i < count; i++) {
            int *item = got[i];
            ptrdiff_t putter = (item - &sent[0][0]) / EACH;
            assert_int_equal(*item, next[putter]++);
        }
        left -= (int)count;
    }
    for (int i = 0; i < PUTTERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(queue_len(queue), 0);
    queue_free(queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_come_out_in_order),
        cmocka_unit_test(a_full_queue_refuses),
        cmocka_unit_test(it_is_signalled_while_something_is_in_it),
        cmocka_unit_test(many_threads_put_and_nothing_is_lost_or_out_of_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
