/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list_under_writes: pages of 20 rows, newest first, over 64 connections beside a saturated
 * writer; beside the same with an idle writer.
 */
#include "bench.h"

#include "background.h"

#include "base/buffer.h"

#include <stdio.h>

#define CALLERS 64
#define WRITERS 50
#define ACCOUNTS 100000
#define ITEMS 2000

struct measuring {
    const struct bench *bench;
    struct program server;
    struct load *load;
    char data[500];
    double writes; /* a second, of all runs together */
};

static void ask_page(void *context, struct random *random, struct buffer *to)
{
    static const char body[] = "{\"path\":\"items:page\",\"format\":\"json\",\"args\":{"
                               "\"paginationOpts\":{\"numItems\":20,\"cursor\":null}}}";
    buffer_format(to,
                  "POST /api/query HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: "
                  "application/json\r\nContent-Length: %zu\r\n\r\n%s",
                  sizeof(body) - 1, body);
}

static void ask_transfer(void *context, struct random *random, struct buffer *to)
{
    unsigned from = (unsigned)random_below(random, ACCOUNTS);
    buffer_format(to,
                  "\"udfPath\":\"transfer:transfer\",\"args\":[{\"amount\":1,\"from_id\":%u,"
                  "\"to_id\":%u}]",
                  from, (from + 1 + (unsigned)random_below(random, ACCOUNTS - 1)) % ACCOUNTS);
}

static bool add_items(struct measuring *m, struct fault *fault)
{
    AUTO(arena_done) struct arena arena = {0};
    str answer;
    for (int i = 0; i < ITEMS; i++)
        if (!program_ask(&m->server, "/api/mutation",
                         "{\"path\":\"items:add\",\"format\":\"json\",\"args\":{\"text\":\"A line "
                         "of text, as long as lines of text usually are.\"}}",
                         &arena, &answer, fault))
            return false;
    return true;
}

static bool open_all(struct measuring *m, struct fault *fault)
{
    if (!folder_make(m->bench, "lists", m->data, fault) ||
        !program_serve(m->bench, "atelier-fixture", m->data, &m->server, fault) ||
        !program_seed(&m->server, ACCOUNTS, 1000000, fault) || !add_items(m, fault))
        return false;
    struct load_options options = {
        .kind = LOAD_HTTP, .port = m->server.port, .peers = CALLERS, .ask = ask_page};
    uint64_t warm;
    return load_open(&options, &m->load, fault) &&
           load_run(m->load, (span){m->bench->time.us / 4}, &warm, fault);
}

static bool run_once(struct measuring *m, struct samples *samples, struct fault *fault)
{
    struct load_options options = {.kind = LOAD_SYNC,
                                   .port = m->server.port,
                                   .peers = WRITERS,
                                   .depth = 16,
                                   .ask = ask_transfer};
    uint64_t idle, busy;
    pid_t writers;
    double seconds = (double)m->bench->time.us / 1e6;
    if (!load_run(m->load, m->bench->time, &idle, fault) ||
        !background_start(&options, &writers, fault))
        return false;
    double before = program_metric(&m->server, "atelier_call_mutations_total");
    bool is_well = load_run(m->load, m->bench->time, &busy, fault);
    m->writes += program_metric(&m->server, "atelier_call_mutations_total") - before;
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
    snprintf(row->method, sizeof(row->method),
             "POST /api/query of items:page, the newest 20 of %d items, over %d kept-alive "
             "connections, 1 in flight each, while %d connections with 16 transfers in flight each "
             "keep the writer busy (%.0f mutations a second beside the lists); the load of both on "
             "the same machine, so reader, writer and both generators share its cores. The items "
             "are the fixture's: they have no owner, and the writes are to another table. "
             "Baseline: the same with an idle writer.",
             ITEMS, CALLERS, WRITERS, m.writes / seconds);
    load_close(m.load);
    program_stop(&m.server);
    folder_remove(m.data);
    return is_well;
}
