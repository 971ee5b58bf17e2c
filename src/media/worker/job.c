/* SPDX-License-Identifier: Apache-2.0 */
#include "media/worker/job.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define PROGRESS_STEP 0.01F

static bool map_input(struct job *job, int fd)
{
    struct stat about;
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode))
        return job_fail(job, MEDIA_BROKEN, "The input could not be read.");
    if (about.st_size == 0)
        return job_fail(job, MEDIA_CORRUPT, "The file is empty.");
    if ((uint64_t)about.st_size > job->request.input_max)
        return job_fail(job, MEDIA_TOO_LARGE, "The file is larger than %llu MB, the most allowed.",
                        (unsigned long long)(job->request.input_max >> 20));
    void *at = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED)
        return job_fail(job, MEDIA_BROKEN, "The input could not be read.");
    job->input = at;
    job->input_len = (size_t)about.st_size;
    return true;
}

bool job_map(struct job *job, int input, const int *outputs)
{
    if (input >= 0 && !map_input(job, input))
        return false;
    for (int i = 0; i < MEDIA_OUTPUT_COUNT; i++) {
        if (!(job->request.outputs >> i & 1U))
            continue;
        void *at = mmap(NULL, job->request.output_room[i], PROT_READ | PROT_WRITE, MAP_SHARED,
                        outputs[i], 0);
        if (at == MAP_FAILED)
            return job_fail(job, MEDIA_BROKEN, "There was no room for the result.");
        job->outputs[i] = at;
    }
    return true;
}

bool job_fail(struct job *job, enum media_failure failure, const char *format, ...)
{
    if (job->reply.failure != MEDIA_FAILURE_NONE)
        return false;
    job->reply.failure = failure;
    va_list args;
    va_start(args, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is, in the line above */
    vsnprintf(job->reply.text, sizeof(job->reply.text), format, args);
    va_end(args);
    return false;
}

static void send_reply(struct job *job, const struct wire_reply *reply)
{
    /* If the helper is gone, so are we, by PDEATHSIG. */
    ssize_t sent = write(job->report, reply, sizeof(*reply));
    (void)sent;
}

void job_progress(struct job *job, float fraction)
{
    if (fraction < job->reported + PROGRESS_STEP)
        return;
    job->reported = fraction;
    struct wire_reply reply = {.magic = WIRE_MAGIC, .kind = WIRE_PROGRESS, .fraction = fraction};
    send_reply(job, &reply);
}

bool job_put(struct job *job, enum media_output_name name, const void *data, size_t len)
{
    if (job->outputs[name] == NULL)
        return true; /* not asked for */
    if (len == 0 || len > job->request.output_room[name])
        return job_fail(job, MEDIA_TOO_LARGE, "The result is larger than its limit of %llu MB.",
                        (unsigned long long)(job->request.output_room[name] >> 20));
    memcpy(job->outputs[name], data, len);
    job->reply.output_len[name] = len;
    return true;
}

bool job_can(uint32_t verb)
{
    return verb < MEDIA_VERB_COUNT && job_verbs[verb] != NULL;
}

void job_end(struct job *job)
{
    bool is_done = job->reply.failure == MEDIA_FAILURE_NONE;
    job->reply.magic = WIRE_MAGIC;
    job->reply.kind = is_done ? WIRE_DONE : job->has_deputy ? WIRE_PASSED : WIRE_FAILED;
    job->reply.fraction = 1.0F;
    send_reply(job, &job->reply);
    _exit(0);
}

void job_run(struct job *job)
{
    uint32_t verb = job->request.verb;
    if (job->reply.failure == MEDIA_FAILURE_NONE) {
        if (!job_can(verb))
            job_fail(job, MEDIA_BROKEN, "The media helper does not know this request.");
        else if (!job_verbs[verb](job))
            job_fail(job, MEDIA_BROKEN, "The media helper could not do this.");
    }
    job_end(job);
}
