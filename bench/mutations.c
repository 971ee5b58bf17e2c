/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durable transfers a second, over the sync protocol or HTTP, accounts uniform over ACCOUNTS or by
 * Zipf's law; beside SQLite alone doing the same statements in groups of the size just observed,
 * or, for the hot ones, beside the same connections with uniform accounts. A figure is refused
 * when the server committed more often than it synced, when money was made or lost, or when an
 * acknowledged mutation has no outcome.
 */
#include "bench.h"

#include "load.h"
#include "raw_sqlite.h"

#include "base/buffer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define ACCOUNTS 100000
#define INITIAL 1000000.0
#define ZIPF 1.5
#define SLICES 3
#define SETTLE_US 150000

/* What differs between the figures. */
struct variant {
    const char *name;
    enum load_kind kind;
    size_t peers, depth;
    size_t queries; /* live ones, of each connection */
    bool is_hot;    /* Zipf; the queries are on the hottest accounts */
};

struct aim {
    const struct variant *variant;
    bool is_hot;    /* now */
    double *shares; /* of accounts 0 to i together; NULL unless the variant is hot */
};

struct measuring {
    const struct bench *bench;
    const struct variant *variant;
    struct aim aim;
    struct program server;
    struct load *load;
    struct raw_sqlite *raw;
    char data[500], database[600], copy[600];
    double mutations, batches, cpu_us;
    int64_t page_size; /* of the server's database */
};

/* ---- what is asked ---- */

static unsigned pick(const struct aim *aim, struct random *random)
{
    if (!aim->is_hot)
        return (unsigned)random_below(random, ACCOUNTS);
    double wanted = (double)(random_u64(random) >> 11) / (double)(1ULL << 53);
    unsigned low = 0, high = ACCOUNTS - 1;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (aim->shares[middle] < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static double *zipf_shares(void)
{
    double *shares = memory_zeroed(ACCOUNTS * sizeof(*shares)), sum = 0;
    for (size_t i = 0; i < ACCOUNTS; i++)
        shares[i] = sum += pow((double)(i + 1), -ZIPF);
    for (size_t i = 0; i < ACCOUNTS; i++)
        shares[i] /= sum;
    return shares;
}

static void ask_transfer(void *context, struct random *random, struct buffer *to)
{
    const struct aim *aim = context;
    unsigned from = pick(aim, random), second;
    do
        second = pick(aim, random);
    while (second == from);
    if (aim->variant->kind == LOAD_SYNC) {
        buffer_format(to,
                      "\"udfPath\":\"transfer:transfer\",\"args\":[{\"amount\":1,\"from_id\":%u,"
                      "\"to_id\":%u}]",
                      from, second);
        return;
    }
    char body[160];
    int len = snprintf(body, sizeof(body),
                       "{\"path\":\"transfer:transfer\",\"format\":\"json\",\"args\":{"
                       "\"amount\":1,\"from_id\":%u,\"to_id\":%u}}",
                       from, second);
    buffer_format(to,
                  "POST /api/mutation HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: "
                  "application/json\r\nContent-Length: %d\r\n\r\n%s",
                  len, body);
}

static void subscribe(void *context, size_t peer, struct buffer *to)
{
    const struct aim *aim = context;
    size_t count = aim->variant->queries;
    for (size_t i = 0; i < count; i++) {
        size_t account = peer * count + i;
        buffer_format(to,
                      "%s{\"type\":\"Add\",\"queryId\":%zu,\"udfPath\":\"accounts:get_account\","
                      "\"args\":[{\"id\":%zu}]}",
                      i == 0 ? "" : ",", i, account);
    }
}

static bool open_all(struct measuring *m, struct fault *fault)
{
    if (!folder_make(m->bench, "mutations", m->data, fault) ||
        !program_serve(m->bench, "atelier-fixture", m->data, &m->server, fault) ||
        !program_seed(&m->server, ACCOUNTS, INITIAL, fault))
        return false;
    snprintf(m->database, sizeof(m->database), "%s/atelier.db", m->data);
    snprintf(m->copy, sizeof(m->copy), "%s/raw.db", m->data);
    m->aim = (struct aim){.variant = m->variant, .is_hot = m->variant->is_hot};
    if (m->variant->is_hot)
        m->aim.shares = zipf_shares();
    struct load_options options = {.kind = m->variant->kind,
                                   .port = m->server.port,
                                   .peers = m->variant->peers,
                                   .depth = m->variant->depth,
                                   .subscribe = subscribe,
                                   .ask = ask_transfer,
                                   .context = &m->aim};
    uint64_t warm;
    return raw_sqlite_open(m->database, m->copy, &m->raw, fault) &&
           load_open(&options, &m->load, fault) &&
           load_run(m->load, (span){m->bench->time.us / 4}, &warm, fault);
}

/* ---- running ---- */

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

static bool run_baseline(struct measuring *m, span time, double group, uint64_t *transfers,
                         struct fault *fault)
{
    bool is_well;
    if (m->variant->is_hot) {
        m->aim.is_hot = false;
        is_well = load_run(m->load, time, transfers, fault);
        m->aim.is_hot = true;
        settle(m);
        return is_well;
    }
    is_well = raw_sqlite_run(m->raw, time, group, transfers, fault);
    raw_sqlite_idle(m->raw);
    return is_well;
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
    if (!run_baseline(m, time, mutations / batches, &transfers, fault))
        return false;
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

/* Between two runs: nothing is in flight. */
static bool audit(struct measuring *m, struct fault *fault)
{
    struct audit found;
    uint64_t acknowledged = load_total(m->load);
    if (!raw_sqlite_audit(m->database, &found, fault))
        return false;
    if (!found.is_wal)
        return fault_set(fault, FAULT_SYSTEM, "the server's database is not in WAL mode");
    if (fabs(found.balances - ACCOUNTS * INITIAL) > 0.5)
        return fault_set(fault, FAULT_BUG, "the balances sum to %.0f, not %.0f: no figure",
                         found.balances, ACCOUNTS * INITIAL);
    m->page_size = found.page_size;
    return m->variant->kind == LOAD_HTTP || found.outcomes == acknowledged ||
           fault_set(fault, FAULT_BUG, "%llu acknowledged, %llu recorded: no figure",
                     (unsigned long long)acknowledged, (unsigned long long)found.outcomes);
}

/* ---- telling ---- */

static void tell_method(const struct measuring *m, char *method)
{
    const struct variant *v = m->variant;
    char live[160] = "";
    char baseline[500];
    if (v->queries > 0)
        snprintf(live, sizeof(live),
                 ", each with %zu live quer%s (accounts:get_account, %zu in all%s)", v->queries,
                 v->queries == 1 ? "y" : "ies", v->queries * v->peers,
                 v->is_hot ? ", the hottest accounts" : "");
    if (v->is_hot)
        snprintf(baseline, sizeof(baseline),
                 "the same connections and live queries with uniform accounts");
    else
        snprintf(baseline, sizeof(baseline),
                 "raw SQLite, one thread, on a copy of the same database with the same "
                 "statements, outcome row%s and group sizes (%s)",
                 v->kind == LOAD_HTTP ? " (which HTTP calls, having no session, do not write)" : "",
                 raw_sqlite_settings(m->raw));
    snprintf(method, BENCH_METHOD_MAX,
             "transfer:transfer of build/atelier-fixture over %s: %zu connections%s, %zu in flight "
             "each, over when %s has come; %d accounts, %s; load generator on the same machine. "
             "Groups of %.1f on average; %.1f us of the server's CPU time for each. Baseline: %s, "
             "by turns in %d slices a run; checkpoints made when idle are not timed. "
             "The server's own database: WAL, page_size=%lld; %s. Never fewer fdatasync and "
             "fsync (counted by a preloaded library) than commits. After each run balances "
             "summed%s: exact.",
             v->kind == LOAD_HTTP ? "POST /api/mutation" : "the WebSocket sync protocol", v->peers,
             live, v->depth,
             v->kind == LOAD_HTTP || v->depth > 1 ? "the response"
                                                  : "a transition behind the response",
             ACCOUNTS, v->is_hot ? "Zipf 1.5" : "uniform", m->mutations / m->batches,
             m->cpu_us / m->mutations, baseline, SLICES, (long long)m->page_size, m->bench->disk,
             v->kind == LOAD_HTTP ? "" : " and recorded outcomes counted");
}

static bool measure(const struct bench *bench, const struct variant *variant, struct row *row,
                    struct fault *fault)
{
    struct measuring m = {.bench = bench, .variant = variant, .server.syncs_fd = -1};
    *row = (struct row){.name = variant->name, .unit = "mutations/s", .has_baseline = true};
    bool is_well = open_all(&m, fault);
    for (size_t i = 0; i < bench->runs && is_well; i++)
        is_well = run_once(&m, &row->samples, fault) && audit(&m, fault);
    if (is_well)
        tell_method(&m, row->method);
    load_close(m.load);
    raw_sqlite_close(m.raw);
    program_stop(&m.server);
    folder_remove(m.data);
    free(m.aim.shares);
    return is_well;
}

bool bench_mutations(const struct bench *bench, struct row *row, struct fault *fault)
{
    static const struct variant variant = {
        .name = "mutations_64", .kind = LOAD_SYNC, .peers = 64, .depth = 1};
    return measure(bench, &variant, row, fault);
}

bool bench_transfers(const struct bench *bench, struct row *row, struct fault *fault)
{
    static const struct variant variant = {
        .name = "transfers", .kind = LOAD_SYNC, .peers = 50, .depth = 16, .queries = 1};
    return measure(bench, &variant, row, fault);
}

bool bench_transfers_single(const struct bench *bench, struct row *row, struct fault *fault)
{
    static const struct variant variant = {
        .name = "transfers_single", .kind = LOAD_SYNC, .peers = 50, .depth = 1, .queries = 1};
    return measure(bench, &variant, row, fault);
}

bool bench_transfers_http(const struct bench *bench, struct row *row, struct fault *fault)
{
    static const struct variant variant = {
        .name = "transfers_http", .kind = LOAD_HTTP, .peers = 50, .depth = 1};
    return measure(bench, &variant, row, fault);
}

bool bench_transfers_hot(const struct bench *bench, struct row *row, struct fault *fault)
{
    static const struct variant variant = {.name = "transfers_hot",
                                           .kind = LOAD_SYNC,
                                           .peers = 50,
                                           .depth = 16,
                                           .queries = 2,
                                           .is_hot = true};
    return measure(bench, &variant, row, fault);
}
