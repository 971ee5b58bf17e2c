/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/clock.h"

static void one_connection_cannot_have_the_whole_turn(void **state)
{
    struct wire wire = {0};
    AUTO(buffer_done) struct buffer raw = {0};
    AUTO(buffer_done) struct buffer in = {0};
    wire_begin(&wire);
    for (int i = 0; i < 1000; i++)
        buffer_str(&raw, STR(GET("/ok")));
    buffer_str(&raw, STR(GET_LAST("/ok")));
    int fd = wire_connect(&wire);
    assert_int_equal(send(fd, raw.at, raw.len, 0), raw.len);
    while (wire.requests < 1001) {
        int before = wire.requests;
        loop_turn(wire.loop, MILLISECONDS(1000));
        assert_in_range(wire.requests - before, before == 0 ? 0 : 1, 64);
    }
    assert_true(wire_hear_end(&wire, fd, &in));
    assert_int_equal(wire_count(&in, "HTTP/1.1 200 OK"), 1001);
    close(fd);
    wire_end(&wire);
}

static void bodies_beyond_the_limit_are_413(void **state)
{
    struct wire wire = {.options.body_max = 10};
    AUTO(buffer_done) struct buffer in = {0};
    wire_begin(&wire);
    wire_ask(&wire, POST_LAST("/body", "Content-Length: 10\r\n\r\n0123456789"), &in);
    wire_expect_end(&in, "0123456789");
    wire_ask(&wire, POST_LAST("/body", "Content-Length: 11\r\n\r\n"), &in);
    wire_expect_start(&in, "HTTP/1.1 413 ");
    wire_ask(&wire,
             POST_LAST("/body", "Transfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n"),
             &in);
    wire_expect_end(&in, "0123456789");
    wire_ask(&wire, POST_LAST("/body", "Transfer-Encoding: chunked\r\n\r\n9\r\n012345678\r\n2\r\n"),
             &in);
    wire_expect_start(&in, "HTTP/1.1 413 ");
    wire_ask(&wire, POST_LAST("/body", "Transfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\n"),
             &in);
    wire_expect_start(&in, "HTTP/1.1 413 ");
    assert_int_equal(wire.requests, 2);
    assert_int_equal(http_counts(wire.server).bodies, 0);
    wire_end(&wire);
}

static void bodies_of_one_address_have_a_limit_together(void **state)
{
    struct budgets budgets = {.calls = {.max = KIB(400)}};
    struct wire wire = {.options.budgets = &budgets};
    AUTO(buffer_done) struct buffer in = {0};
    AUTO(memory_free) char *body = memory_zeroed(KIB(80));
    wire_begin(&wire);
    int first = wire_connect(&wire), second = wire_connect(&wire);
    str head = STR("POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 81920\r\n\r\n");
    wire_say(&wire, first, head);
    wire_say(&wire, first, (str){body, KIB(60)});
    wire_say(&wire, second, head);
    wire_say(&wire, second, (str){body, KIB(60)});
    wire_hear(&wire, second, &in, "HTTP/1.1 503 ");
    close(second);
    wire_say(&wire, first, (str){body, KIB(20)});
    buffer_clear(&in);
    wire_hear(&wire, first, &in, "HTTP/1.1 200 ");
    close(first);
    wire_turn(&wire, 20);
    assert_int_equal(http_counts(wire.server).bodies, 0);
    assert_int_equal(budgets.calls.used, 0);
    wire_end(&wire);
}

static bool is_good(void *app, const struct http_request *request)
{
    return str_equal(http_header(request, "Authorization"), STR("good"));
}

static void who_is_known_has_room_where_strangers_have_none(void **state)
{
    struct budgets budgets = {.calls = {.max = KIB(100)}};
    struct wire wire = {.options = {.budgets = &budgets, .is_known = is_good}};
    AUTO(buffer_done) struct buffer in = {0};
    AUTO(memory_free) char *body = memory_zeroed(KIB(60));
    wire_begin(&wire);
    for (int known = 0; known < 2; known++) {
        int fd = wire_connect(&wire);
        wire_say(&wire, fd,
                 str_of(known ? "POST /body HTTP/1.1\r\nHost: a\r\nAuthorization: good\r\n"
                                "Content-Length: 61440\r\n\r\n"
                              : "POST /body HTTP/1.1\r\nHost: a\r\nAuthorization: bad\r\n"
                                "Content-Length: 61440\r\n\r\n"));
        wire_say(&wire, fd, (str){body, KIB(60)});
        buffer_clear(&in);
        wire_hear(&wire, fd, &in, known ? "HTTP/1.1 200 " : "HTTP/1.1 503 ");
        close(fd);
    }
    wire_turn(&wire, 20);
    assert_int_equal(budgets.calls.used, 0);
    wire_end(&wire);
}

static void a_stranger_goes_for_each_who_comes_when_they_have_their_half(void **state)
{
    struct budgets budgets = {.connections = {.max = KIB(8)}};
    struct wire wire = {.options.budgets = &budgets};
    int fds[12];
    wire_begin(&wire);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        fds[i] = wire_connect(&wire);
    wire_turn(&wire, 20);
    assert_true(http_connections(wire.server) >= 4 && http_connections(wire.server) <= 6);
    AUTO(buffer_done) struct buffer in = {0};
    wire_say(&wire, fds[11], STR("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
    wire_hear(&wire, fds[11], &in, "HTTP/1.1 200 ");
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        close(fds[i]);
    wire_turn(&wire, 20);
    assert_int_equal(budgets.connections.used, 0);
    assert_int_equal(budgets.connections.strangers, 0);
    wire_end(&wire);
}

static void heads_beyond_the_limit_are_431(void **state)
{
    struct wire wire = {0};
    AUTO(buffer_done) struct buffer in = {0};
    AUTO(buffer_done) struct buffer raw = {0};
    wire_begin(&wire);
    buffer_str(&raw, STR("GET /ok HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: "));
    while (raw.len < HTTP_HEAD_MAX - 4)
        buffer_char(&raw, 'x');
    buffer_add(&raw, "\r\n\r\n", 5);
    wire_ask(&wire, raw.at, &in);
    wire_expect_start(&in, "HTTP/1.1 200 ");
    raw.len -= 5;
    buffer_add(&raw, "x\r\n\r\n", 6);
    wire_ask(&wire, raw.at, &in);
    wire_expect_start(&in, "HTTP/1.1 431 ");
    wire_end(&wire);
}

static void a_head_has_an_absolute_deadline(void **state)
{
    struct wire wire = {.options.head_time = MILLISECONDS(80)};
    AUTO(buffer_done) struct buffer in = {0};
    wire_begin(&wire);
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, STR("GET /ok HTTP/1.1\r\nX: "));
    instant begun = clock_monotonic();
    while (instant_since(clock_monotonic(), begun).us < 150000) {
        wire_say(&wire, fd, STR("x")); /* a byte now and then buys no time */
        wire_turn(&wire, 5);
    }
    wire_hear(&wire, fd, &in, "HTTP/1.1 408 ");
    close(fd);
    wire_end(&wire);
}

static void a_body_has_to_come_at_a_rate(void **state)
{
    struct wire wire = {
        .options = {.body_time = MILLISECONDS(80), .body_rate = 100, .body_max = MIB(1)}};
    AUTO(buffer_done) struct buffer in = {0};
    wire_begin(&wire);
    int slow = wire_connect(&wire), quick = wire_connect(&wire);
    str head = STR("POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
    char body[1000] = {0};
    wire_say(&wire, slow, head);
    wire_say(&wire, quick, head);
    wire_say(&wire, quick, (str){body, 900}); /* good for nine seconds more */
    for (int i = 0; i < 30; i++) {
        wire_say(&wire, slow, STR("x"));
        wire_turn(&wire, 5);
    }
    wire_hear(&wire, slow, &in, "HTTP/1.1 408 ");
    buffer_clear(&in);
    wire_say(&wire, quick, (str){body, 100});
    wire_hear(&wire, quick, &in, "HTTP/1.1 200 ");
    close(slow);
    close(quick);
    wire_end(&wire);
}

static void an_idle_connection_is_closed_in_silence(void **state)
{
    struct wire wire = {.options.idle_time = MILLISECONDS(40)};
    AUTO(buffer_done) struct buffer in = {0};
    wire_begin(&wire);
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, STR(GET("/ok")));
    assert_true(wire_hear_end(&wire, fd, &in));
    assert_int_equal(wire_count(&in, "HTTP/1.1 "), 1);
    close(fd);
    wire_end(&wire);
}

static void a_peer_that_takes_nothing_is_closed(void **state)
{
    struct wire wire = {.options.send_time = MILLISECONDS(50)};
    wire_begin(&wire);
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, STR(GET("/big")));
    wire_turn(&wire, 20);
    assert_int_equal(http_connections(wire.server), 1);
    wire_turn(&wire, 100);
    assert_int_equal(http_connections(wire.server), 0);
    close(fd);
    wire_end(&wire);
}

static void connections_have_a_limit_in_all_and_of_one_peer(void **state)
{
    for (int of_peer = 0; of_peer < 2; of_peer++) {
        struct wire wire = {.options = {.connections_max = of_peer ? 100 : 3,
                                        .connections_of_peer_max = of_peer ? 3 : 0}};
        AUTO(buffer_done) struct buffer in = {0};
        int fds[4];
        wire_begin(&wire);
        for (int i = 0; i < 4; i++) {
            fds[i] = wire_connect(&wire);
            wire_turn(&wire, 2);
        }
        wire_hear_end(&wire, fds[3], &in);
        assert_int_equal(http_connections(wire.server), 3);
        assert_int_equal(http_counts(wire.server).turned_away, 1);
        close(fds[0]);
        wire_turn(&wire, 10);
        wire_ask(&wire, GET_LAST("/ok"), &in);
        wire_expect_end(&in, "ok");
        for (int i = 1; i < 4; i++)
            close(fds[i]);
        wire_end(&wire);
    }
}

static void without_descriptors_accepting_pauses_and_recovers(void **state)
{
    struct wire wire = {0};
    AUTO(buffer_done) struct buffer in = {0};
    struct rlimit old, tight;
    wire_begin(&wire);
    int fd = wire_connect(&wire);
    int second = wire_connect(&wire);
    getrlimit(RLIMIT_NOFILE, &old);
    tight = old;
    tight.rlim_cur = (rlim_t)second + 1; /* all numbers below are taken but those not in use */
    int spare[64], spares = 0;
    setrlimit(RLIMIT_NOFILE, &tight);
    while (spares < 64 && (spare[spares] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        spares++;
    loop_turn(wire.loop, MILLISECONDS(10));
    assert_int_equal(http_counts(wire.server).turned_away, 1);
    instant begun = clock_monotonic();
    loop_turn(wire.loop, MILLISECONDS(40));
    assert_true(instant_since(clock_monotonic(), begun).us > 30000); /* it sleeps, not spins */
    setrlimit(RLIMIT_NOFILE, &old);
    while (spares > 0)
        close(spare[--spares]);
    wire_turn(&wire, 120);
    wire_ask(&wire, GET_LAST("/ok"), &in);
    wire_expect_end(&in, "ok");
    close(fd);
    close(second);
    wire_end(&wire);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_connection_cannot_have_the_whole_turn),
        cmocka_unit_test(bodies_beyond_the_limit_are_413),
        cmocka_unit_test(bodies_of_one_address_have_a_limit_together),
        cmocka_unit_test(who_is_known_has_room_where_strangers_have_none),
        cmocka_unit_test(a_stranger_goes_for_each_who_comes_when_they_have_their_half),
        cmocka_unit_test(heads_beyond_the_limit_are_431),
        cmocka_unit_test(a_head_has_an_absolute_deadline),
        cmocka_unit_test(a_body_has_to_come_at_a_rate),
        cmocka_unit_test(an_idle_connection_is_closed_in_silence),
        cmocka_unit_test(a_peer_that_takes_nothing_is_closed),
        cmocka_unit_test(connections_have_a_limit_in_all_and_of_one_peer),
        cmocka_unit_test(without_descriptors_accepting_pauses_and_recovers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
