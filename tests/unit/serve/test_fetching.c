/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "serve/fetching.h"
#include "tiny_server.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WHOLE 9000
#define PART 2500
#define ANSWERS_MAX 64

static struct tiny_server *server;
static struct outside *outside;
static struct queue *answers;
static struct fetches *fetches;
static struct arena arena;
static char whole[WHOLE];

/* What the server was asked, in its thread; read when nothing is under way. */
static char asked[ANSWERS_MAX][200];
static size_t asked_count;

/* Breaks off after PART bytes each time. */
static void tear(int fd, const char *request, const char *tag, bool knows_ranges)
{
    long from = 0;
    char head[300];
    const char *range = strstr(request, "Range: bytes=");
    if (knows_ranges && range != NULL)
        from = strtol(range + strlen("Range: bytes="), NULL, 10);
    snprintf(head, sizeof(head),
             "HTTP/1.1 %s\r\n%s%sContent-Length: %ld\r\nContent-Range: bytes %ld-%d/%d\r\n\r\n",
             from > 0 ? "206 Partial Content" : "200 OK", tag[0] == 0 ? "" : "ETag: ", tag,
             WHOLE - from, from, WHOLE - 1, WHOLE);
    tiny_write(fd, str_of(head));
    tiny_write(fd, (str){whole + from, (size_t)MIN_OF(WHOLE - from, (long)PART)});
}

static bool answer(void *context, int fd, const char *request)
{
    if (asked_count < ANSWERS_MAX)
        snprintf(asked[asked_count++], sizeof(asked[0]), "%s", request);
    if (strncmp(request, "GET /torn", 9) == 0)
        tear(fd, request, "\"one\"\r\n", true);
    else if (strncmp(request, "GET /weak", 9) == 0)
        tear(fd, request, "W/\"one\"\r\n", true);
    else if (strncmp(request, "GET /nameless", 13) == 0)
        tear(fd, request, "", true);
    else if (strncmp(request, "GET /changing", 13) == 0 && asked_count == 1)
        tear(fd, request, "\"one\"\r\n", true);
    else if (strncmp(request, "GET /stuck", 10) == 0 && asked_count > 1)
        tiny_write(fd, STR("HTTP/1.1 206 Partial Content\r\nContent-Length: 10\r\nContent-Range: "
                           "bytes 0-9/9000\r\n\r\n0123456789"));
    else if (strncmp(request, "GET /stuck", 10) == 0)
        tear(fd, request, "\"one\"\r\n", true);
    else
        tiny_answer(fd, 200, "", (str){whole, WHOLE});
    return false;
}

static int set_up(void **state)
{
    struct fault fault = {0};
    arena = (struct arena){0};
    asked_count = 0;
    for (size_t i = 0; i < WHOLE; i++)
        whole[i] = (char)('a' + i % 23);
    server = tiny_server_new(answer, NULL);
    answers = queue_new(ANSWERS_MAX, &fault);
    outside = outside_new(&(struct outside_options){0}, &fault);
    fetches = fetches_new(&(struct fetches_options){outside, answers, "/tmp"});
    return 0;
}

static int tear_down(void **state)
{
    void *item;
    outside_free(outside);
    fetches_free(fetches);
    while (queue_take(answers, &item, 1) == 1)
        outside_result_free(item);
    queue_free(answers);
    tiny_server_free(server);
    arena_done(&arena);
    return 0;
}

static const struct work *work_for(const char *path, int64_t expires)
{
    struct work *work = arena_new(&arena, struct work);
    *work = (struct work){
        .kind = WORK_FETCH,
        .timeout = SECONDS(5),
        .url = str_format(&arena, "http://127.0.0.1:%d%s", tiny_server_port(server), path),
        .expires_at = {expires},
        .response_max = MIB(1),
        .allow_private = true,
    };
    return work;
}

static struct outside_result *next_answer(void)
{
    void *item = NULL;
    for (int i = 0; i < 100 && queue_take(answers, &item, 1) == 0; i++)
        poll(&(struct pollfd){.fd = queue_fd(answers), .events = POLLIN}, 1, 100);
    assert_non_null(item);
    return item;
}

static struct outside_result *fetch(const char *path)
{
    assert_true(fetches_start(fetches, 7, work_for(path, 0)));
    for (;;) {
        struct outside_result *came = next_answer();
        if (!fetches_go_on(fetches, came))
            return came;
        outside_result_free(came);
    }
}

static void expect_whole(const struct outside_result *came)
{
    char got[WHOLE + 1];
    assert_int_equal(came->error, OUTSIDE_OK);
    assert_int_equal(came->file_len, WHOLE);
    assert_int_equal(pread(came->file, got, sizeof(got), 0), WHOLE);
    assert_memory_equal(got, whole, WHOLE);
}

static void what_is_cut_off_goes_on_where_it_stopped(void **state)
{
    struct outside_result *came = fetch("/torn");
    expect_whole(came);
    assert_int_equal(asked_count, 4);
    assert_null(strstr(asked[0], "Range:"));
    assert_non_null(strstr(asked[1], "Range: bytes=2500-\r\n"));
    assert_non_null(strstr(asked[1], "If-Range: \"one\"\r\n"));
    assert_non_null(strstr(asked[3], "Range: bytes=7500-\r\n"));
    outside_result_free(came);
}

static void a_file_that_has_changed_meanwhile_comes_anew(void **state)
{
    struct outside_result *came = fetch("/changing");
    expect_whole(came);
    assert_int_equal(asked_count, 2);
    outside_result_free(came);
}

static void without_a_strong_name_nothing_is_put_together(void **state)
{
    static const char *const paths[] = {"/weak", "/nameless"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        asked_count = 0;
        struct outside_result *came = fetch(paths[i]);
        assert_int_equal(came->error, OUTSIDE_TRANSIENT);
        assert_int_equal(asked_count, 1);
        outside_result_free(came);
    }
}

static void another_part_than_was_asked_for_is_not_taken(void **state)
{
    struct outside_result *came = fetch("/stuck");
    assert_int_equal(came->error, OUTSIDE_TRANSIENT);
    assert_int_equal(asked_count, 2);
    outside_result_free(came);
}

static uint64_t take_one(void)
{
    struct outside_result *came = next_answer();
    uint64_t run = came->id;
    assert_false(fetches_go_on(fetches, came));
    outside_result_free(came);
    return run;
}

static void of_those_that_wait_what_expires_first_is_fetched_first(void **state)
{
    for (uint64_t run = 1; run <= FETCHES_AT_ONCE; run++)
        assert_true(fetches_start(fetches, run, work_for("/any", 1)));
    assert_true(fetches_start(fetches, 101, work_for("/never", 0)));
    assert_true(fetches_start(fetches, 102, work_for("/late", 2000)));
    assert_true(fetches_start(fetches, 103, work_for("/soon", 1000)));
    assert_true(fetches_start(fetches, 104, work_for("/gone", 500)));
    assert_true(fetches_cancel(fetches, 104));
    assert_false(fetches_cancel(fetches, 1)); /* it is under way */

    size_t taken = 1;
    take_one();
    assert_int_equal(fetches_begin(fetches), 0); /* there is room for one */
    for (uint64_t run = 0; run != 103; taken++)
        run = take_one();
    assert_int_equal(fetches_begin(fetches), 0);
    for (; taken < FETCHES_AT_ONCE + 3; taken++)
        take_one();
    bool was_soon = false;
    assert_int_equal(asked_count, FETCHES_AT_ONCE + 3);
    for (size_t i = 0; i < asked_count; i++) {
        was_soon = was_soon || strncmp(asked[i], "GET /soon", 9) == 0;
        assert_int_not_equal(strncmp(asked[i], "GET /gone", 9), 0);
        if (strncmp(asked[i], "GET /late", 9) == 0 || strncmp(asked[i], "GET /never", 10) == 0)
            assert_true(was_soon);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_cut_off_goes_on_where_it_stopped, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_has_changed_meanwhile_comes_anew, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(without_a_strong_name_nothing_is_put_together, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(another_part_than_was_asked_for_is_not_taken, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(of_those_that_wait_what_expires_first_is_fetched_first,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
