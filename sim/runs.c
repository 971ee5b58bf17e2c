/* SPDX-License-Identifier: Apache-2.0 */
#include "runs.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum store_engine seed_engine(uint64_t seed)
{
    return seed % 10 == 9 ? STORE_SQLITE : STORE_MEMORY;
}

/* ---- one ---- */

static void remove_scratch(const char *folder)
{
    static const char *const names[] = {"sim.db", "sim.db-wal", "sim.db-shm"};
    char path[128];
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

bool seed_run(const struct oracle_options *options, struct oracle_counts *counts)
{
    if (options->engine != STORE_SQLITE)
        return oracle_run(options, counts);
    struct oracle_options with_path = *options;
    char folder[64], path[96];
    /* In memory if the system lets us: this is about answers, not about disks. */
    snprintf(folder, sizeof(folder), "%s/atelier-sim-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(folder) == NULL)
        abort();
    snprintf(path, sizeof(path), "%s/sim.db", folder);
    with_path.path = path;
    bool worked = oracle_run(&with_path, counts);
    remove_scratch(folder);
    return worked;
}

static void *shared_memory(size_t size)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        abort();
    return at;
}

static void be_quiet(void)
{
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (fd >= 0)
        dup2(fd, STDERR_FILENO);
}

static int wait_for(pid_t child)
{
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

bool seed_fails(const struct oracle_options *options, bool is_quiet, uint64_t *at)
{
    volatile uint64_t *progress = shared_memory(sizeof(*progress));
    fflush(NULL);
    pid_t child = fork();
    if (child < 0)
        abort();
    if (child == 0) {
        struct oracle_options inside = *options;
        struct oracle_counts counts = {0};
        inside.progress = progress;
        if (is_quiet)
            be_quiet();
        _exit(seed_run(&inside, &counts) ? 0 : 1);
    }
    bool fails = wait_for(child) != 0;
    *at = *progress;
    munmap((void *)(uintptr_t)progress, sizeof(*progress));
    return fails;
}

/* ---- made shorter ---- */

#define TOLD_MAX 200 /* steps; more of them help nobody */

struct shorter {
    struct oracle_options options;
    uint8_t *leaves_out;
    instant until;
};

/* Whether it fails without the steps [from, to), too; then they stay out. */
static bool leave_out(struct shorter *shorter, uint64_t from, uint64_t to)
{
    size_t count = (size_t)(to - from);
    uint8_t *before = memory_new(count);
    uint64_t at;
    memcpy(before, shorter->leaves_out + from, count);
    memset(shorter->leaves_out + from, 1, count);
    bool fails = seed_fails(&shorter->options, true, &at);
    if (fails)
        shorter->options.steps = MIN_OF(shorter->options.steps, at + 1);
    else
        memcpy(shorter->leaves_out + from, before, count);
    free(before);
    return fails;
}

static bool is_all_out(const struct shorter *shorter, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++)
        if (!shorter->leaves_out[i])
            return false;
    return true;
}

uint64_t seed_shorten(const struct oracle_options *options, span time)
{
    struct shorter shorter = {.options = *options, .until = instant_add(clock_monotonic(), time)};
    shorter.leaves_out = memory_zeroed((size_t)options->steps + 1);
    shorter.options.leaves_out = shorter.leaves_out;
    uint64_t at;
    if (!seed_fails(&shorter.options, true, &at)) {
        free(shorter.leaves_out);
        return 0;
    }
    shorter.options.steps = MIN_OF(options->steps, at + 1);
    for (uint64_t piece = shorter.options.steps / 2; piece > 0; piece /= 2)
        for (uint64_t from = 0; from < shorter.options.steps; from += piece) {
            uint64_t to = MIN_OF(from + piece, shorter.options.steps);
            if (!is_all_out(&shorter, from, to) &&
                instant_is_before(clock_monotonic(), shorter.until))
                leave_out(&shorter, from, to);
        }
    uint64_t left = 0;
    for (uint64_t i = 0; i < shorter.options.steps; i++)
        left += !shorter.leaves_out[i];
    fprintf(stderr, "%" PRIu64 " steps are enough\n", left);
    shorter.options.is_loud = left <= TOLD_MAX;
    seed_fails(&shorter.options, false, &at);
    free(shorter.leaves_out);
    return left;
}

/* ---- many ---- */

struct worker {
    struct oracle_counts counts;
    volatile uint64_t seed, step;
};

static void work(const struct many *many, size_t which, struct worker *worker)
{
    for (uint64_t i = which; i < many->seeds; i += many->jobs) {
        uint64_t seed = many->first + i;
        struct oracle_options options = {
            .engine = many->engine != STORE_NONE ? many->engine : seed_engine(seed),
            .seed = seed,
            .steps = many->steps,
            .plant = many->plant,
            .progress = &worker->step,
        };
        worker->seed = seed;
        if (!seed_run(&options, &worker->counts))
            _exit(1);
    }
    _exit(0);
}

static void stop_all(const pid_t *children, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (children[i] > 0)
            kill(children[i], SIGTERM);
}

static size_t index_of_child(const pid_t *children, size_t count, pid_t child)
{
    size_t at = 0;
    while (at < count && children[at] != child)
        at++;
    return at;
}

bool many_run(const struct many *many, struct oracle_counts *counts, uint64_t *failed)
{
    struct worker *workers = shared_memory(sizeof(*workers) * RUNS_JOBS_MAX);
    pid_t children[RUNS_JOBS_MAX] = {0};
    bool worked = true;
    assert(many->jobs > 0 && many->jobs <= RUNS_JOBS_MAX);
    fflush(NULL);
    for (size_t i = 0; i < many->jobs; i++) {
        children[i] = fork();
        if (children[i] < 0)
            abort();
        if (children[i] == 0)
            work(many, i, &workers[i]);
    }
    for (size_t left = many->jobs; left > 0; left--) {
        int status = 0;
        size_t at = index_of_child(children, many->jobs, wait(&status));
        if (at == many->jobs)
            break;
        children[at] = 0;
        if (status == 0 || !worked)
            continue;
        worked = false;
        *failed = workers[at].seed;
        stop_all(children, many->jobs);
        fprintf(stderr, "seed %" PRIu64 " failed at step %" PRIu64 "\n", workers[at].seed,
                workers[at].step);
    }
    for (size_t i = 0; i < many->jobs; i++)
        counts_add(counts, &workers[i].counts);
    munmap(workers, sizeof(*workers) * RUNS_JOBS_MAX);
    return worked;
}

/* ---- counts ---- */

/* All members are of one kind. */
void counts_add(struct oracle_counts *to, const struct oracle_counts *from)
{
    uint64_t *sums = (uint64_t *)to;
    const uint64_t *more = (const uint64_t *)from;
    for (size_t i = 0; i < sizeof(*to) / sizeof(uint64_t); i++)
        sums[i] += more[i];
}

static double share(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : (double)part / (double)whole;
}

void counts_print(const struct oracle_counts *counts)
{
    printf("%" PRIu64 " steps: %" PRIu64 " mutations (%" PRIu64 " refused, %" PRIu64
           " sent again), %" PRIu64 " batches, %" PRIu64 " rounds,\n",
           counts->steps, counts->mutations, counts->refused, counts->replays, counts->commits,
           counts->rounds);
    printf("%" PRIu64 " jobs (%" PRIu64 " late), %" PRIu64 " questions asked once\n", counts->jobs,
           counts->late_jobs, counts->asked);
    printf("%" PRIu64 " times a live query met a commit; %.4f of them it was not run again (at "
           "least %.2f)\n",
           counts->pairs, share(counts->untold, counts->pairs), UNTOLD_MIN);
    printf("%" PRIu64 " runs; %.4f of them for nothing (at most %.2f), %.4f where no mutation "
           "writes back (at most %.2f)\n",
           counts->reruns, share(counts->wasted, counts->reruns), WASTED_MAX,
           share(counts->straight_wasted, counts->straight_reruns), STRAIGHT_WASTED_MAX);
}

bool counts_are_good(const struct oracle_counts *counts)
{
    return share(counts->untold, counts->pairs) >= UNTOLD_MIN &&
           share(counts->wasted, counts->reruns) <= WASTED_MAX &&
           share(counts->straight_wasted, counts->straight_reruns) <= STRAIGHT_WASTED_MAX;
}
