/* SPDX-License-Identifier: Apache-2.0 */
/* Misbehaviour on order, to prove that the sandbox holds. Only in the test build of the helper. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>

#include "media/worker/job.h"

static bool try_open(struct job *job)
{
    int fd = open("/etc/passwd", O_RDONLY);
    return fd < 0 && errno == ENOENT ? true : job_fail(job, MEDIA_BROKEN, "A file was opened.");
}

static bool try_memory(struct job *job)
{
    void *at = mmap(NULL, (size_t)3 << 30, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return at == MAP_FAILED ? true : job_fail(job, MEDIA_BROKEN, "Three GiB were mapped.");
}

static bool lie(struct job *job)
{
    job->reply.output_len[MEDIA_ORIGINAL] = job->request.output_room[MEDIA_ORIGINAL] + 1;
    job->reply.facts = (struct media_facts){.type = MEDIA_PNG, .width = 64, .height = 64};
    return true;
}

static void crash(void)
{
    volatile char *at =
        mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    *at = 1;
}

/* Each of these is answered by the kernel with death. */
static void try_fatal(struct job *job)
{
    char *const args[] = {"/bin/true", NULL};
    int output = job->request.has_input ? 5 : 4;
    switch ((enum media_selftest)job->request.seed) {
    case SELFTEST_SOCKET:
        (void)socket(AF_INET, SOCK_STREAM, 0);
        break;
    case SELFTEST_FORK:
        (void)fork();
        break;
    case SELFTEST_EXEC:
        execv(args[0], args);
        break;
    case SELFTEST_PTRACE:
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        break;
    case SELFTEST_WRITE:
        (void)!write(output, "x", 1);
        break;
    case SELFTEST_CRASH:
        crash();
        break;
    default:
        break;
    }
}

bool job_selftest(struct job *job)
{
    switch ((enum media_selftest)job->request.seed) {
    case SELFTEST_HANG:
        for (volatile unsigned i = 0;; i++)
            continue;
    case SELFTEST_OPEN:
        return try_open(job);
    case SELFTEST_MEMORY:
        return try_memory(job);
    case SELFTEST_LIE:
        return lie(job);
    default:
        try_fatal(job);
        return job_fail(job, MEDIA_BROKEN, "The sandbox let it through.");
    }
}
