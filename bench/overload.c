/* SPDX-License-Identifier: Apache-2.0 */
/*
 * overload_goodput: durable transfers by HTTP that are done while five times as many callers ask as
 * give the most, and more than may be in flight with the memory there is: some are refused with
 * 503. Beside the same server with as many callers as it can have.
 */
#include "bench.h"

#include "background.h"

#include "base/buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACCOUNTS 100000
#define CALLERS LOAD_PEERS_MAX /* in each process */
#define TIMES 5
#define SLICES 3
#define LIMIT "256MiB"
#define REST MILLISECONDS(200)

struct measuring {
    const struct bench *bench;
    struct program server;
    struct load *load;
    char data[500];
    double refused, seconds; /* beside all of them */
};

static void ask_transfer(void *context, struct random *random, struct buffer *to)
{
    char body[160];
    unsigned from = (unsigned)random_below(random, ACCOUNTS);
    unsigned second = (from + 1 + (unsigned)random_below(random, ACCOUNTS - 1)) % ACCOUNTS;
    int len = snprintf(body, sizeof(body),
                       "{\"path\":\"transfer:transfer\",\"format\":\"json\",\"args\":{"
                       "\"amount\":1,\"from_id\":%u,\"to_id\":%u}}",
                       from, second);
    buffer_format(to,
                  "POST /api/mutation HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: "
                  "application/json\r\nContent-Length: %d\r\n\r\n%s",
                  len, body);
}

static bool open_all(struct measuring *m, struct fault *fault)
{
    setenv("ATELIER_SERVER_MEMORY_LIMIT", LIMIT, 1);
    bool is_served = folder_make(m->bench, "overload", m->data, fault) &&
                     program_serve(m->bench, "atelier-fixture", m->data, &m->server, fault);
    unsetenv("ATELIER_SERVER_MEMORY_LIMIT");
    if (!is_served || !program_seed(&m->server, ACCOUNTS, 1000000, fault))
        return false;
    struct load_options options = {.kind = LOAD_HTTP,
                                   .port = m->server.port,
                                   .peers = CALLERS,
                                   .ask = ask_transfer,
                                   .rest = REST};
    uint64_t warm;
    return load_open(&options, &m->load, fault) &&
           load_run(m->load, (span){m->bench->time.us / 4}, &warm, fault);
}

/* What the server has done, and what it has refused. */
struct done {
    double mutations, refused;
    instant at;
};

static struct done look(const struct measuring *m)
{
    return (struct done){
        program_metric(&m->server, "atelier_call_mutations_total") -
            program_metric(&m->server, "atelier_call_failed_total"),
        program_metric(&m->server, "atelier_base_shed_total{budget=\"calls\"}"),
        clock_monotonic(),
    };
}

/* A slice of the callers here, while those in the background go on or stand still. */
static bool run_slice(struct measuring *m, span time, double *rate, struct fault *fault)
{
    struct done before = look(m);
    uint64_t calls;
    if (!load_run(m->load, time, &calls, fault))
        return false;
    struct done after = look(m);
    double seconds = (double)instant_since(after.at, before.at).us / 1e6;
    *rate += (after.mutations - before.mutations) / seconds / SLICES;
    m->refused += after.refused - before.refused;
    m->seconds += seconds;
    return true;
}

static bool run_slices(struct measuring *m, const pid_t *others, double *peak, double *beside,
                       struct fault *fault)
{
    span time = {m->bench->time.us / SLICES};
    for (int slice = 0; slice < SLICES; slice++) {
        for (int i = 0; i < TIMES - 1; i++)
            background_pause(others[i]);
        if (!run_slice(m, time, peak, fault))
            return false;
        m->refused = m->seconds = 0; /* only of the last slice beside all, for the method */
        for (int i = 0; i < TIMES - 1; i++)
            background_go_on(others[i]);
        if (!run_slice(m, time, beside, fault))
            return false;
    }
    return m->refused > 0 ||
           fault_set(fault, FAULT_SYSTEM, "nothing was refused: that was no overload");
}

static bool run_once(struct measuring *m, struct samples *samples, struct fault *fault)
{
    struct load_options options = {.kind = LOAD_HTTP,
                                   .port = m->server.port,
                                   .peers = CALLERS,
                                   .ask = ask_transfer,
                                   .rest = REST};
    pid_t others[TIMES - 1] = {0};
    double peak = 0, beside = 0;
    bool is_well = true;
    for (int i = 0; i < TIMES - 1 && is_well; i++)
        is_well = background_start(&options, &others[i], fault);
    is_well = is_well && run_slices(m, others, &peak, &beside, fault);
    for (int i = 0; i < TIMES - 1; i++)
        is_well = background_stop(&others[i], fault) && is_well;
    if (is_well)
        samples_add(samples, beside, peak, beside / peak);
    return is_well;
}

bool bench_overload(const struct bench *bench, struct row *row, struct fault *fault)
{
    struct measuring m = {.bench = bench, .server.syncs_fd = -1};
    *row = (struct row){.name = "overload_goodput", .unit = "mutations/s", .has_baseline = true};
    bool is_well = open_all(&m, fault);
    for (size_t i = 0; i < bench->runs && is_well; i++)
        is_well = run_once(&m, &row->samples, fault);
    snprintf(row->method, sizeof(row->method),
             "Durable transfer:transfer by POST /api/mutation done a second, by the server's own "
             "count, while %d callers ask at once, 1 in flight each, of a server with "
             "--memory-limit " LIMIT ", where about 2,000 calls of one address may be in flight: "
             "the others are refused with 503 (%.0f a second) and ask again after %d ms, sooner "
             "than Retry-After says. Baseline: %d callers, by turns. All callers share the "
             "machine with the server.",
             CALLERS * TIMES, m.refused / m.seconds, (int)(REST.us / 1000), CALLERS);
    load_close(m.load);
    program_stop(&m.server);
    folder_remove(m.data);
    return is_well;
}
