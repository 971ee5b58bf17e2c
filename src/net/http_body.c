/* SPDX-License-Identifier: Apache-2.0 */
#include "net/conn.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define CONTENT_TOO_LARGE 413
#define UNAVAILABLE 503
#define STORAGE_FULL 507

/* The first room taken for a body; it doubles as bytes really come, whatever length was claimed. */
#define BODY_FIRST KIB(64)

static int open_temp(const char *folder)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return fd;
    char path[4096]; /* a file system without O_TMPFILE */
    int len = snprintf(path, sizeof(path), "%s/body-XXXXXX", folder);
    if (len < 0 || (size_t)len >= sizeof(path))
        return -1;
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

static bool goes_to_file(struct exchange *exchange)
{
    const struct http_options *options = &exchange->server->options;
    int64_t max = options->file_max;
    if (options->body_to_file == NULL || exchange->server->temp_dir == NULL)
        return false;
    if (!options->body_to_file(options->app, &exchange->head.request, &max))
        return false;
    exchange->max = max;
    return true;
}

/*
 * Decides where the body goes and whether it may come at all. READY: there is none.
 */
int body_begin(struct exchange *exchange)
{
    const struct http_head *head = &exchange->head;
    if (!head->is_chunked && head->content_length <= 0)
        return HTTP_PARSE_READY;
    exchange->max = (int64_t)exchange->server->options.body_max;
    bool is_file = goes_to_file(exchange);
    if (head->content_length > exchange->max)
        return CONTENT_TOO_LARGE;
    if (is_file) {
        exchange->body_fd = open_temp(exchange->server->temp_dir);
        return exchange->body_fd < 0 ? STORAGE_FULL : HTTP_PARSE_MORE;
    }
    exchange->body =
        buffer_with_max((size_t)(head->is_chunked ? exchange->max : head->content_length));
    if (!head->is_chunked)
        buffer_reserve(&exchange->body, MIN_OF((size_t)head->content_length, BODY_FIRST));
    return HTTP_PARSE_MORE;
}

static int keep(struct exchange *exchange, str data)
{
    if ((int64_t)data.len > exchange->max - exchange->got)
        return CONTENT_TOO_LARGE;
    exchange->got += (int64_t)data.len;
    if (exchange->intake != NULL) {
        if (data.len != 0 && !exchange->intake->take(exchange->intake_context, data))
            exchange->conn->is_paused = true;
        return HTTP_PARSE_MORE;
    }
    if (exchange->body_fd >= 0)
        return file_write_all(exchange->body_fd, bytes_of(data)) ? HTTP_PARSE_MORE : STORAGE_FULL;
    buffer_str(&exchange->body, data);
    if (!exchange_count(exchange, exchange->body.room))
        return UNAVAILABLE;
    return HTTP_PARSE_MORE;
}

int body_read(struct exchange *exchange, str in, size_t *used)
{
    if (!exchange->head.is_chunked) {
        size_t left = (size_t)(exchange->head.content_length - exchange->got);
        *used = MIN_OF(left, in.len);
        int verdict = keep(exchange, str_slice(in, 0, *used));
        return verdict == HTTP_PARSE_MORE && *used == left ? HTTP_PARSE_READY : verdict;
    }
    str data;
    int verdict = http_chunks_read(&exchange->chunks, in, used, &data);
    if (verdict != HTTP_PARSE_MORE)
        return verdict;
    /* What is announced is refused before it comes. */
    int64_t room = exchange->max - exchange->got - (int64_t)data.len;
    if (room < 0 || exchange->chunks.left > (uint64_t)room)
        return CONTENT_TOO_LARGE;
    return keep(exchange, data);
}

bool body_end(struct exchange *exchange, struct fault *fault)
{
    struct http_request *request = &exchange->head.request;
    request->body = buffer_text(&exchange->body);
    request->body_len = exchange->got;
    request->body_fd = exchange->body_fd;
    if (exchange->body_fd >= 0 && lseek(exchange->body_fd, 0, SEEK_SET) != 0)
        return fault_os(fault, "body file");
    return true;
}

/* ---- streaming ---- */

bool exchange_stream(struct exchange *exchange, const struct http_intake *intake, void *context,
                     int64_t max)
{
    struct conn *conn = exchange->conn;
    if (conn == NULL || conn->phase != CONN_BODY)
        return false;
    exchange->intake = intake;
    exchange->intake_context = context;
    exchange->max = max;
    exchange_go_on(exchange);
    return true;
}

void exchange_go_on(struct exchange *exchange)
{
    struct conn *conn = exchange->conn;
    if (conn == NULL || conn->phase != CONN_BODY || !conn->is_paused)
        return;
    conn->is_paused = false;
    conn_resume(conn);
}

bool exchange_hold(struct exchange *exchange, size_t size)
{
    return exchange_count(exchange, exchange->body.room + exchange->arena.used + size);
}
