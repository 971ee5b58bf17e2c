/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/encode.h"
#include "base/hash.h"
#include "net/outside.h"
#include "tiny_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define BIG KIB(300)

static struct tiny_server *server;
static struct outside *outside;
static struct queue *results;
static struct arena arena;
static char big[BIG];
static char seen[KIB(8)]; /* the last request, as the server got it */

/* Whole answers; an empty body stands for the big one. */
static const struct {
    const char *path, *headers, *body;
    int status;
} answers[] = {
    {"/big", "Content-Type: image/png\r\n", NULL, 200},
    {"/complaint", "", NULL, 500},
    {"/circle", "Location: /circle\r\n", "", 302},
    {"/file", "Location: file:///etc/passwd\r\n", "", 302},
    {"/busy", "Retry-After: 7\r\n", "later", 429},
    {"/dated", "Retry-After: Fri, 01 Jan 2100 00:00:00 GMT\r\n", "later", 503},
    {"/headers", "X-One: a:b \r\nX-ONE: two\r\nX-Empty:\r\n", "x", 200},
};

/* What is sent before the connection is cut. */
static const struct {
    const char *path, *sent;
} cuts[] = {
    {"/silent", ""},
    {"/truncated", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"},
    {"/malformed", "no HTTP at all\r\n\r\n"},
    {"/endless", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"},
};

static bool is_cut(int fd, const char *path)
{
    for (size_t i = 0; i < ARRAY_LEN(cuts); i++) {
        if (strcmp(path, cuts[i].path) != 0)
            continue;
        tiny_write(fd, str_of(cuts[i].sent));
        if (strcmp(path, "/endless") == 0)
            tiny_write(fd, (str){big, BIG});
        return true;
    }
    return false;
}

static void answer_whole(int fd, const char *path)
{
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        str body = answers[i].body == NULL ? (str){big, BIG} : str_of(answers[i].body);
        if (strcmp(path, answers[i].path) == 0) {
            tiny_answer(fd, answers[i].status, answers[i].headers, body);
            return;
        }
    }
    tiny_answer(fd, 200, "", STR("hello"));
}

/* A byte now and then, until the client gives up. */
static void drip(int fd)
{
    char byte;
    const struct timeval moment = {.tv_usec = 100000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &moment, sizeof(moment));
    tiny_write(fd, STR("HTTP/1.1 200 OK\r\nContent-Length: 307200\r\n\r\n"));
    for (int i = 0; i < 100 && recv(fd, &byte, 1, 0) != 0; i++)
        if (send(fd, "x", 1, MSG_NOSIGNAL) != 1)
            return;
}

static bool answer(void *context, int fd, const char *request)
{
    char path[64] = "";
    int read = sscanf(request, "%*s %63s", path);
    assert(read == 1);
    snprintf(seen, sizeof(seen), "%s", request);
    if (strcmp(path, "/slow") == 0) {
        char byte;
        ssize_t got = recv(fd, &byte, 1, 0); /* until the client gives up */
        return got > 0;
    }
    if (strcmp(path, "/drip") == 0)
        drip(fd);
    if (is_cut(fd, path) || strcmp(path, "/drip") == 0)
        return false;
    if (strncmp(request, "HEAD ", 5) == 0) {
        tiny_write(fd, STR("HTTP/1.1 200 OK\r\nContent-Length: 307200\r\n\r\n"));
    } else if (strcmp(path, "/away") == 0) {
        char location[96];
        snprintf(location, sizeof(location), "Location: http://127.0.0.1:%d/hello\r\n",
                 tiny_server_port(server));
        tiny_answer(fd, 302, location, STR("gone"));
    } else {
        answer_whole(fd, path);
    }
    return true;
}

static int set_up(void **state)
{
    struct fault fault = {0};
    arena = (struct arena){0};
    for (size_t i = 0; i < BIG; i++)
        big[i] = (char)('a' + i % 26);
    server = tiny_server_new(answer, NULL);
    results = queue_new(64, &fault);
    outside = outside_new(&(struct outside_options){0}, &fault);
    assert_non_null(outside);
    return 0;
}

static int tear_down(void **state)
{
    outside_free(outside);
    void *item;
    while (queue_take(results, &item, 1) == 1)
        outside_result_free(item);
    queue_free(results);
    tiny_server_free(server);
    arena_done(&arena);
    return 0;
}

static struct outside_request request_for(const char *path)
{
    return (struct outside_request){
        .id = 1,
        .url = str_format(&arena, "http://127.0.0.1:%d%s", tiny_server_port(server), path),
        .allow_private = true,
        .timeout = SECONDS(5),
        .deliver_to = results,
        .context = &arena,
    };
}

static struct outside_result *wait_for_result(void)
{
    void *item = NULL;
    for (int i = 0; i < 100 && queue_take(results, &item, 1) == 0; i++)
        poll(&(struct pollfd){.fd = queue_fd(results), .events = POLLIN}, 1, 100);
    assert_non_null(item);
    return item;
}

static struct outside_result *result_of(const struct outside_request *request)
{
    assert_true(outside_send(outside, request));
    return wait_for_result();
}

static void expect_error(const struct outside_request *request, enum outside_error error)
{
    struct outside_result *result = result_of(request);
    if (result->error != error)
        print_error("%s\n", outside_error_name(result->error));
    assert_int_equal(result->error, error);
    assert_true(strlen(result->text) > 10);
    assert_null(result->body);
    outside_result_free(result);
}

static void assert_text(str actual, const char *expected)
{
    if (!str_equal(actual, str_of(expected)))
        print_error("%.*s\n", STR_ARG(actual));
    assert_true(str_equal(actual, str_of(expected)));
}

static void an_answer_comes_whole(void **state)
{
    struct outside_request request = request_for("/hello");
    struct outside_result *result = result_of(&request);
    assert_int_equal(result->error, OUTSIDE_OK);
    assert_int_equal(result->status, 200);
    assert_int_equal(result->id, 1);
    assert_ptr_equal(result->context, &arena);
    assert_text(shared_text(result->body), "hello");
    assert_true(result->took.us > 0);
    assert_null(strstr(seen, "Content-Type"));
    assert_non_null(strstr(seen, "User-Agent: atelier\r\n"));
    outside_result_free(result);
    assert_int_equal(outside_under_way(outside), 0);
}

static void headers_come_in_lower_case_and_trimmed(void **state)
{
    struct outside_request request = request_for("/headers");
    struct outside_result *result = result_of(&request);
    assert_text(outside_header_value(result, "x-one"), "a:b");
    assert_text(outside_header_value(result, "x-empty"), "");
    assert_int_equal(result->header_count, 4);
    outside_result_free(result);
}

static void a_body_and_headers_are_sent_as_given(void **state)
{
    struct outside_header headers[] = {{STR("X-Key"), STR("s3cret")}, {STR("X-Empty"), STR("")}};
    struct outside_request request = request_for("/hello");
    request.method = STR("PATCH");
    request.headers = headers;
    request.header_count = ARRAY_LEN(headers);
    request.body = shared_copy(STR("{\"a\":1}"));
    struct outside_result *result = result_of(&request);
    assert_int_equal(result->error, OUTSIDE_OK);
    assert_true(str_starts(str_of(seen), STR("PATCH /hello HTTP/1.1\r\n")));
    assert_non_null(strstr(seen, "\r\nX-Key: s3cret\r\n"));
    assert_non_null(strstr(seen, "\r\nX-Empty:"));
    assert_non_null(strstr(seen, "\r\nContent-Length: 7\r\n"));
    assert_non_null(strstr(seen, "\r\n\r\n{\"a\":1}"));
    assert_null(strstr(seen, "Content-Type"));
    assert_null(strstr(seen, "Expect"));
    outside_result_free(result);
}

static void a_post_without_body_sends_length_zero(void **state)
{
    struct outside_request request = request_for("/hello");
    request.method = STR("POST");
    struct outside_result *result = result_of(&request);
    assert_int_equal(result->error, OUTSIDE_OK);
    assert_non_null(strstr(seen, "\r\nContent-Length: 0\r\n"));
    outside_result_free(result);
}

static void head_and_delete_work(void **state)
{
    struct outside_request request = request_for("/big");
    request.method = STR("HEAD");
    request.response_max = 10;
    struct outside_result *result = result_of(&request);
    assert_int_equal(result->error, OUTSIDE_OK);
    assert_null(result->body);
    outside_result_free(result);
    request = request_for("/hello");
    request.method = STR("DELETE");
    result = result_of(&request);
    assert_int_equal(result->error, OUTSIDE_OK);
    assert_true(str_starts(str_of(seen), STR("DELETE /hello")));
    outside_result_free(result);
}

static void nobody_adds_headers_through_a_value(void **state)
{
    static const struct outside_header broken[] = {
        {STR("X-A"), STR("b\r\nX-Evil: 1")},
        {STR("X-A"), STR("b\nX-Evil: 1")},
        {STR("X-A\r\nX-Evil"), STR("b")},
        {STR("X-A: b"), STR("c")},
        {STR(""), STR("b")},
        {STR("X-A"), {"a\0b", 3}},
    };
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        struct outside_request request = request_for("/hello");
        request.headers = &broken[i];
        request.header_count = 1;
        expect_error(&request, OUTSIDE_BAD_REQUEST);
    }
    struct outside_request request = request_for("/hello");
    request.method = STR("GET /evil HTTP/1.1\r\nX: ");
    expect_error(&request, OUTSIDE_BAD_REQUEST);
    assert_int_equal(tiny_server_connections(server), 0);
}

static void only_web_addresses_are_called(void **state)
{
    static const char *const broken[] = {"file:///etc/passwd", "ftp://127.0.0.1/", "gopher://a/",
                                         "nonsense://x",       "http://",          "",
                                         "http://a b/"};
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        struct outside_request request = request_for("/");
        request.url = str_of(broken[i]);
        expect_error(&request, OUTSIDE_BAD_REQUEST);
    }
}

static void a_silent_server_is_a_timeout(void **state)
{
    struct outside_request request = request_for("/slow");
    request.timeout = MILLISECONDS(150);
    expect_error(&request, OUTSIDE_TIMEOUT);
}

static void what_drips_is_a_timeout_long_before_its_end(void **state)
{
    struct outside_request request = request_for("/drip");
    request.timeout = SECONDS(60);
    request.slowest = 1000;
    request.patience = SECONDS(1);
    expect_error(&request, OUTSIDE_TIMEOUT);
}

static void a_cut_off_answer_is_transient(void **state)
{
    static const char *const paths[] = {"/truncated", "/malformed", "/silent"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct outside_request request = request_for(paths[i]);
        expect_error(&request, OUTSIDE_TRANSIENT);
    }
}

static void nobody_there_is_a_connect_error(void **state)
{
    struct outside_request request = request_for("/");
    request.url = STR("http://127.0.0.1:1/");
    expect_error(&request, OUTSIDE_CONNECT);
}

static void a_body_beyond_the_limit_is_refused(void **state)
{
    static const char *const paths[] = {"/big", "/endless"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct outside_request request = request_for(paths[i]);
        request.response_max = BIG - 1;
        expect_error(&request, OUTSIDE_TOO_BIG);
        request.response_max = BIG;
        struct outside_result *result = result_of(&request);
        assert_int_equal(result->error, OUTSIDE_OK);
        assert_int_equal(shared_text(result->body).len, BIG);
        outside_result_free(result);
    }
}

static int file_make(void)
{
    int fd = memfd_create("answer", MFD_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static void a_large_answer_goes_to_a_file_with_its_hash(void **state)
{
    struct outside_request request = request_for("/big");
    request.into_file = true;
    request.file = file_make();
    struct outside_result *result = result_of(&request);
    assert_int_equal(result->error, OUTSIDE_OK);
    assert_int_equal(result->file, request.file);
    assert_int_equal(result->file_len, BIG);
    uint8_t expected[32];
    sha256((bytes){(uint8_t *)big, BIG}, expected);
    assert_memory_equal(result->file_sha256, expected, 32);
    assert_int_equal(lseek(result->file, 0, SEEK_END), BIG);
    assert_null(result->body);
    outside_result_free(result);
}

static void a_complaint_does_not_go_to_the_file(void **state)
{
    struct outside_request request = request_for("/complaint");
    request.into_file = true;
    request.file = file_make();
    struct outside_result *result = result_of(&request);
    assert_int_equal(result->error, OUTSIDE_OK);
    assert_int_equal(result->status, 500);
    assert_int_equal(lseek(result->file, 0, SEEK_END), 0);
    assert_int_equal(shared_text(result->body).len, KIB(64));
    outside_result_free(result);
}

static void a_full_disk_is_its_own_error(void **state)
{
    struct outside_request request = request_for("/big");
    request.into_file = true;
    request.file = open("/dev/full", O_WRONLY | O_CLOEXEC);
    expect_error(&request, OUTSIDE_DISK);
}

static void redirects_are_answers_unless_asked_for(void **state)
{
    struct outside_request request = request_for("/away");
    struct outside_result *result = result_of(&request);
    assert_int_equal(result->status, 302);
    assert_text(shared_text(result->body), "gone");
    outside_result_free(result);

    request.redirects_max = 1;
    result = result_of(&request);
    assert_int_equal(result->status, 200);
    assert_text(shared_text(result->body), "hello");
    assert_text(outside_header_value(result, "location"), "");
    outside_result_free(result);
}

static void redirects_are_counted(void **state)
{
    struct outside_request request = request_for("/circle");
    request.redirects_max = 3;
    expect_error(&request, OUTSIDE_TOO_MANY_REDIRECTS);
}

static void a_redirect_never_leaves_the_web(void **state)
{
    struct outside_request request = request_for("/file");
    request.redirects_max = 3;
    expect_error(&request, OUTSIDE_BAD_REQUEST);
}

static void a_post_is_not_redirected(void **state)
{
    struct outside_request request = request_for("/away");
    request.method = STR("POST");
    request.redirects_max = 3;
    struct outside_result *result = result_of(&request);
    assert_int_equal(result->status, 302);
    outside_result_free(result);
}

static void retry_after_is_read_as_seconds_or_date(void **state)
{
    struct outside_request request = request_for("/busy");
    struct outside_result *result = result_of(&request);
    assert_true(result->has_retry_after);
    assert_int_equal(result->retry_after.us, SECONDS(7).us);
    outside_result_free(result);

    request = request_for("/dated");
    result = result_of(&request);
    assert_true(result->has_retry_after);
    assert_int_equal(result->retry_after.us, HOURS(24).us); /* cut */
    outside_result_free(result);

    request = request_for("/hello");
    result = result_of(&request);
    assert_false(result->has_retry_after);
    outside_result_free(result);
}

static void addresses_inside_are_refused_before_any_packet(void **state)
{
    static const char *const forms[] = {
        "127.0.0.1", "127.1", "2130706433",         "0x7f000001", "0",
        "localhost", "[::1]", "[::ffff:127.0.0.1]", "[::]"};
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        struct outside_request request = request_for("/hello");
        request.url = str_format(&arena, "http://%s:%d/hello", forms[i], tiny_server_port(server));
        request.allow_private = false;
        expect_error(&request, OUTSIDE_REFUSED_ADDRESS);
    }
    assert_int_equal(tiny_server_connections(server), 0);
}

static void a_kept_connection_inside_is_not_borrowed(void **state)
{
    struct outside_request request = request_for("/hello");
    outside_result_free(result_of(&request));
    outside_result_free(result_of(&request));
    assert_int_equal(tiny_server_connections(server), 1);

    seen[0] = 0;
    request.allow_private = false;
    expect_error(&request, OUTSIDE_REFUSED_ADDRESS);
    assert_string_equal(seen, "");
    assert_int_equal(tiny_server_connections(server), 1);
}

static bool is_inside(const char *text)
{
    struct sockaddr_in four = {.sin_family = AF_INET};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &four.sin_addr) == 1)
        return outside_address_is_inside((struct sockaddr *)&four);
    assert_int_equal(inet_pton(AF_INET6, text, &six.sin6_addr), 1);
    return outside_address_is_inside((struct sockaddr *)&six);
}

static void inside_is_what_no_stranger_may_name(void **state)
{
    static const char *const inside[] = {
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "169.254.1.1",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "192.0.0.8",
        "::",
        "::1",
        "fe80::1",
        "fc00::1",
        "fd12::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:db8::1",
        "fec0::1",
        "2001::1",
        "::127.0.0.1",
    };
    static const char *const outside_ones[] = {
        "1.1.1.1",        "9.255.255.255",    "11.0.0.0",        "100.63.255.255",
        "100.128.0.0",    "172.15.255.255",   "172.32.0.0",      "192.167.255.255",
        "192.169.0.0",    "223.255.255.255",  "2606:4700::1111", "2a00:1450::1",
        "::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::",
    };
    for (size_t i = 0; i < ARRAY_LEN(inside); i++)
        if (!is_inside(inside[i]))
            fail_msg("%s counts as outside", inside[i]);
    for (size_t i = 0; i < ARRAY_LEN(outside_ones); i++)
        if (is_inside(outside_ones[i]))
            fail_msg("%s counts as inside", outside_ones[i]);
}

static void a_cancelled_request_still_gets_one_result(void **state)
{
    struct outside_request request = request_for("/slow");
    request.id = 77;
    assert_true(outside_send(outside, &request));
    outside_cancel(outside, 76);
    usleep(20000);
    assert_int_equal(outside_under_way(outside), 1);
    outside_cancel(outside, 77);
    outside_cancel(outside, 77);
    struct outside_result *result = wait_for_result();
    assert_int_equal(result->error, OUTSIDE_CANCELLED);
    assert_int_equal(result->id, 77);
    outside_result_free(result);
    usleep(20000);
    assert_int_equal(queue_len(results), 0);
    assert_int_equal(outside_under_way(outside), 0);
}

static void a_full_queue_delays_results_but_loses_none(void **state)
{
    struct fault fault = {0};
    struct queue *narrow = queue_new(1, &fault);
    struct outside_request request = request_for("/malformed");
    request.deliver_to = narrow;
    for (uint64_t i = 0; i < 5; i++) {
        request.id = 100 + i;
        assert_true(outside_send(outside, &request));
    }
    uint64_t sum = 0;
    for (int got = 0, tries = 0; got < 5 && tries < 500; tries++) {
        void *item;
        usleep(10000);
        if (queue_take(narrow, &item, 1) == 0)
            continue;
        sum += ((struct outside_result *)item)->id;
        outside_result_free(item);
        got++;
    }
    assert_int_equal(sum, 510);
    queue_free(narrow);
}

static void too_many_requests_are_refused(void **state)
{
    struct outside_request request = request_for("/slow");
    size_t taken = 0;
    while (taken <= OUTSIDE_UNDER_WAY_MAX && outside_send(outside, &request))
        taken++;
    assert_int_equal(taken, OUTSIDE_UNDER_WAY_MAX);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_answer_comes_whole),
        CASE(headers_come_in_lower_case_and_trimmed),
        CASE(a_body_and_headers_are_sent_as_given),
        CASE(a_post_without_body_sends_length_zero),
        CASE(head_and_delete_work),
        CASE(nobody_adds_headers_through_a_value),
        CASE(only_web_addresses_are_called),
        CASE(a_silent_server_is_a_timeout),
        CASE(what_drips_is_a_timeout_long_before_its_end),
        CASE(a_cut_off_answer_is_transient),
        CASE(nobody_there_is_a_connect_error),
        CASE(a_body_beyond_the_limit_is_refused),
        CASE(a_large_answer_goes_to_a_file_with_its_hash),
        CASE(a_complaint_does_not_go_to_the_file),
        CASE(a_full_disk_is_its_own_error),
        CASE(redirects_are_answers_unless_asked_for),
        CASE(redirects_are_counted),
        CASE(a_redirect_never_leaves_the_web),
        CASE(a_post_is_not_redirected),
        CASE(retry_after_is_read_as_seconds_or_date),
        CASE(addresses_inside_are_refused_before_any_packet),
        CASE(a_kept_connection_inside_is_not_borrowed),
        CASE(inside_is_what_no_stranger_may_name),
        CASE(a_cancelled_request_still_gets_one_result),
        CASE(a_full_queue_delays_results_but_loses_none),
        CASE(too_many_requests_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
