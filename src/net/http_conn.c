/* SPDX-License-Identifier: Apache-2.0 */
#include "net/conn.h"
#include "net/proxies.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#define BAD_REQUEST 400
#define REQUEST_TIMEOUT 408
#define HEAD_TOO_LARGE 431
#define INTERNAL_ERROR 500

/* After our last word: this long without a byte, or this long in all, and the connection ends. */
#define LINGER_QUIET SECONDS(5)
#define LINGER_ALL SECONDS(30)

/* Full buffers read, and requests or messages handed over, before others have their turn. */
#define READS_AT_ONCE 4
#define TAKEN_AT_ONCE 32

struct conn_pending {
    size_t len, room;
    size_t scanned; /* for http_head_find */
    char at[];
};

static instant now_of(const struct conn *conn)
{
    return loop_now(conn->server->loop);
}

/* ---- timer and events ---- */

void conn_deadline(struct conn *conn, instant when)
{
    conn->deadline = when;
    if (when.us == CONN_NEVER.us)
        return;
    if (!loop_timer_is_set(&conn->timer) || instant_is_before(when, conn->timer.when))
        loop_timer_set(conn->server->loop, &conn->timer, when);
}

void conn_wake(struct conn *conn)
{
    loop_timer_set(conn->server->loop, &conn->timer, now_of(conn));
}

static void conn_ready(void *context, uint32_t events);

static void watch(struct conn *conn, uint32_t events)
{
    if (events == conn->stream.events || conn->phase == CONN_DEAD)
        return;
    conn->stream.events = events;
    if (!loop_watch(conn->server->loop, conn->stream.fd, events, conn_ready, conn, NULL))
        conn_die(conn);
}

static bool is_taking(const struct conn *conn)
{
    switch ((enum conn_phase)conn->phase) {
    case CONN_BODY:
        return !conn->is_paused;
    case CONN_IDLE:
    case CONN_HEAD:
    case CONN_LINGER:
    case CONN_SOCKET:
        return true;
    default:
        return false;
    }
}

/* ---- ends ---- */

void conn_die(struct conn *conn)
{
    if (conn->phase == CONN_DEAD)
        return;
    struct exchange *exchange = conn->exchange;
    bool is_running = conn->phase == CONN_RUNNING && exchange != NULL;
    bool is_cut = conn->phase == CONN_BODY && exchange != NULL && exchange->is_streamed;
    if (is_cut || is_running) {
        exchange->conn = NULL;
        conn->exchange = NULL;
    }
    conn->phase = CONN_DEAD;
    loop_unwatch(conn->server->loop, conn->stream.fd);
    conn_wake(conn);
    if (is_cut && exchange->intake != NULL)
        exchange->intake->cut(exchange->intake_context, 0);
    else if (is_running)
        exchange_has_room(exchange);
}

void conn_bury(struct conn *conn)
{
    conn_die(conn);
    loop_timer_clear(conn->server->loop, &conn->timer);
    if (conn->is_socket)
        socket_bury(conn);
    if (conn->exchange != NULL)
        exchange_free(conn->exchange);
    stream_close(&conn->stream);
    server_forget(conn->server, conn);
    free(conn->pending);
    free(conn);
}

void conn_linger(struct conn *conn)
{
    if (conn->phase == CONN_DEAD)
        return;
    conn->phase = CONN_LINGER;
    conn->since = now_of(conn);
    conn->stream.ops->end(&conn->stream);
    conn_deadline(conn, instant_add(conn->since, LINGER_QUIET));
    watch(conn, EPOLLIN);
}

/* ---- writing ---- */

static void answer_is_out(struct conn *conn)
{
    if (conn->is_last) {
        if (conn->is_refused || conn->pending != NULL)
            conn_linger(conn);
        else
            conn_die(conn);
        return;
    }
    conn->phase = CONN_IDLE;
    conn_deadline(conn, instant_add(now_of(conn), conn->server->options.idle_time));
    conn_resume(conn);
}

/* Not at once: the application is in the middle of something. */
void conn_resume(struct conn *conn)
{
    if (conn->is_feeding)
        return;
    conn->is_resuming = conn->pending != NULL;
    if (conn->is_resuming)
        conn_wake(conn);
    watch(conn, conn->stream.events | EPOLLIN);
}

void conn_written(struct conn *conn, enum stream_state state)
{
    uint32_t events = conn->stream.events;
    if (conn->phase == CONN_DEAD)
        return;
    if (state == STREAM_BROKEN) {
        conn_die(conn);
    } else if (state == STREAM_WAITS) {
        if ((events & EPOLLOUT) == 0 && !conn->socket.is_closing)
            conn_deadline(conn, instant_add(now_of(conn), conn->server->options.send_time));
        watch(conn, events | EPOLLOUT);
        server_shed_unsent(conn->server);
    } else {
        watch(conn, events & ~(uint32_t)EPOLLOUT);
        if (conn->phase == CONN_SENDING)
            answer_is_out(conn);
    }
}

void conn_answered(struct conn *conn, enum stream_state state)
{
    if (conn->phase == CONN_DEAD)
        return;
    conn->phase = CONN_SENDING;
    conn_written(conn, state);
}

void conn_upgraded(struct conn *conn, enum stream_state state)
{
    conn_written(conn, state);
    if (conn->is_feeding)
        return;
    conn->is_resuming = conn->pending != NULL;
    if (conn->is_resuming)
        conn_wake(conn);
    watch(conn, conn->stream.events | EPOLLIN);
}

static void flush(struct conn *conn)
{
    size_t before = stream_unsent(&conn->stream);
    enum stream_state state = stream_flush(&conn->stream);
    bool has_moved = stream_unsent(&conn->stream) < before;
    if (state == STREAM_WAITS && has_moved && !conn->socket.is_closing)
        conn_deadline(conn, instant_add(now_of(conn), conn->server->options.send_time));
    conn_written(conn, state);
    if (state == STREAM_SENT && conn->phase == CONN_SOCKET)
        socket_sent(conn);
    else if (state == STREAM_SENT && conn->phase == CONN_RUNNING && conn->exchange != NULL)
        exchange_has_room(conn->exchange);
}

/* ---- reading ---- */

/* Some bytes that came, as far as they are used up. */
struct feed {
    char *at;
    size_t len, scanned;
    unsigned budget; /* requests or messages that may still be taken in this turn */
};

/* As inet_ntop would, at a tenth of its price: this is done for every request. */
static size_t write_ipv4(char *to, const uint8_t address[4])
{
    size_t len = 0;
    for (int i = 0; i < 4; i++) {
        unsigned n = address[i];
        if (i > 0)
            to[len++] = '.';
        if (n >= 100)
            to[len++] = (char)('0' + n / 100);
        if (n >= 10)
            to[len++] = (char)('0' + n / 10 % 10);
        to[len++] = (char)('0' + n % 10);
    }
    return len;
}

static str peer_text(const struct conn *conn, struct arena *arena,
                     const struct http_request *request)
{
    char text[INET6_ADDRSTRLEN] = "";
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    uint8_t peer[16];
    memcpy(peer, conn->peer, sizeof(peer));
    if (conn->server->options.proxies != NULL)
        proxies_peer(conn->server->options.proxies, request, peer);
    if (memcmp(peer, mapped, sizeof(mapped)) == 0)
        return str_copy(arena, (str){text, write_ipv4(text, peer + 12)});
    inet_ntop(AF_INET6, peer, text, sizeof(text));
    return str_copy(arena, str_of(text));
}

static void run(struct conn *conn)
{
    struct exchange *exchange = conn->exchange;
    const struct http_options *options = &conn->server->options;
    if (exchange->intake == NULL && !body_end(exchange, NULL)) {
        conn_refuse(conn, INTERNAL_ERROR);
        return;
    }
    conn->phase = CONN_RUNNING;
    conn->deadline = CONN_NEVER;
    conn->server->counts.requests++;
    if (exchange->intake != NULL)
        exchange->intake->end(exchange->intake_context);
    else
        options->on_request(options->app, exchange, &exchange->head.request);
}

static void say_continue(struct conn *conn)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct stream_part part = {text, sizeof(text) - 1, NULL};
    conn_written(conn, stream_write(&conn->stream, &part, 1));
}

static void begin_body(struct conn *conn)
{
    conn->phase = CONN_BODY;
    conn->since = now_of(conn);
    conn_deadline(conn, instant_add(conn->since, conn->server->options.body_time));
}

/* Whether the application takes the body as it comes, or answered without it. */
static bool offer_stream(struct conn *conn, bool has_more)
{
    struct exchange *exchange = conn->exchange;
    const struct http_head *head = &exchange->head;
    const struct http_options *options = &conn->server->options;
    if (options->on_stream == NULL || (!head->is_chunked && head->content_length <= 0))
        return false;
    exchange->head.request.body_len = head->is_chunked ? -1 : head->content_length;
    begin_body(conn);
    exchange->is_streamed = conn->is_paused = true;
    if (!options->on_stream(options->app, exchange, &exchange->head.request)) {
        exchange->is_streamed = conn->is_paused = false;
        return false;
    }
    if (conn->exchange == exchange && head->is_expecting && !has_more)
        say_continue(conn);
    return true;
}

/* The head is whole: its text now belongs to the exchange. */
static void begin_exchange(struct conn *conn, str head, bool has_more)
{
    struct exchange *exchange = exchange_new(conn);
    str copy = str_copy(&exchange->arena, head);
    int verdict = http_head_parse(&exchange->arena, copy, &exchange->head);
    if (verdict == HTTP_PARSE_READY) {
        struct http_request *request = &exchange->head.request;
        request->peer = peer_text(conn, &exchange->arena, request);
        conn->is_last = !exchange->head.is_kept_alive;
        if (offer_stream(conn, has_more))
            return;
        verdict = body_begin(exchange);
        if (verdict == HTTP_PARSE_READY) {
            run(conn);
            return;
        }
    }
    if (verdict != HTTP_PARSE_MORE) {
        conn_refuse(conn, verdict);
        return;
    }
    begin_body(conn);
    if (exchange->head.is_expecting && !has_more)
        say_continue(conn);
}

static size_t take_head(struct conn *conn, struct feed *feed)
{
    size_t len = 0, max = conn->server->options.head_max;
    int verdict = http_head_find((str){feed->at, feed->len}, &feed->scanned, &len);
    if (verdict == HTTP_PARSE_MORE && feed->len < max) {
        if (conn->phase == CONN_IDLE) {
            conn->phase = CONN_HEAD;
            conn_deadline(conn, instant_add(now_of(conn), conn->server->options.head_time));
        }
        return 0;
    }
    if (verdict == HTTP_PARSE_MORE || len > max)
        verdict = HEAD_TOO_LARGE;
    feed->scanned = 0;
    feed->budget--;
    if (verdict == HTTP_PARSE_READY) {
        begin_exchange(conn, (str){feed->at, len}, feed->len > len);
        return len;
    }
    conn_refuse(conn, verdict);
    return feed->len;
}

static size_t take_body(struct conn *conn, struct feed *feed)
{
    size_t used = 0;
    int verdict = body_read(conn->exchange, (str){feed->at, feed->len}, &used);
    if (verdict == HTTP_PARSE_READY)
        run(conn);
    else if (verdict != HTTP_PARSE_MORE)
        conn_refuse(conn, verdict);
    return used;
}

static size_t throw_away(struct conn *conn, struct feed *feed)
{
    instant quiet = instant_add(now_of(conn), LINGER_QUIET);
    instant all = instant_add(conn->since, LINGER_ALL);
    conn->deadline = instant_is_before(quiet, all) ? quiet : all;
    return feed->len;
}

static size_t take(struct conn *conn, struct feed *feed)
{
    switch ((enum conn_phase)conn->phase) {
    case CONN_IDLE:
    case CONN_HEAD:
        return take_head(conn, feed);
    case CONN_BODY:
        return take_body(conn, feed);
    case CONN_SOCKET:
        return socket_feed(conn, feed->at, feed->len, &feed->budget);
    default:
        return throw_away(conn, feed);
    }
}

/* What was not used waits in memory of the connection's own. */
static void keep_pending(struct conn *conn, const struct feed *feed)
{
    struct conn_pending *pending = conn->pending;
    if (feed->len == 0) {
        free(pending);
        conn->pending = NULL;
        return;
    }
    if (pending == NULL) {
        size_t room = MAX_OF(feed->len, KIB(1));
        pending = conn->pending = memory_new(sizeof(*pending) + room);
        pending->room = room;
    }
    memmove(pending->at, feed->at, feed->len);
    pending->len = feed->len;
    pending->scanned = feed->scanned;
}

static void feed_conn(struct conn *conn, struct feed feed)
{
    conn->is_feeding = true;
    while (feed.len != 0 && is_taking(conn) && feed.budget != 0) {
        size_t used = take(conn, &feed);
        feed.at += used;
        feed.len -= used;
        if (used == 0 && (conn->phase == CONN_HEAD || conn->phase == CONN_IDLE))
            break;
    }
    conn->is_feeding = false;
    keep_pending(conn, &feed);
    if (feed.budget == 0 && feed.len != 0 && is_taking(conn)) {
        conn->is_resuming = true;
        conn_wake(conn);
    }
}

static void feed_pending(struct conn *conn)
{
    struct conn_pending *pending = conn->pending;
    if (pending != NULL && is_taking(conn))
        feed_conn(conn, (struct feed){pending->at, pending->len, pending->scanned, TAKEN_AT_ONCE});
}

/* len bytes are in the loop's buffer. */
static void take_input(struct conn *conn, size_t len)
{
    char *at = loop_buffer(conn->server->loop);
    struct conn_pending *pending = conn->pending;
    if (pending == NULL) {
        feed_conn(conn, (struct feed){at, len, 0, TAKEN_AT_ONCE});
        return;
    }
    if (len > pending->room - pending->len) {
        size_t room = MAX_OF(pending->room * 2, pending->len + len);
        pending = conn->pending = memory_resize(pending, sizeof(*pending) + room);
        pending->room = room;
    }
    memcpy(pending->at + pending->len, at, len);
    pending->len += len;
    feed_pending(conn);
}

static void read_conn(struct conn *conn)
{
    for (int i = 0; i < READS_AT_ONCE && is_taking(conn) && !conn->is_resuming; i++) {
        size_t len;
        char *at = loop_buffer(conn->server->loop);
        enum stream_state state = stream_read(&conn->stream, at, LOOP_BUFFER_SIZE, &len);
        if (state == STREAM_WAITS) {
            if (conn->stream.wants_room)
                watch(conn, conn->stream.events | EPOLLOUT);
            return;
        }
        if (state == STREAM_BROKEN || len == 0) {
            conn_die(conn);
            return;
        }
        take_input(conn, len);
        if (len < LOOP_BUFFER_SIZE)
            return;
    }
}

static void conn_ready(void *context, uint32_t events)
{
    struct conn *conn = context;
    if (events & (EPOLLERR | EPOLLHUP)) {
        conn_die(conn);
        return;
    }
    if ((events & EPOLLOUT) && conn->stream.wants_room) {
        conn->stream.wants_room = false;
        events |= EPOLLIN;
    }
    if (events & EPOLLOUT)
        flush(conn);
    if ((events & EPOLLIN) == 0 || conn->phase == CONN_DEAD)
        return;
    if (is_taking(conn) && !conn->is_resuming)
        read_conn(conn);
    else
        watch(conn, conn->stream.events & ~(uint32_t)EPOLLIN);
}

/* ---- time ---- */

/* A body may take body_time, and longer while it comes at the rate it has to. */
static bool body_is_late(struct conn *conn)
{
    const struct http_options *options = &conn->server->options;
    int64_t seconds = conn->exchange->got / options->body_rate;
    instant until = instant_add(instant_add(conn->since, options->body_time), SECONDS(seconds));
    if (!instant_is_before(now_of(conn), until))
        return true;
    conn->deadline = until;
    return false;
}

static void time_is_up(struct conn *conn)
{
    if (conn->phase == CONN_BODY && !body_is_late(conn))
        return;
    if (conn->phase != CONN_IDLE && conn->phase != CONN_LINGER)
        conn->server->counts.timed_out++;
    if (conn->phase == CONN_HEAD || conn->phase == CONN_BODY)
        conn_refuse(conn, REQUEST_TIMEOUT);
    else
        conn_die(conn);
}

static void conn_fire(void *context, instant now)
{
    struct conn *conn = context;
    if (conn->phase == CONN_DEAD) {
        conn_bury(conn);
        return;
    }
    if (conn->is_socket)
        socket_fire(conn);
    if (conn->is_resuming) {
        conn->is_resuming = false;
        feed_pending(conn);
        if (is_taking(conn) && !conn->is_resuming)
            watch(conn, conn->stream.events | EPOLLIN);
    }
    if (conn->phase != CONN_DEAD && !instant_is_before(now, conn->deadline))
        time_is_up(conn);
    if (!loop_timer_is_set(&conn->timer))
        conn_deadline(conn, conn->deadline);
}

/* ---- begin ---- */

static void note_peer(struct conn *conn, const struct sockaddr_storage *from)
{
    if (from->ss_family == AF_INET6) {
        const struct sockaddr_in6 *address = (const void *)from;
        memcpy(conn->peer, &address->sin6_addr, 16);
    } else if (from->ss_family == AF_INET) {
        const struct sockaddr_in *address = (const void *)from;
        conn->peer[10] = conn->peer[11] = 0xff;
        memcpy(conn->peer + 12, &address->sin_addr, 4);
    }
}

struct conn *conn_new(struct http_server *server, int fd, const struct sockaddr_storage *from)
{
    struct conn *conn = memory_zeroed(sizeof(*conn));
    *conn = (struct conn){
        .stream = {.ops = &stream_plain_ops, .fd = fd},
        .timer = {.fire = conn_fire, .context = conn},
        .server = server,
        .phase = CONN_IDLE,
    };
    note_peer(conn, from);
    return conn;
}

void conn_begin(struct conn *conn)
{
    struct tls *tls = conn->server->options.tls;
    conn_deadline(conn, instant_add(now_of(conn), conn->server->options.head_time));
    if (tls == NULL || tls_begin(tls, &conn->stream))
        watch(conn, EPOLLIN);
    else
        conn_die(conn);
}
