/* SPDX-License-Identifier: Apache-2.0 */
#include "crowd.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define TEXT_MAX 16384

/* In the child: writes what it is given to all of its connections, in order. */
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

bool broadcast_start(size_t count, struct broadcast *out, struct fault *fault)
{
    int ends[2];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    *out = (struct broadcast){.orders = -1};
    AUTO(fd_close) int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, len) != 0 ||
        listen(listener, 4096) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &len) != 0 ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return fault_os(fault, "a broadcast");
    out->port = ntohs(address.sin_port);
    out->orders = ends[0];
    out->pid = fork();
    if (out->pid == 0) {
        close(ends[0]);
        serve(listener, ends[1], count);
    }
    close(ends[1]);
    return out->pid > 0 || fault_os(fault, "fork");
}

bool broadcast_send(struct broadcast *broadcast, str text, struct fault *fault)
{
    assert(text.len <= TEXT_MAX);
    return send(broadcast->orders, text.at, text.len, MSG_NOSIGNAL) == (ssize_t)text.len ||
           fault_os(fault, "the broadcast");
}

void broadcast_stop(struct broadcast *broadcast)
{
    int status;
    if (broadcast->pid > 0) {
        kill(broadcast->pid, SIGKILL);
        waitpid(broadcast->pid, &status, 0);
        fd_close(&broadcast->orders);
    }
    *broadcast = (struct broadcast){.orders = -1};
}
