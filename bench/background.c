/* SPDX-License-Identifier: Apache-2.0 */
#include "background.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define WARM_US 300000
#define SETTLE_US 100000 /* until the server has the one state or the other */

/* In the child: never comes back. */
static void serve(const struct load_options *options)
{
    struct load *load;
    struct fault fault = {0};
    uint64_t calls;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!load_open(options, &load, &fault) || !load_run(load, MINUTES(10), &calls, &fault))
        fprintf(stderr, "atelier-bench: in the background: %s\n", fault.text);
    _exit(1);
}

bool background_start(const struct load_options *options, pid_t *out, struct fault *fault)
{
    *out = fork();
    if (*out == 0)
        serve(options);
    usleep(WARM_US);
    return *out > 0 || fault_os(fault, "fork");
}

void background_pause(pid_t pid)
{
    kill(pid, SIGSTOP);
    usleep(SETTLE_US);
}

void background_go_on(pid_t pid)
{
    kill(pid, SIGCONT);
    usleep(SETTLE_US);
}

bool background_stop(pid_t *pid, struct fault *fault)
{
    int status;
    if (*pid <= 0)
        return true;
    bool was_there = waitpid(*pid, &status, WNOHANG) == 0;
    if (was_there) {
        kill(*pid, SIGKILL);
        waitpid(*pid, &status, 0);
    }
    *pid = 0;
    return was_there || fault_set(fault, FAULT_SYSTEM, "the load in the background had ended");
}
