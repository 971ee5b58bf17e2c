/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside net/: one accepted connection, its phases, and what the files of the server call of one
 * another. Small, because thousands of them sit idle: all that a request or a message needs is
 * taken when it begins and given back when it ends.
 *
 *   IDLE -> HEAD -> BODY -> RUNNING -> SENDING -> IDLE      (a phase with nothing to do is skipped)
 *   any of them -> LINGER -> DEAD;  RUNNING -> SOCKET -> LINGER or DEAD
 *
 * Owns:     itself until conn_bury, which only its timer and the server call: whoever is handed a
 *           connection may go on using it after any call here, and find it DEAD.
 * Threads:  the loop's.
 * Time:     loop_now.
 * Fails:    by becoming DEAD.
 */
#pragma once

#include "base/buffer.h"
#include "net/http_parse.h"
#include "net/stream.h"
#include "net/tls.h"
#include "net/ws.h"

#include <sys/socket.h>

enum conn_phase {
    CONN_NONE,
    CONN_IDLE,    /* between requests */
    CONN_HEAD,    /* part of a head is here */
    CONN_BODY,    /* a head is here, its body is not */
    CONN_RUNNING, /* with the application */
    CONN_SENDING, /* answered, the peer has not taken all of it yet */
    CONN_LINGER,  /* we have said all; what still comes is thrown away */
    CONN_SOCKET,  /* a WebSocket */
    CONN_DEAD,    /* to be buried by its timer */
};

struct conn_pending;
struct ws_reader;

/* The part of a connection that only WebSockets use; inside, which saves 32 bytes each. */
struct socket {
    const struct ws_handlers *handlers;
    void *session;
    struct ws_reader *reader; /* only while part of a message is here */
    instant heard;
    uint32_t message_max;
    bool is_closing : 1; /* our close frame was sent */
    bool is_told : 1;    /* on_closed was called */
    bool is_deaf : 1;    /* the peer broke the protocol: what it sends is not understood any more */
    bool is_answering : 1; /* the peer's close frame has come: nothing keeps us */
    bool is_packing : 1;   /* permessage-deflate was agreed upon */
};

struct conn {
    struct stream stream;
    struct loop_timer timer; /* may be set earlier than the deadline; looks again then */
    instant deadline;
    instant since; /* when this phase's absolute deadline began to run */
    struct http_server *server;
    struct conn *next, *previous;
    struct exchange *exchange;    /* being read or running */
    struct conn_pending *pending; /* bytes that came before they could be used */
    struct socket socket;
    uint8_t peer[16]; /* IPv6 or IPv4-mapped */
    uint8_t phase;
    bool is_socket;
    bool is_last;     /* close after the current answer */
    bool is_refused;  /* what the client still sends is to be read away */
    bool is_feeding;  /* conn_feed is on the stack */
    bool is_resuming; /* the timer is to look at what is pending */
    bool is_paused;   /* the application takes no more of the body for now */
};

struct exchange {
    struct conn *conn; /* NULL when the peer is gone */
    struct http_server *server;
    struct exchange *spare;
    struct arena arena;
    struct http_head head;
    struct buffer body;
    struct http_chunks chunks;
    int64_t got, max;
    struct claim claim;   /* of the budget of calls */
    bool was_asked_about; /* whether who sends it is known */
    int body_fd;
    const struct http_intake *intake; /* NULL: the body is collected here */
    void *intake_context;
    bool is_streamed;      /* it is with the application while its body comes */
    struct http_flow flow; /* of an answer given in pieces */
    int64_t owed;          /* bytes of it that were promised and not given yet */
    bool is_giving;        /* a piece is being given: its giver will see that the peer is gone */
};

/* Of addresses, by hash; those in one place share a quarter. */
#define PEER_SHARES 1024

struct http_server {
    struct http_options options;
    struct loop *loop;
    struct loop_timer accept_timer, packer_timer;
    struct ws_packer *packer; /* from the first socket on that wants it */
    int fd, reserve_fd;
    char *temp_dir;
    struct conn *first;
    struct exchange *spare;
    size_t spare_count, exchanges, connections;
    struct http_counts counts;
    bool is_draining, is_closed, is_sharing;
    instant date_until;
    char date[HTTP_DATE_SIZE];
    uint16_t peer_counts[4096];             /* by hash of address; collisions share the limit */
    struct share peer_shares[PEER_SHARES];  /* of the budget of calls, the same way */
    struct share known_shares[PEER_SHARES]; /* and of those from there who are known */
    struct conn *hand;                      /* where the search for a stranger to close goes on */
};

/* ---- http_server.c ---- */

/* Takes the descriptor of a new connection, or closes it when there are too many. */
void server_welcome(struct http_server *server, int fd, const struct sockaddr_storage *from);

/* Takes the bytes into account; false when there is no room for more. */
bool server_count(struct http_server *server, struct claim *claim, size_t now) MUST_CHECK;
void server_uncount(struct http_server *server, struct claim *claim);

/* The same for the body of an exchange, in the name of its address or of who is known. */
bool exchange_count(struct exchange *exchange, size_t now) MUST_CHECK;

/* Connections of its address; 0 where they are not counted. */
size_t server_count_of_peer(const struct http_server *server, const struct conn *conn);

/* The connection is now this party's, or a stranger's. */
void server_name(struct http_server *server, struct conn *conn, struct party *party);
void server_forget(struct http_server *server, struct conn *conn);

/* ---- http_shed.c ---- */

/* Cuts off who takes too little while more waits than the budget has. */
void server_shed_unsent(struct http_server *server);

/* Closes a stranger's connection, of the address that has most; false: there is none. */
bool server_shed_stranger(struct http_server *server);

/* ---- http_server.c again ---- */
void server_free_if_done(struct http_server *server);

/* ---- http_conn.c ---- */

/* Takes the descriptor. */
struct conn *conn_new(struct http_server *server, int fd, const struct sockaddr_storage *from);

/* Once it is among the server's. */
void conn_begin(struct conn *conn);

/* After a write: notes failure, watches for room, moves on from SENDING. */
void conn_written(struct conn *conn, enum stream_state state);

/* The answer or handshake was written: the next request may come, or it was the last one. */
void conn_answered(struct conn *conn, enum stream_state state);

/* The connection has become a WebSocket. */
void conn_upgraded(struct conn *conn, enum stream_state state);

/* Never is CONN_NEVER. */
#define CONN_NEVER ((instant){INT64_MAX})
void conn_deadline(struct conn *conn, instant when);

/* Calls the timer in this turn or the next. */
void conn_wake(struct conn *conn);
/* What waited may be looked at again. */
void conn_resume(struct conn *conn);
void conn_linger(struct conn *conn);
void conn_die(struct conn *conn);
void conn_bury(struct conn *conn);

/* ---- http_body.c: answer READY, MORE, or the status to refuse with ---- */

int body_begin(struct exchange *exchange);
int body_read(struct exchange *exchange, str in, size_t *used);
bool body_end(struct exchange *exchange, struct fault *fault);

/* ---- http_answer.c ---- */

struct exchange *exchange_new(struct conn *conn);
void exchange_free(struct exchange *exchange);

/* Its giver may go on, or learn that the peer is gone. */
void exchange_has_room(struct exchange *exchange);

/* Refuses what the client sent: a short text, and the end of the connection. */
void conn_refuse(struct conn *conn, int status);

/* ---- ws.c ---- */

/* Takes messages as long as the budget lasts; how many bytes were used up. */
size_t socket_feed(struct conn *conn, char *at, size_t len, unsigned *budget);
void socket_sent(struct conn *conn);
void socket_fire(struct conn *conn);
void socket_bury(struct conn *conn);
