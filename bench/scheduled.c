/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scheduled_noop: functions scheduled and run a second, durable, that do nothing: a mutation queues
 * a job, the runner leases it, its action runs and the job is over. A figure is refused when the
 * server committed more often than it synced, or when one was not run.
 */
#include "bench.h"

#include "drain.h"
#include "load.h"

#include <stdio.h>
#include <string.h>

#define PEERS 128
#define POLL_US 2000

struct measuring {
    const struct bench *bench;
    struct program server;
    struct load *load;
    struct drain drain;
    char data[500];
    double mutations, batches, cpu_us, calls;
};

static void ask(void *context, struct random *random, struct buffer *to)
{
    static const char body[] = "{\"path\":\"noop:schedule\",\"format\":\"json\",\"args\":{}}";
    buffer_format(to,
                  "POST /api/mutation HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: "
                  "application/json\r\nContent-Length: %zu\r\n\r\n%s",
                  sizeof(body) - 1, body);
}

static bool open_all(struct measuring *m, struct fault *fault)
{
    uint64_t warm;
    const struct load_options *options;
    if (!folder_make(m->bench, "scheduled", m->data, fault) ||
        !program_serve(m->bench, "atelier-fixture", m->data, &m->server, fault) ||
        !drain_open(m->data, "fixture:noop", &m->drain, fault))
        return false;
    options = &(struct load_options){
        .kind = LOAD_HTTP, .port = m->server.port, .peers = PEERS, .ask = ask};
    return load_open(options, &m->load, fault) &&
           load_run(m->load, (span){m->bench->time.us / 4}, &warm, fault) &&
           drain_wait(&m->drain, POLL_US, fault);
}

static bool run_once(struct measuring *m, struct samples *samples, struct fault *fault)
{
    uint64_t before = load_total(m->load), during;
    double batches = program_metric(&m->server, "atelier_store_commits_total");
    double mutations = program_metric(&m->server, "atelier_call_mutations_total");
    uint64_t syncs = program_syncs(&m->server);
    span cpu = program_cpu(&m->server);
    instant start = clock_monotonic();
    if (!load_run(m->load, m->bench->time, &during, fault) ||
        !drain_wait(&m->drain, POLL_US, fault))
        return false;
    double seconds = (double)instant_since(clock_monotonic(), start).us / 1e6;
    double calls = (double)(load_total(m->load) - before);
    m->cpu_us += (double)(program_cpu(&m->server).us - cpu.us);
    m->calls += calls;
    syncs = program_syncs(&m->server) - syncs;
    batches = program_metric(&m->server, "atelier_store_commits_total") - batches;
    m->batches += batches;
    m->mutations += program_metric(&m->server, "atelier_call_mutations_total") - mutations;
    if (batches > (double)syncs)
        return fault_set(fault, FAULT_SYSTEM, "%.0f commits with %llu syncs: no figure", batches,
                         (unsigned long long)syncs);
    samples_add(samples, calls / seconds, 0, 0);
    return true;
}

bool bench_scheduled(const struct bench *bench, struct row *row, struct fault *fault)
{
    struct measuring m = {.bench = bench, .server.syncs_fd = -1};
    *row = (struct row){.name = "scheduled_noop", .unit = "functions/s"};
    bool is_well = open_all(&m, fault);
    for (size_t i = 0; i < bench->runs && is_well; i++)
        is_well = run_once(&m, &row->samples, fault);
    snprintf(row->method, sizeof(row->method),
             "POST /api/mutation of noop:schedule on build/atelier-fixture over %d kept-alive "
             "connections, 1 in flight each: each queues one job whose action does nothing, by a "
             "commit; the runner leases it, runs it and removes it, by a later commit. From the "
             "first call until no such job is left in the database. %.1f mutations in a commit, "
             "the runner's included; %.1f us of the server's CPU time for each function. Never "
             "fewer syncs (counted by a preloaded library) than commits. %s.",
             PEERS, m.mutations / m.batches, m.cpu_us / m.calls, bench->disk);
    load_close(m.load);
    drain_close(&m.drain);
    program_stop(&m.server);
    folder_remove(m.data);
    return is_well;
}
