/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fanout_10k: from one commit that changes a query all sessions hold until the last has heard.
 * invalidate_one_N: from a commit that touches one of N live queries until its session has heard.
 * Both with the number of evaluations, as the server's metrics count them.
 */
#include "bench.h"

#include "crowd.h"

#include "base/buffer.h"

#include <stdio.h>

#define SESSIONS 9900 /* and as many raw ones: with RLIMIT_NOFILE 20,000, no more */
#define HOLDERS 50    /* sessions that share the N queries */
#define ACCOUNTS 60000
#define COMMITS 5 /* of each run */
#define TOUCHES 25
#define SETTLE_US 150000

struct measuring {
    const struct bench *bench;
    struct program server;
    struct crowd *crowd, *raw;
    struct broadcast broadcast;
    struct load *load;
    unsigned from, to;           /* of the next transfer */
    size_t queries, per_session; /* N */
    char data[500];
};

/* ---- what is said ---- */

static void ask_transfer(void *context, struct random *random, struct buffer *to)
{
    const struct measuring *m = context;
    buffer_format(to,
                  "\"udfPath\":\"transfer:transfer\",\"args\":[{\"amount\":1,\"from_id\":%u,"
                  "\"to_id\":%u}]",
                  m->from, m->to);
}

/* Session i holds per_session accounts; with one account in all, all hold that one. */
static void hello(void *context, size_t i, struct buffer *to)
{
    const struct measuring *m = context;
    AUTO(buffer_done) struct buffer text = buffer_with_max(MIB(8));
    buffer_str(&text, STR("{\"type\":\"ModifyQuerySet\",\"baseVersion\":0,\"newVersion\":1,"
                          "\"modifications\":["));
    for (size_t k = 0; k < m->per_session; k++)
        buffer_format(&text,
                      "%s{\"type\":\"Add\",\"queryId\":%zu,\"udfPath\":\"accounts:get_account\","
                      "\"args\":[{\"id\":%zu}]}",
                      k == 0 ? "" : ",", k, (i * m->per_session + k) % m->queries);
    buffer_str(&text, STR("]}"));
    load_frame(to, buffer_text(&text), 0x9abcdef0);
}

/* ---- opening ---- */

static bool open_server(struct measuring *m, struct fault *fault)
{
    return folder_make(m->bench, "live", m->data, fault) &&
           program_serve(m->bench, "atelier-fixture", m->data, &m->server, fault) &&
           program_seed(&m->server, ACCOUNTS, 1000000, fault);
}

static bool open_crowd(struct measuring *m, size_t sessions, size_t queries, struct fault *fault)
{
    m->queries = queries;
    m->per_session = MAX_OF(queries / sessions, (size_t)1);
    m->crowd = crowd_open(m->server.port, hello, m);
    struct load_options options = {
        .kind = LOAD_SYNC, .port = m->server.port, .peers = 1, .ask = ask_transfer, .context = m};
    return crowd_grow(m->crowd, sessions, fault) && load_open(&options, &m->load, fault);
}

static void close_crowd(struct measuring *m)
{
    load_close(m->load);
    crowd_close(m->crowd);
    m->load = NULL;
    m->crowd = NULL;
}

static void close_all(struct measuring *m)
{
    close_crowd(m);
    crowd_close(m->raw);
    broadcast_stop(&m->broadcast);
    program_stop(&m->server);
    folder_remove(m->data);
}

/* ---- one commit ---- */

/* Until `wanted` sessions have heard, in us. */
static bool commit(struct measuring *m, unsigned from, unsigned to, size_t wanted, double *us,
                   struct fault *fault)
{
    span took;
    instant start = clock_monotonic();
    m->from = from;
    m->to = to;
    if (!load_call(m->load, &took, fault) || !crowd_hear(m->crowd, wanted, fault))
        return false;
    *us = (double)instant_since(clock_monotonic(), start).us;
    return true;
}

static bool broadcast(struct measuring *m, double *us, struct fault *fault)
{
    instant start = clock_monotonic();
    if (!broadcast_send(&m->broadcast, crowd_heard(m->crowd), fault) ||
        !crowd_hear(m->raw, SESSIONS, fault))
        return false;
    *us = (double)instant_since(clock_monotonic(), start).us;
    return true;
}

static double evaluations(const struct measuring *m)
{
    return program_metric(&m->server, "atelier_live_evaluations_total");
}

/* ---- fanout ---- */

static bool open_fanout(struct measuring *m, struct fault *fault)
{
    if (!broadcast_start(SESSIONS, &m->broadcast, fault) || !open_server(m, fault) ||
        !open_crowd(m, SESSIONS, 1, fault))
        return false;
    m->raw = crowd_open(m->broadcast.port, NULL, NULL);
    double us;
    return crowd_grow(m->raw, SESSIONS, fault) && commit(m, 0, 1, SESSIONS, &us, fault) &&
           broadcast(m, &us, fault);
}

static bool run_fanout(struct measuring *m, struct row *rows, struct fault *fault)
{
    double ours[COMMITS], raw[COMMITS], ratios[COMMITS];
    double before = evaluations(m);
    for (size_t i = 0; i < COMMITS; i++) {
        if (!commit(m, 0, 1, SESSIONS, &ours[i], fault) || !broadcast(m, &raw[i], fault))
            return false;
        ratios[i] = ours[i] / raw[i];
    }
    samples_add(&rows[0].samples, median_of(ours, COMMITS) / 1000, median_of(raw, COMMITS) / 1000,
                median_of(ratios, COMMITS));
    samples_add(&rows[1].samples, (evaluations(m) - before) / COMMITS, 0, 0);
    return true;
}

bool bench_fanout(const struct bench *bench, struct row *rows, struct fault *fault)
{
    struct measuring m = {.bench = bench, .server.syncs_fd = -1, .broadcast.orders = -1};
    rows[0] = (struct row){
        .name = "fanout_10k", .unit = "ms", .is_lower_better = true, .has_baseline = true};
    rows[1] =
        (struct row){.name = "fanout_10k_evaluations", .unit = "a commit", .is_lower_better = true};
    bool is_well = open_fanout(&m, fault);
    for (size_t i = 0; i < bench->runs && is_well; i++)
        is_well = run_fanout(&m, rows, fault);
    for (int i = 0; i < 2; i++)
        snprintf(rows[i].method, sizeof(rows[i].method),
                 "%d sessions of the sync protocol (RLIMIT_NOFILE is 20,000 here and the bench "
                 "holds as many raw connections too, so not 10,000) hold the same query; from "
                 "sending one durable transfer that changes it until the last session has read its "
                 "transition, which includes the commit; one reader on one thread. Median of %d "
                 "commits a run; evaluations from /metrics. Baseline: a process that does nothing "
                 "but send() the same %zu bytes to as many connections of the same reader, taken "
                 "alternately. Ratio: ours by the broadcast's, lower is better.",
                 SESSIONS, COMMITS, is_well ? crowd_heard(m.crowd).len : 0);
    close_all(&m);
    return is_well;
}

/* ---- one of many ---- */

static bool run_touches(struct measuring *m, struct row *rows, struct fault *fault)
{
    double ours[TOUCHES], bare[TOUCHES];
    double before = evaluations(m);
    unsigned n = (unsigned)m->queries;
    for (unsigned i = 0; i < TOUCHES; i++)
        if (!commit(m, i * (n / TOUCHES), n + i, 1, &ours[i], fault) ||
            !commit(m, n + i, n + i + 1, 0, &bare[i], fault))
            return false;
    samples_add(&rows[0].samples, median_of(ours, TOUCHES), median_of(bare, TOUCHES),
                median_of(ours, TOUCHES) / median_of(bare, TOUCHES));
    samples_add(&rows[1].samples, (evaluations(m) - before) / TOUCHES, 0, 0);
    return true;
}

static bool run_many(struct measuring *m, size_t queries, struct row *rows, struct fault *fault)
{
    double us;
    bool is_well =
        open_crowd(m, HOLDERS, queries, fault) && commit(m, 0, (unsigned)queries, 1, &us, fault);
    usleep(SETTLE_US);
    for (size_t i = 0; i < m->bench->runs && is_well; i++)
        is_well = run_touches(m, rows, fault);
    close_crowd(m);
    for (int i = 0; i < 2; i++)
        snprintf(rows[i].method, sizeof(rows[i].method),
                 "%zu live queries of different accounts, held by %d sessions; from sending one "
                 "durable transfer that touches one of them until its session has read its "
                 "transition. Medians of %d commits a run; evaluations a commit from /metrics. "
                 "Baseline: the same caller's transfer that touches no live query, taken "
                 "alternately.",
                 queries, HOLDERS, TOUCHES);
    return is_well;
}

bool bench_invalidate(const struct bench *bench, struct row *rows, struct fault *fault)
{
    static const struct {
        const char *name, *evaluations;
        size_t queries;
    } sizes[] = {{"invalidate_one_100", "invalidate_one_100_evaluations", 100},
                 {"invalidate_one_10000", "invalidate_one_10000_evaluations", 10000},
                 {"invalidate_one_50000", "invalidate_one_50000_evaluations", 50000}};
    struct measuring m = {.bench = bench, .server.syncs_fd = -1, .broadcast.orders = -1};
    bool is_well = open_server(&m, fault);
    for (size_t i = 0; i < ARRAY_LEN(sizes) && is_well; i++) {
        struct row *pair = rows + 2 * i;
        pair[0] = (struct row){
            .name = sizes[i].name, .unit = "us", .is_lower_better = true, .has_baseline = true};
        pair[1] =
            (struct row){.name = sizes[i].evaluations, .unit = "a commit", .is_lower_better = true};
        is_well = run_many(&m, sizes[i].queries, pair, fault);
    }
    close_all(&m);
    return is_well;
}
