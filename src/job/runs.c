/* SPDX-License-Identifier: Apache-2.0 */
#include "job/runs.h"

static struct run **number_bucket(struct runs *runs, uint64_t id)
{
    return &runs->by_number[id % RUN_BUCKETS];
}

static struct run **job_bucket(struct runs *runs, doc_id job)
{
    return &runs->by_job[(uint64_t)job.n % RUN_BUCKETS];
}

struct run *run_new(struct runs *runs)
{
    struct run *run = memory_zeroed(sizeof(*run));
    run->id = ++runs->last_id;
    run->next = runs->first;
    run->link = &runs->first;
    if (run->next != NULL)
        run->next->link = &run->next;
    runs->first = run;
    runs->count++;
    struct run **bucket = number_bucket(runs, run->id);
    run->next_of_number = *bucket;
    *bucket = run;
    return run;
}

static void leave_job(struct runs *runs, struct run *run)
{
    struct run **at = job_bucket(runs, run->job.id);
    while (*at != NULL && *at != run)
        at = &(*at)->next_of_job;
    if (*at == run)
        *at = run->next_of_job;
}

void run_set_job(struct runs *runs, struct run *run, const struct job *job)
{
    leave_job(runs, run);
    run->job = *job;
    struct run **bucket = job_bucket(runs, job->id);
    run->next_of_job = *bucket;
    *bucket = run;
}

void run_remove(struct runs *runs, struct run *run)
{
    struct run **at = number_bucket(runs, run->id);
    while (*at != run)
        at = &(*at)->next_of_number;
    *at = run->next_of_number;
    leave_job(runs, run);
    *run->link = run->next;
    if (run->next != NULL)
        run->next->link = run->link;
    runs->count--;
    arena_done(&run->arena);
    free(run);
}

struct run *run_find(const struct runs *runs, uint64_t id)
{
    struct run *run = runs->by_number[id % RUN_BUCKETS];
    while (run != NULL && run->id != id)
        run = run->next_of_number;
    return run;
}

struct run *run_of_job(const struct runs *runs, doc_id job)
{
    struct run *run = runs->by_job[(uint64_t)job.n % RUN_BUCKETS];
    while (run != NULL && run->job.id.n != job.n)
        run = run->next_of_job;
    return run;
}
