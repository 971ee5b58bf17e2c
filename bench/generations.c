/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generation_noop: generations a second, from asking to the work in the library and the price
 * taken, durable at each step, when the outside takes no time: sketcher and media helper answer at
 * once with files of no bytes. A figure is refused when one did not end well, or when the server
 * committed more often than it synced.
 */
#include "bench.h"

#include "drain.h"
#include "load.h"
#include "people.h"
#include "replay.h"

#include <stdio.h>
#include <string.h>

#define PEOPLE 1000
#define PEERS 64
#define POLL_US 5000
#define LOGGED 1500 /* generations in the log */
#define LOGGED_POLL_US 200

static const char settings[] =
    "plans:\n"
    "  - {key: free, name: Free, creditsOnce: 1000000000, storageBytes: 1073741824}\n"
    "providers:\n"
    "  - {id: noop, kind: sketch, concurrency: 256, timeoutSeconds: 60}\n"
    "models:\n"
    "  - {id: noop, name: Noop, description: Makes nothing., kind: image, provider: noop,\n"
    "     price: 1, typicalSeconds: 1, isDefault: true, maxImages: 4, promptMax: 2000,\n"
    "     sizes: [{name: Square, width: 1024, height: 1024}], takesSeed: true}\n";

struct measuring {
    const struct bench *bench;
    struct program server;
    struct people people;
    struct load *load;
    struct drain drain;
    struct replay *replay;
    str tokens[PEOPLE];
    size_t next;
    char data[500];
    double mutations, batches, cpu_us, made;
};

static void ask(void *context, struct random *random, struct buffer *to)
{
    struct measuring *m = context;
    static const char body[] = "{\"path\":\"generations:createGenerationJob\",\"format\":\"json\","
                               "\"args\":{\"prompt\":\"a red kite over the sea\",\"model\":"
                               "\"noop\"}}";
    str token = m->tokens[m->next++ % PEOPLE];
    buffer_format(to,
                  "POST /api/mutation HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %.*s\r\n"
                  "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                  STR_ARG(token), sizeof(body) - 1, body);
}

/* A server, and everybody known to it. */
static bool open_server(struct measuring *m, const char *log, size_t peers, struct fault *fault)
{
    uint64_t warm;
    if (!folder_make(m->bench, "generations", m->data, fault) ||
        !program_serve_studio(m->bench, m->data, settings, log, &m->server, fault) ||
        !people_open(&m->server, m->data, &m->people, fault) ||
        !drain_open(m->data, "generations:make", &m->drain, fault))
        return false;
    for (size_t i = 0; i < PEOPLE; i++)
        m->tokens[i] = people_token(&m->people, &m->people.arena, i);
    struct load_options options = {
        .kind = LOAD_HTTP, .port = m->server.port, .peers = peers, .ask = ask, .context = m};
    if (!load_open(&options, &m->load, fault))
        return false;
    for (m->next = 0; m->next < PEOPLE;)
        if (!load_run(m->load, MILLISECONDS(100), &warm, fault))
            return false;
    return drain_wait(&m->drain, POLL_US, fault);
}

static void close_server(struct measuring *m)
{
    load_close(m->load);
    people_close(&m->people);
    drain_close(&m->drain);
    program_stop(&m->server);
    folder_remove(m->data);
    m->load = NULL;
}

/* What SQLite is asked for one generation after another. */
static bool log_statements(struct measuring *m, struct fault *fault)
{
    char database[600], log[500], before[500], scratch[500];
    span took;
    snprintf(log, sizeof(log), "%s/statements", m->bench->folder);
    snprintf(before, sizeof(before), "%s/before.db", m->bench->folder);
    snprintf(scratch, sizeof(scratch), "%s/replay.db", m->bench->folder);
    bool is_well = open_server(m, log, 16, fault);
    snprintf(database, sizeof(database), "%s/atelier.db", m->data);
    is_well = is_well && replay_copy(database, before, fault);
    if (is_well)
        program_begin_log(&m->server);
    for (size_t i = 0; i < LOGGED && is_well; i++)
        is_well = load_call(m->load, &took, fault) && drain_wait(&m->drain, LOGGED_POLL_US, fault);
    close_server(m);
    return is_well && replay_open(log, before, scratch, &m->replay, fault);
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
    double made = (double)(load_total(m->load) - before);
    m->made += made;
    m->cpu_us += (double)(program_cpu(&m->server).us - cpu.us);
    syncs = program_syncs(&m->server) - syncs;
    batches = program_metric(&m->server, "atelier_store_commits_total") - batches;
    m->batches += batches;
    m->mutations += program_metric(&m->server, "atelier_call_mutations_total") - mutations;
    if (batches > (double)syncs)
        return fault_set(fault, FAULT_SYSTEM, "%.0f commits with %llu syncs: no figure", batches,
                         (unsigned long long)syncs);
    int64_t others = drain_number(&m->drain, "SELECT COUNT(*) FROM doc_generations WHERE body NOT "
                                             "LIKE '%\"completed\"%'");
    if (others != 0)
        return fault_set(fault, FAULT_BUG, "%lld generations did not end well: no figure",
                         (long long)others);
    double group = made / batches * replay_mutations(m->replay) / LOGGED;
    span alone;
    if (!replay_run(m->replay, group, &alone, fault))
        return false;
    double baseline = LOGGED / ((double)alone.us / 1e6);
    samples_add(samples, made / seconds, baseline, made / seconds / baseline);
    return true;
}

static void tell_method(const struct measuring *m, char *method)
{
    snprintf(
        method, BENCH_METHOD_MAX,
        "generations:createGenerationJob by POST /api/mutation on build/atelier-fixture, "
        "%d people in turn over %d kept-alive connections, 1 in flight each; from the first "
        "call until none is left: asked for and its price held, begun, painted, looked into, "
        "in the library, its price taken. Each of these is durable before the next. Sketcher "
        "and media helper are replaced by ones that answer at once with files of no bytes. "
        "%.1f mutations in a commit, %.1f for each generation, and %.1f us of the server's "
        "CPU time. All ended as completed. Never fewer syncs (counted by a preloaded library) "
        "than commits. Baseline: the very statements that such a server asked of SQLite for "
        "%d generations one after another (%.1f commits, %.0f rows read and %.0f entries "
        "and rows written for each), asked again by one thread of a copy of that database as "
        "it was before, with as many in a commit as in the run beside it (%s). %s.",
        PEOPLE, PEERS, m->mutations / m->batches, m->mutations / m->made, m->cpu_us / m->made,
        LOGGED, replay_mutations(m->replay) / LOGGED, replay_statements(m->replay, false) / LOGGED,
        replay_statements(m->replay, true) / LOGGED, replay_settings(m->replay), m->bench->disk);
}

static void remove_log(const struct bench *bench)
{
    static const char *const names[] = {"statements", "before.db"};
    char path[500];
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", bench->folder, names[i]);
        unlink(path);
    }
}

bool bench_generations(const struct bench *bench, struct row *row, struct fault *fault)
{
    struct measuring *m = memory_zeroed(sizeof(*m));
    m->bench = bench;
    m->server.syncs_fd = -1;
    *row = (struct row){.name = "generation_noop", .unit = "generations/s", .has_baseline = true};
    bool is_well = log_statements(m, fault) && open_server(m, NULL, PEERS, fault);
    for (size_t i = 0; i < bench->runs && is_well; i++)
        is_well = run_once(m, &row->samples, fault);
    if (is_well)
        tell_method(m, row->method);
    close_server(m);
    replay_close(m->replay);
    remove_log(bench);
    free(m);
    return is_well;
}
