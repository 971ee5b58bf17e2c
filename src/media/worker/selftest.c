/* SPDX-License-Identifier: Apache-2.0 */
/* Misbehaviour on order, to prove that the sandbox holds. Only in the test build of the helper. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
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

static bool try_code(struct job *job)
{
    void *at =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *plain = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool held = at == MAP_FAILED && plain != MAP_FAILED &&
                mprotect(plain, 4096, PROT_READ | PROT_EXEC) != 0;
    return held ? true : job_fail(job, MEDIA_BROKEN, "Memory could be made to run.");
}

static bool make_noise(struct job *job)
{
    static const float shares[] = {0.5F, -1.0F, 2.0F, 0.25F, 0.5F};
    struct wire_reply reply = {.magic = WIRE_MAGIC, .kind = WIRE_PROGRESS};
    for (size_t i = 0; i < 5000; i++) {
        reply.fraction = shares[i % ARRAY_LEN(shares)];
        (void)!write(job->report, &reply, sizeof(reply));
    }
    return true;
}

static bool make_excuse(struct job *job)
{
    return job_fail(job, MEDIA_UNAVAILABLE, "Try again.");
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
    case SELFTEST_OUTLIVE:
        prctl(PR_SET_PDEATHSIG, 0);
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
    case SELFTEST_STALL:
        for (;;)
            sleep(3600);
    case SELFTEST_OPEN:
        return try_open(job);
    case SELFTEST_MEMORY:
        return try_memory(job);
    case SELFTEST_LIE:
        return lie(job);
    case SELFTEST_CODE:
        return try_code(job);
    case SELFTEST_NOISE:
        return make_noise(job);
    case SELFTEST_EXCUSE:
        return make_excuse(job);
    default:
        try_fatal(job);
        return job_fail(job, MEDIA_BROKEN, "The sandbox let it through.");
    }
}
