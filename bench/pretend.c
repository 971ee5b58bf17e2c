/* SPDX-License-Identifier: Apache-2.0 */
#include "pretend.h"

#include "base/buffer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define FDS_MAX 4096
#define REQUEST_MAX KIB(64)

/* One point of a PNG. */
static const char body[] =
    "{\"created\":1,\"data\":[{\"b64_json\":\"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlE"
    "QVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==\"}]}";

struct due {
    int fd;
    instant at;
};

struct provider {
    int listener, epoll;
    span latency;
    struct buffer in[FDS_MAX];
    struct due due[FDS_MAX]; /* a ring, the soonest first */
    size_t first, count;
};

static void take_connections(struct provider *provider)
{
    for (;;) {
        int one = 1, fd = accept4(provider->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
            return;
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        if (fd >= FDS_MAX || epoll_ctl(provider->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
            _exit(1);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        provider->in[fd] = buffer_with_max(REQUEST_MAX);
    }
}

/* The whole request is there. */
static bool is_whole(str text)
{
    const char *end = memmem(text.at, text.len, "\r\n\r\n", 4);
    const char *length = end == NULL ? NULL : strcasestr(text.at, "\r\ncontent-length:");
    if (length == NULL || length > end)
        return false;
    size_t head = (size_t)(end - text.at) + 4;
    return text.len >= head + (size_t)strtol(length + strlen("\r\ncontent-length:"), NULL, 10);
}

static void hear(struct provider *provider, int fd)
{
    struct buffer *in = &provider->in[fd];
    char *room = buffer_reserve(in, KIB(4) + 1);
    ssize_t got = room == NULL ? 0 : read(fd, room, KIB(4));
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        buffer_done(in);
        close(fd);
        return;
    }
    room[got] = 0;
    in->len += (size_t)got;
    if (!is_whole(buffer_text(in)))
        return;
    buffer_clear(in);
    provider->due[(provider->first + provider->count++) % FDS_MAX] =
        (struct due){fd, instant_add(clock_monotonic(), provider->latency)};
}

/* Answers what is due; how many milliseconds until the next is, -1: none waits. */
static int answer_due(struct provider *provider)
{
    char text[600];
    int len = snprintf(text, sizeof(text),
                       "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
                       "%zu\r\n\r\n%s",
                       sizeof(body) - 1, body);
    instant now = clock_monotonic();
    while (provider->count > 0) {
        const struct due *due = &provider->due[provider->first];
        int64_t left = instant_since(due->at, now).us;
        if (left > 0)
            return (int)(left + 999) / 1000;
        send(due->fd, text, (size_t)len, MSG_NOSIGNAL); /* who left gets nothing */
        provider->first = (provider->first + 1) % FDS_MAX;
        provider->count--;
    }
    return -1;
}

static void serve(int listener, span latency)
{
    static struct provider provider;
    struct epoll_event events[256], event = {.events = EPOLLIN, .data.fd = listener};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    provider.listener = listener;
    provider.epoll = epoll_create1(EPOLL_CLOEXEC);
    provider.latency = latency;
    epoll_ctl(provider.epoll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int count = epoll_wait(provider.epoll, events, ARRAY_LEN(events), answer_due(&provider));
        for (int i = 0; i < count; i++)
            if (events[i].data.fd == listener)
                take_connections(&provider);
            else
                hear(&provider, events[i].data.fd);
    }
}

bool pretend_start(span latency, struct pretend *out, struct fault *fault)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    *out = (struct pretend){0};
    AUTO(fd_close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, FDS_MAX) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        return fault_os(fault, "a port for the pretended provider");
    out->port = ntohs(address.sin_port);
    out->pid = fork();
    if (out->pid == 0)
        serve(fd, latency);
    return out->pid > 0 || fault_os(fault, "fork");
}

void pretend_stop(struct pretend *pretend)
{
    if (pretend->pid > 0) {
        kill(pretend->pid, SIGKILL);
        waitpid(pretend->pid, NULL, 0);
    }
    *pretend = (struct pretend){0};
}
