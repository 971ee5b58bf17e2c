/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WebSockets (RFC 6455), server side, text messages only. Fragments are put together, pings are
 * answered, closing is done here. An idle socket keeps no buffer.
 *
 * Owns:     the socket, until on_closed has returned.
 * Threads:  the loop's.
 * Time:     loop_now; what waits unsent has the server's send_time to make progress.
 * Fails:    a peer that breaks the protocol is closed (1002, 1003, 1007, 1009); one that takes too
 *           little is closed (1013). Either way the session hears on_closed.
 */
#pragma once

#include "net/http.h"

struct socket;

/* None is ever called from within a ws_ function; after ws_close only on_closed is. */
struct ws_handlers {
    /* One whole message, valid UTF-8; the text lives until the function returns. */
    void (*on_text)(void *session, str message);

    /* Once, whoever ended it, in the same turn or the next. The socket is gone after it. */
    void (*on_closed)(void *session);

    /* Optional: all that waited unsent has been taken by the system. */
    void (*on_drained)(void *session);
};

/*
 * Makes a WebSocket of the exchange, which is consumed. Without a valid handshake it answers 400
 * or 426 and returns NULL; also when the peer is gone already. Then the session was not taken and
 * hears nothing. No subprotocol is ever selected, and of extensions only permessage-deflate, when
 * the options say so; messages are then packed and unpacked here, which nobody else notices.
 */
struct socket *http_upgrade(struct exchange *exchange, const struct ws_handlers *handlers,
                            void *session);

/* Whether the request asks for a WebSocket; to choose between it and an ordinary answer. */
bool http_wants_upgrade(const struct http_request *request);

/*
 * Sends one text message of the parts put together, which must be UTF-8. Takes a reference of
 * each part; their bytes are not copied. False when the socket is closing: the message is dropped.
 */
bool ws_send(struct socket *socket, struct shared *const *parts, size_t count);

/* The same, when another message follows in this turn: both may leave in one packet. */
bool ws_send_first(struct socket *socket, struct shared *const *parts, size_t count);

void ws_ping(struct socket *socket);

/* Bytes waiting for the peer to take them. */
size_t ws_unsent(const struct socket *socket);

/*
 * Says goodbye with this code and at most 123 bytes of reason; what was sent before goes first.
 * NULL is no reason. The peer has 5 s to answer. Again is nothing.
 */
void ws_close(struct socket *socket, uint16_t code, const char *reason);

/* Whose socket it is: what it takes is counted in this name from now on. The party lives until
 * on_closed, or until the socket is named otherwise; NULL: a stranger without one. */
void ws_name(struct socket *socket, struct party *party);

/* When the last byte came from the peer, by the loop's clock. */
instant ws_last_heard(const struct socket *socket);

/* The limit of one message of this socket, below or above the server's. */
void ws_limit(struct socket *socket, size_t message_max);
