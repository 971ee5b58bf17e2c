/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include "base/file.h"
#include "net/conn.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define PIECE ((int)KIB(100))
#define PIECES 60

/* Gives texts and parts of a file by turns, as long as there is room. */
struct giver {
    struct exchange *exchange;
    int file, pieces, given, called, ended;
    bool is_short;      /* gives one less than it promised */
    bool waits_between; /* one piece a call of go_on */
};

static void go_on(void *context)
{
    struct giver *giver = context;
    static char text[PIECE];
    int pieces = giver->pieces - giver->is_short;
    bool has_room = true;
    giver->called++;
    while (has_room && giver->given < pieces && !exchange_is_gone(giver->exchange)) {
        memset(text, 'a' + giver->given % 26, sizeof(text));
        if (giver->given++ % 2 == 0)
            has_room = http_answer_bytes(giver->exchange, (str){text, sizeof(text)});
        else
            has_room = http_answer_part(giver->exchange, fcntl(giver->file, F_DUPFD_CLOEXEC, 0),
                                        (giver->given - 1) % 26 * PIECE, PIECE);
        if (giver->waits_between)
            return;
    }
    if (giver->given == pieces || exchange_is_gone(giver->exchange)) {
        giver->ended++;
        http_answer_end(giver->exchange);
    }
}

static void on_request(void *app, struct exchange *exchange, const struct http_request *request)
{
    struct giver *giver = app;
    const struct http_flow flow = {go_on, giver};
    giver->exchange = exchange;
    giver->given = 0;
    if (http_answer_begin(exchange, 200, NULL, 0, giver->pieces * PIECE, &flow) &&
        !giver->waits_between)
        go_on(giver);
}

static void begin(struct wire *wire, struct giver *giver)
{
    static char letters[PIECE];
    *wire = (struct wire){.options = {.app = giver, .on_request = on_request}};
    giver->pieces = PIECES;
    giver->file = memfd_create("letters", MFD_CLOEXEC);
    for (int i = 0; i < 26; i++) {
        memset(letters, 'a' + i, sizeof(letters));
        assert_true(
            file_write_all(giver->file, (bytes){(const uint8_t *)letters, sizeof(letters)}));
    }
    wire_begin(wire);
}

static void end(struct wire *wire, struct giver *giver)
{
    wire_end(wire);
    close(giver->file);
}

static void check_pieces(const struct buffer *in)
{
    const char *body = memmem(in->at, in->len, "\r\n\r\n", 4);
    assert_non_null(body);
    body += 4;
    assert_int_equal(in->at + in->len - body, PIECES * PIECE);
    for (size_t i = 0; i < PIECES * PIECE; i++)
        if (body[i] != (char)('a' + i / PIECE % 26))
            fail_msg("byte %zu is %c", i, body[i]);
}

static void pieces_come_in_order_however_slowly_they_are_taken(void **state)
{
    struct wire wire;
    struct giver giver = {0};
    AUTO(buffer_done) struct buffer in = {.max = MIB(64)};
    begin(&wire, &giver);
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, STR(GET_LAST("/")));
    wire_turn(&wire, 30);
    assert_true(giver.given < PIECES); /* what is not taken holds the next ones back */
    assert_true(wire_hear_end(&wire, fd, &in));
    assert_true(wire_contains(&in, "\r\nContent-Length: 6144000\r\n"));
    check_pieces(&in);
    assert_int_equal(giver.ended, 1);
    assert_true(giver.called > 2);
    close(fd);
    end(&wire, &giver);
}

static void a_connection_goes_on_behind_pieces(void **state)
{
    struct wire wire;
    struct giver giver = {0};
    AUTO(buffer_done) struct buffer in = {.max = MIB(64)};
    begin(&wire, &giver);
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, STR(GET("/") GET_LAST("/")));
    assert_true(wire_hear_end(&wire, fd, &in));
    assert_int_equal(wire_count(&in, "HTTP/1.1 200 OK"), 2);
    assert_int_equal(giver.ended, 2);
    assert_true(in.len > 2 * PIECES * PIECE);
    close(fd);
    end(&wire, &giver);
}

static void what_is_shorter_than_promised_is_cut(void **state)
{
    struct wire wire;
    struct giver giver = {.is_short = true};
    AUTO(buffer_done) struct buffer in = {.max = MIB(64)};
    begin(&wire, &giver);
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, STR(GET("/") GET_LAST("/")));
    wire_hear_end(&wire, fd, &in);
    assert_int_equal(wire_count(&in, "HTTP/1.1 200 OK"), 1); /* nothing may follow the part */
    assert_true(in.len < PIECES * PIECE);
    close(fd);
    end(&wire, &giver);
}

static void a_giver_learns_that_the_peer_is_gone(void **state)
{
    struct wire wire;
    struct giver giver = {0};
    begin(&wire, &giver);
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, STR(GET("/")));
    wire_turn(&wire, 20);
    assert_int_equal(giver.ended, 0);
    close(fd);
    wire_turn(&wire, 20);
    assert_int_equal(giver.ended, 1);
    assert_int_equal(http_connections(wire.server), 0);
    end(&wire, &giver);
}

static void a_giver_that_waits_learns_it_too(void **state)
{
    struct wire wire;
    struct giver giver = {.waits_between = true};
    begin(&wire, &giver);
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, STR(GET("/")));
    wire_turn(&wire, 20);
    assert_int_equal(giver.given, 0);
    const struct linger at_once = {.l_onoff = 1};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
    close(fd);
    wire_turn(&wire, 20);
    assert_int_equal(giver.ended, 1);
    end(&wire, &giver);
}

static void a_peer_that_takes_nothing_is_given_up_and_one_that_waits_for_us_is_not(void **state)
{
    struct wire wire;
    struct giver giver = {.waits_between = true};
    AUTO(buffer_done) struct buffer in = {.max = MIB(64)};
    begin(&wire, &giver);
    wire.server->options.send_time = MILLISECONDS(50);
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, STR(GET_LAST("/")));
    wire_hear(&wire, fd, &in, "\r\n\r\n");
    wire_turn(&wire, 150); /* our own fault: no piece was given */
    assert_false(exchange_is_gone(giver.exchange));
    giver.waits_between = false;
    go_on(&giver);
    wire_turn(&wire, 150);
    assert_int_equal(giver.ended, 1);
    assert_true(giver.given < PIECES);
    close(fd);
    end(&wire, &giver);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_come_in_order_however_slowly_they_are_taken),
        cmocka_unit_test(a_connection_goes_on_behind_pieces),
        cmocka_unit_test(what_is_shorter_than_promised_is_cut),
        cmocka_unit_test(a_giver_learns_that_the_peer_is_gone),
        cmocka_unit_test(a_giver_that_waits_learns_it_too),
        cmocka_unit_test(a_peer_that_takes_nothing_is_given_up_and_one_that_waits_for_us_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
