/* SPDX-License-Identifier: Apache-2.0 */
#include "media/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define HELPER_NAME "atelier-media"
#define HELPER_FD 3

static void spawn_actions_done(posix_spawn_file_actions_t *actions)
{
    posix_spawn_file_actions_destroy(actions);
}

static void spawn_rules_done(posix_spawnattr_t *rules)
{
    posix_spawnattr_destroy(rules);
}

bool helper_path_find(const char *path, char **out, struct fault *fault)
{
    char found[PATH_MAX];
    if (path == NULL) {
        ssize_t len = readlink("/proc/self/exe", found, sizeof(found) - sizeof(HELPER_NAME) - 1);
        if (len <= 0)
            return fault_os(fault, "/proc/self/exe");
        found[len] = '\0';
        char *slash = strrchr(found, '/');
        memcpy(slash + 1, HELPER_NAME, sizeof(HELPER_NAME));
        path = found;
    }
    if (access(path, X_OK) != 0)
        return fault_os(fault, path);
    *out = strdup(path);
    return *out != NULL ? true : fault_os(fault, path);
}

/* The helper gets default signals, whatever the server does with its own. */
static int set_rules(posix_spawnattr_t *rules)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    sigdelset(&all, SIGKILL);
    sigdelset(&all, SIGSTOP);
    return posix_spawnattr_setsigmask(rules, &none) | posix_spawnattr_setsigdefault(rules, &all) |
           posix_spawnattr_setflags(rules, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

static int spawn(const char *path, int children, int socket, pid_t *pid)
{
    char count[16];
    snprintf(count, sizeof(count), "%d", children);
    char name[] = HELPER_NAME;
    char option[] = "--children";
    char *args[] = {name, option, count, NULL};
    /* No environment: the server's may hold secrets. */
    char language[] = "LC_ALL=C";
    /* Symbols are looked up once here, not by every child anew. */
    char binding[] = "LD_BIND_NOW=1";
    /* A child lives for one picture, in large pages and without giving anything back. */
    char memory[] = "GLIBC_TUNABLES=glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=1073741824:"
                    "glibc.malloc.trim_threshold=1073741824:glibc.malloc.top_pad=8388608";
    char *environment[] = {language, binding, memory, NULL};
    AUTO(spawn_actions_done) posix_spawn_file_actions_t actions;
    AUTO(spawn_rules_done) posix_spawnattr_t rules;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&rules);
    int bad = set_rules(&rules);
    bad |= posix_spawn_file_actions_adddup2(&actions, socket, HELPER_FD);
    bad |= posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    bad |= posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    /* Not every library marks what it opens: curl's own sockets would otherwise go along. */
    bad |= posix_spawn_file_actions_addclosefrom_np(&actions, HELPER_FD + 1);
    return bad != 0 ? ENOMEM : posix_spawn(pid, path, &actions, &rules, args, environment);
}

bool helper_process_start(const char *path, int children, struct helper_process *out,
                          struct fault *fault)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return fault_os(fault, "a socket pair for the media helper");
    AUTO(fd_close) int ours = pair[0];
    AUTO(fd_close) int theirs = pair[1];
    pid_t pid = 0;
    errno = spawn(path, children, theirs, &pid);
    if (errno != 0)
        return fault_os(fault, path);
    out->pid = pid;
    out->socket = take_fd(&ours);
    return true;
}

void helper_process_stop(struct helper_process *process)
{
    if (process->pid == 0)
        return;
    close(process->socket);
    kill(process->pid, SIGKILL);
    while (waitpid(process->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    *process = (struct helper_process){.socket = -1};
}
