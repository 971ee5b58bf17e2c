/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

static void an_answer_has_a_length_a_date_and_its_body(void **state)
{
    struct wire wire = {0};
    AUTO(buffer_done) struct buffer in = {0};
    wire_begin(&wire);
    wire_ask(&wire, GET_LAST("/ok"), &in);
    wire_expect_start(&in, "HTTP/1.1 200 OK\r\nDate: ");
    assert_true(wire_contains(&in, " GMT\r\n"));
    assert_true(wire_contains(&in, "\r\nContent-Length: 2\r\n"));
    assert_true(wire_contains(&in, "\r\nConnection: close\r\n"));
    wire_expect_end(&in, "\r\n\r\nok");
    wire_end(&wire);
}

static void a_request_byte_by_byte_is_answered(void **state)
{
    struct wire wire = {0};
    AUTO(buffer_done) struct buffer in = {0};
    str raw = STR("POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "3\r\nabc\r\n2;x\r\nde\r\n0\r\nT: u\r\n\r\n" GET_LAST("/ok"));
    wire_begin(&wire);
    int fd = wire_connect(&wire);
    for (size_t i = 0; i < raw.len; i++) {
        wire_say(&wire, fd, str_slice(raw, i, i + 1));
        loop_turn(wire.loop, MILLISECONDS(0));
    }
    wire_hear_end(&wire, fd, &in);
    assert_true(wire_contains(&in, "\r\n\r\nabcdeHTTP/1.1 200 OK\r\n"));
    wire_expect_end(&in, "\r\n\r\nok");
    close(fd);
    wire_end(&wire);
}

static void pipelined_requests_are_answered_one_after_another(void **state)
{
    struct wire wire = {0};
    AUTO(buffer_done) struct buffer in = {0};
    wire_begin(&wire);
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, STR(GET("/later1") GET("/ok") GET("/later2") GET_LAST("/ok")));
    wire_turn(&wire, 20);
    assert_int_equal(wire.requests, 1);
    assert_int_equal(wire.later, 1);
    http_answer(wire.exchanges[0], 200, NULL, 0, STR("first"));
    assert_int_equal(wire.requests, 1); /* never from within an answer */
    wire_turn(&wire, 20);
    assert_int_equal(wire.requests, 3);
    http_answer(wire.exchanges[1], 200, NULL, 0, STR("third"));
    assert_true(wire_hear_end(&wire, fd, &in));
    assert_int_equal(wire.requests, 4);
    assert_int_equal(wire_count(&in, "HTTP/1.1 200 OK"), 4);
    assert_true(memmem(in.at, in.len, "first", 5) < memmem(in.at, in.len, "third", 5));
    close(fd);
    wire_end(&wire);
}

static void many_pipelined_requests_and_a_slow_reader_are_answered_in_full(void **state)
{
    struct wire wire = {0};
    AUTO(buffer_done) struct buffer in = {.max = MIB(64)};
    wire_begin(&wire);
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, STR(GET("/big") GET("/ok") GET("/big") GET_LAST("/ok")));
    wire_turn(&wire, 20);
    assert_true(wire.requests < 4); /* what is not taken holds the next ones back */
    assert_true(wire_hear_end(&wire, fd, &in));
    assert_int_equal(wire_count(&in, "HTTP/1.1 200 OK"), 4);
    assert_true(in.len > 2 * WIRE_BIG);
    wire_expect_end(&in, "\r\n\r\nok");
    close(fd);
    wire_end(&wire);
}

static void head_requests_and_204_have_no_body(void **state)
{
    struct wire wire = {0};
    AUTO(buffer_done) struct buffer in = {0};
    wire_begin(&wire);
    wire_ask(&wire, "HEAD /ok HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", &in);
    assert_true(wire_contains(&in, "Content-Length: 2\r\n"));
    wire_expect_end(&in, "\r\n\r\n");
    wire_ask(&wire, GET_LAST("/nothing"), &in);
    wire_expect_start(&in, "HTTP/1.1 204 No Content\r\n");
    assert_false(wire_contains(&in, "Content-Length"));
    wire_expect_end(&in, "\r\n\r\n");
    wire.file_fd = memfd_create("file", MFD_CLOEXEC);
    wire.file_len = 100;
    wire_ask(&wire, "HEAD /file HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", &in);
    assert_true(wire_contains(&in, "Content-Length: 100\r\n"));
    wire_expect_end(&in, "\r\n\r\n");
    close(wire.file_fd);
    wire_end(&wire);
}

static void http_1_0_is_closed_unless_it_asks_to_be_kept(void **state)
{
    struct wire wire = {0};
    AUTO(buffer_done) struct buffer in = {0};
    wire_begin(&wire);
    wire_ask(&wire, "GET /ok HTTP/1.0\r\n\r\n", &in);
    assert_true(wire_contains(&in, "Connection: close\r\n"));
    wire_ask(&wire, "GET /ok HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /ok HTTP/1.0\r\n\r\n",
             &in);
    assert_int_equal(wire_count(&in, "Connection: keep-alive\r\n"), 1);
    assert_int_equal(wire_count(&in, "HTTP/1.1 200 OK"), 2);
    wire_end(&wire);
}

static void a_header_value_cannot_begin_another_header(void **state)
{
    struct wire wire = {0};
    AUTO(buffer_done) struct buffer in = {0};
    wire_begin(&wire);
    wire_ask(&wire, GET_LAST("/evil"), &in);
    assert_true(wire_contains(&in, "\r\nX-Evil: aSet-Cookie: b=c\tend\r\n"));
    assert_int_equal(wire_count(&in, "\r\nSet-Cookie"), 0);
    wire_end(&wire);
}

static bool to_file(void *app, const struct http_request *request, int64_t *max)
{
    *max = 200000;
    return str_starts(request->path, STR("/upload"));
}

static void a_body_goes_to_a_file_when_the_application_says_so(void **state)
{
    struct wire wire = {.options = {.body_to_file = to_file, .temp_dir = "/tmp", .body_max = 1000}};
    AUTO(buffer_done) struct buffer in = {0};
    AUTO(buffer_done) struct buffer raw = {0};
    wire_begin(&wire);
    buffer_str(&raw, STR(POST_LAST("/upload", "Content-Length: 200000\r\n\r\n")));
    for (int i = 0; i < 20000; i++)
        buffer_format(&raw, "%09d\n", i);
    buffer_char(&raw, 0);
    wire_ask(&wire, raw.at, &in);
    assert_int_equal(wire.in_file, 1);
    assert_true(
        str_ends(buffer_text(&in), str_slice(buffer_text(&raw), raw.len - 200001, raw.len - 1)));
    wire_ask(&wire, POST_LAST("/upload", "Content-Length: 200001\r\n\r\n"), &in);
    wire_expect_start(&in, "HTTP/1.1 413 ");
    wire_ask(&wire, POST_LAST("/upload", "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
             &in);
    wire_expect_end(&in, "\r\n\r\nx");
    assert_int_equal(wire.in_file, 2);
    wire_ask(&wire, POST_LAST("/body", "Content-Length: 1001\r\n\r\n"), &in);
    wire_expect_start(&in, "HTTP/1.1 413 ");
    wire_end(&wire);
}

static void a_client_that_waits_is_told_to_go_on(void **state)
{
    struct wire wire = {.options.body_max = 10};
    AUTO(buffer_done) struct buffer in = {0};
    wire_begin(&wire);
    int fd = wire_connect(&wire);
    wire_say(&wire, fd,
             STR(POST_LAST("/body", "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")));
    wire_hear(&wire, fd, &in, "HTTP/1.1 100 Continue\r\n\r\n");
    wire_say(&wire, fd, STR("go"));
    wire_hear_end(&wire, fd, &in);
    wire_expect_end(&in, "\r\n\r\ngo");
    close(fd);
    wire_ask(&wire, POST_LAST("/body", "Expect: 100-continue\r\nContent-Length: 11\r\n\r\n"), &in);
    wire_expect_start(&in, "HTTP/1.1 413 ");
    wire_ask(&wire, POST_LAST("/body", "Expect: 100-continue\r\nContent-Length: 2\r\n\r\ngo"), &in);
    wire_expect_start(&in, "HTTP/1.1 200 ");
    wire_end(&wire);
}

static void a_refused_request_is_answered_and_the_rest_read_away(void **state)
{
    struct wire wire = {.options.body_max = 10};
    AUTO(buffer_done) struct buffer in = {0};
    AUTO(memory_free) char *body = memory_zeroed(MIB(4));
    wire_begin(&wire);
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, STR(POST_LAST("/body", "Content-Length: 4194304\r\n\r\n")));
    wire_say(&wire, fd, (str){body, MIB(4)});
    wire_hear(&wire, fd, &in, "HTTP/1.1 413 ");
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    assert_true(wire_hear_end(&wire, fd, &in));
    close(fd);
    wire_turn(&wire, 20);
    assert_int_equal(http_connections(wire.server), 0);
    wire_end(&wire);
}

static void nothing_after_a_refused_request_is_executed(void **state)
{
    struct wire wire = {0};
    AUTO(buffer_done) struct buffer in = {0};
    wire_begin(&wire);
    int fd = wire_connect(&wire);
    wire_say(&wire, fd,
             STR("POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
                 "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" GET("/ok") GET("/ok")));
    wire_turn(&wire, 20);
    shutdown(fd, SHUT_WR);
    assert_true(wire_hear_end(&wire, fd, &in));
    wire_expect_start(&in, "HTTP/1.1 400 ");
    assert_int_equal(wire_count(&in, "HTTP/1.1 "), 1);
    assert_int_equal(wire.requests, 0);
    close(fd);
    wire_end(&wire);
}

static void answering_when_the_peer_is_gone_is_safe(void **state)
{
    struct wire wire = {0};
    wire_begin(&wire);
    int fd = wire_connect(&wire);
    struct linger reset = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    wire_say(&wire, fd, STR(GET("/later")));
    wire_turn(&wire, 10);
    assert_int_equal(wire.later, 1);
    assert_false(exchange_is_gone(wire.exchanges[0]));
    close(fd);
    wire_turn(&wire, 10);
    assert_true(exchange_is_gone(wire.exchanges[0]));
    assert_true(str_equal(exchange_request(wire.exchanges[0])->path, STR("/later")));
    http_answer_shared(wire.exchanges[0], 200, NULL, 0, shared_copy(STR("late")));
    assert_int_equal(http_connections(wire.server), 0);
    wire_end(&wire);
}

static void a_client_that_has_only_ended_its_side_is_answered(void **state)
{
    struct wire wire = {0};
    AUTO(buffer_done) struct buffer in = {0};
    wire_begin(&wire);
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, STR(GET("/later")));
    shutdown(fd, SHUT_WR);
    wire_turn(&wire, 20);
    http_answer(wire.exchanges[0], 200, NULL, 0, STR("late"));
    assert_true(wire_hear_end(&wire, fd, &in));
    wire_expect_end(&in, "late");
    close(fd);
    wire_end(&wire);
}

static void exchanges_outlive_the_server(void **state)
{
    struct wire wire = {0};
    wire_begin(&wire);
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, STR(GET("/later")));
    wire_turn(&wire, 10);
    http_close(wire.server);
    wire.server = NULL;
    assert_true(exchange_is_gone(wire.exchanges[0]));
    http_answer(wire.exchanges[0], 200, NULL, 0, STR("too late"));
    close(fd);
    wire_end(&wire);
}

static void files_are_sent_whole_and_from_where_asked(void **state)
{
    struct wire wire = {.file_len = 3000000};
    AUTO(buffer_done) struct buffer in = {0};
    AUTO(buffer_done) struct buffer file = {0};
    wire.file_fd = memfd_create("file", MFD_CLOEXEC);
    for (int i = 0; file.len < 3000001; i++)
        buffer_format(&file, "%d\n", i);
    assert_int_equal(write(wire.file_fd, file.at, file.len), file.len);
    wire_begin(&wire);
    wire_ask(&wire, GET_LAST("/file"), &in);
    assert_true(wire_contains(&in, "Content-Length: 3000000\r\n"));
    assert_true(str_ends(buffer_text(&in), str_slice(buffer_text(&file), 1, 3000001)));
    wire.file_len =
        (int64_t)file.len + 5; /* longer than it is: the client must not think it whole */
    wire_ask(&wire, GET_LAST("/file"), &in);
    assert_true(in.len < file.len + 1000);
    wire.file_len = 0;
    wire_ask(&wire, GET_LAST("/file"), &in);
    assert_true(wire_contains(&in, "Content-Length: 0\r\n"));
    close(wire.file_fd);
    wire_end(&wire);
}

static void draining_ends_idle_connections_and_finishes_the_others(void **state)
{
    struct wire wire = {0};
    AUTO(buffer_done) struct buffer in = {0};
    wire_begin(&wire);
    int idle = wire_connect(&wire), busy = wire_connect(&wire);
    wire_say(&wire, idle, STR(GET("/ok")));
    wire_hear(&wire, idle, &in, "ok");
    wire_say(&wire, busy, STR(GET("/later") GET("/ok")));
    wire_turn(&wire, 10);
    http_drain(wire.server);
    assert_true(wire_hear_end(&wire, idle, &in));
    assert_int_equal(http_connections(wire.server), 1);
    buffer_clear(&in);
    http_answer(wire.exchanges[0], 200, NULL, 0, STR("done"));
    shutdown(busy, SHUT_WR);
    assert_true(wire_hear_end(&wire, busy, &in));
    assert_true(wire_contains(&in, "Connection: close\r\n"));
    wire_expect_end(&in, "done");
    wire_turn(&wire, 10);
    assert_int_equal(http_connections(wire.server), 0);
    close(idle);
    close(busy);
    wire_end(&wire);
}

static void two_loops_can_share_one_port(void **state)
{
    struct wire one = {0}, two = {0};
    AUTO(buffer_done) struct buffer in = {0};
    wire_begin(&one);
    two.options.share = one.server;
    wire_begin(&two);
    assert_int_equal(http_port(one.server), http_port(two.server));
    http_drain(one.server);
    wire_ask(&two, GET_LAST("/ok"), &in);
    wire_expect_end(&in, "ok");
    wire_end(&two);
    wire_end(&one);
}

static void addresses_that_are_none_are_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "localhost",
                                      "127.0.0.1:",
                                      "::1:80",
                                      "256.0.0.1:80",
                                      "127.0.0.1:99999",
                                      "127.0.0.1:http"};
    struct wire wire = {0};
    wire_begin(&wire);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct fault fault = {0};
        wire.options.address = bad[i];
        assert_null(http_listen(wire.loop, &wire.options, &fault));
        assert_true(fault.text[0] != '\0');
    }
    wire_end(&wire);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_has_a_length_a_date_and_its_body),
        cmocka_unit_test(a_request_byte_by_byte_is_answered),
        cmocka_unit_test(pipelined_requests_are_answered_one_after_another),
        cmocka_unit_test(many_pipelined_requests_and_a_slow_reader_are_answered_in_full),
        cmocka_unit_test(head_requests_and_204_have_no_body),
        cmocka_unit_test(http_1_0_is_closed_unless_it_asks_to_be_kept),
        cmocka_unit_test(a_header_value_cannot_begin_another_header),
        cmocka_unit_test(a_body_goes_to_a_file_when_the_application_says_so),
        cmocka_unit_test(a_client_that_waits_is_told_to_go_on),
        cmocka_unit_test(a_refused_request_is_answered_and_the_rest_read_away),
        cmocka_unit_test(nothing_after_a_refused_request_is_executed),
        cmocka_unit_test(answering_when_the_peer_is_gone_is_safe),
        cmocka_unit_test(a_client_that_has_only_ended_its_side_is_answered),
        cmocka_unit_test(exchanges_outlive_the_server),
        cmocka_unit_test(files_are_sent_whole_and_from_where_asked),
        cmocka_unit_test(draining_ends_idle_connections_and_finishes_the_others),
        cmocka_unit_test(two_loops_can_share_one_port),
        cmocka_unit_test(addresses_that_are_none_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
