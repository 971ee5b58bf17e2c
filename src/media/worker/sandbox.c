/* SPDX-License-Identifier: Apache-2.0 */
#include "media/worker/sandbox.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define ADDRESS_SPACE_MAX ((rlim_t)2 << 30)
#define FILES_MAX 32
#define PROGRAM_MAX 4096 /* instructions; what the kernel takes */

#ifndef PR_SET_VMA /* Linux 5.17 */
#define PR_SET_VMA 0x53564d41
#endif

static scmp_filter_ctx filter;
static struct sock_filter program[PROGRAM_MAX];
static struct sock_fprog loaded;

/* What image and film libraries need once everything is open. */
static const int allowed[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(close),
    SCMP_SYS(lseek),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(futex),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(getrandom),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(getrusage),
};

/* Asked in passing by the C library, GLib and the codecs, which do well without an answer: qsort
 * asks how much memory there is, a new thread how it is scheduled. Refused, not killed. */
static const int unanswered[] = {
    SCMP_SYS(sysinfo),
    SCMP_SYS(uname),
    SCMP_SYS(prlimit64),
    SCMP_SYS(getrlimit),
    SCMP_SYS(sched_getattr),
    SCMP_SYS(sched_setattr),
    SCMP_SYS(sched_getparam),
    SCMP_SYS(sched_getscheduler),
    SCMP_SYS(sched_setscheduler),
    SCMP_SYS(get_mempolicy),
    SCMP_SYS(mbind),
    SCMP_SYS(membarrier),
    SCMP_SYS(ioctl),
    SCMP_SYS(getcwd),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(statx),
};

/* Memory, but none that runs: what a crafted file brought along stays data. */
static int allow_memory(int call)
{
    int bad = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1,
                               SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    return bad | seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), call, 1,
                                  SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
}

/* Names for threads and memory; nothing by which a child could outlive the helper. */
static int allow_naming(void)
{
    static const unsigned names[] = {PR_SET_NAME, PR_GET_NAME, PR_SET_VMA};
    int bad = 0;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
                                SCMP_A0(SCMP_CMP_EQ, names[i], 0));
    return bad;
}

/* Once, so that a child has only to hand it to the kernel. */
static bool compile(void)
{
    AUTO(fd_close) int fd = memfd_create("filter", MFD_CLOEXEC);
    if (fd < 0 || seccomp_export_bpf(filter, fd) != 0)
        return false;
    ssize_t len = pread(fd, program, sizeof(program), 0);
    if (len <= 0 || len >= (ssize_t)sizeof(program) || (size_t)len % sizeof(program[0]) != 0)
        return false;
    loaded = (struct sock_fprog){.len = (unsigned short)((size_t)len / sizeof(program[0])),
                                 .filter = program};
    return true;
}

bool sandbox_prepare(void)
{
    filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (filter == NULL)
        return false;
    int bad = 0;
    for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
        bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
    bad |= allow_memory(SCMP_SYS(mmap)) | allow_memory(SCMP_SYS(mprotect)) | allow_naming();
    /* Libraries look for files of their own and go on without them. */
    bad |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOENT), SCMP_SYS(openat), 0);
    bad |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOENT), SCMP_SYS(readlink), 0);
    bad |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOENT), SCMP_SYS(readlinkat), 0);
    for (size_t i = 0; i < ARRAY_LEN(unanswered); i++) /* some exist on some machines only */
        (void)seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), unanswered[i], 0);
    /* clone3 takes its flags by pointer, out of the filter's sight; glibc then uses clone. */
    bad |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                            SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
    return bad == 0 && compile();
}

static bool limit(enum __rlimit_resource what, rlim_t most)
{
    struct rlimit bounds = {.rlim_cur = most, .rlim_max = most};
    return setrlimit(what, &bounds) == 0;
}

/* A ruleset that handles every right and grants none. */
static void landlock_all(void)
{
    static const uint64_t rights[] = {0x1fff, 0x3fff, 0x7fff};
    for (size_t i = ARRAY_LEN(rights); i-- > 0;) {
        struct landlock_ruleset_attr ruleset = {.handled_access_fs = rights[i]};
        long fd = syscall(SYS_landlock_create_ruleset, &ruleset, sizeof(ruleset), 0);
        if (fd < 0)
            continue;
        syscall(SYS_landlock_restrict_self, fd, 0);
        close((int)fd);
        return;
    }
}

bool sandbox_enter(unsigned cpu_seconds)
{
    bool ok = limit(RLIMIT_CORE, 0) && limit(RLIMIT_FSIZE, 0) && limit(RLIMIT_NOFILE, FILES_MAX) &&
              limit(RLIMIT_CPU, cpu_seconds);
#if !defined(__SANITIZE_ADDRESS__)
    ok = ok && limit(RLIMIT_AS, ADDRESS_SPACE_MAX);
#endif
    if (!ok || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return false;
    landlock_all();
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &loaded) == 0;
}
