/* SPDX-License-Identifier: Apache-2.0 */
#include "crowd.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define TEXT_MAX 16384

/* In the sender: writes what it is given to all of its connections, in order. */
static void serve(int listener, int orders, size_t count)
{
    static int fds[CROWD_MAX];
    static char text[TEXT_MAX];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (size_t i = 0; i < count; i++)
        if ((fds[i] = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) < 0)
            _exit(1);
    for (;;) {
        ssize_t len = recv(orders, text, sizeof(text), 0);
        if (len <= 0)
            _exit(0);
        for (size_t i = 0; i < count; i++)
            if (send(fds[i], text, (size_t)len, MSG_NOSIGNAL) != len)
                _exit(1);
    }
}

/* In the hearer: a byte when all are connected, then for each byte one when the last has read. */
static void hear(uint16_t port, int news, size_t count)
{
    struct fault fault = {0};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct crowd *crowd = crowd_open(port, NULL, NULL);
    bool is_well = crowd_grow(crowd, count, &fault);
    char byte;
    while (is_well && send(news, "", 1, MSG_NOSIGNAL) == 1 && recv(news, &byte, 1, 0) == 1)
        is_well = crowd_hear(crowd, count, &fault);
    if (!is_well)
        fprintf(stderr, "atelier-bench: the broadcast's hearer: %s\n", fault.text);
    _exit(1);
}

static bool start_both(int listener, size_t count, struct broadcast *out, const int orders[2],
                       const int news[2], struct fault *fault)
{
    out->sender = fork();
    if (out->sender == 0) {
        close(orders[0]);
        serve(listener, orders[1], count);
    }
    if (out->sender < 0)
        return fault_os(fault, "fork");
    out->hearer = fork();
    if (out->hearer == 0) {
        close(orders[0]);
        close(news[0]);
        hear(out->port, news[1], count);
    }
    return out->hearer > 0 || fault_os(fault, "fork");
}

bool broadcast_start(size_t count, struct broadcast *out, struct fault *fault)
{
    int orders[2], news[2];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    *out = (struct broadcast){.orders = -1, .news = -1};
    AUTO(fd_close) int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, len) != 0 ||
        listen(listener, 4096) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &len) != 0 ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, orders) != 0)
        return fault_os(fault, "a broadcast");
    out->orders = orders[0];
    AUTO(fd_close) int orders_end = orders[1];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, news) != 0)
        return fault_os(fault, "a broadcast");
    out->news = news[0];
    AUTO(fd_close) int news_end = news[1];
    out->port = ntohs(address.sin_port);
    bool is_started = start_both(listener, count, out, (int[]){orders[0], orders_end},
                                 (int[]){news[0], news_end}, fault);
    fd_close(&news_end); /* so that its end is heard */
    return is_started && broadcast_heard(out, fault);
}

bool broadcast_send(struct broadcast *broadcast, str text, struct fault *fault)
{
    assert(text.len <= TEXT_MAX);
    return (send(broadcast->orders, text.at, text.len, MSG_NOSIGNAL) == (ssize_t)text.len &&
            send(broadcast->news, "", 1, MSG_NOSIGNAL) == 1) ||
           fault_os(fault, "the broadcast");
}

bool broadcast_heard(struct broadcast *broadcast, struct fault *fault)
{
    char byte;
    return recv(broadcast->news, &byte, 1, 0) == 1 ||
           fault_set(fault, FAULT_SYSTEM, "the broadcast has ended");
}

static void end(pid_t pid)
{
    int status;
    if (pid > 0) {
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
    }
}

void broadcast_stop(struct broadcast *broadcast)
{
    end(broadcast->sender);
    end(broadcast->hearer);
    fd_close(&broadcast->orders);
    fd_close(&broadcast->news);
    *broadcast = (struct broadcast){.orders = -1, .news = -1};
}
