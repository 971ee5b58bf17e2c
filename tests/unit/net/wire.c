/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"

#define PATIENCE SECONDS(5)

static void on_text(void *session, str message)
{
    struct wire *wire = session;
    buffer_str(&wire->heard, message);
    buffer_char(&wire->heard, '|');
    if (wire->is_quiet)
        return;
    struct shared *parts[2] = {shared_copy(STR("you said ")), shared_copy(message)};
    ws_send(wire->socket, parts, 2);
}

static void on_closed(void *session)
{
    struct wire *wire = session;
    wire->closed++;
    wire->socket = NULL;
}

static void on_drained(void *session)
{
    struct wire *wire = session;
    wire->drained++;
}

static const struct ws_handlers handlers = {on_text, on_closed, on_drained};

static void answer_big(struct exchange *exchange)
{
    struct shared *body = shared_new(WIRE_BIG);
    memset(body->at, 'b', body->len);
    http_answer_shared(exchange, 200, NULL, 0, body);
}

static void answer_evil(struct exchange *exchange)
{
    static const struct http_header headers[] = {
        {{"X-Evil", 6}, {"a\r\nSet-Cookie: b=c\n\tend", 24}},
    };
    http_answer(exchange, 200, headers, 1, STR("evil"));
}

static void on_request(void *app, struct exchange *exchange, const struct http_request *request)
{
    struct wire *wire = app;
    wire->requests++;
    wire->in_file += request->body_fd >= 0 ? 1 : 0;
    if (str_equal(request->path, STR("/ok"))) {
        http_answer(exchange, 200, NULL, 0, STR("ok"));
    } else if (str_starts(request->path, STR("/later"))) {
        assert_true(wire->later < WIRE_LATER_MAX);
        wire->exchanges[wire->later++] = exchange;
    } else if (str_equal(request->path, STR("/big"))) {
        answer_big(exchange);
    } else if (str_equal(request->path, STR("/file"))) {
        http_answer_file(exchange, 200, NULL, 0, fcntl(wire->file_fd, F_DUPFD_CLOEXEC, 0), 1,
                         wire->file_len);
    } else if (str_equal(request->path, STR("/nothing"))) {
        http_answer(exchange, 204, NULL, 0, STR("ignored"));
    } else if (str_equal(request->path, STR("/evil"))) {
        answer_evil(exchange);
    } else if (str_equal(request->path, STR("/ws"))) {
        wire->socket = http_upgrade(exchange, &handlers, wire);
    } else if (request->body_fd >= 0) {
        char *text = arena_alloc(exchange_arena(exchange), (size_t)request->body_len);
        assert_int_equal(read(request->body_fd, text, (size_t)request->body_len),
                         request->body_len);
        http_answer(exchange, 200, NULL, 0, (str){text, (size_t)request->body_len});
    } else {
        assert_int_equal(request->body.len, request->body_len);
        http_answer(exchange, 200, NULL, 0, request->body);
    }
}

void wire_begin(struct wire *wire)
{
    struct fault fault = {0};
    wire->loop = loop_new(&fault);
    assert_non_null(wire->loop);
    wire->options.address = "127.0.0.1:0";
    if (wire->options.on_request == NULL) {
        wire->options.app = wire;
        wire->options.on_request = on_request;
    }
    wire->server = http_listen(wire->loop, &wire->options, &fault);
    if (wire->server == NULL)
        fail_msg("%s", fault.text);
}

void wire_end(struct wire *wire)
{
    http_close(wire->server);
    loop_free(wire->loop);
    buffer_done(&wire->heard);
}

void wire_turn(struct wire *wire, int ms)
{
    instant until = instant_add(clock_monotonic(), MILLISECONDS(ms));
    while (instant_is_before(clock_monotonic(), until))
        loop_turn(wire->loop, MILLISECONDS(1));
}

int wire_connect(struct wire *wire)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET,
        .sin_port = htons(http_port(wire->server)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

void wire_say(struct wire *wire, int fd, str text)
{
    instant until = instant_add(clock_monotonic(), PATIENCE);
    while (text.len != 0 && instant_is_before(clock_monotonic(), until)) {
        ssize_t sent = send(fd, text.at, text.len, MSG_NOSIGNAL);
        if (sent > 0)
            text = str_slice(text, (size_t)sent, text.len);
        else if (errno != EAGAIN)
            return; /* the server has ended it: the test will see */
        loop_turn(wire->loop, MILLISECONDS(0));
    }
}

/* -1: it was reset; 0: it ended; 1: go on. */
static int hear_some(struct wire *wire, int fd, struct buffer *in)
{
    static char bytes_in[KIB(256)];
    loop_turn(wire->loop, MILLISECONDS(1));
    ssize_t got = recv(fd, bytes_in, sizeof(bytes_in), 0);
    if (got < 0)
        return errno == EAGAIN ? 1 : -1;
    buffer_add(in, bytes_in, (size_t)got);
    return got == 0 ? 0 : 1;
}

bool wire_contains(const struct buffer *in, const char *part)
{
    return in->len != 0 && memmem(in->at, in->len, part, strlen(part)) != NULL;
}

size_t wire_count(const struct buffer *in, const char *part)
{
    size_t count = 0;
    const char *at = in->at, *end = in->at + in->len;
    while ((at = memmem(at, (size_t)(end - at), part, strlen(part))) != NULL) {
        count++;
        at += strlen(part);
    }
    return count;
}

void wire_expect_start(const struct buffer *in, const char *wanted)
{
    if (!str_starts(buffer_text(in), str_of(wanted)))
        fail_msg("\"%.*s\" does not begin with \"%s\"", STR_ARG(buffer_text(in)), wanted);
}

void wire_expect_end(const struct buffer *in, const char *wanted)
{
    if (!str_ends(buffer_text(in), str_of(wanted)))
        fail_msg("\"%.*s\" does not end with \"%s\"", STR_ARG(buffer_text(in)), wanted);
}

void wire_hear(struct wire *wire, int fd, struct buffer *in, const char *wanted)
{
    instant until = instant_add(clock_monotonic(), PATIENCE);
    while (!wire_contains(in, wanted)) {
        int going = hear_some(wire, fd, in);
        if (going != 1 || !instant_is_before(clock_monotonic(), until)) {
            if (wire_contains(in, wanted))
                return;
            fail_msg("\"%s\" has not come (%d), but \"%.*s\"", wanted, going,
                     STR_ARG(str_slice(buffer_text(in), 0, 2000)));
        }
    }
}

void wire_hear_bytes(struct wire *wire, int fd, struct buffer *in, size_t count)
{
    instant until = instant_add(clock_monotonic(), PATIENCE);
    while (in->len < count) {
        if (hear_some(wire, fd, in) != 1 || !instant_is_before(clock_monotonic(), until))
            fail_msg("%zu of %zu bytes came", in->len, count);
    }
}

bool wire_hear_end(struct wire *wire, int fd, struct buffer *in)
{
    instant until = instant_add(clock_monotonic(), PATIENCE);
    int going;
    while ((going = hear_some(wire, fd, in)) == 1) {
        if (!instant_is_before(clock_monotonic(), until))
            fail_msg("the connection has not ended");
    }
    return going == 0;
}

void wire_ask(struct wire *wire, const char *raw, struct buffer *in)
{
    int fd = wire_connect(wire);
    buffer_clear(in);
    wire_say(wire, fd, str_of(raw));
    if (!wire_hear_end(wire, fd, in))
        fail_msg("the connection was reset after %zu bytes", in->len);
    close(fd);
}
