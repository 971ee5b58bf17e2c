/* SPDX-License-Identifier: Apache-2.0 */
/*
 * download_1mb, download_1gb: a stored file over plain TCP by its capability, from memory, beside
 * nginx sending the very same file by sendfile. The clients throw the bytes away in the kernel, so
 * that it is the servers that are measured.
 */
#include "bench.h"

#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TAKERS_MAX 16
#define HEAD_ROOM 4096
#define BLOCK MIB(1)
#define TAKEN_AT_ONCE MIB(4)

static const char picture[] = "--bench\r\nContent-Disposition: form-data; name=\"file\"; "
                              "filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n"
                              "\x89PNG\r\n\x1a\n\r\n--bench--\r\n";

struct plan {
    const char *name;
    size_t takers;
    int64_t size; /* of the file */
};

/* One kept-alive connection that asks again and again. */
struct taker {
    int fd;
    size_t heard;
    int64_t left; /* of the body; -1: its head has not come whole */
    char head[HEAD_ROOM];
};

struct taking {
    const struct plan *plan;
    uint16_t port;
    str request;
    struct taker takers[TAKERS_MAX];
    int64_t taken; /* bytes of bodies */
    bool is_over;  /* nobody asks any more */
};

/* ---- one client ---- */

static bool ask(const struct taking *taking, struct taker *taker, struct fault *fault)
{
    taker->heard = 0;
    taker->left = -1;
    ssize_t n = send(taker->fd, taking->request.at, taking->request.len, MSG_NOSIGNAL);
    return n == (ssize_t)taking->request.len || fault_os(fault, "asking for a file");
}

/* The head, and what of the body came with it. */
static bool take_head(struct taking *taking, struct taker *taker, struct fault *fault)
{
    ssize_t n =
        recv(taker->fd, taker->head + taker->heard, HEAD_ROOM - 1 - taker->heard, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return true;
    if (n <= 0)
        return fault_set(fault, FAULT_SYSTEM, "the connection ended before an answer");
    taker->heard += (size_t)n;
    taker->head[taker->heard] = 0;
    const char *body = memmem(taker->head, taker->heard, "\r\n\r\n", 4);
    char length[60];
    snprintf(length, sizeof(length), "Content-Length: %lld\r\n", (long long)taking->plan->size);
    if (body == NULL)
        return taker->heard < HEAD_ROOM - 1 || fault_set(fault, FAULT_SYSTEM, "too long a head");
    if (strncmp(taker->head, "HTTP/1.1 200 ", 13) != 0 || strstr(taker->head, length) == NULL)
        return fault_set(fault, FAULT_SYSTEM, "not the file: %.300s", taker->head);
    int64_t got = (int64_t)taker->heard - (body + 4 - taker->head);
    taking->taken += got;
    taker->left = taking->plan->size - got;
    return true;
}

static bool take_body(struct taking *taking, struct taker *taker, struct fault *fault)
{
    size_t len = (size_t)MIN_OF(taker->left, (int64_t)TAKEN_AT_ONCE);
    ssize_t n = recv(taker->fd, NULL, len, MSG_DONTWAIT | MSG_TRUNC);
    if (n < 0 && errno == EAGAIN)
        return true;
    if (n <= 0)
        return fault_set(fault, FAULT_SYSTEM, "the connection ended within a file");
    taker->left -= n;
    taking->taken += n;
    return true;
}

static bool step(struct taking *taking, struct taker *taker, struct fault *fault)
{
    if (taker->left < 0)
        return take_head(taking, taker, fault);
    if (!take_body(taking, taker, fault))
        return false;
    return taker->left > 0 || taking->is_over || ask(taking, taker, fault);
}

/* ---- all of them ---- */

static bool wait_for_any(struct taking *taking, struct fault *fault)
{
    struct pollfd fds[TAKERS_MAX];
    for (size_t i = 0; i < taking->plan->takers; i++)
        fds[i] = (struct pollfd){taking->takers[i].fd, POLLIN, 0};
    if (poll(fds, taking->plan->takers, 10000) <= 0)
        return fault_set(fault, FAULT_SYSTEM, "nothing came for ten seconds");
    for (size_t i = 0; i < taking->plan->takers; i++)
        if (fds[i].revents != 0 && !step(taking, &taking->takers[i], fault))
            return false;
    return true;
}

/* MB/s over the time, or over one file where that takes longer. */
static bool take(struct taking *taking, span time, double *rate, struct fault *fault)
{
    bool is_well = true;
    for (size_t i = 0; i < taking->plan->takers && is_well; i++) {
        taking->takers[i].fd = program_connect(taking->port, fault);
        is_well = taking->takers[i].fd >= 0 && ask(taking, &taking->takers[i], fault);
    }
    instant start = clock_monotonic(), until = instant_add(start, time);
    while (is_well &&
           (instant_is_before(clock_monotonic(), until) || taking->taken < taking->plan->size))
        is_well = wait_for_any(taking, fault);
    double seconds = (double)instant_since(clock_monotonic(), start).us / 1e6;
    *rate = (double)taking->taken / (double)MIB(1) / seconds;
    for (size_t i = 0; i < taking->plan->takers; i++)
        if (taking->takers[i].fd > 0)
            close(taking->takers[i].fd);
    return is_well;
}

/* ---- the file ---- */

struct measuring {
    const struct bench *bench;
    const struct plan *plan;
    struct arena arena;
    char data[500], folder[700]; /* of the server; where the file is */
    struct program server, nginx;
    str path, name; /* of its address; in its folder */
};

/* One request with a head of our own; the answer, which ends with the connection. */
static bool converse(struct measuring *m, str request, str *answer, struct fault *fault)
{
    char *text = arena_alloc(&m->arena, KIB(16));
    size_t len = 0;
    ssize_t n = 1;
    AUTO(fd_close) int fd = program_connect(m->server.port, fault);
    if (fd < 0)
        return false;
    if (send(fd, request.at, request.len, MSG_NOSIGNAL) != (ssize_t)request.len)
        return fault_os(fault, "sending a picture");
    for (; n > 0 && len < KIB(16) - 1; len += (size_t)MAX_OF(n, (ssize_t)0))
        n = recv(fd, text + len, KIB(16) - 1 - len, 0);
    *answer = (str){text, len};
    return true;
}

static bool text_after(str from, const char *before, str *out, struct fault *fault)
{
    const char *at = strstr(from.at, before);
    if (at == NULL) {
        fault_set(fault, FAULT_SYSTEM, "no %s in %.300s", before, from.at);
        return false;
    }
    at += strlen(before);
    *out = (str){at, strcspn(at, "\"")};
    return true;
}

/* A small picture, so that there is a row; its bytes are then replaced. */
static bool store(struct measuring *m, struct fault *fault)
{
    str text = {0}, token = {0}, url = {0};
    if (!program_ask(&m->server, "/api/auth/sign-up",
                     "{\"email\":\"bench@example.com\",\"password\":\"a long enough password\"}",
                     &m->arena, &text, fault) ||
        !text_after(text, "\"token\":\"", &token, fault))
        return false;
    str request = str_format(&m->arena,
                             "POST /upload HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
                             "Authorization: Bearer %.*s\r\n"
                             "Content-Type: multipart/form-data; boundary=bench\r\n"
                             "Content-Length: %zu\r\n\r\n%s",
                             STR_ARG(token), sizeof(picture) - 1, picture);
    if (!converse(m, request, &text, fault) || !text_after(text, "\"url\":\"", &url, fault))
        return false;
    const char *path = strstr(url.at, "/api/storage/");
    if (path == NULL)
        return fault_set(fault, FAULT_SYSTEM, "no address of a file: %.300s", url.at);
    m->path = (str){path, url.len - (size_t)(path - url.at)};
    return true;
}

static bool write_file(struct measuring *m, struct fault *fault)
{
    static char block[BLOCK];
    char id[40] = "", path[900];
    str uuid = str_slice(m->path, strlen("/api/storage/"), m->path.len);
    for (size_t i = 0, len = 0; i < uuid.len && len < sizeof(id) - 1; i++)
        if (uuid.at[i] != '-')
            id[len++] = uuid.at[i];
    m->name = str_format(&m->arena, "%s", id);
    snprintf(m->folder, sizeof(m->folder), "%s/blobs/%.2s/%.2s", m->data, id, id + 2);
    snprintf(path, sizeof(path), "%s/%s", m->folder, id);
    AUTO(fd_close) int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (fd < 0)
        return fault_os(fault, path);
    for (size_t i = 0; i < sizeof(block); i++)
        block[i] = (char)(i * 7 + i / 251);
    for (int64_t at = 0; at < m->plan->size; at += (int64_t)BLOCK)
        if (write(fd, block, BLOCK) != (ssize_t)BLOCK)
            return fault_os(fault, path);
    return fsync(fd) == 0 || fault_os(fault, path);
}

/* ---- measuring ---- */

static bool open_all(struct measuring *m, struct fault *fault)
{
    return folder_make(m->bench, "downloads", m->data, fault) &&
           program_serve_studio(m->bench, m->data, "", NULL, &m->server, fault) &&
           store(m, fault) && write_file(m, fault) &&
           program_nginx_sending(m->bench, m->folder, &m->nginx, fault);
}

static bool run(struct measuring *m, const struct program *program, str path, span time,
                double *rate, struct fault *fault)
{
    struct taking taking = {.plan = m->plan, .port = program->port};
    taking.request =
        str_format(&m->arena, "GET %.*s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", STR_ARG(path));
    return take(&taking, time, rate, fault);
}

static void describe(const struct measuring *m, struct row *row)
{
    snprintf(row->method, sizeof(row->method),
             "One file of %lld MB in the page cache, fetched by its capability over %zu kept-alive "
             "plain TCP connections from build/atelier-fixture, whose clients throw the bytes away "
             "in the kernel. Baseline: nginx, one worker, sendfile and tcp_nopush, the same file, "
             "by turns in the same run.",
             (long long)(m->plan->size / (int64_t)MIB(1)), m->plan->takers);
}

static bool measure(const struct bench *bench, const struct plan *plan, struct row *row,
                    struct fault *fault)
{
    struct measuring m = {
        .bench = bench, .plan = plan, .server.syncs_fd = -1, .nginx.syncs_fd = -1};
    *row = (struct row){.name = plan->name, .unit = "MB/s", .has_baseline = true};
    bool is_well = open_all(&m, fault);
    str theirs = str_format(&m.arena, "/%.*s", STR_ARG(m.name));
    double rate = 0, baseline = 0;
    span warm = {bench->time.us / 4}, half = {bench->time.us / 2};
    is_well = is_well && run(&m, &m.server, m.path, warm, &rate, fault) &&
              run(&m, &m.nginx, theirs, warm, &baseline, fault);
    for (size_t i = 0; i < bench->runs && is_well; i++) {
        is_well = run(&m, &m.server, m.path, half, &rate, fault) &&
                  run(&m, &m.nginx, theirs, half, &baseline, fault);
        if (is_well)
            samples_add(&row->samples, rate, baseline, rate / baseline);
    }
    describe(&m, row);
    program_stop(&m.server);
    program_stop(&m.nginx);
    folder_remove(m.data);
    arena_done(&m.arena);
    return is_well;
}

bool bench_download_1mb(const struct bench *bench, struct row *row, struct fault *fault)
{
    static const struct plan plan = {"download_1mb", 4, MIB(1)};
    return measure(bench, &plan, row, fault);
}

bool bench_download_1gb(const struct bench *bench, struct row *row, struct fault *fault)
{
    static const struct plan plan = {"download_1gb", 1, 1024 * (int64_t)MIB(1)};
    return measure(bench, &plan, row, fault);
}
