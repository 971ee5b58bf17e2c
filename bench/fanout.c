/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fanout_10k: from one commit that changes a query all sessions hold until the last has heard,
 * beside a raw broadcast of the same bytes. With the number of evaluations, as the server's
 * metrics count them.
 */
#include "bench.h"

#include "holders.h"

#include <stdio.h>

#define SESSIONS 10000
#define ACCOUNTS 1000
#define COMMITS 5 /* of each run */

static bool broadcast(struct broadcast *raw, const struct holders *holders, double *us,
                      struct fault *fault)
{
    instant start = clock_monotonic();
    if (!broadcast_send(raw, crowd_heard(holders->crowd), fault) || !broadcast_heard(raw, fault))
        return false;
    *us = (double)instant_since(clock_monotonic(), start).us;
    return true;
}

static bool open_all(const struct bench *bench, struct holders *holders, struct broadcast *raw,
                     struct fault *fault)
{
    double us;
    return broadcast_start(SESSIONS, raw, fault) &&
           holders_open(bench, "fanout", ACCOUNTS, SESSIONS, 1, holders, fault) &&
           holders_commit(holders, 0, 1, SESSIONS, &us, fault) &&
           broadcast(raw, holders, &us, fault);
}

static bool run_once(struct holders *holders, struct broadcast *raw, struct row *rows,
                     struct fault *fault)
{
    double ours[COMMITS], theirs[COMMITS], ratios[COMMITS];
    double before = holders_evaluations(holders);
    for (size_t i = 0; i < COMMITS; i++) {
        if (!holders_commit(holders, 0, 1, SESSIONS, &ours[i], fault) ||
            !broadcast(raw, holders, &theirs[i], fault))
            return false;
        ratios[i] = ours[i] / theirs[i];
    }
    samples_add(&rows[0].samples, median_of(ours, COMMITS) / 1000,
                median_of(theirs, COMMITS) / 1000, median_of(ratios, COMMITS));
    samples_add(&rows[1].samples, (holders_evaluations(holders) - before) / COMMITS, 0, 0);
    return true;
}

bool bench_fanout(const struct bench *bench, struct row *rows, struct fault *fault)
{
    struct holders holders = {.server.syncs_fd = -1};
    struct broadcast raw = {.orders = -1, .news = -1};
    rows[0] = (struct row){
        .name = "fanout_10k", .unit = "ms", .is_lower_better = true, .has_baseline = true};
    rows[1] =
        (struct row){.name = "fanout_10k_evaluations", .unit = "a commit", .is_lower_better = true};
    bool is_well = open_all(bench, &holders, &raw, fault);
    for (size_t i = 0; i < bench->runs && is_well; i++)
        is_well = run_once(&holders, &raw, rows, fault);
    for (int i = 0; i < 2; i++)
        snprintf(rows[i].method, sizeof(rows[i].method),
                 "%d sessions of the sync protocol hold the same query; from sending one durable "
                 "transfer that changes it until the last session has read its transition, which "
                 "includes the commit; one reader on one thread. Median of %d commits a run; "
                 "evaluations from /metrics. Baseline: a process that does nothing but send() the "
                 "same %zu bytes to as many connections of another such reader, taken alternately. "
                 "Ratio: ours by the broadcast's, lower is better.",
                 SESSIONS, COMMITS, is_well ? crowd_heard(holders.crowd).len : 0);
    holders_close(&holders);
    broadcast_stop(&raw);
    return is_well;
}
