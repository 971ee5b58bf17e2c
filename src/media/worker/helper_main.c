/* SPDX-License-Identifier: Apache-2.0 */
/* What both helper programs begin with. */
#include "media/worker/helper.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "media/worker/sandbox.h"

#define SERVER_FD 3

static int children_of(int count, char **args)
{
    long children = 1;
    if (count == 3 && strcmp(args[1], "--children") == 0)
        children = strtol(args[2], NULL, 10);
    return (int)MIN_OF(MAX_OF(children, 1), HELPER_CHILDREN_MAX);
}

int helper_main(int count, char **args, helper_warm_up *warm_up)
{
    int kind = 0, deputy = -1;
    int children = children_of(count, args);
    socklen_t len = sizeof(kind);
    if (getsockopt(SERVER_FD, SOL_SOCKET, SO_TYPE, &kind, &len) != 0 || kind != SOCK_SEQPACKET) {
        fprintf(stderr, "atelier-media is started by the server (atelier serve), not by hand.\n");
        return 2;
    }
    /* The server's end closing is the signal to stop; a Ctrl-C is for the server. */
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    fcntl(SERVER_FD, F_SETFD, FD_CLOEXEC);
    close_range(SERVER_FD + 1, ~0U, 0);
    if (!warm_up(args[0], children, &deputy) || !sandbox_prepare()) {
        fprintf(stderr, "%s: its libraries or the sandbox could not be set up.\n", args[0]);
        return 1;
    }
    helper_run(SERVER_FD, children, deputy);
    return 0;
}
