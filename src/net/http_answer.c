/* SPDX-License-Identifier: Apache-2.0 */
#include "net/conn.h"

#include "base/clock.h"
#include "base/date.h"
#include "base/log.h"

#include <stdio.h>
#include <string.h>

#define ANSWER_HEAD_MAX KIB(17)

/* Bodies up to this are copied behind the head: cheaper than a second part of the write. */
#define BODY_BESIDE_HEAD KIB(2)
#define SPARE_MAX 64

/* ---- exchanges ---- */

struct exchange *exchange_new(struct conn *conn)
{
    struct http_server *server = conn->server;
    struct exchange *exchange = server->spare;
    if (exchange != NULL) {
        server->spare = exchange->spare;
        server->spare_count--;
        exchange->spare = NULL;
    } else {
        exchange = memory_zeroed(sizeof(*exchange));
    }
    exchange->conn = conn;
    exchange->server = server;
    exchange->body_fd = -1;
    server->exchanges++;
    conn->exchange = exchange;
    return exchange;
}

void exchange_free(struct exchange *exchange)
{
    struct http_server *server = exchange->server;
    if (exchange->conn != NULL)
        exchange->conn->exchange = NULL;
    server_uncount(server, &exchange->claim);
    buffer_done(&exchange->body);
    fd_close(&exchange->body_fd);
    server->exchanges--;
    if (server->spare_count < SPARE_MAX && !server->is_closed) {
        struct arena arena = exchange->arena;
        arena_reset(&arena);
        *exchange = (struct exchange){.arena = arena, .spare = server->spare};
        server->spare = exchange;
        server->spare_count++;
        return;
    }
    arena_done(&exchange->arena);
    free(exchange);
    server_free_if_done(server);
}

struct arena *exchange_arena(struct exchange *exchange)
{
    return &exchange->arena;
}

const struct http_request *exchange_request(const struct exchange *exchange)
{
    return &exchange->head.request;
}

bool exchange_is_gone(const struct exchange *exchange)
{
    return exchange->conn == NULL;
}

/* ---- heads ---- */

struct answer_head {
    size_t len;
    bool is_over;
    char at[ANSWER_HEAD_MAX + BODY_BESIDE_HEAD];
};

static void add(struct answer_head *head, const char *at, size_t len)
{
    if (len > ANSWER_HEAD_MAX - head->len) {
        head->is_over = true;
        return;
    }
    if (len != 0)
        memcpy(head->at + head->len, at, len);
    head->len += len;
}

static void add_str(struct answer_head *head, str s)
{
    add(head, s.at, s.len);
}

/* Without control characters: a value that came from outside cannot begin a line of its own. */
static void add_clean(struct answer_head *head, str s)
{
    size_t from = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if ((c >= ' ' && c != 0x7f) || c == '\t')
            continue;
        add_str(head, str_slice(s, from, i));
        from = i + 1;
    }
    add_str(head, str_slice(s, from, s.len));
}

static void add_number(struct answer_head *head, int64_t n)
{
    char digits[24], *at = digits + sizeof(digits);
    do {
        *--at = (char)('0' + n % 10);
        n /= 10;
    } while (n != 0);
    add(head, at, (size_t)(digits + sizeof(digits) - at));
}

void http_date_write(instant at, char out[HTTP_DATE_SIZE])
{
    static const char week[] = "ThuFriSatSunMonTueWed";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int64_t seconds = at.us / 1000000;
    struct date date = date_of_day(seconds / 86400);
    int of_day = (int)(seconds % 86400);
    snprintf(out, HTTP_DATE_SIZE, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
             week + 3 * (seconds / 86400 % 7), date.day, months + 3 * (date.month - 1),
             (int)(date.year % 10000), of_day / 3600, of_day / 60 % 60, of_day % 60);
}

static void add_date(struct answer_head *head, struct http_server *server)
{
    instant now = loop_now(server->loop);
    if (!instant_is_before(now, server->date_until)) {
        instant wall = clock_now();
        http_date_write(wall, server->date);
        server->date_until = instant_add(now, MICROSECONDS(1000000 - wall.us % 1000000));
    }
    add_str(head, STR("Date: "));
    add_str(head, str_of(server->date));
    add_str(head, STR("\r\n"));
}

static bool status_has_body(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

static void write_head(struct answer_head *head, struct exchange *exchange, int status,
                       const struct http_header *headers, size_t count, int64_t len)
{
    const struct conn *conn = exchange->conn;
    head->len = 0;
    head->is_over = false;
    add_str(head, STR("HTTP/1.1 "));
    add_number(head, status);
    add_str(head, STR(" "));
    add_str(head, str_of(http_status_text(status)));
    add_str(head, STR("\r\n"));
    add_date(head, exchange->server);
    for (size_t i = 0; i < count; i++) {
        add_clean(head, headers[i].name);
        add_str(head, STR(": "));
        add_clean(head, headers[i].value);
        add_str(head, STR("\r\n"));
    }
    if (status_has_body(status)) {
        add_str(head, STR("Content-Length: "));
        add_number(head, len);
        add_str(head, STR("\r\n"));
    }
    if (conn->is_last && status != 101)
        add_str(head, STR("Connection: close\r\n"));
    else if (exchange->head.request.is_http10)
        add_str(head, STR("Connection: keep-alive\r\n"));
    add_str(head, STR("\r\n"));
}

/* ---- answers ---- */

struct answer {
    int status;
    const struct http_header *headers;
    size_t count;
    struct stream_part body;
};

/* One that comes before the whole body did is the last: the rest is read away. */
static void begin_answer(struct conn *conn)
{
    conn->is_last |= conn->server->is_draining;
    if (conn->phase != CONN_BODY)
        return;
    conn->is_last = conn->is_refused = true;
    conn->is_paused = false;
    conn->phase = CONN_RUNNING;
    conn->deadline = CONN_NEVER;
}

/* Sends head and body, or as much as the request and the status allow; frees the exchange. */
static void answer(struct exchange *exchange, const struct answer *answer)
{
    struct answer_head head;
    struct conn *conn = exchange->conn;
    if (conn == NULL) {
        shared_drop(answer->body.shared);
        exchange_free(exchange);
        return;
    }
    struct stream_part parts[2] = {{0}, answer->body};
    size_t count = 2;
    begin_answer(conn);
    write_head(&head, exchange, answer->status, answer->headers, answer->count,
               (int64_t)answer->body.len);
    if (head.is_over) {
        log_event(LOG_ERROR, "http_headers_too_large", "status %d", answer->status);
        write_head(&head, exchange, 500, NULL, 0, 0);
    }
    bool has_body =
        !head.is_over && !exchange->head.request.is_head && status_has_body(answer->status);
    if (has_body && answer->body.len != 0 && answer->body.len <= BODY_BESIDE_HEAD) {
        memcpy(head.at + head.len, answer->body.at, answer->body.len);
        head.len += answer->body.len;
        has_body = false;
    }
    if (!has_body || answer->body.len == 0) {
        shared_drop(answer->body.shared);
        count = 1;
    }
    parts[0] = (struct stream_part){head.at, head.len, NULL};
    enum stream_state state = stream_write(&conn->stream, parts, count);
    exchange_free(exchange);
    conn_answered(conn, state);
}

void http_answer(struct exchange *exchange, int status, const struct http_header *headers,
                 size_t count, str body)
{
    answer(exchange, &(struct answer){status, headers, count, {body.at, body.len, NULL}});
}

void http_answer_shared(struct exchange *exchange, int status, const struct http_header *headers,
                        size_t count, struct shared *body)
{
    str text = shared_text(body);
    answer(exchange, &(struct answer){status, headers, count, {text.at, text.len, body}});
}

void http_answer_file(struct exchange *exchange, int status, const struct http_header *headers,
                      size_t count, int fd, int64_t from, int64_t len)
{
    struct answer_head head;
    struct conn *conn = exchange->conn;
    if (conn == NULL || exchange->head.request.is_head || !status_has_body(status) || len == 0)
        fd_close(&fd);
    if (conn == NULL) {
        exchange_free(exchange);
        return;
    }
    begin_answer(conn);
    write_head(&head, exchange, status, headers, count, len);
    if (head.is_over) {
        log_event(LOG_ERROR, "http_headers_too_large", "status %d", status);
        write_head(&head, exchange, 500, NULL, 0, 0);
        fd_close(&fd);
    }
    struct stream_part part = {head.at, head.len, NULL};
    bool had_more = conn->stream.has_more;
    conn->stream.has_more |= fd >= 0; /* one packet less: the file follows at once */
    enum stream_state state = stream_write(&conn->stream, &part, 1);
    conn->stream.has_more = had_more;
    if (fd >= 0 && state != STREAM_BROKEN)
        state = stream_send_file(&conn->stream, fd, from, len);
    else
        fd_close(&fd);
    exchange_free(exchange);
    conn_answered(conn, state);
}

/* ---- answers in pieces ---- */

/* After something was written: whether the next piece may come. */
static bool has_room(struct exchange *exchange, enum stream_state state)
{
    exchange->is_giving = true;
    conn_written(exchange->conn, state);
    exchange->is_giving = false;
    return exchange->conn != NULL && state == STREAM_SENT;
}

bool http_answer_begin(struct exchange *exchange, int status, const struct http_header *headers,
                       size_t count, int64_t len, const struct http_flow *flow)
{
    struct answer_head head;
    exchange->flow = *flow;
    exchange->owed = len;
    if (exchange->conn == NULL)
        return false;
    begin_answer(exchange->conn);
    write_head(&head, exchange, status, headers, count, len);
    assert(!head.is_over);
    struct stream_part part = {head.at, head.len, NULL};
    return has_room(exchange, stream_write(&exchange->conn->stream, &part, 1));
}

bool http_answer_bytes(struct exchange *exchange, str piece)
{
    struct stream_part part = {piece.at, piece.len, NULL};
    exchange->owed -= (int64_t)piece.len;
    assert(exchange->owed >= 0);
    if (exchange->conn == NULL)
        return false;
    return has_room(exchange, stream_write(&exchange->conn->stream, &part, 1));
}

bool http_answer_part(struct exchange *exchange, int fd, int64_t from, int64_t len)
{
    exchange->owed -= len;
    assert(exchange->owed >= 0);
    if (exchange->conn == NULL) {
        fd_close(&fd);
        return false;
    }
    return has_room(exchange, stream_send_file(&exchange->conn->stream, fd, from, len));
}

void http_answer_end(struct exchange *exchange)
{
    struct conn *conn = exchange->conn;
    bool is_whole = exchange->owed == 0;
    exchange->flow = (struct http_flow){0};
    exchange_free(exchange);
    if (conn == NULL)
        return;
    if (is_whole)
        conn_answered(conn, stream_unsent(&conn->stream) == 0 ? STREAM_SENT : STREAM_WAITS);
    else
        conn_die(conn);
}

void exchange_has_room(struct exchange *exchange)
{
    if (exchange->flow.on_room == NULL || exchange->is_giving)
        return;
    if (exchange->conn != NULL)
        exchange->conn->deadline = CONN_NEVER;
    exchange->flow.on_room(exchange->flow.context);
}

void conn_refuse(struct conn *conn, int status)
{
    static const struct http_header headers[] = {
        {{"Content-Type", 12}, {"text/plain; charset=utf-8", 25}},
    };
    conn->server->counts.refused++;
    conn->is_last = conn->is_refused = true;
    struct exchange *exchange = conn->exchange;
    if (exchange == NULL)
        exchange = exchange_new(conn);
    /* Whatever else has come is not ours to understand any more. */
    conn->phase = CONN_RUNNING;
    if (exchange->is_streamed) {
        conn->is_paused = false;
        conn->deadline = CONN_NEVER;
        if (exchange->intake != NULL)
            exchange->intake->cut(exchange->intake_context, status);
        return;
    }
    const struct http_options *options = &conn->server->options;
    if (options->on_refuse != NULL && exchange->head.request.peer.len != 0) {
        options->on_refuse(options->app, exchange, status);
        return;
    }
    http_answer(exchange, status, headers, ARRAY_LEN(headers), str_of(http_status_text(status)));
}
