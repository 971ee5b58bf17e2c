/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server and its clients on one thread: whatever a client waits for, the loop turns meanwhile.
 * Paths: /ok, /body (sent back), /later (kept in exchanges), /big (BIG bytes), /file, /nothing
 * (204), /evil (a header value with a line end), /ws (messages are kept, and sent back unless
 * is_quiet).
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "net/ws.h"

#define WIRE_LATER_MAX 8
#define WIRE_BIG MIB(8)

/* Whole requests; after a LAST one the server ends the connection. */
#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define GET_LAST(path) "GET " path " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
#define POST_LAST(path, more) "POST " path " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" more

struct wire {
    struct loop *loop;
    struct http_server *server;
    struct http_options options;
    struct exchange *exchanges[WIRE_LATER_MAX];
    size_t later;
    struct socket *socket;
    struct buffer heard; /* WebSocket messages, each ended by '|' */
    int closed, drained, requests, in_file;
    bool is_quiet;
    int file_fd; /* what /file sends: this many bytes more than there are */
    int64_t file_len;
};

/* Fill what is to differ from the defaults in wire->options first; with an on_request of its own
 * goes an app. */
void wire_begin(struct wire *wire);
void wire_end(struct wire *wire);

/* Turns for a while. */
void wire_turn(struct wire *wire, int ms);

int wire_connect(struct wire *wire);
void wire_say(struct wire *wire, int fd, str text);

/* Waits until what came contains the text; fails the test when it does not come. */
void wire_hear(struct wire *wire, int fd, struct buffer *in, const char *wanted);

/* Waits until so many bytes came in all. */
void wire_hear_bytes(struct wire *wire, int fd, struct buffer *in, size_t count);

/* Waits until the server ends the connection; false when it was reset. */
bool wire_hear_end(struct wire *wire, int fd, struct buffer *in);

/* One request on a connection of its own; the whole answer, which ends with the connection. */
void wire_ask(struct wire *wire, const char *raw, struct buffer *in);

bool wire_contains(const struct buffer *in, const char *part);
size_t wire_count(const struct buffer *in, const char *part);

/* Fail the test when what came begins, or ends, otherwise. */
void wire_expect_start(const struct buffer *in, const char *wanted);
void wire_expect_end(const struct buffer *in, const char *wanted);
