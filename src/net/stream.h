/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of one connection: read, written at once when the system takes them, kept in order
 * when it does not. What stands between us and the wire is behind four functions (stream_ops), so
 * that TLS is another set of them and nothing else.
 *
 * Owns:     the descriptor and what waits unsent.
 * Threads:  the loop's.
 * Time:     none.
 * Fails:    by STREAM_BROKEN; the connection is then of no use but to be closed.
 */
#pragma once

#include "base/budget.h"
#include "base/shared.h"

#include <sys/uio.h>

struct stream;
struct ssl_st;

/* Each answers as the system call does: -1 and errno, EAGAIN when it would have to wait. */
struct stream_ops {
    ssize_t (*read)(struct stream *stream, void *to, size_t max);
    ssize_t (*write)(struct stream *stream, struct iovec *parts, size_t count);
    ssize_t (*send_file)(struct stream *stream, int fd, off_t *from, size_t len);
    void (*end)(struct stream *stream); /* no more will be written */
    void (*close)(struct stream *stream);
};

extern const struct stream_ops stream_plain_ops;

struct stream {
    const struct stream_ops *ops;
    struct stream_out *out; /* what waits; NULL when nothing does */
    struct ssl_st *tls;     /* of net/tls.c alone */
    struct party *party;    /* whose bytes wait; NULL: a stranger's. stream_name changes it */
    int fd;
    uint32_t events; /* that the loop watches for; kept by the connection */
    bool has_more;   /* more will be written in this turn: the wire may wait for it */
    bool wants_room; /* reading goes on when the descriptor takes more (a handshake) */
};

enum stream_state {
    STREAM_NONE,
    STREAM_SENT,  /* nothing waits */
    STREAM_WAITS, /* flush again when the descriptor takes more */
    STREAM_BROKEN,
};

void stream_close(struct stream *stream);

/* Up to max bytes. STREAM_WAITS: none now. *len 0 with STREAM_SENT: the peer ended its side. */
enum stream_state stream_read(struct stream *stream, char *to, size_t max, size_t *len);

/* Bytes to send: of a counted buffer, whose reference is taken, or copied if they must wait. */
struct stream_part {
    const char *at;
    size_t len;
    struct shared *shared;
};

enum stream_state stream_write(struct stream *stream, const struct stream_part *parts,
                               size_t count);

/* Takes the descriptor of the file. */
enum stream_state stream_send_file(struct stream *stream, int fd, int64_t from, int64_t len);

enum stream_state stream_flush(struct stream *stream);

size_t stream_unsent(const struct stream *stream);

/* The memory that waits here takes: a buffer counts whole until its last byte is out, a file does
 * not count. */
size_t stream_held(const struct stream *stream);

/* Throws away what waits: for a connection that dies. */
void stream_drop(struct stream *stream);

/* From now on what waits is this party's, which outlives the stream or is changed before it goes;
 * NULL: a stranger's. */
void stream_name(struct stream *stream, struct party *party);

/* Of all streams of this thread. */
size_t stream_waiting(void);

/* The budget that the streams of this thread take from; NULL: none. */
void stream_account(struct budget *unsent);
