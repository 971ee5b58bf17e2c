/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies that the application takes as they come. */
#include "wire.h"

#include <string.h>

/* What one did; there is one at a time. */
static struct taking {
    struct exchange *exchange;
    struct buffer got;
    bool waits;      /* takes no part before it is told to go on */
    bool is_late;    /* the stream begins later */
    bool refuses;    /* answers before any of it */
    bool keeps_cut;  /* does not answer in cut */
    size_t pause_at; /* bytes; 0: never */
    int ends, cuts, status;
    int64_t announced;
} taking;

static bool on_take(void *context, str part)
{
    assert_int_equal(taking.ends, 0);
    assert_false(taking.waits);
    buffer_str(&taking.got, part);
    taking.waits = taking.pause_at != 0 && taking.got.len >= taking.pause_at;
    return !taking.waits;
}

static void on_end(void *context)
{
    taking.ends++;
    http_answer(take_pointer(&taking.exchange), 200, NULL, 0, STR("all of it"));
}

static void on_cut(void *context, int status)
{
    taking.cuts++;
    taking.status = status;
    if (!taking.keeps_cut)
        http_answer(take_pointer(&taking.exchange), status == 0 ? 400 : status, NULL, 0,
                    STR("cut"));
}

static const struct http_intake intake = {on_take, on_end, on_cut};

static bool on_stream(void *app, struct exchange *exchange, const struct http_request *request)
{
    if (!str_starts(request->path, STR("/stream")))
        return false;
    taking.exchange = exchange;
    taking.announced = request->body_len;
    if (taking.refuses)
        http_answer(take_pointer(&taking.exchange), 403, NULL, 0, STR("no"));
    else if (!taking.is_late)
        assert_true(exchange_stream(exchange, &intake, NULL, 100000));
    return true;
}

static void begin(struct wire *wire, struct taking how)
{
    taking = how;
    wire->options.on_stream = on_stream;
    wire_begin(wire);
}

static void end(struct wire *wire)
{
    buffer_done(&taking.got);
    wire_end(wire);
}

static void a_body_is_taken_as_it_comes(void **state)
{
    struct wire wire = {0};
    AUTO(buffer_done) struct buffer in = {0};
    begin(&wire, (struct taking){0});
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, STR("POST /stream HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nab"));
    wire_turn(&wire, 20);
    assert_int_equal(taking.got.len, 2);
    assert_int_equal(taking.announced, 6);
    wire_say(&wire, fd, STR("cdef" GET_LAST("/ok")));
    wire_hear_end(&wire, fd, &in);
    assert_true(str_equal(buffer_text(&taking.got), STR("abcdef")));
    assert_int_equal(taking.ends, 1);
    assert_true(wire_contains(&in, "all of it"));
    wire_expect_end(&in, "\r\n\r\nok");
    close(fd);
    taking.ends = 0;
    wire_ask(&wire, POST_LAST("/stream", "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
             &in);
    assert_int_equal(taking.announced, -1);
    wire_expect_end(&in, "all of it");
    wire_ask(&wire, POST_LAST("/body", "Content-Length: 2\r\n\r\ngo"), &in);
    wire_expect_end(&in, "\r\n\r\ngo");
    end(&wire);
}

static void nothing_is_read_until_who_takes_it_goes_on(void **state)
{
    struct wire wire = {0};
    AUTO(buffer_done) struct buffer in = {0};
    static char body[90000];
    memset(body, 'x', sizeof(body));
    begin(&wire, (struct taking){.pause_at = 1});
    int fd = wire_connect(&wire);
    wire_say(&wire, fd,
             STR("POST /stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                 "Content-Length: 90000\r\n\r\n"));
    wire_say(&wire, fd, (str){body, sizeof(body)});
    int rounds = 0;
    while (taking.ends == 0 && rounds++ < 1000) {
        wire_turn(&wire, 1);
        size_t before = taking.got.len;
        wire_turn(&wire, 1);
        assert_int_equal(taking.got.len, before);
        taking.waits = false;
        if (taking.exchange != NULL)
            exchange_go_on(taking.exchange);
    }
    assert_int_equal(taking.got.len, sizeof(body));
    wire_hear_end(&wire, fd, &in);
    wire_expect_end(&in, "all of it");
    close(fd);
    end(&wire);
}

static void the_application_may_think_before_it_takes_any(void **state)
{
    struct wire wire = {0};
    AUTO(buffer_done) struct buffer in = {0};
    begin(&wire, (struct taking){.is_late = true});
    int fd = wire_connect(&wire);
    wire_say(&wire, fd,
             STR("POST /stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                 "Content-Length: 3\r\n\r\nabc"));
    wire_turn(&wire, 20);
    assert_int_equal(taking.got.len, 0);
    assert_true(exchange_stream(taking.exchange, &intake, NULL, 3));
    wire_hear_end(&wire, fd, &in);
    wire_expect_end(&in, "all of it");
    close(fd);
    end(&wire);
}

static void who_is_refused_at_once_is_answered_and_the_rest_read_away(void **state)
{
    struct wire wire = {0};
    AUTO(buffer_done) struct buffer in = {0};
    begin(&wire, (struct taking){.refuses = true});
    wire_ask(&wire, "POST /stream HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nGET ", &in);
    wire_expect_start(&in, "HTTP/1.1 403 ");
    wire_expect_end(&in, "no");
    assert_int_equal(wire.requests, 0);
    wire_ask(&wire,
             "POST /stream HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: "
             "4\r\n\r\n",
             &in);
    wire_expect_start(&in, "HTTP/1.1 403 ");
    end(&wire);
}

static void a_body_that_is_too_large_or_broken_is_cut(void **state)
{
    struct wire wire = {0};
    AUTO(buffer_done) struct buffer in = {0};
    begin(&wire, (struct taking){0});
    AUTO(buffer_done) struct buffer raw = {0};
    buffer_str(&raw, STR(POST_LAST("/stream", "Content-Length: 100001\r\n\r\n")));
    for (int i = 0; i < 100001; i++)
        buffer_char(&raw, 'x');
    buffer_char(&raw, 0);
    wire_ask(&wire, raw.at, &in);
    wire_expect_start(&in, "HTTP/1.1 413 ");
    assert_int_equal(taking.cuts, 1);
    assert_int_equal(taking.status, 413);
    wire_ask(&wire, POST_LAST("/stream", "Transfer-Encoding: chunked\r\n\r\nzz\r\n"), &in);
    wire_expect_start(&in, "HTTP/1.1 400 ");
    assert_int_equal(taking.cuts, 2);
    assert_int_equal(taking.ends, 0);
    end(&wire);
}

static void who_leaves_in_the_middle_is_told_of_once(void **state)
{
    struct wire wire = {0};
    begin(&wire, (struct taking){.keeps_cut = true});
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, STR("POST /stream HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab"));
    wire_turn(&wire, 20);
    close(fd);
    for (int i = 0; i < 500 && taking.cuts == 0; i++)
        wire_turn(&wire, 10);
    assert_int_equal(taking.cuts, 1);
    assert_int_equal(taking.status, 0);
    assert_true(exchange_is_gone(taking.exchange));
    exchange_go_on(taking.exchange);
    http_answer(take_pointer(&taking.exchange), 200, NULL, 0, STR("to nobody"));
    end(&wire);
}

static void a_stream_cannot_begin_when_the_peer_is_gone(void **state)
{
    struct wire wire = {0};
    begin(&wire, (struct taking){.is_late = true});
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, STR("POST /stream HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab"));
    wire_turn(&wire, 20);
    assert_non_null(taking.exchange);
    http_close(wire.server);
    wire.server = NULL;
    assert_false(exchange_stream(taking.exchange, &intake, NULL, 9));
    assert_int_equal(taking.cuts, 0);
    http_answer(take_pointer(&taking.exchange), 408, NULL, 0, (str){0});
    close(fd);
    end(&wire);
}

static void closing_the_server_cuts_what_is_coming(void **state)
{
    struct wire wire = {0};
    begin(&wire, (struct taking){0});
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, STR("POST /stream HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab"));
    wire_turn(&wire, 20);
    http_close(wire.server);
    wire.server = NULL;
    assert_int_equal(taking.cuts, 1);
    assert_null(taking.exchange);
    close(fd);
    end(&wire);
}

static void a_body_that_does_not_come_is_cut_in_time(void **state)
{
    struct wire wire = {.options.body_time = MILLISECONDS(80)};
    AUTO(buffer_done) struct buffer in = {0};
    begin(&wire, (struct taking){0});
    wire_ask(&wire, POST_LAST("/stream", "Content-Length: 9\r\n\r\nab"), &in);
    wire_expect_start(&in, "HTTP/1.1 408 ");
    assert_int_equal(taking.status, 408);
    end(&wire);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_is_taken_as_it_comes),
        cmocka_unit_test(nothing_is_read_until_who_takes_it_goes_on),
        cmocka_unit_test(the_application_may_think_before_it_takes_any),
        cmocka_unit_test(who_is_refused_at_once_is_answered_and_the_rest_read_away),
        cmocka_unit_test(a_body_that_is_too_large_or_broken_is_cut),
        cmocka_unit_test(who_leaves_in_the_middle_is_told_of_once),
        cmocka_unit_test(a_stream_cannot_begin_when_the_peer_is_gone),
        cmocka_unit_test(closing_the_server_cuts_what_is_coming),
        cmocka_unit_test(a_body_that_does_not_come_is_cut_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
