/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define SIZE KIB(300) /* more than a pipe holds */

static void *read_all(void *context)
{
    static char got[SIZE + 1];
    size_t len = 0;
    ssize_t n;
    while ((n = read(*(int *)context, got + len, sizeof(got) - len)) > 0)
        len += (size_t)n;
    got[SIZE] = len == SIZE ? 'y' : 'n';
    return got;
}

static void what_takes_many_writes_is_written_whole(void **state)
{
    int ends[2];
    pthread_t thread;
    struct fault fault = {0};
    void *got;
    AUTO(memory_free) uint8_t *data = memory_new(SIZE);
    for (size_t i = 0; i < SIZE; i++)
        data[i] = (uint8_t)(i * 7 >> 3);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_true(thread_start(&thread, "test", read_all, &ends[0], &fault));
    assert_true(file_write_all(ends[1], (bytes){data, SIZE}));
    close(ends[1]);
    pthread_join(thread, &got);
    assert_int_equal(((char *)got)[SIZE], 'y');
    assert_memory_equal(got, data, SIZE);
    close(ends[0]);
}

static void what_cannot_be_written_says_why(void **state)
{
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_false(file_write_all(fd, bytes_of(STR("x"))));
    assert_int_equal(errno, ENOSPC);
    assert_true(file_write_all(fd, bytes_of(STR("")))); /* nothing always fits */
    close(fd);
    assert_false(file_write_all(-1, bytes_of(STR("x"))));
    assert_int_equal(errno, EBADF);
}

/* By then the number may be another file's, which must stay open. */
static void a_closed_file_is_not_closed_again(void **state)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int was = fd;
    assert_true(fd >= 0);
    fd_close(&fd);
    int other = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(other, was);
    fd_close(&fd);
    assert_true(fcntl(other, F_GETFD) >= 0);
    fd_close(&other);
    assert_int_equal(other, -1);
}

static void *see_signals(void *context)
{
    sigset_t *blocked = context;
    pthread_sigmask(SIG_SETMASK, NULL, blocked);
    return NULL;
}

static void a_thread_gets_no_signals_and_the_caller_keeps_its_own(void **state)
{
    sigset_t of_thread, before, after;
    pthread_t thread;
    struct fault fault = {0};
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    assert_true(thread_start(&thread, "test", see_signals, &of_thread, &fault));
    pthread_join(thread, NULL);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_true(sigismember(&of_thread, SIGTERM) == 1 && sigismember(&of_thread, SIGINT) == 1);
    assert_int_equal(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_takes_many_writes_is_written_whole),
        cmocka_unit_test(what_cannot_be_written_says_why),
        cmocka_unit_test(a_closed_file_is_not_closed_again),
        cmocka_unit_test(a_thread_gets_no_signals_and_the_caller_keeps_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
