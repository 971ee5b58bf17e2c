/* SPDX-License-Identifier: Apache-2.0 */
/* Against the test build of the helper, which misbehaves on order. */
#include "desk.h"

#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>

static struct desk desk;

static struct media_request misdeed(enum media_selftest what)
{
    return (struct media_request){
        .verb = MEDIA_SELFTEST,
        .input_fd = -1,
        .seed = (uint64_t)what,
        .width = 64,
        .height = 64,
        .limits = {.time_max = SECONDS(10)},
    };
}

static void expect_killed(enum media_selftest what, const char *signal_text)
{
    struct media_request request = misdeed(what);
    struct ending *ending = desk_ask(&desk, &request);
    assert_int_equal(ending->kind, MEDIA_EVENT_FAILED);
    if (ending->failure != MEDIA_CRASHED || strstr(ending->text, signal_text) == NULL)
        fail_msg("%s: %s", media_failure_name(ending->failure), ending->text);
}

static void expect_held(enum media_selftest what)
{
    struct media_request request = misdeed(what);
    struct ending *ending = desk_ask(&desk, &request);
    if (ending->kind != MEDIA_EVENT_DONE)
        fail_msg("%s: %s", media_failure_name(ending->failure), ending->text);
}

static void a_child_can_open_no_file(void **state)
{
    expect_held(SELFTEST_OPEN);
}

static void a_child_has_a_memory_limit(void **state)
{
    expect_held(SELFTEST_MEMORY);
}

static void a_child_that_makes_a_socket_is_killed(void **state)
{
    expect_killed(SELFTEST_SOCKET, "signal 31");
}

static void a_child_that_forks_is_killed(void **state)
{
    expect_killed(SELFTEST_FORK, "signal 31");
}

static void a_child_that_runs_a_program_is_killed(void **state)
{
    expect_killed(SELFTEST_EXEC, "signal 31");
}

static void a_child_that_traces_is_killed(void **state)
{
    expect_killed(SELFTEST_PTRACE, "signal 31");
}

static void a_child_cannot_make_memory_run(void **state)
{
    expect_held(SELFTEST_CODE);
}

static void a_child_that_would_outlive_the_helper_is_killed(void **state)
{
    expect_killed(SELFTEST_OUTLIVE, "signal 31");
}

static void a_noisy_child_does_not_keep_the_server_busy(void **state)
{
    struct media_request request = misdeed(SELFTEST_NOISE);
    struct ending *ending = desk_ask(&desk, &request);
    assert_int_equal(ending->kind, MEDIA_EVENT_DONE);
    assert_int_equal(ending->progress_count, 1);
}

static void a_child_cannot_have_itself_tried_again(void **state)
{
    struct media_request request = misdeed(SELFTEST_EXCUSE);
    struct ending *ending = desk_ask(&desk, &request);
    assert_int_equal(ending->kind, MEDIA_EVENT_FAILED);
    assert_int_equal(ending->failure, MEDIA_CRASHED);
}

static void a_child_that_writes_to_a_file_is_killed(void **state)
{
    expect_killed(SELFTEST_WRITE, "signal 25");
}

static void a_crash_fails_its_own_request_only(void **state)
{
    struct media_request good = desk_sketch("mountains", 512, 512);
    struct media_request bad = misdeed(SELFTEST_CRASH);
    desk_clear(&desk);
    for (uint64_t id = 1; id <= 8; id++)
        desk_submit(&desk, id % 2 ? &good : &bad, id);
    desk_wait(&desk, 8);
    for (uint64_t id = 1; id <= 8; id++)
        assert_int_equal(desk.endings[id].kind, id % 2 ? MEDIA_EVENT_DONE : MEDIA_EVENT_FAILED);
    assert_int_equal(desk.endings[2].failure, MEDIA_CRASHED);
    assert_non_null(strstr(desk.endings[2].text, "signal 11"));
}

/* On the whole machine, now. */
static long running_count(void)
{
    int count = 0;
    FILE *from = fopen("/proc/loadavg", "re");
    assert_non_null(from);
    assert_int_equal(fscanf(from, "%*f %*f %*f %d", &count), 1);
    fclose(from);
    return count;
}

static void a_child_that_hangs_is_stopped_in_time(void **state)
{
    struct media_request request = misdeed(SELFTEST_HANG);
    request.limits.time_max = MILLISECONDS(300);
    enum media_failure failure = MEDIA_STARVED;
    bool is_quiet = true;
    for (int i = 0; i < 20 && failure == MEDIA_STARVED; i++) { /* others may have the processor */
        instant start = clock_monotonic();
        failure = desk_ask(&desk, &request)->failure;
        is_quiet = is_quiet && running_count() <= sysconf(_SC_NPROCESSORS_ONLN);
        int64_t took = instant_since(clock_monotonic(), start).us;
        assert_true(took >= 300000 && took < 5000000);
    }
    if (failure != MEDIA_TIMEOUT && is_quiet)
        fail_msg("%s on a quiet machine", media_failure_name(failure));
}

static void a_child_that_did_not_get_the_processor_is_told_from_one_that_hangs(void **state)
{
    struct media_request request = misdeed(SELFTEST_STALL);
    request.limits.time_max = MILLISECONDS(300);
    struct ending *ending = desk_ask(&desk, &request);
    assert_int_equal(ending->kind, MEDIA_EVENT_FAILED);
    assert_string_equal(media_failure_name(ending->failure), "starved");
}

/* As the system does when memory is short: from outside, and whoever has much or little of it. */
static void a_child_that_the_system_kills_is_told_from_one_that_takes_too_much(void **state)
{
    struct media_request request = misdeed(SELFTEST_STALL);
    pid_t helpers[2], children[8];
    desk_clear(&desk);
    desk_submit(&desk, &request, 1);
    desk_step(&desk, 0);
    assert_int_equal(desk_children(getpid(), helpers, 2), 1);
    for (int i = 0; i < 200 && desk.count == 0;
         i++) { /* spare ones are killed too, and come again */
        size_t count = desk_children(helpers[0], children, 8);
        for (size_t k = 0; k < count; k++)
            if (!desk_is_full_helper(children[k]))
                kill(children[k], SIGKILL);
        desk_step(&desk, 20);
    }
    assert_int_equal(desk.count, 1);
    assert_string_equal(media_failure_name(desk.endings[1].failure), "starved");
}

static size_t descriptors_of(pid_t pid)
{
    char path[64];
    size_t count = 0;
    snprintf(path, sizeof(path), "/proc/%d/fd", pid);
    DIR *all = opendir(path);
    for (struct dirent *entry; all != NULL && (entry = readdir(all)) != NULL;)
        count += entry->d_name[0] != '.';
    if (all != NULL)
        closedir(all);
    return count;
}

/* Of our helper's, as many as have nothing but the standard ones and their socket. */
static size_t empty_handed(pid_t *children, size_t count)
{
    size_t empty = 0;
    for (size_t i = 0; i < count; i++)
        empty += !desk_is_full_helper(children[i]) && descriptors_of(children[i]) == 4;
    return empty;
}

/* Forked while another one works, it would have that one's file and results. */
static void children_that_wait_hold_nothing_of_others(void **state)
{
    struct media_request request = misdeed(SELFTEST_STALL);
    pid_t helpers[2], children[8];
    request.limits.time_max = SECONDS(1);
    desk_clear(&desk);
    desk_submit(&desk, &request, 1);
    assert_int_equal(desk_children(getpid(), helpers, 2), 1);
    size_t most = 0;
    while (desk.count == 0) {
        desk_step(&desk, 20);
        most = MAX_OF(most, empty_handed(children, desk_children(helpers[0], children, 8)));
    }
    assert_true(most >= 2); /* as many as work at once */
}

static void a_hanging_child_can_be_cancelled(void **state)
{
    struct media_request request = misdeed(SELFTEST_HANG);
    desk_clear(&desk);
    desk_submit(&desk, &request, 1);
    desk_step(&desk, 0);
    assert_true(media_cancel(desk.media, 1));
    desk_wait(&desk, 1);
    assert_int_equal(desk.endings[1].failure, MEDIA_CANCELED);
}

static void a_lie_about_lengths_is_not_believed(void **state)
{
    struct media_request request = misdeed(SELFTEST_LIE);
    struct ending *ending = desk_ask(&desk, &request);
    assert_int_equal(ending->kind, MEDIA_EVENT_FAILED);
    assert_int_equal(ending->failure, MEDIA_BROKEN);
}

static void a_dead_helper_is_started_again(void **state)
{
    struct media_request slow = misdeed(SELFTEST_HANG);
    struct media_request fatal = misdeed(SELFTEST_STOP_HELPER);
    struct media_request good = desk_sketch("mountains", 128, 128);
    desk_clear(&desk);
    desk_submit(&desk, &slow, 1);
    desk_submit(&desk, &slow, 2);
    desk_submit(&desk, &fatal, 3);
    desk_submit(&desk, &good, 4); /* waits: two places, and one for what is soon done */
    desk_wait(&desk, 4);
    for (int i = 1; i <= 3; i++)
        assert_int_equal(desk.endings[i].failure, MEDIA_UNAVAILABLE);
    assert_int_equal(desk.endings[4].kind, MEDIA_EVENT_DONE);
    assert_int_equal(media_due(desk.media).us, 0);
}

static void a_helper_that_stands_still_is_taken_to_be_dead(void **state)
{
    static struct desk own;
    struct media_request request = misdeed(SELFTEST_HANG);
    desk_open(&own, "ATELIER_MEDIA_SELFTEST", 1);
    desk_submit(&own, &request, 1);
    desk_step(&own, 0);
    instant due = media_due(own.media);
    assert_true(instant_is_before(instant_add(clock_monotonic(), SECONDS(10)), due));
    media_step(own.media, due, desk_on_event, &own);
    assert_int_equal(own.count, 0);
    media_step(own.media, instant_add(due, SECONDS(1)), desk_on_event, &own);
    assert_int_equal(own.endings[1].failure, MEDIA_UNAVAILABLE);
    desk_close(&own);
}

/* The helper shares only stderr with whoever starts it; its end of a pipe closes when it dies. */
static void the_helper_and_its_children_die_with_the_server(void **state)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        struct desk own = {0};
        struct media_options options = {.children = 2};
        if (!media_open(getenv("ATELIER_MEDIA_SELFTEST"), &options, &own.media, NULL))
            _exit(1);
        struct media_request request = misdeed(SELFTEST_HANG);
        if (!media_submit(own.media, &request, 1, NULL))
            _exit(1);
        for (int i = 0; i < 10; i++)
            desk_step(&own, 20);
        _exit(0);
    }
    close(ends[1]);
    struct pollfd polled = {.fd = ends[0], .events = POLLIN};
    int status = 1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(poll(&polled, 1, 5000), 1);
    char byte;
    assert_int_equal(read(ends[0], &byte, 1), 0);
    close(ends[0]);
}

static int open_desk(void **state)
{
    desk_open(&desk, "ATELIER_MEDIA_SELFTEST", 2);
    return 0;
}

static int close_desk(void **state)
{
    desk_close(&desk);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_can_open_no_file),
        cmocka_unit_test(a_child_has_a_memory_limit),
        cmocka_unit_test(a_child_that_makes_a_socket_is_killed),
        cmocka_unit_test(a_child_that_forks_is_killed),
        cmocka_unit_test(a_child_that_runs_a_program_is_killed),
        cmocka_unit_test(a_child_that_traces_is_killed),
        cmocka_unit_test(a_child_cannot_make_memory_run),
        cmocka_unit_test(a_child_that_would_outlive_the_helper_is_killed),
        cmocka_unit_test(a_noisy_child_does_not_keep_the_server_busy),
        cmocka_unit_test(a_child_cannot_have_itself_tried_again),
        cmocka_unit_test(a_child_that_writes_to_a_file_is_killed),
        cmocka_unit_test(a_crash_fails_its_own_request_only),
        cmocka_unit_test(a_child_that_hangs_is_stopped_in_time),
        cmocka_unit_test(a_child_that_did_not_get_the_processor_is_told_from_one_that_hangs),
        cmocka_unit_test(children_that_wait_hold_nothing_of_others),
        cmocka_unit_test(a_child_that_the_system_kills_is_told_from_one_that_takes_too_much),
        cmocka_unit_test(a_hanging_child_can_be_cancelled),
        cmocka_unit_test(a_lie_about_lengths_is_not_believed),
        cmocka_unit_test(a_dead_helper_is_started_again),
        cmocka_unit_test(a_helper_that_stands_still_is_taken_to_be_dead),
        cmocka_unit_test(the_helper_and_its_children_die_with_the_server),
    };
    return cmocka_run_group_tests(tests, open_desk, close_desk);
}
