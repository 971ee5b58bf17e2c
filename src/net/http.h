/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP/1.1 server on one loop. It reads requests by a strict grammar, collects their bodies
 * within limits, hands each to the application, and sends the answers in the order asked. At most
 * one request of a connection is with the application at a time.
 *
 * Owns:     its connections, and each exchange until it is answered. What a request points to
 *           lives as long as its exchange.
 * Threads:  the loop's. An answer made elsewhere is brought here by a queue.
 * Time:     loop_now for deadlines, which are absolute per phase; the wall clock for Date.
 * Fails:    http_listen by fault. A client's failures are answered by the server or end its
 *           connection; the application never sees them.
 */
#pragma once

#include "base/arena.h"
#include "base/budget.h"
#include "base/shared.h"
#include "net/loop.h"

struct proxies;
struct tls;

#define HTTP_HEAD_MAX KIB(32)
#define HTTP_HEADERS_MAX 100
#define HTTP_BODY_MAX (MIB(16) + KIB(64))
#define HTTP_FILE_MAX ((int64_t)1 << 30)

enum http_method {
    HTTP_NONE, /* never seen by the application: other methods are answered 501 */
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_PATCH,
    HTTP_DELETE,
    HTTP_OPTIONS,
};

struct http_header {
    str name, value;
};

struct http_request {
    enum http_method method;
    str method_text;
    str target; /* as sent */
    str path;   /* of the target, still percent-encoded; starts with '/', or is "*" for OPTIONS */
    str query;  /* after '?', still percent-encoded; may be empty */
    str host;   /* of Host, as sent; never empty in HTTP/1.1 */
    const struct http_header *headers;
    size_t header_count;
    str body;         /* the whole body, unless it went to a file */
    int body_fd;      /* of the unlinked temp file, at offset 0; -1 when the body is in memory */
    int64_t body_len; /* in either case; for on_stream, what is announced, or -1 */
    str peer;         /* whom it is from, an address without port: "127.0.0.1", "::1" */
    bool is_head, is_http10;
};

/* One request with the application. Valid until answered, even when the peer is gone. */
struct exchange;

/*
 * Who takes a body as it comes. Exactly one of end and cut comes, once, and take never after it;
 * then the exchange is to be answered, at once or later. It may be answered before, too, but not
 * in take; neither comes then.
 */
struct http_intake {
    /* Lent. False: it was taken, but no more may come until exchange_go_on. */
    bool (*take)(void *context, str part);
    void (*end)(void *context); /* all of it was taken */
    /* No more will come: the peer is gone (0), or it is to be refused with this status. */
    void (*cut)(void *context, int status);
};

struct http_options {
    const char *address; /* "127.0.0.1:7070", "[::]:7070", "localhost:0" */
    void *app;
    void (*on_request)(void *app, struct exchange *exchange, const struct http_request *request);

    /*
     * Optional. Asked when the head of a request with a body is there: true sends the body to an
     * unlinked file in temp_dir. *max comes as file_max and may be lowered or raised for this one.
     */
    bool (*body_to_file)(void *app, const struct http_request *request, int64_t *max);

    /*
     * Optional. Asked when the head of a request with a body is there. True: the request is with
     * the application now, which answers it or calls exchange_stream, in the call or later; until
     * then no byte of the body is read. False: the body is collected as others are.
     */
    bool (*on_stream)(void *app, struct exchange *exchange, const struct http_request *request);

    /*
     * Optional. The head was understood, but the request is refused with this status before it is
     * whole; to be answered in the call. Without it, and without a head, the answer is a word.
     */
    void (*on_refuse)(void *app, struct exchange *exchange, int status);

    /* Optional. Whether the request proves who sends it; asked about a body for which strangers
     * have no room left. */
    bool (*is_known)(void *app, const struct http_request *request);
    const char *temp_dir;

    struct tls *tls; /* NULL: plain. Kept, as the next, by the caller until the server is closed. */
    bool packs_messages;           /* WebSockets: permessage-deflate for clients that offer it */
    const struct proxies *proxies; /* whose X-Forwarded-For is believed; NULL: nobody's */

    /* Share the listening socket of a server on another loop; address is then ignored. */
    struct http_server *share;

    /* Limits; zero means the default beside it. Bytes and numbers. */
    size_t head_max;                  /* HTTP_HEAD_MAX, else 431 */
    size_t body_max;                  /* HTTP_BODY_MAX, else 413 */
    int64_t file_max;                 /* HTTP_FILE_MAX, else 413 */
    uint32_t connections_max;         /* 20000; the ones beyond are closed at once */
    uint32_t connections_of_peer_max; /* none: behind a proxy all come from one address */
    size_t message_max;               /* of one WebSocket message: 20 MiB, else close 1009 */
    size_t unsent_max;                /* per WebSocket: 16 MiB, else close 1013 */

    /*
     * What all connections may take together; NULL: no limit. Bodies and messages in flight beyond
     * calls get 503 or close 1013. Beyond unsent those who take too little are cut off, strangers
     * first, then who has most waiting. Beyond connections a stranger goes for each who comes.
     */
    struct budgets *budgets;

    /* Deadlines; zero means the default beside it. */
    span head_time;    /* 10 s from the first byte of a request to the end of its head */
    span body_time;    /* 60 s for a body, and one second more for each body_rate bytes of it */
    span idle_time;    /* 75 s between requests */
    span send_time;    /* 60 s without the peer taking a byte of what waits for it */
    int64_t body_rate; /* 16 KiB */
};

struct http_server;

/* NULL when the address cannot be listened on. Strings of the options are not kept, app is. */
struct http_server *http_listen(struct loop *loop, const struct http_options *options,
                                struct fault *fault) MUST_CHECK;

/* The real port, also when port 0 was asked for. */
uint16_t http_port(const struct http_server *server);

/* Stops accepting, closes idle connections, lets each other one end with its current answer. */
void http_drain(struct http_server *server);

/* Connections open now, WebSockets included. */
size_t http_connections(const struct http_server *server);

/*
 * Closes all connections at once; their WebSockets hear on_closed before this returns. Exchanges
 * not answered yet stay valid: answering frees them. Not from within on_request or a handler of a
 * WebSocket. NULL is accepted.
 */
void http_close(struct http_server *server);

/* What the server has seen since it began; for metrics. */
struct http_counts {
    uint64_t accepted, turned_away, requests, refused, timed_out, messages;
    uint64_t shed;    /* connections cut off for want of memory */
    uint64_t sockets; /* WebSockets open now */
    uint64_t bodies;  /* bytes of bodies and messages in flight now */
    uint64_t unsent;  /* bytes that peers have not taken yet, of this thread */
};
struct http_counts http_counts(const struct http_server *server);

/* ---- of a request ---- */

/* The value of the first header of that name, whatever its case; {0} when there is none. */
str http_header(const struct http_request *request, const char *name);

/* The first query parameter of that name, decoded ('+' is a space). False: not there. */
bool http_query(struct arena *arena, const struct http_request *request, const char *name,
                str *value);

/*
 * The path decoded, ready to be split at '/': {0} when it holds dot segments, an encoded slash or
 * backslash, or is not UTF-8 when decoded.
 */
str http_path(struct arena *arena, const struct http_request *request);

/* ---- of an exchange ---- */

/* Dies with the exchange. */
struct arena *exchange_arena(struct exchange *exchange);
const struct http_request *exchange_request(const struct exchange *exchange);

/* Counts what its body and its arena take by now against the budget of calls; false: there is no
 * room, so answer 503. */
bool exchange_recount(struct exchange *exchange) MUST_CHECK;

/* The body of a request that on_stream took goes there, at most max bytes of it (else 413). False:
 * it is too late, answer; whatever is said then, 408 is what happened. */
bool exchange_stream(struct exchange *exchange, const struct http_intake *intake, void *context,
                     int64_t max) MUST_CHECK;

/* More may come. Not in take. */
void exchange_go_on(struct exchange *exchange);

/* So many bytes are held for it from here on; false: there is no room, so answer 503. */
bool exchange_hold(struct exchange *exchange, size_t size) MUST_CHECK;

/* The peer is gone: an answer would reach nobody. */
bool exchange_is_gone(const struct exchange *exchange);

/*
 * Each of these answers and frees the exchange. Content-Length, Date and Connection are added
 * here; do not pass them. A HEAD request gets the head alone. Header values must not hold control
 * characters: those are dropped, so that no value can start a header of its own. Bodies of 1xx,
 * 204 and 304 are not sent. All headers together: at most 16 KiB.
 */
void http_answer(struct exchange *exchange, int status, const struct http_header *headers,
                 size_t count, str body);

/* Takes the reference; the bytes are not copied. NULL is an empty body. */
void http_answer_shared(struct exchange *exchange, int status, const struct http_header *headers,
                        size_t count, struct shared *body);

/* Sends len bytes of the file from there; takes the descriptor. A file that is shorter ends the
 * connection. */
void http_answer_file(struct exchange *exchange, int status, const struct http_header *headers,
                      size_t count, int fd, int64_t from, int64_t len);

/*
 * An answer whose body, len bytes in all, is given piece by piece. What is given waits here if it
 * must, so a giver stops when it is told that there is no room, and goes on when on_room is called:
 * from the loop, also when the peer is gone, never from within these functions.
 */
struct http_flow {
    void (*on_room)(void *context);
    void *context;
};

/* Sends the head. Not for HEAD requests. True: there is room for a piece. */
bool http_answer_begin(struct exchange *exchange, int status, const struct http_header *headers,
                       size_t count, int64_t len, const struct http_flow *flow);

/* Copied if they must wait. True: there is room for more. */
bool http_answer_bytes(struct exchange *exchange, str piece);

/* Part of a file; takes the descriptor. */
bool http_answer_part(struct exchange *exchange, int fd, int64_t from, int64_t len);

/* Frees the exchange. If less was given than was promised, the connection is cut, so that the
 * client does not take the part for the whole. */
void http_answer_end(struct exchange *exchange);

/* "Sat, 21 Nov 2026 07:00:00 GMT" */
#define HTTP_DATE_SIZE 40
void http_date_write(instant at, char out[HTTP_DATE_SIZE]);

/* "Not Found"; "Unknown" for a status without a name. */
const char *http_status_text(int status);
