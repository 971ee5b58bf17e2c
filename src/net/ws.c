/* SPDX-License-Identifier: Apache-2.0 */
#include "net/conn.h"
#include "net/ws_parse.h"

#include "base/encode.h"

#include <openssl/evp.h>
#include <string.h>

#define BAD_REQUEST 400
#define UPGRADE_REQUIRED 426

#define CODE_TRY_AGAIN 1013
#define CLOSE_TIME SECONDS(5)
#define REASON_MAX 123
#define PARTS_ON_STACK 16
#define RUNS_KEPT SECONDS(1)
#define PONGS_MAX KIB(16)
#define PACKING_HEADER                                                                             \
    "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "                   \
    "client_no_context_takeover\r\n"

static struct conn *conn_of(const struct socket *socket)
{
    return (struct conn *)(void *)((char *)(uintptr_t)socket - offsetof(struct conn, socket));
}

/* ---- the handshake ---- */

bool http_wants_upgrade(const struct http_request *request)
{
    return http_list_has(http_header(request, "upgrade"), STR("websocket"));
}

static size_t count_headers(const struct http_request *request, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < request->header_count; i++)
        count += str_equal_nocase(request->headers[i].name, str_of(name)) ? 1 : 0;
    return count;
}

/* 0, or the status to answer. */
static int judge_handshake(struct arena *arena, const struct http_request *request)
{
    if (!http_wants_upgrade(request) ||
        !str_equal(http_header(request, "sec-websocket-version"), STR("13")))
        return UPGRADE_REQUIRED;
    bytes key;
    bool is_good = request->method == HTTP_GET && !request->is_http10 && request->body_len == 0 &&
                   http_list_has(http_header(request, "connection"), STR("upgrade")) &&
                   count_headers(request, "sec-websocket-key") == 1 &&
                   base64_read(arena, http_header(request, "sec-websocket-key"), &key) &&
                   key.len == 16;
    return is_good ? 0 : BAD_REQUEST;
}

static void refuse_handshake(struct exchange *exchange, int status)
{
    static const struct http_header headers[] = {
        {{"Content-Type", 12}, {"text/plain; charset=utf-8", 25}},
        {{"Upgrade", 7}, {"websocket", 9}},
        {{"Sec-WebSocket-Version", 21}, {"13", 2}},
    };
    static const char text[] = "This address speaks WebSocket, version 13.";
    http_answer(exchange, status, headers, status == UPGRADE_REQUIRED ? ARRAY_LEN(headers) : 1,
                str_of(text));
}

static str accept_key(struct arena *arena, str key)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    str text = str_format(arena, "%.*s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", (int)key.len, key.at);
    int worked = EVP_Digest(text.at, text.len, digest, &len, EVP_sha1(), NULL);
    assert(worked == 1);
    return base64_write(arena, (bytes){digest, len});
}

/* ---- packing ---- */

static void forget_runs(void *context, instant now)
{
    struct http_server *server = context;
    ws_packer_forget(server->packer);
}

static bool wants_packing(const struct conn *conn, const struct http_request *request)
{
    if (!conn->server->options.packs_messages)
        return false;
    for (size_t i = 0; i < request->header_count; i++)
        if (str_equal_nocase(request->headers[i].name, STR("sec-websocket-extensions")) &&
            ws_pack_is_offered(request->headers[i].value))
            return true;
    return false;
}

static void begin_packing(struct socket *socket)
{
    struct http_server *server = conn_of(socket)->server;
    socket->is_packing = true;
    if (server->packer != NULL)
        return;
    server->packer = ws_packer_new();
    server->packer_timer = (struct loop_timer){.fire = forget_runs, .context = server};
}

/* ---- the upgrade ---- */

static struct socket *socket_new(struct conn *conn, const struct ws_handlers *handlers,
                                 void *session)
{
    size_t max = MIN_OF(conn->server->options.message_max, UINT32_MAX);
    conn->is_socket = true;
    conn->socket = (struct socket){
        .handlers = handlers,
        .session = session,
        .heard = loop_now(conn->server->loop),
        .message_max = (uint32_t)max,
    };
    conn->server->counts.sockets++;
    return &conn->socket;
}

struct socket *http_upgrade(struct exchange *exchange, const struct ws_handlers *handlers,
                            void *session)
{
    struct conn *conn = exchange->conn;
    struct arena *arena = &exchange->arena;
    int status = judge_handshake(arena, &exchange->head.request);
    if (conn == NULL || status != 0) {
        refuse_handshake(exchange, status);
        return NULL;
    }
    str key = accept_key(arena, http_header(&exchange->head.request, "sec-websocket-key"));
    bool is_packing = wants_packing(conn, &exchange->head.request);
    str head = str_format(arena,
                          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                          "Connection: Upgrade\r\nSec-WebSocket-Accept: %.*s\r\n%s\r\n",
                          STR_ARG(key), is_packing ? PACKING_HEADER : "");
    struct stream_part part = {head.at, head.len, NULL};
    enum stream_state state = stream_write(&conn->stream, &part, 1);
    exchange_free(exchange);

    struct socket *socket = socket_new(conn, handlers, session);
    if (is_packing)
        begin_packing(socket);
    conn->phase = CONN_SOCKET;
    conn->deadline = CONN_NEVER;
    conn_upgraded(conn, state);
    return socket;
}

/* ---- sending ---- */

static void send_control(struct socket *socket, unsigned opcode, str payload)
{
    char frame[WS_HEAD_MAX + WS_CONTROL_MAX];
    size_t len = ws_head_write(frame, opcode, payload.len);
    if (payload.len != 0)
        memcpy(frame + len, payload.at, payload.len);
    struct stream_part part = {frame, len + payload.len, NULL};
    conn_written(conn_of(socket), stream_write(&conn_of(socket)->stream, &part, 1));
}

static void drop_parts(struct shared *const *parts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        shared_drop(parts[i]);
}

static void fail(struct socket *socket, uint16_t code, const char *reason)
{
    ws_close(socket, code, reason);
    socket->is_deaf = true;
    if (conn_of(socket)->phase == CONN_SOCKET && conn_of(socket)->stream.out == NULL)
        conn_linger(conn_of(socket));
}

/* Packed into out, if that was agreed upon and is worth it: how many parts, else 0. */
static size_t pack(struct socket *socket, struct shared *const *parts, size_t count,
                   struct stream_part *out, size_t *len)
{
    struct http_server *server = conn_of(socket)->server;
    if (!socket->is_packing)
        return 0;
    size_t runs = ws_pack(server->packer, parts, count, out, len);
    if (ws_packer_is_keeping(server->packer) && !loop_timer_is_set(&server->packer_timer))
        loop_timer_set(server->loop, &server->packer_timer,
                       instant_add(loop_now(server->loop), RUNS_KEPT));
    return runs;
}

static void send_parts(struct socket *socket, struct shared *const *parts, size_t count, size_t len)
{
    char head[WS_HEAD_MAX];
    struct stream_part on_stack[PARTS_ON_STACK], *all = on_stack;
    AUTO(memory_free) struct stream_part *on_heap = NULL;
    if (count >= PARTS_ON_STACK)
        all = on_heap = memory_new((count + 1) * sizeof(*all));
    size_t packed = 0, runs = pack(socket, parts, count, all + 1, &packed);
    all[0] = (struct stream_part){
        head, ws_head_write(head, WS_OPCODE_TEXT, runs != 0 ? packed : len), NULL};
    if (runs != 0) {
        head[0] = (char)((unsigned char)head[0] | WS_PACKED);
        drop_parts(parts, count);
        count = runs;
    } else {
        for (size_t i = 0; i < count; i++)
            all[i + 1] = (struct stream_part){parts[i]->at, parts[i]->len, parts[i]};
    }
    conn_written(conn_of(socket), stream_write(&conn_of(socket)->stream, all, count + 1));
}

/* One message of any size is let through when nothing waits before it. */
static bool is_too_slow(const struct socket *socket, size_t len)
{
    const struct http_options *options = &conn_of(socket)->server->options;
    size_t unsent = ws_unsent(socket);
    if (unsent == 0)
        return false;
    const struct party *party = conn_of(socket)->stream.party;
    if (unsent + len > options->unsent_max)
        return true;
    return party != NULL && options->budgets != NULL &&
           party->unsent.used + len > budget_max_of_one(&options->budgets->unsent);
}

bool ws_send(struct socket *socket, struct shared *const *parts, size_t count)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++)
        len += parts[i]->len;
    if (socket->is_closing || conn_of(socket)->phase != CONN_SOCKET) {
        drop_parts(parts, count);
        return false;
    }
    if (is_too_slow(socket, len)) {
        drop_parts(parts, count);
        fail(socket, CODE_TRY_AGAIN, "SlowClient");
        return false;
    }
    send_parts(socket, parts, count, len);
    return true;
}

bool ws_send_first(struct socket *socket, struct shared *const *parts, size_t count)
{
    conn_of(socket)->stream.has_more = true;
    bool is_sent = ws_send(socket, parts, count);
    conn_of(socket)->stream.has_more = false;
    return is_sent;
}

void ws_ping(struct socket *socket)
{
    if (!socket->is_closing && conn_of(socket)->phase == CONN_SOCKET)
        send_control(socket, WS_OPCODE_PING, (str){0});
}

size_t ws_unsent(const struct socket *socket)
{
    return stream_unsent(&conn_of(socket)->stream);
}

instant ws_last_heard(const struct socket *socket)
{
    return socket->heard;
}

void ws_limit(struct socket *socket, size_t message_max)
{
    socket->message_max = (uint32_t)MIN_OF(message_max, UINT32_MAX);
}

/* ---- in whose name ---- */

static void name_reader(struct socket *socket, struct party *party)
{
    struct budgets *budgets = conn_of(socket)->server->options.budgets;
    if (socket->reader != NULL && budgets != NULL)
        claim_name(&budgets->calls, &socket->reader->claim, party == NULL ? NULL : &party->calls,
                   party != NULL && party->is_known);
}

void ws_name(struct socket *socket, struct party *party)
{
    struct conn *conn = conn_of(socket);
    name_reader(socket, party);
    server_name(conn->server, conn, party);
}

/* ---- closing ---- */

static void begin_closing(struct socket *socket)
{
    struct conn *conn = conn_of(socket);
    socket->is_closing = true;
    conn->deadline = instant_add(loop_now(conn->server->loop), CLOSE_TIME);
    conn_wake(conn); /* so that the session hears of it, but not from within this call */
}

void ws_close(struct socket *socket, uint16_t code, const char *reason)
{
    char payload[WS_CONTROL_MAX];
    if (socket->is_closing || conn_of(socket)->phase != CONN_SOCKET)
        return;
    str text = utf8_cut(str_of(reason), REASON_MAX);
    payload[0] = (char)(code >> 8);
    payload[1] = (char)(code & 0xff);
    if (text.len != 0)
        memcpy(payload + 2, text.at, text.len);
    begin_closing(socket);
    send_control(socket, WS_OPCODE_CLOSE, (str){payload, 2 + text.len});
}

static void answer_close(struct socket *socket, str payload)
{
    socket->is_answering = true;
    if (!socket->is_closing) {
        begin_closing(socket);
        send_control(socket, WS_OPCODE_CLOSE, str_slice(payload, 0, 2));
    }
    if (conn_of(socket)->stream.out == NULL)
        conn_die(conn_of(socket));
}

static void tell(struct socket *socket)
{
    if (socket->is_told)
        return;
    socket->is_told = true;
    ws_name(socket, NULL); /* the session may free its party; what still waits is nobody's */
    socket->handlers->on_closed(socket->session);
}

void socket_fire(struct conn *conn)
{
    if (conn->socket.is_closing)
        tell(&conn->socket);
}

void socket_bury(struct conn *conn)
{
    struct socket *socket = &conn->socket;
    socket->is_closing = true;
    tell(socket);
    if (socket->reader != NULL) {
        server_uncount(conn->server, &socket->reader->claim);
        ws_reader_done(socket->reader);
        free(socket->reader);
    }
    conn->server->counts.sockets--;
}

/* All that waited is with the system. */
void socket_sent(struct conn *conn)
{
    struct socket *socket = &conn->socket;
    if (socket->is_answering) {
        conn_die(conn);
    } else if (socket->is_deaf) {
        conn_linger(conn);
    } else if (!socket->is_closing) {
        conn->deadline = CONN_NEVER;
        if (socket->handlers->on_drained != NULL)
            socket->handlers->on_drained(socket->session);
    }
}

/* ---- hearing ---- */

static bool is_hearing(const struct socket *socket)
{
    return conn_of(socket)->phase == CONN_SOCKET && !socket->is_deaf && !socket->is_answering;
}

static void handle(struct socket *socket, enum ws_event event, str payload, uint16_t code)
{
    switch (event) {
    case WS_TEXT:
        conn_of(socket)->server->counts.messages++;
        if (!socket->is_closing)
            socket->handlers->on_text(socket->session, payload);
        break;
    case WS_PING:
        /* Who does not take its pongs goes without: they are not to pile up. */
        if (!socket->is_closing && ws_unsent(socket) < PONGS_MAX)
            send_control(socket, WS_OPCODE_PONG, payload);
        break;
    case WS_CLOSE:
        answer_close(socket, payload);
        break;
    case WS_REFUSED:
        fail(socket, code, NULL);
        break;
    case WS_MORE:
    case WS_PONG:
        break;
    }
}

/* Keeps the reader only while it holds part of something. */
static void put_reader(struct socket *socket, struct ws_reader *reader)
{
    struct http_server *server = conn_of(socket)->server;
    bool is_idle = ws_reader_is_idle(reader) || !is_hearing(socket);
    if (!is_idle && socket->reader == NULL) {
        socket->reader = memory_new(sizeof(*reader));
        *socket->reader = *reader;
        reader = socket->reader;
        name_reader(socket, conn_of(socket)->stream.party);
    }
    if (!server_count(server, &reader->claim, is_idle ? 0 : reader->message.room))
        fail(socket, CODE_TRY_AGAIN, "TooManyConcurrentRequests");
    if (!is_idle)
        return;
    ws_reader_done(reader);
    free(socket->reader);
    socket->reader = NULL;
}

size_t socket_feed(struct conn *conn, char *at, size_t len, unsigned *budget)
{
    struct socket *socket = &conn->socket;
    struct ws_reader fresh = {0};
    struct ws_reader *reader = socket->reader != NULL ? socket->reader : &fresh;
    size_t from = 0;
    reader->packer = socket->is_packing ? conn->server->packer : NULL;
    socket->heard = loop_now(conn->server->loop);
    while (from < len && *budget != 0 && is_hearing(socket)) {
        size_t used = 0;
        str payload;
        uint16_t code = 0;
        enum ws_event event =
            ws_read(reader, socket->message_max, at + from, len - from, &used, &payload, &code);
        from += used;
        *budget -= event == WS_MORE ? 0 : 1;
        handle(socket, event, payload, code);
    }
    put_reader(socket, reader);
    return is_hearing(socket) ? from : len; /* what comes after the end is thrown away */
}
