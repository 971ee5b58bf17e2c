/* SPDX-License-Identifier: Apache-2.0 */
#include "media/worker/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "media/worker/job.h"
#include "media/worker/sandbox.h"

#define DESCRIPTORS_MAX (1 + MEDIA_OUTPUT_COUNT)
#define FIRST_FD 3     /* the child's descriptors: report, input, outputs */
#define SCRATCH_FD 200 /* above anything the helper has open */
/* Of processor time; the deadline is by the clock, and longer for a busy machine's sake. */
#define CPU_SECONDS 20U
#define CPU_SECONDS_FILM 60U
/* One that took less was killed for what others took. */
#define MEMORY_OF_ITS_OWN MIB(512)
#define PROGRESS_STEP 0.005F /* least that is passed on; half of what a child tells */

#define TOO_BUSY "The media helper is too busy just now."

struct child {
    pid_t pid; /* 0: this place is free */
    int report;
    uint64_t id;
    span time_max, cpu_max;
    instant deadline;
    float fraction; /* passed on so far */
    bool is_timed_out, is_canceled, has_answer;
    struct wire_reply answer;
};

/* The descriptors that came with a request. */
struct parcel {
    int count;
    int fds[DESCRIPTORS_MAX];
};

/* What a child was given, to be given to the deputy if that child passes it on. */
struct errand {
    struct wire_request request;
    struct parcel parcel;
};

/* What people sent, while it is needed here; children do not inherit it. */
struct inbox {
    struct wire_request request;                /* being received */
    struct errand errands[HELPER_CHILDREN_MAX]; /* of the children, if there is a deputy */
};

struct helper {
    int server;
    int children_max;
    struct child children[HELPER_CHILDREN_MAX];
    struct child spares[HELPER_CHILDREN_MAX]; /* forked, and waiting for work */
    int spare_count;
    int deputy; /* -1: none */
    struct inbox *inbox;
};

static void parcel_done(struct parcel *parcel)
{
    for (int i = 0; i < parcel->count; i++)
        close(parcel->fds[i]);
    parcel->count = 0;
}

static void errand_done(struct errand **errand)
{
    parcel_done(&(*errand)->parcel);
}

static void answer(struct helper *helper, uint64_t id, struct wire_reply *reply, int flags)
{
    reply->magic = WIRE_MAGIC;
    reply->id = id;
    while (send(helper->server, reply, sizeof(*reply), MSG_NOSIGNAL | flags) < 0 && errno == EINTR)
        continue;
}

static void refuse(struct helper *helper, uint64_t id, enum media_failure failure, const char *text)
{
    struct wire_reply reply = {.kind = WIRE_FAILED, .failure = (uint32_t)failure};
    snprintf(reply.text, sizeof(reply.text), "%s", text);
    answer(helper, id, &reply, 0);
}

/* Puts the child's descriptors at FIRST_FD and closes all others. stderr becomes /dev/null, as
 * stdout is: whoever takes over a child shall not write lines into the server's log. */
static bool arrange(int report, const struct parcel *parcel)
{
    int fds[1 + DESCRIPTORS_MAX];
    int count = 0;
    fds[count++] = report;
    for (int i = 0; i < parcel->count; i++)
        fds[count++] = parcel->fds[i];
    for (int i = 0; i < count; i++) {
        fds[i] = fcntl(fds[i], F_DUPFD, SCRATCH_FD);
        if (fds[i] < 0)
            return false;
    }
    for (int i = 0; i < count; i++)
        if (dup2(fds[i], FIRST_FD + i) < 0)
            return false;
    if (dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
        return false;
    return close_range((unsigned)(FIRST_FD + count), ~0U, 0) == 0;
}

/* When memory runs out the kernel shall take the child with the large picture, not the server. */
static void die_first(void)
{
    AUTO(fd_close) int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0)
        (void)!write(fd, "1000", 4);
}

static void take_descriptors(struct msghdr *message, struct parcel *parcel)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL;
         part = CMSG_NXTHDR(message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count && parcel->count < DESCRIPTORS_MAX; i++)
            memcpy(&parcel->fds[parcel->count++], CMSG_DATA(part) + i * sizeof(int), sizeof(int));
    }
}

/* One packet: a request, or a note in its place. */
static ssize_t receive_request(int socket, struct wire_request *request, struct parcel *parcel,
                               int flags)
{
    union {
        struct cmsghdr align;
        char space[CMSG_SPACE(sizeof(int) * DESCRIPTORS_MAX)];
    } control;
    struct iovec part = {.iov_base = request, .iov_len = sizeof(*request)};
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof(control),
    };
    ssize_t got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | flags);
    if (got > 0)
        take_descriptors(&message, parcel);
    return got;
}

static bool hand_over(int socket, struct wire_request *request, const struct parcel *parcel,
                      int flags)
{
    union {
        struct cmsghdr align;
        char space[CMSG_SPACE(sizeof(int) * DESCRIPTORS_MAX)];
    } control = {0};
    struct iovec part = {.iov_base = request, .iov_len = sizeof(*request)};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (parcel->count > 0) {
        size_t len = sizeof(int) * (size_t)parcel->count;
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(len);
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(len);
        memcpy(CMSG_DATA(head), parcel->fds, len);
    }
    return sendmsg(socket, &message, MSG_NOSIGNAL | flags) == (ssize_t)sizeof(*request);
}

static unsigned cpu_seconds_of(const struct wire_request *request)
{
    return media_verb_is_long(request->verb) ? CPU_SECONDS_FILM : CPU_SECONDS;
}

static void work(struct job *job, const struct parcel *parcel)
{
    const struct wire_request *request = &job->request;
    if (!arrange(job->report, parcel))
        _exit(1);
    job->report = FIRST_FD;
    int next = FIRST_FD + 1;
    int input = request->has_input ? next++ : -1;
    int outputs[MEDIA_OUTPUT_COUNT];
    for (int i = 0; i < MEDIA_OUTPUT_COUNT; i++)
        outputs[i] = request->outputs >> i & 1U ? next++ : -1;
    job_map(job, input, outputs);
    if (!sandbox_enter(cpu_seconds_of(request)))
        job_fail(job, MEDIA_BROKEN, "The media helper could not lock its sandbox.");
    job_run(job);
}

static int descriptors_of(const struct wire_request *request)
{
    return (request->has_input ? 1 : 0) + __builtin_popcount(request->outputs);
}

/* A spare one waits here for its one request; it has seen nothing of anybody's until then, and
 * holds nothing of those that are under way. */
static void wait_and_work(int report, pid_t helper_pid, bool has_deputy)
{
    static struct job job;
    struct parcel parcel = {0};
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != helper_pid ||
        dup2(report, FIRST_FD) != FIRST_FD || close_range(FIRST_FD + 1, ~0U, 0) != 0)
        _exit(1);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    die_first();
    job.report = FIRST_FD;
    job.has_deputy = has_deputy;
    ssize_t got = receive_request(FIRST_FD, &job.request, &parcel, 0);
    if (got == (ssize_t)sizeof(job.request) && parcel.count == descriptors_of(&job.request))
        work(&job, &parcel);
    _exit(1);
}

static bool spawn(struct helper *helper, struct child *child)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return false;
    pid_t helper_pid = getpid();
    pid_t pid = fork();
    if (pid == 0)
        wait_and_work(pair[1], helper_pid, helper->deputy >= 0);
    close(pair[1]);
    if (pid < 0) {
        close(pair[0]);
        return false;
    }
    *child = (struct child){.pid = pid, .report = pair[0]};
    return true;
}

/* As many wait as may work at once, so that nobody waits for a fork. Without room for one now, one
 * is forked when it is wanted. */
static void fill_pool(struct helper *helper)
{
    while (helper->spare_count < helper->children_max &&
           spawn(helper, &helper->spares[helper->spare_count]))
        helper->spare_count++;
}

static struct child *free_place(struct helper *helper)
{
    for (int i = 0; i < helper->children_max; i++)
        if (helper->children[i].pid == 0)
            return &helper->children[i];
    return NULL;
}

/* What it used, and how it ended. */
struct fate {
    int status;
    span cpu;
    size_t memory; /* bytes, at most at once */
};

static span span_of(struct timeval time)
{
    return (span){(int64_t)time.tv_sec * 1000000 + time.tv_usec};
}

static struct fate child_end(struct child *child)
{
    struct fate fate = {0};
    struct rusage used = {0};
    kill(child->pid, SIGKILL);
    while (wait4(child->pid, &fate.status, 0, &used) < 0 && errno == EINTR)
        continue;
    close(child->report);
    *child = (struct child){0};
    fate.cpu.us = span_of(used.ru_utime).us + span_of(used.ru_stime).us;
    fate.memory = KIB((size_t)used.ru_maxrss);
    return fate;
}

/* A spare one, or a new one; one that died while it waited is none. */
static bool employ(struct helper *helper, const struct parcel *parcel, struct child *child)
{
    while (helper->spare_count > 0) {
        *child = helper->spares[--helper->spare_count];
        if (hand_over(child->report, &helper->inbox->request, parcel, MSG_DONTWAIT))
            return true;
        child_end(child);
    }
    if (!spawn(helper, child))
        return false;
    if (hand_over(child->report, &helper->inbox->request, parcel, MSG_DONTWAIT))
        return true;
    child_end(child);
    return false;
}

/* It waits for room; the deputy reads whatever else happens. */
static void pass_on(struct helper *helper, struct wire_request *request,
                    const struct parcel *parcel)
{
    if (!hand_over(helper->deputy, request, parcel, 0))
        refuse(helper, request->id, MEDIA_UNAVAILABLE, "The media helper is being started again.");
}

static void remember(struct helper *helper, const struct child *child, struct parcel *parcel)
{
    struct errand *errand = &helper->inbox->errands[child - helper->children];
    errand->request = helper->inbox->request;
    errand->parcel = *parcel;
    parcel->count = 0;
}

static void start(struct helper *helper, struct parcel *parcel)
{
    struct wire_request *request = &helper->inbox->request;
    if (helper->deputy >= 0 && !job_can(request->verb)) {
        pass_on(helper, request, parcel);
        return;
    }
    struct child *child = free_place(helper);
    if (child == NULL) {
        refuse(helper, request->id, MEDIA_UNAVAILABLE, "The media helper is busy.");
        return;
    }
    if (!employ(helper, parcel, child)) {
        refuse(helper, request->id, MEDIA_UNAVAILABLE,
               "The system could not start another process.");
        return;
    }
    child->id = request->id;
    child->cpu_max = SECONDS(cpu_seconds_of(request));
    child->time_max = MILLISECONDS(request->time_max_ms);
    child->deadline = instant_add(clock_monotonic(), child->time_max);
    if (helper->deputy >= 0)
        remember(helper, child, parcel);
}

static void cancel(struct helper *helper, const struct wire_note *note)
{
    for (int i = 0; i < helper->children_max; i++)
        if (helper->children[i].pid != 0 && helper->children[i].id == note->id) {
            helper->children[i].is_canceled = true;
            kill(helper->children[i].pid, SIGKILL);
            return;
        }
    if (helper->deputy >= 0)
        (void)!send(helper->deputy, note, sizeof(*note), MSG_NOSIGNAL);
}

#ifdef MEDIA_WITH_SELFTEST
static void selftest(const struct wire_request *request)
{
    if (request->verb == MEDIA_SELFTEST && request->seed == SELFTEST_STOP_HELPER)
        _exit(3);
}
#endif

/* Takes one packet from the server; false when the server is gone. */
static bool receive(struct helper *helper)
{
    AUTO(parcel_done) struct parcel parcel = {0};
    ssize_t got = receive_request(helper->server, &helper->inbox->request, &parcel, MSG_DONTWAIT);
    if (got <= 0)
        return got < 0 && (errno == EAGAIN || errno == EINTR);
    if (helper->inbox->request.magic != WIRE_MAGIC)
        return false;
    if (got == sizeof(struct wire_note)) {
        struct wire_note note;
        memcpy(&note, &helper->inbox->request, sizeof(note));
        cancel(helper, &note);
        return true;
    }
    if (got != sizeof(helper->inbox->request) ||
        parcel.count != descriptors_of(&helper->inbox->request))
        return false;
#ifdef MEDIA_WITH_SELFTEST
    selftest(&helper->inbox->request);
#endif
    start(helper, &parcel);
    return true;
}

/* Nobody of ours killed it, and it had met no limit: the system was short of memory. */
static bool was_sacrificed(const struct child *was, const struct fate *fate)
{
    return WIFSIGNALED(fate->status) && WTERMSIG(fate->status) == SIGKILL &&
           fate->cpu.us < was->cpu_max.us - SECONDS(1).us && fate->memory < MEMORY_OF_ITS_OWN;
}

static void say_how_it_died(struct wire_reply *reply, const struct child *was,
                            const struct fate *fate)
{
    int number = WIFSIGNALED(fate->status) ? WTERMSIG(fate->status) : 0;
    *reply = (struct wire_reply){.kind = WIRE_FAILED, .failure = MEDIA_CRASHED};
    if (was_sacrificed(was, fate)) {
        reply->failure = MEDIA_STARVED;
        snprintf(reply->text, sizeof(reply->text), "%s", TOO_BUSY);
    } else if (number == SIGXCPU || number == SIGKILL) {
        snprintf(reply->text, sizeof(reply->text),
                 "The media helper was stopped while working on this file: it took too much.");
    } else if (number != 0) {
        snprintf(reply->text, sizeof(reply->text),
                 "The media helper stopped while working on this file (signal %d). The file may "
                 "be damaged.",
                 number);
    } else {
        snprintf(reply->text, sizeof(reply->text),
                 "The media helper gave no answer about this file.");
    }
}

/* Its time was over. Was it the file's fault, or did others have the processor, or the disk? A file
 * that only takes long has had at least half of the time, or met the limit of processor time. */
static void say_it_was_late(struct wire_reply *reply, const struct child *was,
                            const struct fate *fate)
{
    bool is_starved = fate->cpu.us < was->time_max.us / 2;
    *reply = (struct wire_reply){.kind = WIRE_FAILED,
                                 .failure = is_starved ? MEDIA_STARVED : MEDIA_TIMEOUT};
    snprintf(reply->text, sizeof(reply->text), "%s",
             is_starved ? TOO_BUSY : "This took longer than it may.");
}

/* The child's end is closed: it is dead, or will be now. */
static void finish(struct helper *helper, struct child *child)
{
    struct child was = *child;
    AUTO(errand_done) struct errand *errand = &helper->inbox->errands[child - helper->children];
    struct fate fate = child_end(child);
    struct wire_reply reply = was.answer;
    if (was.is_canceled) {
        reply = (struct wire_reply){.kind = WIRE_FAILED, .failure = MEDIA_CANCELED};
        snprintf(reply.text, sizeof(reply.text), "Cancelled.");
    } else if (was.is_timed_out) {
        say_it_was_late(&reply, &was, &fate);
    } else if (!was.has_answer) {
        say_how_it_died(&reply, &was, &fate);
    }
    if (reply.kind == WIRE_PASSED)
        pass_on(helper, &errand->request, &errand->parcel);
    else
        answer(helper, was.id, &reply, 0);
}

/* Whoever has taken over a child could say a thousand times a second that nothing changed, or what
 * is no share at all: the server would be kept busy, or think that the child had ended. */
static void pass_progress(struct helper *helper, struct child *child, float fraction)
{
    if (!(fraction >= child->fraction + PROGRESS_STEP && fraction <= 1.0F))
        return;
    child->fraction = fraction;
    struct wire_reply reply = {.kind = WIRE_PROGRESS, .fraction = fraction};
    answer(helper, child->id, &reply, MSG_DONTWAIT);
}

/* The other failures are the helper's to tell; one of them makes the server try again. */
static bool is_of_a_child(const struct helper *helper, const struct wire_reply *reply)
{
    return reply->kind == WIRE_DONE || (reply->kind == WIRE_PASSED && helper->deputy >= 0) ||
           (reply->kind == WIRE_FAILED &&
            (reply->failure == MEDIA_REFUSED || reply->failure == MEDIA_CORRUPT ||
             reply->failure == MEDIA_TOO_LARGE || reply->failure == MEDIA_BROKEN));
}

static void listen_to(struct helper *helper, struct child *child)
{
    struct wire_reply reply;
    ssize_t got = recv(child->report, &reply, sizeof(reply), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got != (ssize_t)sizeof(reply)) {
        finish(helper, child);
        return;
    }
    if (reply.kind == WIRE_PROGRESS) {
        pass_progress(helper, child, reply.fraction);
        return;
    }
    child->answer = reply;
    child->has_answer = is_of_a_child(helper, &reply);
}

/* What the deputy says goes to the server as it is. False: it is gone. */
static bool relay(struct helper *helper)
{
    struct wire_reply reply;
    ssize_t got = recv(helper->deputy, &reply, sizeof(reply), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (got != (ssize_t)sizeof(reply) || reply.magic != WIRE_MAGIC)
        return false;
    answer(helper, reply.id, &reply, reply.kind == WIRE_PROGRESS ? MSG_DONTWAIT : 0);
    return true;
}

/* Kills who is late; answers the milliseconds to the next deadline, or -1. */
static int watch_deadlines(struct helper *helper)
{
    instant now = clock_monotonic();
    int64_t next = -1;
    for (int i = 0; i < helper->children_max; i++) {
        struct child *child = &helper->children[i];
        if (child->pid == 0 || child->is_timed_out)
            continue;
        int64_t left = instant_since(child->deadline, now).us;
        if (left <= 0) {
            child->is_timed_out = true;
            kill(child->pid, SIGKILL);
        } else if (next < 0 || left < next) {
            next = left;
        }
    }
    return next < 0 ? -1 : (int)(next / 1000 + 1);
}

static void stop_all(struct helper *helper)
{
    for (int i = 0; i < helper->children_max; i++)
        if (helper->children[i].pid != 0)
            kill(helper->children[i].pid, SIGKILL);
    for (int i = 0; i < helper->spare_count; i++)
        kill(helper->spares[i].pid, SIGKILL);
}

/* Everything that may have something to say; a place without a descriptor is passed over. */
static nfds_t list_polled(const struct helper *helper, struct pollfd *polled)
{
    nfds_t count = 0;
    polled[count++] = (struct pollfd){.fd = helper->server, .events = POLLIN};
    polled[count++] = (struct pollfd){.fd = helper->deputy, .events = POLLIN};
    for (int i = 0; i < helper->children_max; i++) {
        const struct child *child = &helper->children[i];
        polled[count++] =
            (struct pollfd){.fd = child->pid != 0 ? child->report : -1, .events = POLLIN};
    }
    return count;
}

static struct inbox *inbox_open(void)
{
    void *at = mmap(NULL, sizeof(struct inbox), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                    -1, 0);
    return at != MAP_FAILED && madvise(at, sizeof(struct inbox), MADV_WIPEONFORK) == 0 ? at : NULL;
}

void helper_run(int server, int children_max, int deputy)
{
    static struct helper helper;
    helper.server = server;
    helper.deputy = deputy;
    helper.children_max = MIN_OF(MAX_OF(children_max, 1), HELPER_CHILDREN_MAX);
    helper.inbox = inbox_open();
    while (helper.inbox != NULL) {
        struct pollfd polled[2 + HELPER_CHILDREN_MAX];
        nfds_t count = list_polled(&helper, polled);
        int timeout = watch_deadlines(&helper);
        fill_pool(&helper);
        if (poll(polled, count, timeout) < 0 && errno != EINTR)
            break;
        for (int i = 0; i < helper.children_max; i++)
            if (polled[2 + i].revents != 0 && polled[2 + i].fd >= 0)
                listen_to(&helper, &helper.children[i]);
        if (polled[1].revents != 0 && !relay(&helper))
            break;
        if (polled[0].revents != 0 && !receive(&helper))
            break;
    }
    stop_all(&helper);
}
