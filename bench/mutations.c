/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mutations_64: durable transfers a second by 64 callers over the sync protocol, one in flight
 * each, accounts uniform over ACCOUNTS; beside SQLite alone doing the same statements in groups of
 * the size just observed. A figure is refused when the server committed more often than it synced,
 * when money was made or lost, or when an acknowledged mutation has no outcome.
 */
#include "bench.h"

#include "load.h"
#include "raw_sqlite.h"

#include "base/buffer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define CALLERS 64
#define ACCOUNTS 100000
#define INITIAL 1000000.0
#define SLICES 3
#define SETTLE_US 150000

struct measuring {
    const struct bench *bench;
    struct program server;
    struct load *load;
    struct raw_sqlite *raw;
    char data[500], database[600], copy[600];
    double mutations, batches, cpu_us;
};

static void ask_transfer(void *context, struct random *random, struct buffer *to)
{
    unsigned from = (unsigned)random_below(random, ACCOUNTS);
    unsigned second = (from + 1 + (unsigned)random_below(random, ACCOUNTS - 1)) % ACCOUNTS;
    buffer_format(to,
                  "\"udfPath\":\"transfer:transfer\",\"args\":[{\"amount\":1,\"from_id\":%u,"
                  "\"to_id\":%u}]",
                  from, second);
}

static bool open_all(struct measuring *m, struct fault *fault)
{
    if (!folder_make(m->bench, "mutations", m->data, fault) ||
        !program_serve(m->bench, "atelier-fixture", m->data, &m->server, fault) ||
        !program_seed(&m->server, ACCOUNTS, INITIAL, fault))
        return false;
    snprintf(m->database, sizeof(m->database), "%s/atelier.db", m->data);
    snprintf(m->copy, sizeof(m->copy), "%s/raw.db", m->data);
    struct load_options options = {
        .kind = LOAD_SYNC, .port = m->server.port, .peers = CALLERS, .ask = ask_transfer};
    uint64_t warm;
    return raw_sqlite_open(m->database, m->copy, &m->raw, fault) &&
           load_open(&options, &m->load, fault) &&
           load_run(m->load, (span){m->bench->time.us / 4}, &warm, fault);
}

struct tally {
    uint64_t calls, transfers, syncs;
    double batches, mutations;
    span cpu;
};

/* The server checkpoints when it has had nothing to do: not in the other's slice, nor ours. */
static void settle(struct measuring *m)
{
    uint64_t before;
    do {
        before = program_syncs(&m->server);
        usleep(SETTLE_US);
    } while (program_syncs(&m->server) != before);
}

/* One slice of the server, then one of SQLite alone in groups of the size just seen. */
static bool run_slice(struct measuring *m, span time, struct tally *tally, struct fault *fault)
{
    uint64_t calls, transfers;
    double batches = program_metric(&m->server, "atelier_store_batches_total");
    double mutations = program_metric(&m->server, "atelier_call_mutations_total");
    uint64_t syncs = program_syncs(&m->server);
    span cpu = program_cpu(&m->server);
    if (!load_run(m->load, time, &calls, fault))
        return false;
    tally->cpu.us += program_cpu(&m->server).us - cpu.us;
    tally->syncs += program_syncs(&m->server) - syncs;
    batches = program_metric(&m->server, "atelier_store_batches_total") - batches;
    mutations = program_metric(&m->server, "atelier_call_mutations_total") - mutations;
    if (!(batches > 0))
        return fault_set(fault, FAULT_SYSTEM, "the server's metrics do not count batches");
    settle(m);
    if (!raw_sqlite_run(m->raw, time, mutations / batches, &transfers, fault))
        return false;
    raw_sqlite_idle(m->raw);
    tally->calls += calls;
    tally->transfers += transfers;
    tally->batches += batches;
    tally->mutations += mutations;
    return true;
}

/* Slices by turns, so that a neighbour on the same disk disturbs both alike. */
static bool run_once(struct measuring *m, struct samples *samples, struct fault *fault)
{
    struct tally tally = {0};
    span slice = {m->bench->time.us / SLICES};
    for (int i = 0; i < SLICES; i++)
        if (!run_slice(m, slice, &tally, fault))
            return false;
    if (tally.batches > (double)tally.syncs)
        return fault_set(fault, FAULT_SYSTEM,
                         "%.0f commits with %llu syncs: not durable, so no figure", tally.batches,
                         (unsigned long long)tally.syncs);
    double seconds = (double)m->bench->time.us / 1e6;
    m->mutations += tally.mutations;
    m->batches += tally.batches;
    m->cpu_us += (double)tally.cpu.us;
    samples_add(samples, (double)tally.calls / seconds, (double)tally.transfers / seconds,
                (double)tally.calls / (double)tally.transfers);
    return true;
}

static bool audit(struct measuring *m, struct fault *fault)
{
    double balances;
    uint64_t outcomes, acknowledged = load_total(m->load);
    program_stop(&m->server);
    if (!raw_sqlite_audit(m->database, &balances, &outcomes, fault))
        return false;
    if (fabs(balances - ACCOUNTS * INITIAL) > 0.5)
        return fault_set(fault, FAULT_BUG, "the balances sum to %.0f, not %.0f: no figure",
                         balances, ACCOUNTS * INITIAL);
    return outcomes == acknowledged ||
           fault_set(fault, FAULT_BUG, "%llu acknowledged, %llu recorded: no figure",
                     (unsigned long long)acknowledged, (unsigned long long)outcomes);
}

bool bench_mutations(const struct bench *bench, struct row *row, struct fault *fault)
{
    struct measuring m = {.bench = bench, .server.syncs_fd = -1};
    *row = (struct row){.name = "mutations_64", .unit = "mutations/s", .has_baseline = true};
    bool is_well = open_all(&m, fault);
    for (size_t i = 0; i < bench->runs && is_well; i++)
        is_well = run_once(&m, &row->samples, fault);
    is_well = is_well && audit(&m, fault);
    if (is_well)
        snprintf(row->method, sizeof(row->method),
                 "transfer:transfer of build/atelier-fixture over the WebSocket sync protocol: %d "
                 "connections, 1 in flight each, over when the transition behind the response has "
                 "come; %d accounts, uniform; outcomes recorded; load generator on the same "
                 "machine. Groups of %.1f on average; %.1f us of the server's CPU time for each. "
                 "Baseline: raw SQLite, one thread, on a copy "
                 "of the same database with the same statements, outcome row and group sizes, by "
                 "turns in "
                 "%d slices a run; checkpoints made when idle are timed on neither side. %s; "
                 "%s. fdatasync and fsync counted by a preloaded library: never fewer than "
                 "commits. Afterwards balances summed and outcomes counted: exact.",
                 CALLERS, ACCOUNTS, m.mutations / m.batches, m.cpu_us / m.mutations, SLICES,
                 raw_sqlite_settings(m.raw), bench->disk);
    load_close(m.load);
    raw_sqlite_close(m.raw);
    program_stop(&m.server);
    folder_remove(m.data);
    return is_well;
}
