/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list_under_writes: the newest 20 rows of one of many owners, over 64 connections beside a
 * saturated writer; beside the same with an idle writer.
 */
#include "bench.h"

#include "background.h"

#include "base/buffer.h"

#include <stdio.h>

#define CALLERS 64
#define WRITERS 50
#define ACCOUNTS 100000
#define SLICES 4 /* of a run, with and without writers */
#define OWNERS 1000
#define NOTES 40     /* of each owner */
#define NOTES_STEP 8 /* a call: 8,000 rows are well below what one may write */

struct measuring {
    const struct bench *bench;
    struct program server;
    struct load *load;
    char data[500];
    double writes; /* a second, of all runs together */
};

static void ask_page(void *context, struct random *random, struct buffer *to)
{
    char body[160];
    int len = snprintf(body, sizeof(body),
                       "{\"path\":\"notes:page\",\"format\":\"json\",\"args\":{\"owner\":%u,"
                       "\"paginationOpts\":{\"numItems\":20,\"cursor\":null}}}",
                       (unsigned)random_below(random, OWNERS));
    buffer_format(to,
                  "POST /api/query HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: "
                  "application/json\r\nContent-Length: %d\r\n\r\n%s",
                  len, body);
}

static void ask_transfer(void *context, struct random *random, struct buffer *to)
{
    unsigned from = (unsigned)random_below(random, ACCOUNTS);
    buffer_format(to,
                  "\"udfPath\":\"transfer:transfer\",\"args\":[{\"amount\":1,\"from_id\":%u,"
                  "\"to_id\":%u}]",
                  from, (from + 1 + (unsigned)random_below(random, ACCOUNTS - 1)) % ACCOUNTS);
}

static bool add_notes(struct measuring *m, struct fault *fault)
{
    AUTO(arena_done) struct arena arena = {0};
    str answer;
    for (int i = 0; i < NOTES / NOTES_STEP; i++) {
        str body =
            str_format(&arena,
                       "{\"path\":\"notes:seed\",\"format\":\"json\",\"args\":{\"owners\":%d,"
                       "\"each\":%d}}",
                       OWNERS, NOTES_STEP);
        if (!program_ask(&m->server, "/api/mutation", body.at, &arena, &answer, fault))
            return false;
        if (!str_contains(answer, STR("\"success\"")))
            return fault_set(fault, FAULT_SYSTEM, "the notes: %.*s",
                             STR_ARG(str_slice(answer, 0, 200)));
    }
    return true;
}

static bool open_all(struct measuring *m, struct fault *fault)
{
    if (!folder_make(m->bench, "lists", m->data, fault) ||
        !program_serve(m->bench, "atelier-fixture", m->data, &m->server, fault) ||
        !program_seed(&m->server, ACCOUNTS, 1000000, fault) || !add_notes(m, fault))
        return false;
    struct load_options options = {
        .kind = LOAD_HTTP, .port = m->server.port, .peers = CALLERS, .ask = ask_page};
    uint64_t warm;
    return load_open(&options, &m->load, fault) &&
           load_run(m->load, (span){m->bench->time.us / 4}, &warm, fault);
}

static bool run_slice(struct measuring *m, span time, uint64_t *idle, uint64_t *busy, pid_t writers,
                      struct fault *fault)
{
    uint64_t calls;
    background_pause(writers);
    if (!load_run(m->load, time, &calls, fault))
        return false;
    *idle += calls;
    background_go_on(writers);
    double before = program_metric(&m->server, "atelier_call_mutations_total");
    if (!load_run(m->load, time, &calls, fault))
        return false;
    m->writes += program_metric(&m->server, "atelier_call_mutations_total") - before;
    *busy += calls;
    return true;
}

/* By turns, so that what else the machine does disturbs both alike. */
static bool run_once(struct measuring *m, struct samples *samples, struct fault *fault)
{
    struct load_options options = {.kind = LOAD_SYNC,
                                   .port = m->server.port,
                                   .peers = WRITERS,
                                   .depth = 16,
                                   .ask = ask_transfer};
    uint64_t idle = 0, busy = 0;
    pid_t writers;
    double seconds = (double)m->bench->time.us / 1e6;
    if (!background_start(&options, &writers, fault))
        return false;
    bool is_well = true;
    for (int i = 0; i < SLICES && is_well; i++)
        is_well = run_slice(m, (span){m->bench->time.us / SLICES}, &idle, &busy, writers, fault);
    if (!background_stop(&writers, fault) || !is_well)
        return false;
    samples_add(samples, (double)busy / seconds, (double)idle / seconds,
                (double)busy / (double)idle);
    return true;
}

bool bench_lists(const struct bench *bench, struct row *row, struct fault *fault)
{
    struct measuring m = {.bench = bench, .server.syncs_fd = -1};
    *row = (struct row){.name = "list_under_writes", .unit = "queries/s", .has_baseline = true};
    bool is_well = open_all(&m, fault);
    for (size_t i = 0; i < bench->runs && is_well; i++)
        is_well = run_once(&m, &row->samples, fault);
    double seconds = (double)bench->time.us / 1e6 * (double)MAX_OF(bench->runs, (size_t)1);
    snprintf(
        row->method, sizeof(row->method),
        "POST /api/query of notes:page on build/atelier-fixture, the newest 20 of one owner's %d "
        "rows, owners uniform over %d, over %d kept-alive "
        "connections, 1 in flight each, while %d connections with 16 transfers in flight each "
        "keep the writer busy (%.0f mutations a second beside the lists; they write another "
        "table); the load of both on the same machine, so reader, writer and both generators "
        "share its cores. Baseline: the same with an idle writer, by turns.",
        NOTES, OWNERS, CALLERS, WRITERS, m.writes / seconds);
    load_close(m.load);
    program_stop(&m.server);
    folder_remove(m.data);
    return is_well;
}
