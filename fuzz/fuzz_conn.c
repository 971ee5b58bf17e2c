/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One whole connection: what the peer sends, when the application answers, who closes first, all
 * in an order that the input chooses. In the end nothing is left of it and every session has heard
 * exactly once that it is over.
 *
 * Each byte of the input is an operation: the low three bits say which, the others how much. Time
 * is set, and passes only where the input says so.
 */
#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "net/conn.h"

#include "fuzz.h"

#define LATER_MAX 4

enum operation {
    SAY,
    SAY_MUCH,
    TURN,
    ANSWER,
    SEND,
    CLOSE,
    HEAR,
    END,
};

/* ---- the clock: that of base/clock.c is left out of the program ---- */

static int64_t passed;

instant clock_now(void)
{
    return (instant){INT64_C(1800000000000000) + passed};
}

instant clock_monotonic(void)
{
    return (instant){INT64_C(1000000000) + passed};
}

span clock_cpu(void)
{
    return (span){0};
}

/* ---- the application ---- */

struct bench {
    struct loop *loop;
    struct http_server *server;
    struct exchange *later[LATER_MAX];
    size_t later_count;
    struct socket *socket; /* NULL once it is closed */
    int opened, closed, fd;
};

static void on_text(void *session, str message)
{
    struct bench *bench = session;
    struct shared *part = shared_copy(message);
    assert(utf8_is_valid(message) && bench->socket != NULL);
    if (message.len % 7 == 6)
        ws_close(bench->socket, 4000, "seven");
    ws_send(bench->socket, &part, 1);
}

static void on_closed(void *session)
{
    struct bench *bench = session;
    assert(bench->socket != NULL);
    bench->socket = NULL;
    bench->closed++;
}

static const struct ws_handlers handlers = {.on_text = on_text, .on_closed = on_closed};

static void open_socket(struct bench *bench, struct exchange *exchange)
{
    bench->socket = http_upgrade(exchange, &handlers, bench);
    bench->opened += bench->socket != NULL ? 1 : 0;
}

static void answer(struct bench *bench, struct exchange *exchange)
{
    const struct http_request *request = exchange_request(exchange);
    assert(request->body_fd >= 0 || request->body.len == (size_t)request->body_len);
    if (str_starts(request->path, STR("/w")) && bench->socket == NULL)
        open_socket(bench, exchange);
    else if (str_starts(request->path, STR("/s")))
        http_answer_shared(exchange, 200, NULL, 0, shared_copy(request->target));
    else
        http_answer(exchange, 200, request->headers, MIN_OF(request->header_count, 3),
                    request->body);
}

static void on_request(void *app, struct exchange *exchange, const struct http_request *request)
{
    struct bench *bench = app;
    bool is_later = str_find(request->path, 'l') >= 0;
    if (is_later && bench->later_count < LATER_MAX)
        bench->later[bench->later_count++] = exchange;
    else
        answer(bench, exchange);
}

static bool to_file(void *app, const struct http_request *request, int64_t *max)
{
    return str_starts(request->path, STR("/u"));
}

/* Once for all inputs: the listener is not used, connections are socket pairs. */
static void begin(struct bench *bench)
{
    static struct budgets budgets = {
        .calls = {.max = 20000}, .unsent = {.max = 40000}, .connections = {.max = KIB(64)}};
    const struct http_options options = {
        .address = "127.0.0.1:0",
        .app = bench,
        .on_request = on_request,
        .body_to_file = to_file,
        .temp_dir = "/tmp",
        .head_max = 2000,
        .body_max = 3000,
        .file_max = 3000,
        .budgets = &budgets,
        .message_max = 3000,
        .unsent_max = 5000,
        .packs_messages = true,
    };
    bench->loop = loop_new(NULL);
    assert(bench->loop != NULL);
    bench->server = http_listen(bench->loop, &options, NULL);
    assert(bench->server != NULL);
}

static void connect_pair(struct bench *bench)
{
    const struct sockaddr_storage from = {.ss_family = AF_UNIX};
    int fds[2], small = 4096;
    int made = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds);
    assert(made == 0);
    setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    bench->fd = fds[0];
    server_welcome(bench->server, fds[1], &from);
}

static void say(struct bench *bench, str *input, size_t len)
{
    str text = str_slice(*input, 0, len);
    *input = str_slice(*input, text.len, input->len);
    ssize_t sent = send(bench->fd, text.at, text.len, MSG_NOSIGNAL);
    (void)sent;
    loop_turn(bench->loop, MICROSECONDS(0));
}

static void hear(struct bench *bench, size_t len)
{
    char bytes_in[4096];
    ssize_t got = recv(bench->fd, bytes_in, MIN_OF(len, sizeof(bytes_in)), 0);
    (void)got;
}

static void answer_one(struct bench *bench)
{
    if (bench->later_count == 0)
        return;
    struct exchange *exchange = bench->later[0];
    memmove(bench->later, bench->later + 1, --bench->later_count * sizeof(exchange));
    answer(bench, exchange);
}

static void send_one(struct bench *bench, size_t len)
{
    if (bench->socket == NULL)
        return;
    struct shared *parts[2] = {shared_new(len), shared_copy(STR("end"))};
    memset(parts[0]->at, 'x', len);
    ws_send(bench->socket, parts, 2);
}

static void operate(struct bench *bench, enum operation operation, size_t much, str *input)
{
    switch (operation) {
    case SAY:
        say(bench, input, much);
        break;
    case SAY_MUCH:
        say(bench, input, much * 64);
        break;
    case TURN: /* up to 77 s later: every deadline can pass */
        passed += SECONDS(much * much / 12).us;
        loop_turn(bench->loop, MICROSECONDS(0));
        break;
    case ANSWER:
        answer_one(bench);
        break;
    case SEND:
        send_one(bench, much * 200);
        break;
    case CLOSE:
        if (bench->socket != NULL && much == 1)
            ws_ping(bench->socket);
        else if (bench->socket != NULL)
            ws_close(bench->socket, 1001, "away");
        break;
    case HEAR:
        hear(bench, much * 256 + 1);
        break;
    case END:
        shutdown(bench->fd, much % 2 == 0 ? SHUT_WR : SHUT_RDWR);
        break;
    }
}

static void finish(struct bench *bench)
{
    close(bench->fd);
    for (int turns = 0; http_connections(bench->server) != 0; turns++) {
        assert(turns < 100);
        passed += SECONDS(1).us;
        loop_turn(bench->loop, MICROSECONDS(0));
        answer_one(bench);
    }
    while (bench->later_count != 0)
        answer_one(bench);
    assert(bench->opened == bench->closed && bench->socket == NULL);
    assert(bench->server->exchanges == 0);
    struct http_counts counts = http_counts(bench->server);
    assert(counts.bodies == 0 && counts.sockets == 0);
}

int fuzz_one(const uint8_t *data, size_t size)
{
    static struct bench bench;
    if (bench.loop == NULL)
        begin(&bench);
    str input = {(const char *)data, MIN_OF(size, (size_t)KIB(32))};
    connect_pair(&bench);
    while (input.len != 0) {
        uint8_t byte = (uint8_t)input.at[0];
        input = str_slice(input, 1, input.len);
        operate(&bench, (enum operation)(byte & 7), byte >> 3, &input);
    }
    finish(&bench);
    return 0;
}
