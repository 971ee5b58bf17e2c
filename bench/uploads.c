/* SPDX-License-Identifier: Apache-2.0 */
/*
 * upload_many, upload_big: files sent as forms, by several clients or one, until all of them are
 * durable; beside nginx keeping the very same bodies by client_body_in_file_only. nginx leaves its
 * files to the kernel, so its time ends with a syncfs: bytes that a power cut takes were not
 * uploaded. *_rss: how much the server grows meanwhile.
 */
#include "bench.h"

#include "program.h"

#include "base/buffer.h"
#include "base/random.h"

#include <errno.h>
#include <fcntl.h>

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SENDERS_MAX 16
#define BLOCK MIB(1)
#define ANSWER_ROOM 4096

static const char settings[] =
    "plans:\n"
    "  - {key: free, name: Free, creditsOnce: 0, storageBytes: 0, uploadBytesMax: 1073741824,\n"
    "     rates: [{kind: upload, every: minute, count: 1000000}]}\n";

static const char file_head[] = "--bench\r\nContent-Disposition: form-data; name=\"file\"; "
                                "filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n"
                                "\x89PNG\r\n\x1a\n";
static const char file_tail[] = "\r\n--bench--\r\n";

struct plan {
    const char *name, *unit_text;
    size_t files, senders;
    int64_t size; /* of a file */
};

/* One connection, and how far it is with what it sends. */
struct sender {
    int fd;
    int64_t sent; /* of the whole request */
    size_t heard;
    char answer[ANSWER_ROOM];
};

struct sending {
    const struct plan *plan;
    uint16_t port;
    str head, block; /* of the request; what files are made of */
    struct sender senders[SENDERS_MAX];
    size_t begun, done;
    const struct program *watched; /* NULL: nobody */
    int64_t rss_max;
};

/* ---- one request ---- */

static int64_t request_len(const struct sending *sending)
{
    return (int64_t)sending->head.len + sending->plan->size + (int64_t)sizeof(file_tail) - 1;
}

/* What comes at that place of the request, as much of it as lies in one piece. */
static str piece_at(const struct sending *sending, int64_t at)
{
    int64_t head = (int64_t)sending->head.len, end = head + sending->plan->size;
    if (at < head)
        return str_slice(sending->head, (size_t)at, sending->head.len);
    if (at >= end)
        return str_slice(str_of(file_tail), (size_t)(at - end), sizeof(file_tail) - 1);
    size_t from = (size_t)((at - head) % (int64_t)BLOCK);
    return str_slice(sending->block, from,
                     from + (size_t)MIN_OF((int64_t)(BLOCK - from), end - at));
}

static bool send_more(const struct sending *sending, struct sender *sender, struct fault *fault)
{
    while (sender->sent < request_len(sending)) {
        str piece = piece_at(sending, sender->sent);
        ssize_t n = send(sender->fd, piece.at, piece.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN)
            return true;
        if (n <= 0)
            return fault_os(fault, "sending a file");
        sender->sent += n;
    }
    return true;
}

/* Both servers send their answers in one piece with a length. */
static bool hear(struct sender *sender, bool *is_whole, struct fault *fault)
{
    ssize_t n = recv(sender->fd, sender->answer + sender->heard,
                     sizeof(sender->answer) - 1 - sender->heard, MSG_DONTWAIT);
    *is_whole = false;
    if (n < 0 && errno == EAGAIN)
        return true;
    if (n <= 0)
        return fault_set(fault, FAULT_SYSTEM, "the connection ended during an upload");
    sender->heard += (size_t)n;
    sender->answer[sender->heard] = 0;
    const char *body = strstr(sender->answer, "\r\n\r\n");
    *is_whole = body != NULL && strchr(body, '}') != NULL;
    if (*is_whole && strncmp(sender->answer, "HTTP/1.1 200 ", 13) != 0)
        return fault_set(fault, FAULT_SYSTEM, "an upload was refused: %.200s", body + 4);
    return true;
}

static bool step(struct sending *sending, struct sender *sender, short events, struct fault *fault)
{
    bool is_whole;
    if ((events & POLLOUT) != 0 && !send_more(sending, sender, fault))
        return false;
    if ((events & (POLLIN | POLLHUP | POLLERR)) == 0)
        return true;
    if (!hear(sender, &is_whole, fault))
        return false;
    if (!is_whole)
        return true;
    sending->done++;
    sender->heard = 0;
    sender->sent = request_len(sending);
    if (sending->begun < sending->plan->files) {
        sending->begun++;
        sender->sent = 0;
    }
    return true;
}

/* ---- all of them ---- */

static bool open_senders(struct sending *sending, struct fault *fault)
{
    for (size_t i = 0; i < sending->plan->senders; i++) {
        sending->senders[i] = (struct sender){.fd = program_connect(sending->port, fault)};
        if (sending->senders[i].fd < 0)
            return false;
        sending->begun++;
    }
    return true;
}

static void close_senders(struct sending *sending)
{
    for (size_t i = 0; i < sending->plan->senders; i++)
        if (sending->senders[i].fd > 0)
            close(sending->senders[i].fd);
}

static bool send_all(struct sending *sending, struct fault *fault)
{
    struct pollfd fds[SENDERS_MAX];
    size_t count = sending->plan->senders;
    while (sending->done < sending->plan->files) {
        for (size_t i = 0; i < count; i++) {
            bool is_sending = sending->senders[i].sent < request_len(sending);
            fds[i] = (struct pollfd){sending->senders[i].fd,
                                     (short)(POLLIN | (is_sending ? POLLOUT : 0)), 0};
        }
        if (poll(fds, count, 60000) <= 0)
            return fault_set(fault, FAULT_SYSTEM, "nobody took a byte for a minute");
        for (size_t i = 0; i < count; i++)
            if (fds[i].revents != 0 && !step(sending, &sending->senders[i], fds[i].revents, fault))
                return false;
        if (sending->watched != NULL)
            sending->rss_max = MAX_OF(sending->rss_max, program_rss(sending->watched));
    }
    return true;
}

/* The time until all is answered, and until it is on the disk. */
static bool time_it(struct sending *sending, const char *folder, span *answered, span *durable,
                    struct fault *fault)
{
    AUTO(fd_close) int disk = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (disk < 0)
        return fault_os(fault, folder);
    sync(); /* what others left behind is not measured */
    instant start = clock_monotonic();
    bool is_well = open_senders(sending, fault) && send_all(sending, fault);
    *answered = instant_since(clock_monotonic(), start);
    if (is_well && syncfs(disk) != 0)
        is_well = fault_os(fault, folder);
    *durable = instant_since(clock_monotonic(), start);
    close_senders(sending);
    return is_well;
}

/* ---- measuring ---- */

struct measuring {
    const struct bench *bench;
    const struct plan *plan;
    struct arena arena;
    str block;
    struct row *rows;
    double unsynced[BENCH_RUNS_MAX]; /* nginx's, as its clients see it */
};

static str head_of(struct measuring *m, str token)
{
    int64_t body = (int64_t)sizeof(file_head) - 1 + m->plan->size + (int64_t)sizeof(file_tail) - 1;
    return str_format(&m->arena,
                      "POST /upload HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %.*s\r\n"
                      "Content-Type: multipart/form-data; boundary=bench\r\n"
                      "Content-Length: %lld\r\n\r\n%s",
                      STR_ARG(token), (long long)body, file_head);
}

static double rate_of(const struct measuring *m, span time)
{
    double sent = (double)m->plan->size * (double)m->plan->files;
    return sent / (double)MIB(1) / ((double)time.us / 1e6);
}

static bool sign_up(struct measuring *m, const struct program *server, str *token,
                    struct fault *fault)
{
    str text;
    if (!program_ask(server, "/api/auth/sign-up",
                     "{\"email\":\"bench@example.com\",\"password\":\"a long enough password\"}",
                     &m->arena, &text, fault))
        return false;
    const char *at = strstr(text.at, "\"token\":\"");
    if (at == NULL)
        return fault_set(fault, FAULT_SYSTEM, "sign-up gave no token");
    at += strlen("\"token\":\"");
    *token = (str){at, strcspn(at, "\"")};
    return true;
}

static bool run_ours(struct measuring *m, double *rate, double *grown, struct fault *fault)
{
    char data[500];
    struct program server = {.syncs_fd = -1};
    struct sending sending = {.plan = m->plan, .block = m->block, .watched = &server};
    span answered = {0}, durable = {0};
    str token = {0};
    bool is_well = folder_make(m->bench, "uploads", data, fault) &&
                   program_serve_studio(m->bench, data, settings, NULL, &server, fault) &&
                   sign_up(m, &server, &token, fault);
    if (is_well) {
        sending.port = server.port;
        sending.head = head_of(m, token);
        int64_t before = program_rss(&server);
        is_well = time_it(&sending, data, &answered, &durable, fault);
        *rate = rate_of(m, answered); /* what is answered is durable */
        *grown = (double)MAX_OF(sending.rss_max - before, (int64_t)0) / (double)MIB(1);
    }
    program_stop(&server);
    folder_remove(data);
    return is_well;
}

static bool run_nginx(struct measuring *m, double *rate, double *unsynced, struct fault *fault)
{
    char data[500];
    struct program nginx = {.syncs_fd = -1};
    struct sending sending = {.plan = m->plan, .block = m->block, .head = head_of(m, STR("none"))};
    span answered = {0}, durable = {0};
    snprintf(data, sizeof(data), "%s/nginx", m->bench->folder);
    bool is_well = program_nginx_keeping(m->bench, &nginx, fault);
    if (is_well) {
        sending.port = nginx.port;
        is_well = time_it(&sending, data, &answered, &durable, fault);
        *rate = rate_of(m, durable);
        *unsynced = rate_of(m, answered);
    }
    program_stop(&nginx);
    folder_remove(data);
    return is_well;
}

static void describe(struct measuring *m)
{
    char text[BENCH_METHOD_MAX];
    snprintf(text, sizeof(text),
             "%zu %s as multipart forms over %zu kept-alive connections to build/atelier-fixture, "
             "each answered when its bytes and its row are synced. Baseline: nginx, one worker, "
             "client_body_in_file_only with a proxied answer, the same bodies, its time ended by a "
             "syncfs, since it syncs nothing; as its clients see it, without that, %.0f MB/s.",
             m->plan->files, m->plan->unit_text, m->plan->senders,
             median_of(m->unsynced, m->rows[0].samples.count));
    snprintf(m->rows[0].method, sizeof(m->rows[0].method), "%s", text);
    snprintf(m->rows[1].method, sizeof(m->rows[1].method),
             "The most that the resident memory of the server grew by in the same runs, looked at "
             "whenever a client sent or heard something.");
}

static bool measure(const struct bench *bench, const struct plan *plan, const char *rss_name,
                    struct row *rows, struct fault *fault)
{
    struct random random;
    struct measuring m = {.bench = bench, .plan = plan, .rows = rows};
    char *block = memory_new(BLOCK);
    random_init(&random);
    random_fill(&random, block, BLOCK);
    m.block = (str){block, BLOCK};
    rows[0] = (struct row){.name = plan->name, .unit = "MB/s", .has_baseline = true};
    rows[1] = (struct row){.name = rss_name, .unit = "MiB", .decimals = 1, .is_lower_better = true};
    bool is_well = true;
    for (size_t i = 0; i < bench->runs && is_well; i++) {
        double ours, theirs, grown;
        is_well =
            run_ours(&m, &ours, &grown, fault) && run_nginx(&m, &theirs, &m.unsynced[i], fault);
        if (!is_well)
            break;
        samples_add(&rows[0].samples, ours, theirs, ours / theirs);
        samples_add(&rows[1].samples, grown, 0, 0);
    }
    if (is_well)
        describe(&m);
    free(block);
    arena_done(&m.arena);
    return is_well;
}

bool bench_upload_many(const struct bench *bench, struct row *rows, struct fault *fault)
{
    static const struct plan plan = {"upload_many", "files of 1 MB", 1000, 8, MIB(1)};
    return measure(bench, &plan, "upload_many_rss", rows, fault);
}

bool bench_upload_big(const struct bench *bench, struct row *rows, struct fault *fault)
{
    static const struct plan plan = {"upload_big", "file of 500 MB", 1, 1, 500 * (int64_t)MIB(1)};
    return measure(bench, &plan, "upload_big_rss", rows, fault);
}
