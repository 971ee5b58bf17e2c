/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mutation_latency_p50, _p99: one sequential caller of durable transfers, and after each call one
 * fdatasync of a written block on the same disk.
 * mutation_under_reads: the same caller's p99 while 4 others run queries of 32,000 documents,
 * beside its p99 without them.
 */
#include "bench.h"

#include "background.h"

#include "base/buffer.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define ACCOUNTS 100000
#define INITIAL 1000000.0
#define SAMPLES_MAX 100000
#define BLOCK 4096
#define FILE_BLOCKS 1024
#define READERS 4
#define SLICES 4    /* of a run, with and without readers */
#define ITEMS 32000 /* the most that one query may read */

struct series {
    double *us; /* of each, SAMPLES_MAX at most */
    size_t count;
};

struct measuring {
    const struct bench *bench;
    struct program server;
    struct load *load;
    int file;
    char data[500];
    struct series calls, others; /* others: syncs, or calls beside readers */
    double reads;                /* of READERS, a second */
};

/* ---- what is asked ---- */

static void ask_transfer(void *context, struct random *random, struct buffer *to)
{
    unsigned from = (unsigned)random_below(random, ACCOUNTS);
    buffer_format(to,
                  "\"udfPath\":\"transfer:transfer\",\"args\":[{\"amount\":1,\"from_id\":%u,"
                  "\"to_id\":%u}]",
                  from, (from + 1 + (unsigned)random_below(random, ACCOUNTS - 1)) % ACCOUNTS);
}

static void ask_add(void *context, struct random *random, struct buffer *to)
{
    buffer_str(to, STR("\"udfPath\":\"items:add\",\"args\":[{\"text\":\"A line of text, as long "
                       "as lines of text usually are.\"}]"));
}

/* No two the same, so that nobody can answer from memory. */
static void ask_far_item(void *context, struct random *random, struct buffer *to)
{
    char body[120];
    int len = snprintf(body, sizeof(body),
                       "{\"path\":\"items:get\",\"format\":\"json\",\"args\":{\"index\":%u}}",
                       ITEMS - 1 - (unsigned)random_below(random, 1000));
    buffer_format(to,
                  "POST /api/query HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: "
                  "application/json\r\nContent-Length: %d\r\n\r\n%s",
                  len, body);
}

/* ---- opening ---- */

static bool open_file(struct measuring *m, struct fault *fault)
{
    static const char block[BLOCK] = {1};
    char path[600];
    snprintf(path, sizeof(path), "%s/block", m->data);
    m->file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    for (int i = 0; m->file >= 0 && i < FILE_BLOCKS; i++)
        if (pwrite(m->file, block, BLOCK, (off_t)i * BLOCK) != BLOCK)
            return fault_os(fault, path);
    return (m->file >= 0 && fsync(m->file) == 0) || fault_os(fault, path);
}

static bool open_all(struct measuring *m, struct fault *fault)
{
    m->calls.us = memory_zeroed(SAMPLES_MAX * sizeof(double));
    m->others.us = memory_zeroed(SAMPLES_MAX * sizeof(double));
    if (!folder_make(m->bench, "latency", m->data, fault) ||
        !program_serve(m->bench, "atelier-fixture", m->data, &m->server, fault) ||
        !program_seed(&m->server, ACCOUNTS, INITIAL, fault) || !open_file(m, fault))
        return false;
    struct load_options options = {
        .kind = LOAD_SYNC, .port = m->server.port, .peers = 1, .ask = ask_transfer};
    uint64_t warm;
    return load_open(&options, &m->load, fault) &&
           load_run(m->load, (span){m->bench->time.us / 4}, &warm, fault);
}

static void close_all(struct measuring *m)
{
    load_close(m->load);
    fd_close(&m->file);
    program_stop(&m->server);
    folder_remove(m->data);
    free(m->calls.us);
    free(m->others.us);
}

/* ---- running ---- */

static void add(struct series *series, instant start)
{
    series->us[series->count++] = (double)instant_since(clock_monotonic(), start).us;
}

static bool sync_block(struct measuring *m, struct series *syncs, struct fault *fault)
{
    char block[BLOCK];
    memset(block, (int)syncs->count, BLOCK);
    instant start = clock_monotonic();
    if (pwrite(m->file, block, BLOCK, (off_t)(syncs->count % FILE_BLOCKS) * BLOCK) != BLOCK ||
        fdatasync(m->file) != 0)
        return fault_os(fault, "fdatasync");
    add(syncs, start);
    return true;
}

/* Adds calls for this time; syncs, where wanted, after each. */
static bool sample(struct measuring *m, span time, struct series *calls, struct series *syncs,
                   struct fault *fault)
{
    instant end = instant_add(clock_monotonic(), time);
    uint64_t before = program_syncs(&m->server);
    size_t first = calls->count;
    while (instant_is_before(clock_monotonic(), end) && calls->count < SAMPLES_MAX) {
        span took;
        if (!load_call(m->load, &took, fault) || (syncs != NULL && !sync_block(m, syncs, fault)))
            return false;
        calls->us[calls->count++] = (double)took.us;
    }
    return program_syncs(&m->server) - before >= calls->count - first ||
           fault_set(fault, FAULT_SYSTEM, "fewer syncs than mutations: not durable, so no figure");
}

static double part(struct series *series, double part)
{
    return part_of(series->us, series->count, part);
}

bool bench_latency(const struct bench *bench, struct row *rows, struct fault *fault)
{
    static const double parts[] = {0.5, 0.99};
    static const char *const names[] = {"mutation_latency_p50", "mutation_latency_p99"};
    struct measuring m = {.bench = bench, .server.syncs_fd = -1, .file = -1};
    for (int i = 0; i < 2; i++)
        rows[i] = (struct row){
            .name = names[i], .unit = "us", .is_lower_better = true, .has_baseline = true};
    bool is_well = open_all(&m, fault);
    for (size_t run = 0; run < bench->runs && is_well; run++) {
        m.calls.count = m.others.count = 0;
        is_well = sample(&m, bench->time, &m.calls, &m.others, fault);
        for (int i = 0; i < 2 && is_well; i++) {
            double ours = part(&m.calls, parts[i]), disk = part(&m.others, parts[i]);
            samples_add(&rows[i].samples, ours, disk, ours / disk);
        }
    }
    for (int i = 0; i < 2; i++)
        snprintf(rows[i].method, sizeof(rows[i].method),
                 "One caller of transfer:transfer over the sync protocol, one after another: from "
                 "sending until the transition behind the response has come; about %zu calls a "
                 "run. Baseline: after each call, pwrite and fdatasync of one %d-byte block of a "
                 "file written before, on the same disk (%s). Never fewer syncs of the server than "
                 "calls. Ratio: our time by the disk's, lower is better.",
                 m.calls.count, BLOCK, bench->disk);
    close_all(&m);
    return is_well;
}

/* ---- beside readers ---- */

static bool add_items(struct measuring *m, struct fault *fault)
{
    struct load_options options = {
        .kind = LOAD_SYNC, .port = m->server.port, .peers = 50, .depth = 16, .ask = ask_add};
    struct load *load;
    uint64_t calls;
    bool is_well = load_open(&options, &load, fault);
    if (!is_well)
        return false;
    while (is_well && load_total(load) < ITEMS)
        is_well = load_run(load, MILLISECONDS(100), &calls, fault);
    load_close(load);
    return is_well;
}

static bool run_slice(struct measuring *m, span time, pid_t readers, struct fault *fault)
{
    background_pause(readers);
    if (!sample(m, time, &m->calls, NULL, fault))
        return false;
    background_go_on(readers);
    double before = program_metric(&m->server, "atelier_net_requests_total");
    if (!sample(m, time, &m->others, NULL, fault))
        return false;
    m->reads += program_metric(&m->server, "atelier_net_requests_total") - before - 1;
    return true;
}

/* By turns, so that what else the machine does disturbs both alike. */
static bool run_beside(struct measuring *m, struct samples *samples, struct fault *fault)
{
    struct load_options options = {
        .kind = LOAD_HTTP, .port = m->server.port, .peers = READERS, .ask = ask_far_item};
    pid_t readers;
    m->calls.count = m->others.count = 0;
    if (!background_start(&options, &readers, fault))
        return false;
    bool is_well = true;
    for (int i = 0; i < SLICES && is_well; i++)
        is_well = run_slice(m, (span){m->bench->time.us / SLICES}, readers, fault);
    if (!background_stop(&readers, fault) || !is_well)
        return false;
    double busy = part(&m->others, 0.99), idle = part(&m->calls, 0.99);
    samples_add(samples, busy, idle, busy / idle);
    return true;
}

bool bench_under_reads(const struct bench *bench, struct row *row, struct fault *fault)
{
    struct measuring m = {.bench = bench, .server.syncs_fd = -1, .file = -1};
    *row = (struct row){.name = "mutation_under_reads",
                        .unit = "us (p99)",
                        .is_lower_better = true,
                        .has_baseline = true};
    bool is_well = open_all(&m, fault) && add_items(&m, fault);
    for (size_t i = 0; i < bench->runs && is_well; i++)
        is_well = run_beside(&m, &row->samples, fault);
    double seconds = (double)bench->time.us / 1e6 * (double)bench->runs;
    snprintf(row->method, sizeof(row->method),
             "99th percentile of one sequential caller of transfer:transfer, as in "
             "mutation_latency, while %d others, each on a kept-alive connection, ask "
             "POST /api/query of items:get for one of the last 1,000 of %d items, which reads all "
             "before it (%.0f of these a second). Baseline: the same caller without them, by "
             "turns; ratio: beside readers by without.",
             READERS, ITEMS, m.reads / seconds);
    close_all(&m);
    return is_well;
}
