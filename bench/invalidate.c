/* SPDX-License-Identifier: Apache-2.0 */
/*
 * invalidate_one_N: from a commit that touches one of N live queries until its session has heard,
 * and the evaluations it took. There is a server for each N and they are asked by turns, so that
 * whatever else the machine does disturbs all sizes alike and their times can be compared.
 */
#include "bench.h"

#include "holders.h"

#include <stdio.h>

#define SESSIONS 50 /* that share the N queries */
#define ACCOUNTS 51000
#define TOUCHES 100 /* of each run and size */
#define SIZES 3
#define SETTLE_US 150000

static const struct {
    const char *name, *evaluations, *folder;
    unsigned queries;
} sizes[SIZES] = {
    {"invalidate_one_100", "invalidate_one_100_evaluations", "live-100", 100},
    {"invalidate_one_10000", "invalidate_one_10000_evaluations", "live-10000", 10000},
    {"invalidate_one_50000", "invalidate_one_50000_evaluations", "live-50000", 50000},
};

struct measuring {
    struct holders holders[SIZES];
    double ours[SIZES][TOUCHES], bare[SIZES][TOUCHES];
};

static bool open_all(const struct bench *bench, struct measuring *m, struct fault *fault)
{
    double us;
    for (size_t i = 0; i < SIZES; i++)
        if (!holders_open(bench, sizes[i].folder, ACCOUNTS, SESSIONS, sizes[i].queries,
                          &m->holders[i], fault) ||
            !holders_commit(&m->holders[i], 0, ACCOUNTS - 1, 1, &us, fault))
            return false;
    usleep(SETTLE_US);
    return true;
}

/* One that touches a live query, and one that touches none. */
static bool touch(struct measuring *m, size_t size, unsigned i, struct fault *fault)
{
    unsigned n = sizes[size].queries, beyond = n + i;
    return holders_commit(&m->holders[size], i * (n / TOUCHES), beyond, 1, &m->ours[size][i],
                          fault) &&
           holders_commit(&m->holders[size], beyond, beyond + 1, 0, &m->bare[size][i], fault);
}

static bool run_once(struct measuring *m, struct row *rows, struct fault *fault)
{
    double before[SIZES];
    for (size_t size = 0; size < SIZES; size++)
        before[size] = holders_evaluations(&m->holders[size]);
    for (unsigned i = 0; i < TOUCHES; i++)
        for (size_t size = 0; size < SIZES; size++)
            if (!touch(m, size, i, fault))
                return false;
    double smallest = part_of(m->ours[0], TOUCHES, 0.5);
    for (size_t size = 0; size < SIZES; size++) {
        struct row *pair = rows + 2 * size;
        double ours = part_of(m->ours[size], TOUCHES, 0.5);
        double bare = part_of(m->bare[size], TOUCHES, 0.5);
        double evaluations = holders_evaluations(&m->holders[size]) - before[size];
        pair[0].flatness[pair[0].samples.count] = ours / smallest;
        samples_add(&pair[0].samples, ours, bare, ours / bare);
        samples_add(&pair[1].samples, evaluations / TOUCHES, 0, 0);
    }
    return true;
}

static void tell_method(size_t size, struct row *row)
{
    snprintf(row->method, sizeof(row->method),
             "%u live queries of different accounts, held by %d sessions; from sending one durable "
             "transfer that touches one of them until its session has read its transition. Medians "
             "of %d commits a run; evaluations a commit from /metrics. Baseline: the same caller's "
             "transfer that touches no live query, taken alternately. Flat: this figure by that of "
             "100 live queries in the same run; there is a server for each number of queries, and "
             "their commits are taken by turns.",
             sizes[size].queries, SESSIONS, TOUCHES);
}

bool bench_invalidate(const struct bench *bench, struct row *rows, struct fault *fault)
{
    struct measuring m = {0};
    for (size_t i = 0; i < SIZES; i++) {
        m.holders[i].server.syncs_fd = -1;
        rows[2 * i] = (struct row){.name = sizes[i].name,
                                   .unit = "us",
                                   .is_lower_better = true,
                                   .has_baseline = true,
                                   .has_flatness = true};
        rows[2 * i + 1] =
            (struct row){.name = sizes[i].evaluations, .unit = "a commit", .is_lower_better = true};
        tell_method(i, &rows[2 * i]);
        tell_method(i, &rows[2 * i + 1]);
    }
    bool is_well = open_all(bench, &m, fault);
    for (size_t i = 0; i < bench->runs && is_well; i++)
        is_well = run_once(&m, rows, fault);
    for (size_t i = 0; i < SIZES; i++)
        holders_close(&m.holders[i]);
    return is_well;
}
