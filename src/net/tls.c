/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECORD SSL3_RT_MAX_PLAIN_LENGTH
#define FAREWELL_READS 8
#define CIPHERS_OF_1_2 "ECDHE+AESGCM:ECDHE+CHACHA20"

struct tls {
    pthread_mutex_t lock; /* of context */
    SSL_CTX *context;
    char *cert, *key;
};

/* Where small parts are put together and files are read: one record of this thread. */
static _Thread_local char record_room[RECORD];

/* ---- certificate and key ---- */

static const char *ssl_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return reason == NULL ? "OpenSSL does not say why" : reason;
}

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *in, unsigned in_len, void *context)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *chosen;
    if (SSL_select_next_proto(&chosen, out_len, ours, sizeof(ours) - 1, in, in_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* Else OpenSSL would ask the terminal, and the server would wait for ever. */
static int no_password(char *to, int room, int writing, void *context)
{
    return -1;
}

static bool read_files(SSL_CTX *context, const char *cert, const char *key, struct fault *fault)
{
    if (access(cert, R_OK) != 0)
        return fault_os(fault, cert);
    if (access(key, R_OK) != 0)
        return fault_os(fault, key);
    if (SSL_CTX_use_certificate_chain_file(context, cert) != 1)
        return fault_set(fault, FAULT_INPUT, "%s is not a certificate in PEM form: %s", cert,
                         ssl_reason());
    if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
        return fault_set(fault, FAULT_INPUT,
                         "%s is not a private key in PEM form without a password that belongs to "
                         "the certificate: %s",
                         key, ssl_reason());
    if (SSL_CTX_check_private_key(context) != 1)
        return fault_set(fault, FAULT_INPUT, "the key in %s does not belong to %s: %s", key, cert,
                         ssl_reason());
    return true;
}

static SSL_CTX *make_context(const char *cert, const char *key, struct fault *fault)
{
    ERR_clear_error();
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context == NULL) {
        fault_set(fault, FAULT_SYSTEM, "TLS cannot be set up: %s", ssl_reason());
        return NULL;
    }
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    /* Every length is in HTTP or in a frame: a peer that goes without a word cuts nothing short. */
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); /* tickets need none */
    SSL_CTX_set_default_passwd_cb(context, no_password);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(context, CIPHERS_OF_1_2) != 1) {
        fault_set(fault, FAULT_SYSTEM, "TLS cannot be set up: %s", ssl_reason());
    } else if (read_files(context, cert, key, fault)) {
        return context;
    }
    SSL_CTX_free(context);
    return NULL;
}

static char *copy(const char *text)
{
    size_t room = strlen(text) + 1;
    char *to = memory_new(room);
    memcpy(to, text, room);
    return to;
}

bool tls_open(const char *cert, const char *key, struct tls **out, struct fault *fault)
{
    SSL_CTX *context = make_context(cert, key, fault);
    if (context == NULL)
        return false;
    struct tls *tls = memory_zeroed(sizeof(*tls));
    pthread_mutex_init(&tls->lock, NULL);
    tls->context = context;
    tls->cert = copy(cert);
    tls->key = copy(key);
    *out = tls;
    return true;
}

bool tls_reload(struct tls *tls, struct fault *fault)
{
    SSL_CTX *context = make_context(tls->cert, tls->key, fault);
    if (context == NULL)
        return false;
    pthread_mutex_lock(&tls->lock);
    SSL_CTX *old = tls->context;
    tls->context = context;
    pthread_mutex_unlock(&tls->lock);
    SSL_CTX_free(old); /* its connections hold it too */
    return true;
}

void tls_close(struct tls *tls)
{
    if (tls == NULL)
        return;
    SSL_CTX_free(tls->context);
    pthread_mutex_destroy(&tls->lock);
    free(tls->cert);
    free(tls->key);
    free(tls);
}

/* ---- streams ---- */

/*
 * The protocol is broken, or it is not TLS. What has come is read away, so that closing does not
 * reset the connection before the peer has read the alert.
 */
static void say_farewell(struct stream *stream)
{
    static const char text[] = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n"
                               "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 46\r\n"
                               "\r\nThis address speaks HTTPS. Ask with https://.\n";
    if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST)
        send(stream->fd, text, sizeof(text) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    shutdown(stream->fd, SHUT_WR);
    for (int i = 0; i < FAREWELL_READS; i++)
        if (recv(stream->fd, record_room, sizeof(record_room), MSG_DONTWAIT) <= 0)
            break;
}

/* What the system call would have answered. */
static ssize_t failed(struct stream *stream, int result)
{
    switch (SSL_get_error(stream->tls, result)) {
    case SSL_ERROR_WANT_WRITE:
        stream->wants_room = true;
        errno = EAGAIN;
        break;
    case SSL_ERROR_WANT_READ:
        errno = EAGAIN;
        break;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_SSL:
        say_farewell(stream);
        errno = EPROTO;
        break;
    default:
        errno = ECONNRESET;
        break;
    }
    return -1;
}

/*
 * As many records as surely fit: then none is left inside OpenSSL, where epoll could not see it.
 */
static ssize_t tls_read(struct stream *stream, void *to, size_t max)
{
    size_t got = 0;
    assert(max >= RECORD);
    while (max - got >= RECORD) {
        size_t now = 0;
        ERR_clear_error();
        int result = SSL_read_ex(stream->tls, (char *)to + got, max - got, &now);
        if (result != 1)
            return got != 0 ? (ssize_t)got : failed(stream, result);
        got += now;
    }
    return (ssize_t)got;
}

/* A record that waits must be offered again with the same bytes first, which the caller does: what
 * was not taken stays in order, and more may follow it. */
static ssize_t write_record(struct stream *stream, const char *at, size_t len)
{
    size_t written = 0;
    ERR_clear_error();
    int result = SSL_write_ex(stream->tls, at, len, &written);
    if (result == 1)
        return (ssize_t)written;
    ssize_t why = failed(stream, result);
    stream->wants_room = false; /* who writes waits for room anyway */
    if (why == 0)
        errno = EPIPE;
    return -1;
}

/* The bytes from *skip on, as far as they fit into one record: where they are if the first part
 * fills it. */
static str gather(const struct iovec *parts, size_t count, size_t skip)
{
    size_t len = 0;
    for (size_t i = 0; i < count && len < RECORD; i++) {
        if (skip >= parts[i].iov_len) {
            skip -= parts[i].iov_len;
            continue;
        }
        const char *from = (const char *)parts[i].iov_base + skip;
        size_t now = MIN_OF(parts[i].iov_len - skip, RECORD - len);
        if (now == RECORD)
            return (str){from, now};
        memcpy(record_room + len, from, now);
        len += now;
        skip = 0;
    }
    return (str){record_room, len};
}

static ssize_t tls_write(struct stream *stream, struct iovec *parts, size_t count)
{
    size_t total = 0;
    for (;;) {
        str record = gather(parts, count, total);
        if (record.len == 0)
            return (ssize_t)total;
        ssize_t now = write_record(stream, record.at, record.len);
        if (now < 0)
            return total != 0 ? (ssize_t)total : -1;
        total += (size_t)now;
        if ((size_t)now < record.len)
            return (ssize_t)total;
    }
}

static ssize_t tls_send_file(struct stream *stream, int fd, off_t *from, size_t len)
{
    size_t total = 0;
    while (total < len) {
        ssize_t got = pread(fd, record_room, MIN_OF(len - total, (size_t)RECORD), *from);
        ssize_t now = got > 0 ? write_record(stream, record_room, (size_t)got) : got;
        if (now <= 0)
            return total != 0 ? (ssize_t)total : now;
        *from += now;
        total += (size_t)now;
        if (now < got)
            break;
    }
    return (ssize_t)total;
}

static void tls_end(struct stream *stream)
{
    ERR_clear_error();
    if (!SSL_in_init(stream->tls))
        SSL_shutdown(stream->tls);
    shutdown(stream->fd, SHUT_WR);
}

static void tls_stream_close(struct stream *stream)
{
    ERR_clear_error();
    if (!SSL_in_init(stream->tls) && (SSL_get_shutdown(stream->tls) & SSL_SENT_SHUTDOWN) == 0)
        SSL_shutdown(stream->tls);
    SSL_free(stream->tls);
    stream->tls = NULL;
    stream_plain_ops.close(stream);
}

static const struct stream_ops tls_ops = {
    .read = tls_read,
    .write = tls_write,
    .send_file = tls_send_file,
    .end = tls_end,
    .close = tls_stream_close,
};

bool tls_begin(struct tls *tls, struct stream *stream)
{
    pthread_mutex_lock(&tls->lock);
    SSL *ssl = SSL_new(tls->context);
    pthread_mutex_unlock(&tls->lock);
    if (ssl == NULL || SSL_set_fd(ssl, stream->fd) != 1) {
        SSL_free(ssl);
        return false;
    }
    SSL_set_accept_state(ssl);
    stream->ops = &tls_ops;
    stream->tls = ssl;
    return true;
}
