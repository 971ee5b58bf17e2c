/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include <string.h>
#include <sys/socket.h>
#include <zlib.h>

#include "net/ws_parse.h"

#define HANDSHAKE                                                                                  \
    "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"     \
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"                 \
    "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"

/* A client's frame; the mask is zero, which is a mask. */
static void say_frame(struct wire *wire, int fd, unsigned first, str payload)
{
    AUTO(buffer_done) struct buffer frame = {0};
    char head[WS_HEAD_MAX];
    size_t len = ws_head_write(head, first & 15, payload.len);
    head[0] = (char)first;
    head[1] = (char)(head[1] | (char)0x80);
    buffer_add(&frame, head, len);
    buffer_add(&frame, "\0\0\0\0", 4);
    buffer_str(&frame, payload);
    wire_say(wire, fd, buffer_text(&frame));
}

static int open_socket(struct wire *wire)
{
    AUTO(buffer_done) struct buffer in = {0};
    int fd = wire_connect(wire);
    wire_say(wire, fd, STR(HANDSHAKE));
    wire_hear(wire, fd, &in, "\r\n\r\n");
    assert_true(str_starts(buffer_text(&in), STR("HTTP/1.1 101 ")));
    return fd;
}

static void the_handshake_is_answered_as_rfc_6455_shows(void **state)
{
    struct wire wire = {0};
    AUTO(buffer_done) struct buffer in = {0};
    wire_begin(&wire);
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, STR(HANDSHAKE));
    wire_hear(&wire, fd, &in, "\r\n\r\n");
    assert_true(wire_contains(&in, "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    assert_false(wire_contains(&in, "Sec-WebSocket-Protocol"));
    assert_false(wire_contains(&in, "Sec-WebSocket-Extensions"));
    assert_non_null(wire.socket);
    assert_int_equal(http_counts(wire.server).sockets, 1);
    close(fd);
    wire_turn(&wire, 10);
    assert_int_equal(wire.closed, 1);
    assert_int_equal(http_counts(wire.server).sockets, 0);
    wire_end(&wire);
}

static void a_handshake_that_lacks_something_is_refused(void **state)
{
    static const struct {
        const char *headers;
        const char *answer;
    } cases[] = {
        {"", "HTTP/1.1 426 "},
        {"Upgrade: h2c\r\nConnection: Upgrade\r\n", "HTTP/1.1 426 "},
        {"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
         "HTTP/1.1 426 "},
        {"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
         "HTTP/1.1 400 "},
        {"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n",
         "HTTP/1.1 400 "},
        {"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: dGhl\r\n",
         "HTTP/1.1 400 "},
        {"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
         "HTTP/1.1 400 "},
        {"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nContent-Length: 1\r\n",
         "HTTP/1.1 400 "},
    };
    struct wire wire = {0};
    AUTO(buffer_done) struct buffer in = {0};
    AUTO(buffer_done) struct buffer raw = {0};
    wire_begin(&wire);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        buffer_clear(&raw);
        buffer_format(&raw, "GET /ws HTTP/1.1\r\nHost: a\r\n%sConnection: close\r\n\r\nx%c",
                      cases[i].headers, 0);
        int fd = wire_connect(&wire);
        buffer_clear(&in);
        wire_say(&wire, fd, str_of(raw.at));
        wire_hear(&wire, fd, &in, cases[i].answer);
        assert_null(wire.socket);
        close(fd);
    }
    assert_true(!wire_contains(&in, "Sec-WebSocket-Version"));
    wire_end(&wire);
    assert_int_equal(wire.closed, 0);
}

static void messages_go_both_ways(void **state)
{
    struct wire wire = {0};
    AUTO(buffer_done) struct buffer in = {0};
    wire_begin(&wire);
    int fd = open_socket(&wire);
    say_frame(&wire, fd, 0x81, STR("hello"));
    wire_hear(&wire, fd, &in, "\x81\x0eyou said hello");
    say_frame(&wire, fd, 0x01, STR("hel"));
    say_frame(&wire, fd, 0x89, STR("are you there"));
    say_frame(&wire, fd, 0x80, STR("lo again"));
    buffer_clear(&in);
    wire_hear(&wire, fd, &in,
              "\x8a\x0d"
              "are you there\x81\x14you said hello again");
    AUTO(memory_free) char *big = memory_new(100000);
    memset(big, 'x', 100000);
    buffer_clear(&in);
    say_frame(&wire, fd, 0x81, (str){big, 100000});
    wire_hear_bytes(&wire, fd, &in, 10 + 9 + 100000);
    assert_memory_equal(in.at, "\x81\x7f\0\0\0\0\0\x01\x86\xa9you said xxx", 22);
    assert_int_equal(http_counts(wire.server).messages, 3);
    assert_int_equal(http_counts(wire.server).bodies, 0);
    close(fd);
    wire_end(&wire);
}

static void frames_that_follow_the_handshake_at_once_are_read(void **state)
{
    struct wire wire = {0};
    AUTO(buffer_done) struct buffer in = {0};
    wire_begin(&wire);
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, STR(HANDSHAKE "\x81\x82\0\0\0\0hi\x81\x82\0\0\0\0ho"));
    wire_hear(&wire, fd, &in, "you said ho");
    assert_true(wire_contains(&in, "you said hi"));
    close(fd);
    wire_end(&wire);
}

static void many_messages_in_one_read_are_taken_over_several_turns(void **state)
{
    struct wire wire = {.is_quiet = true};
    AUTO(buffer_done) struct buffer raw = {0};
    AUTO(buffer_done) struct buffer in = {0};
    wire_begin(&wire);
    int fd = open_socket(&wire);
    for (int i = 0; i < 500; i++)
        buffer_add(&raw, "\x81\x82\0\0\0\0hi", 8);
    buffer_add(&raw, "\x88\x80\0\0\0\0", 6);
    assert_int_equal(send(fd, raw.at, raw.len, 0), raw.len);
    loop_turn(wire.loop, MILLISECONDS(1000));
    assert_in_range(wire.heard.len, 3, 3 * 64);
    assert_true(wire_hear_end(&wire, fd, &in));
    assert_int_equal(wire.heard.len, 1500);
    assert_int_equal(wire.closed, 1);
    close(fd);
    wire_end(&wire);
}

static void the_peer_may_close(void **state)
{
    struct wire wire = {0};
    AUTO(buffer_done) struct buffer in = {0};
    wire_begin(&wire);
    int fd = open_socket(&wire);
    say_frame(&wire, fd, 0x88, STR("\x03\xe8 bye"));
    assert_true(wire_hear_end(&wire, fd, &in));
    assert_int_equal(in.len, 4);
    assert_memory_equal(in.at, "\x88\x02\x03\xe8", 4);
    assert_int_equal(wire.closed, 1);
    close(fd);
    wire_end(&wire);
}

static void we_may_close_and_the_session_hears_it_once(void **state)
{
    struct wire wire = {0};
    AUTO(buffer_done) struct buffer in = {0};
    wire_begin(&wire);
    int fd = open_socket(&wire);
    struct socket *socket = wire.socket;
    ws_close(socket, 1001, "going away");
    assert_int_equal(wire.closed, 0); /* not from within the call */
    ws_close(socket, 1000, NULL);
    struct shared *part = shared_copy(STR("too late"));
    assert_false(ws_send(socket, &part, 1));
    wire_hear(&wire, fd, &in, "\x88\x0c\x03\xe9going away");
    assert_int_equal(wire.closed, 1);
    say_frame(&wire, fd, 0x81, STR("too late too"));
    say_frame(&wire, fd, 0x88, STR("\x03\xe9"));
    assert_true(wire_hear_end(&wire, fd, &in));
    wire_turn(&wire, 5);
    assert_int_equal(wire.closed, 1);
    assert_int_equal(wire.heard.len, 0);
    assert_int_equal(http_connections(wire.server), 0);
    close(fd);
    wire_end(&wire);
}

static void a_peer_that_breaks_the_rules_is_told_why(void **state)
{
    static const struct {
        str frame;
        const char *close;
    } cases[] = {
        {{"\x81\x02hi", 4}, "\x88\x02\x03\xea"},
        {{"\x82\x82\0\0\0\0hi", 8}, "\x88\x02\x03\xeb"},
        {{"\x81\x81\0\0\0\0\xff", 7}, "\x88\x02\x03\xef"},
        {{"\x81\xfe\x04\x00\0\0\0\0", 8}, "\x88\x02\x03\xf1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct wire wire = {.options.message_max = 1000};
        AUTO(buffer_done) struct buffer in = {0};
        wire_begin(&wire);
        int fd = open_socket(&wire);
        wire_say(&wire, fd, cases[i].frame);
        wire_say(&wire, fd, STR("\x81\x82\0\0\0\0hi and much that is not understood"));
        wire_hear(&wire, fd, &in, cases[i].close);
        assert_int_equal(wire.heard.len, 0);
        assert_int_equal(wire.closed, 1);
        shutdown(fd, SHUT_WR);
        assert_true(wire_hear_end(&wire, fd, &in));
        wire_turn(&wire, 5);
        assert_int_equal(http_connections(wire.server), 0);
        close(fd);
        wire_end(&wire);
    }
}

static void send_big(struct wire *wire, size_t size)
{
    struct shared *parts[3] = {shared_copy(STR("[")), shared_new(size), shared_copy(STR("]"))};
    memset(parts[1]->at, 'p', size);
    assert_true(ws_send(wire->socket, parts, 3));
}

static void what_a_slow_peer_does_not_take_waits_and_comes_whole(void **state)
{
    struct wire wire = {0};
    AUTO(buffer_done) struct buffer in = {.max = MIB(64)};
    wire_begin(&wire);
    int fd = open_socket(&wire);
    for (int i = 0; i < 4; i++)
        send_big(&wire, MIB(3));
    assert_true(ws_unsent(wire.socket) > MIB(4));
    assert_int_equal(wire.drained, 0);
    wire_hear_bytes(&wire, fd, &in, 4 * (10 + 2 + MIB(3)));
    for (size_t i = 0; i < 4; i++) {
        const char *frame = in.at + i * (12 + MIB(3));
        assert_memory_equal(frame, "\x81\x7f\0\0\0\0\0\x30\0\x02[p", 12);
        assert_memory_equal(frame + 10 + MIB(3), "p]", 2);
    }
    wire_turn(&wire, 5);
    assert_int_equal(wire.drained, 1);
    assert_int_equal(ws_unsent(wire.socket), 0);
    close(fd);
    wire_end(&wire);
}

static void a_peer_that_takes_too_little_is_closed(void **state)
{
    struct wire wire = {.options.unsent_max = MIB(8)};
    AUTO(buffer_done) struct buffer in = {.max = MIB(64)};
    wire_begin(&wire);
    int fd = open_socket(&wire);
    struct socket *socket = wire.socket;
    send_big(&wire, MIB(12)); /* one alone is let through whatever its size */
    struct shared *part = shared_new(MIB(4));
    memset(part->at, 'p', part->len);
    assert_false(ws_send(socket, &part, 1));
    wire_turn(&wire, 5);
    assert_int_equal(wire.closed, 1);
    wire_hear_bytes(&wire, fd, &in, 12 + MIB(12));
    wire_hear(&wire, fd, &in, "\x88\x0c\x03\xf5SlowClient");
    close(fd);
    wire_end(&wire);
}

static void when_too_much_waits_in_all_who_has_most_waiting_is_cut_off(void **state)
{
    struct budgets budgets = {.unsent = {.max = MIB(32)}};
    struct wire wire = {.options.budgets = &budgets};
    wire_begin(&wire);
    int slower = open_socket(&wire);
    struct socket *slower_socket = wire.socket;
    int slow = open_socket(&wire);
    struct socket *slow_socket = wire.socket;
    wire.socket = slower_socket;
    send_big(&wire, MIB(12));
    assert_true(budgets.unsent.used > MIB(12)); /* whole until it is out */
    wire.socket = slow_socket;
    send_big(&wire, MIB(7));
    wire_turn(&wire, 5);
    assert_int_equal(wire.closed, 1);
    assert_int_equal(http_counts(wire.server).shed, 1);
    assert_true(ws_unsent(slow_socket) > 0);
    assert_true(budgets.unsent.used < MIB(8));
    close(slow);
    close(slower);
    wire_turn(&wire, 10);
    assert_int_equal(budgets.unsent.used, 0);
    wire_end(&wire);
}

static void strangers_are_cut_off_before_who_is_known(void **state)
{
    struct budgets budgets = {.unsent = {.max = MIB(16)}};
    struct wire wire = {.options.budgets = &budgets};
    struct party person = {.is_known = true};
    wire_begin(&wire);
    int known = open_socket(&wire);
    struct socket *known_socket = wire.socket;
    ws_name(known_socket, &person);
    send_big(&wire, MIB(12));
    int stranger = open_socket(&wire);
    send_big(&wire, MIB(7));
    wire_turn(&wire, 5);
    assert_int_equal(wire.closed, 1);
    assert_true(ws_unsent(known_socket) > 0);
    assert_int_equal(budgets.unsent.strangers, 0);
    assert_int_equal(person.unsent.used, budgets.unsent.used);
    close(known);
    close(stranger);
    wire_turn(&wire, 10);
    assert_int_equal(person.unsent.used, 0);
    wire_end(&wire);
}

static void one_party_has_a_quarter_by_all_its_sockets(void **state)
{
    struct budgets budgets = {.unsent = {.max = MIB(64)}};
    struct wire wire = {.options.budgets = &budgets};
    struct party person = {.is_known = true};
    wire_begin(&wire);
    int first = open_socket(&wire);
    ws_name(wire.socket, &person);
    send_big(&wire, MIB(12));
    int second = open_socket(&wire);
    struct socket *socket = wire.socket;
    ws_name(socket, &person);
    send_big(&wire, MIB(8));
    struct shared *part = shared_copy(STR("more"));
    assert_false(ws_send(socket, &part, 1));
    close(first);
    close(second);
    wire_turn(&wire, 10);
    assert_int_equal(person.unsent.used, 0);
    wire_end(&wire);
}

static void pongs_that_are_not_taken_do_not_pile_up(void **state)
{
    struct budgets budgets = {.unsent = {.max = MIB(64)}};
    struct wire wire = {.options.budgets = &budgets};
    char payload[100] = "";
    wire_begin(&wire);
    int fd = open_socket(&wire);
    send_big(&wire, MIB(8));
    size_t before = budgets.unsent.used;
    for (int i = 0; i < 1000; i++)
        say_frame(&wire, fd, 0x89, (str){payload, sizeof(payload)});
    wire_turn(&wire, 20);
    assert_true(budgets.unsent.used <= before);
    close(fd);
    wire_end(&wire);
}

static void a_peer_that_takes_nothing_for_long_is_closed(void **state)
{
    struct wire wire = {.options.send_time = MILLISECONDS(50)};
    wire_begin(&wire);
    int fd = open_socket(&wire);
    send_big(&wire, MIB(12));
    wire_turn(&wire, 100);
    assert_int_equal(wire.closed, 1);
    assert_int_equal(http_connections(wire.server), 0);
    close(fd);
    wire_end(&wire);
}

static void many_parts_are_one_message(void **state)
{
    struct wire wire = {0};
    AUTO(buffer_done) struct buffer in = {0};
    struct shared *parts[300];
    wire_begin(&wire);
    int fd = open_socket(&wire);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        char text[8] = {'a', 'b', (char)('0' + i % 10), 0};
        parts[i] = shared_copy(str_of(text));
    }
    assert_true(ws_send(wire.socket, parts, ARRAY_LEN(parts)));
    wire_hear_bytes(&wire, fd, &in, 4 + 900);
    assert_memory_equal(in.at, "\x81\x7e\x03\x84\x61\x62\x30\x61\x62\x31", 10);
    assert_memory_equal(in.at + in.len - 6, "ab8ab9", 6);
    close(fd);
    wire_end(&wire);
}

static void messages_in_flight_count_against_the_limit_of_all(void **state)
{
    struct budgets budgets = {.calls = {.max = KIB(200)}};
    struct wire wire = {.options.budgets = &budgets};
    AUTO(buffer_done) struct buffer in = {0};
    AUTO(memory_free) char *text = memory_zeroed(KIB(200));
    wire_begin(&wire);
    int fd = open_socket(&wire);
    say_frame(&wire, fd, 0x01, (str){text, KIB(50)});
    wire_turn(&wire, 5);
    assert_true(http_counts(wire.server).bodies >= KIB(50));
    say_frame(&wire, fd, 0x00, (str){text, KIB(150)});
    wire_hear(&wire, fd, &in, "TooManyConcurrentRequests");
    close(fd);
    wire_turn(&wire, 10);
    assert_int_equal(http_counts(wire.server).bodies, 0);
    wire_end(&wire);
}

static void the_limit_of_a_message_may_be_changed_for_one_socket(void **state)
{
    struct wire wire = {.is_quiet = true};
    AUTO(buffer_done) struct buffer in = {0};
    wire_begin(&wire);
    int fd = open_socket(&wire);
    ws_limit(wire.socket, 5);
    say_frame(&wire, fd, 0x81, STR("12345"));
    say_frame(&wire, fd, 0x81, STR("123456"));
    wire_hear(&wire, fd, &in, "\x88\x02\x03\xf1");
    assert_true(str_equal(buffer_text(&wire.heard), STR("12345|")));
    close(fd);
    wire_end(&wire);
}

static void a_ping_is_sent_and_hearing_is_noted(void **state)
{
    struct wire wire = {0};
    AUTO(buffer_done) struct buffer in = {0};
    wire_begin(&wire);
    int fd = open_socket(&wire);
    wire_turn(&wire, 5);
    instant before = ws_last_heard(wire.socket);
    ws_ping(wire.socket);
    wire_hear_bytes(&wire, fd, &in, 2);
    assert_memory_equal(in.at, "\x89\x00", 2);
    say_frame(&wire, fd, 0x8a, STR(""));
    wire_turn(&wire, 5);
    assert_true(instant_is_before(before, ws_last_heard(wire.socket)));
    close(fd);
    wire_end(&wire);
}

/* Deflated by zlib as a client would, the tail cut off. */
static void deflate_text(str text, struct buffer *out)
{
    z_stream z = {0};
    buffer_clear(out);
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&z, (uLong)text.len) + 16;
    z.next_in = (Bytef *)(uintptr_t)text.at;
    z.avail_in = (uInt)text.len;
    z.next_out = (Bytef *)buffer_reserve(out, room);
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_SYNC_FLUSH), Z_OK);
    out->len = room - z.avail_out - 4;
    deflateEnd(&z);
}

static void messages_are_packed_when_both_want_it(void **state)
{
    struct wire wire = {.options.packs_messages = true};
    AUTO(buffer_done) struct buffer in = {0};
    AUTO(buffer_done) struct buffer packed = {0};
    AUTO(memory_free) char *big = memory_new(30000);
    memset(big, 'x', 30000);
    wire_begin(&wire);
    int fd = wire_connect(&wire);
    wire_say(&wire, fd, STR(HANDSHAKE));
    wire_hear(&wire, fd, &in, "\r\n\r\n");
    assert_true(wire_contains(&in, "\r\nSec-WebSocket-Extensions: permessage-deflate; "
                                   "server_no_context_takeover; client_no_context_takeover\r\n"));
    deflate_text(STR("hello"), &packed);
    buffer_clear(&in);
    say_frame(&wire, fd, 0xc1, buffer_text(&packed));
    wire_hear(&wire, fd, &in, "\x81\x0eyou said hello"); /* too short to be packed */
    deflate_text((str){big, 30000}, &packed);
    buffer_clear(&in);
    say_frame(&wire, fd, 0x41, str_slice(buffer_text(&packed), 0, 9));
    say_frame(&wire, fd, 0x80, str_slice(buffer_text(&packed), 9, packed.len));
    wire_hear_bytes(&wire, fd, &in, 50);
    wire_turn(&wire, 10);
    assert_int_equal((unsigned char)in.at[0], 0xc1);
    assert_true(in.len < 1000);
    assert_int_equal(wire.heard.len, 6 + 30001);
    assert_int_equal(http_counts(wire.server).bodies, 0);

    int plain = open_socket(&wire); /* the same again, by a client that packs nothing itself */
    say_frame(&wire, plain, 0x81, STR("unpacked"));
    buffer_clear(&in);
    wire_hear(&wire, plain, &in, "you said unpacked");
    close(plain);
    close(fd);
    wire_end(&wire);
}

static void a_packed_message_that_is_not_right_is_told_why(void **state)
{
    AUTO(memory_free) char *zeros = memory_zeroed(200000);
    AUTO(buffer_done) struct buffer bomb = {0};
    deflate_text((str){zeros, 200000}, &bomb);
    assert_true(bomb.len < 1000);
    const struct {
        bool packs;
        unsigned first;
        str payload;
        const char *close;
    } cases[] = {
        {true, 0xc1, buffer_text(&bomb), "\x88\x02\x03\xf1"},
        {true, 0xc1, STR("\x07"), "\x88\x02\x03\xef"},
        {true, 0xc9, STR("ping"), "\x88\x02\x03\xea"},
        {true, 0xa1, STR("x"), "\x88\x02\x03\xea"},
        {false, 0xc1, STR("\xf2\x48\xcd\xc9\xc9\x07"), "\x88\x02\x03\xea"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct wire wire = {.options = {.message_max = 100000, .packs_messages = cases[i].packs}};
        AUTO(buffer_done) struct buffer in = {0};
        wire_begin(&wire);
        int fd = open_socket(&wire);
        say_frame(&wire, fd, cases[i].first, cases[i].payload);
        wire_hear(&wire, fd, &in, cases[i].close);
        assert_int_equal(wire.heard.len, 0);
        close(fd);
        wire_end(&wire);
    }
}

static void closing_the_server_tells_the_sessions(void **state)
{
    struct wire wire = {0};
    wire_begin(&wire);
    int fd = open_socket(&wire);
    http_drain(wire.server);
    wire_turn(&wire, 5);
    assert_int_equal(wire.closed, 0);
    http_close(wire.server);
    wire.server = NULL;
    assert_int_equal(wire.closed, 1);
    close(fd);
    wire_end(&wire);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_handshake_is_answered_as_rfc_6455_shows),
        cmocka_unit_test(a_handshake_that_lacks_something_is_refused),
        cmocka_unit_test(messages_go_both_ways),
        cmocka_unit_test(frames_that_follow_the_handshake_at_once_are_read),
        cmocka_unit_test(many_messages_in_one_read_are_taken_over_several_turns),
        cmocka_unit_test(the_peer_may_close),
        cmocka_unit_test(we_may_close_and_the_session_hears_it_once),
        cmocka_unit_test(a_peer_that_breaks_the_rules_is_told_why),
        cmocka_unit_test(what_a_slow_peer_does_not_take_waits_and_comes_whole),
        cmocka_unit_test(a_peer_that_takes_too_little_is_closed),
        cmocka_unit_test(when_too_much_waits_in_all_who_has_most_waiting_is_cut_off),
        cmocka_unit_test(strangers_are_cut_off_before_who_is_known),
        cmocka_unit_test(one_party_has_a_quarter_by_all_its_sockets),
        cmocka_unit_test(pongs_that_are_not_taken_do_not_pile_up),
        cmocka_unit_test(a_peer_that_takes_nothing_for_long_is_closed),
        cmocka_unit_test(many_parts_are_one_message),
        cmocka_unit_test(messages_in_flight_count_against_the_limit_of_all),
        cmocka_unit_test(the_limit_of_a_message_may_be_changed_for_one_socket),
        cmocka_unit_test(a_ping_is_sent_and_hearing_is_noted),
        cmocka_unit_test(messages_are_packed_when_both_want_it),
        cmocka_unit_test(a_packed_message_that_is_not_right_is_told_why),
        cmocka_unit_test(closing_the_server_tells_the_sessions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
