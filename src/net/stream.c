/* SPDX-License-Identifier: Apache-2.0 */
#include "net/stream.h"

#include <errno.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#define PARTS_AT_ONCE 64
#define FILE_AT_ONCE MIB(1)

/* A run of bytes or of a file that waits. */
struct piece {
    struct piece *next;
    struct shared *shared; /* what at points into, or NULL: into bytes */
    const char *at;
    size_t len, size; /* to be sent; as memory, also when part of it was sent */
    int fd;           /* -1: not of a file */
    off_t from;
    char bytes[];
};

struct stream_out {
    struct piece *first, *last;
    size_t unsent;
    struct claim held;
};

/* A loop is a thread, so this is what waits on all connections of one loop. */
static _Thread_local size_t waiting;
static _Thread_local struct budget *account;

size_t stream_waiting(void)
{
    return waiting;
}

void stream_account(struct budget *unsent)
{
    account = unsent;
}

/* ---- the plain socket ---- */

static ssize_t plain_read(struct stream *stream, void *to, size_t max)
{
    return recv(stream->fd, to, max, 0);
}

static ssize_t plain_write(struct stream *stream, struct iovec *parts, size_t count)
{
    int flags = stream->has_more ? MSG_NOSIGNAL | MSG_MORE : MSG_NOSIGNAL;
    if (count == 1)
        return send(stream->fd, parts->iov_base, parts->iov_len, flags);
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
    return sendmsg(stream->fd, &message, flags);
}

static ssize_t plain_send_file(struct stream *stream, int fd, off_t *from, size_t len)
{
    return sendfile(stream->fd, fd, from, len);
}

static void plain_end(struct stream *stream)
{
    shutdown(stream->fd, SHUT_WR);
}

static void plain_close(struct stream *stream)
{
    fd_close(&stream->fd);
}

const struct stream_ops stream_plain_ops = {
    .read = plain_read,
    .write = plain_write,
    .send_file = plain_send_file,
    .end = plain_end,
    .close = plain_close,
};

/* ---- what waits ---- */

static void piece_free(struct piece *piece)
{
    shared_drop(piece->shared);
    fd_close(&piece->fd);
    free(piece);
}

static void append(struct stream *stream, struct piece *piece)
{
    struct stream_out *out = stream->out;
    if (out == NULL) {
        out = stream->out = memory_zeroed(sizeof(*out));
        stream_name(stream, stream->party);
    }
    if (out->first == NULL)
        out->first = piece;
    else
        out->last->next = piece;
    out->last = piece;
    out->unsent += piece->len;
    waiting += piece->len;
    piece->size = sizeof(*piece);
    if (piece->shared != NULL)
        piece->size += piece->shared->len;
    else if (piece->fd < 0)
        piece->size += piece->len;
    claim_force(account, &out->held, out->held.amount + piece->size);
}

static void keep_part(struct stream *stream, const struct stream_part *part)
{
    size_t copied = part->shared == NULL ? part->len : 0;
    struct piece *piece = memory_new(sizeof(*piece) + copied);
    *piece = (struct piece){.shared = part->shared, .at = part->at, .len = part->len, .fd = -1};
    if (part->shared == NULL) {
        memcpy(piece->bytes, part->at, part->len);
        piece->at = piece->bytes;
    }
    append(stream, piece);
}

static void drop_first(struct stream_out *out)
{
    struct piece *piece = out->first;
    out->first = piece->next;
    claim_force(account, &out->held, out->held.amount - piece->size);
    piece_free(piece);
}

void stream_drop(struct stream *stream)
{
    if (stream->out == NULL)
        return;
    waiting -= stream->out->unsent;
    while (stream->out->first != NULL)
        drop_first(stream->out);
    free(stream->out);
    stream->out = NULL;
}

/* n bytes of those that wait were sent. */
static void advance(struct stream_out *out, size_t n)
{
    out->unsent -= n;
    waiting -= n;
    while (out->first != NULL && out->first->fd < 0 && n >= out->first->len) {
        n -= out->first->len;
        drop_first(out);
    }
    if (n != 0) {
        assert(out->first != NULL); /* no more was sent than waits */
        out->first->at += n;
        out->first->len -= n;
    }
}

static bool would_wait(void)
{
    return errno == EAGAIN || errno == EINTR;
}

static enum stream_state flush_bytes(struct stream *stream)
{
    struct iovec vectors[PARTS_AT_ONCE];
    size_t count = 0, len = 0;
    for (const struct piece *piece = stream->out->first;
         piece != NULL && piece->fd < 0 && count < PARTS_AT_ONCE; piece = piece->next) {
        vectors[count++] = (struct iovec){(void *)(uintptr_t)piece->at, piece->len};
        len += piece->len;
    }
    ssize_t sent = stream->ops->write(stream, vectors, count);
    if (sent < 0)
        return would_wait() ? STREAM_WAITS : STREAM_BROKEN;
    advance(stream->out, (size_t)sent);
    return (size_t)sent < len ? STREAM_WAITS : STREAM_SENT;
}

static enum stream_state flush_file(struct stream *stream)
{
    struct piece *piece = stream->out->first;
    size_t len = MIN_OF(piece->len, FILE_AT_ONCE);
    ssize_t sent = stream->ops->send_file(stream, piece->fd, &piece->from, len);
    if (sent < 0)
        return would_wait() ? STREAM_WAITS : STREAM_BROKEN;
    if (sent == 0)
        return STREAM_BROKEN; /* the file is shorter than was promised */
    piece->len -= (size_t)sent;
    stream->out->unsent -= (size_t)sent;
    waiting -= (size_t)sent;
    if (piece->len != 0)
        return STREAM_WAITS; /* also when the socket would take more: others are waiting too */
    drop_first(stream->out);
    return STREAM_SENT;
}

enum stream_state stream_flush(struct stream *stream)
{
    while (stream->out != NULL && stream->out->first != NULL) {
        bool is_file = stream->out->first->fd >= 0;
        enum stream_state state = is_file ? flush_file(stream) : flush_bytes(stream);
        if (state != STREAM_SENT)
            return state;
    }
    free(stream->out);
    stream->out = NULL;
    return STREAM_SENT;
}

/* ---- reading and writing ---- */

void stream_close(struct stream *stream)
{
    stream_drop(stream);
    if (stream->fd >= 0)
        stream->ops->close(stream);
}

enum stream_state stream_read(struct stream *stream, char *to, size_t max, size_t *len)
{
    ssize_t got = stream->ops->read(stream, to, max);
    *len = got > 0 ? (size_t)got : 0;
    if (got < 0)
        return would_wait() ? STREAM_WAITS : STREAM_BROKEN;
    return STREAM_SENT;
}

/* How much of the parts the system takes now; -1 when the stream is broken. */
static ssize_t write_now(struct stream *stream, const struct stream_part *parts, size_t count)
{
    struct iovec vectors[PARTS_AT_ONCE];
    if (stream->out != NULL || count > PARTS_AT_ONCE)
        return 0;
    for (size_t i = 0; i < count; i++)
        vectors[i] = (struct iovec){(void *)(uintptr_t)parts[i].at, parts[i].len};
    ssize_t sent = stream->ops->write(stream, vectors, count);
    return sent < 0 && would_wait() ? 0 : sent;
}

enum stream_state stream_write(struct stream *stream, const struct stream_part *parts, size_t count)
{
    ssize_t written = write_now(stream, parts, count);
    size_t sent = written < 0 ? 0 : (size_t)written;
    bool was_empty = stream->out == NULL;
    for (size_t i = 0; i < count; i++) {
        struct stream_part part = parts[i];
        size_t done = MIN_OF(sent, part.len);
        sent -= done;
        part.at += done;
        part.len -= done;
        if (written < 0 || part.len == 0)
            shared_drop(part.shared);
        else
            keep_part(stream, &part);
    }
    if (written < 0)
        return STREAM_BROKEN;
    if (stream->out == NULL)
        return STREAM_SENT;
    return was_empty && count > PARTS_AT_ONCE ? stream_flush(stream) : STREAM_WAITS;
}

enum stream_state stream_send_file(struct stream *stream, int fd, int64_t from, int64_t len)
{
    bool was_empty = stream->out == NULL;
    if (len == 0) {
        fd_close(&fd);
        return was_empty ? STREAM_SENT : STREAM_WAITS;
    }
    struct piece *piece = memory_new(sizeof(*piece));
    *piece = (struct piece){.len = (size_t)len, .fd = fd, .from = from};
    append(stream, piece);
    return was_empty ? stream_flush(stream) : STREAM_WAITS;
}

size_t stream_unsent(const struct stream *stream)
{
    return stream->out == NULL ? 0 : stream->out->unsent;
}

size_t stream_held(const struct stream *stream)
{
    return stream->out == NULL ? 0 : stream->out->held.amount;
}

void stream_name(struct stream *stream, struct party *party)
{
    stream->party = party;
    if (stream->out != NULL)
        claim_name(account, &stream->out->held, party == NULL ? NULL : &party->unsent,
                   party != NULL && party->is_known);
}
