/* SPDX-License-Identifier: Apache-2.0 */
/*
 * point_query_distinct, _same: what one authenticated POST /api/query of a small document costs
 * the server in CPU time on 64 kept-alive connections, documents uniform over ACCOUNTS or the same
 * query repeated; beside nginx answering the very same requests with `return 200` and a body of
 * the same size.
 */
#include "bench.h"

#include "load.h"

#include "base/buffer.h"

#include <stdio.h>
#include <string.h>

#define CALLERS 64
#define ACCOUNTS 100000

#define SAME 54321

struct asking {
    str token;
    bool is_same;
};

struct measuring {
    const struct bench *bench;
    struct program server, nginx;
    struct load *load, *nginx_load;
    struct asking asking;
    struct arena arena;
    char data[500];
};

static void ask_account(void *context, struct random *random, struct buffer *to)
{
    const struct asking *asking = context;
    char body[120];
    int len = snprintf(body, sizeof(body),
                       "{\"path\":\"accounts:get_account\",\"format\":\"convex_encoded_json\","
                       "\"args\":[{\"id\":%u}]}",
                       asking->is_same ? SAME : (unsigned)random_below(random, ACCOUNTS));
    buffer_format(to,
                  "POST /api/query HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: "
                  "application/json\r\nConvex-Client: npm-1.48.0\r\nAuthorization: Bearer "
                  "%.*s\r\nContent-Length: %d\r\n\r\n%s",
                  STR_ARG(asking->token), len, body);
}

/* A person's token, as a browser gets it. */
static bool sign_up(struct measuring *m, struct fault *fault)
{
    str text;
    if (!program_ask(&m->server, "/api/auth/sign-up",
                     "{\"email\":\"bench@example.com\",\"password\":\"a long enough password\"}",
                     &m->arena, &text, fault))
        return false;
    const char *token = strstr(text.at, "\"token\":\"");
    if (token == NULL)
        return fault_set(fault, FAULT_SYSTEM, "sign-up gave no token");
    token += strlen("\"token\":\"");
    m->asking.token = (str){token, strcspn(token, "\"")};
    return true;
}

static bool open_load(struct measuring *m, uint16_t port, struct load **out, struct fault *fault)
{
    uint64_t warm;
    struct load_options options = {.kind = LOAD_HTTP,
                                   .port = port,
                                   .peers = CALLERS,
                                   .ask = ask_account,
                                   .context = &m->asking};
    return load_open(&options, out, fault) &&
           load_run(*out, (span){m->bench->time.us / 4}, &warm, fault);
}

static bool open_all(struct measuring *m, struct fault *fault)
{
    static const str answer =
        STR("{\"status\":\"success\",\"value\":{\"id\":54321,\"balance\":1000},\"logLines\":[]}");
    return folder_make(m->bench, "queries", m->data, fault) &&
           program_serve(m->bench, "atelier-fixture", m->data, &m->server, fault) &&
           program_seed(&m->server, ACCOUNTS, 1000, fault) && sign_up(m, fault) &&
           program_nginx(m->bench, answer, &m->nginx, fault) &&
           open_load(m, m->server.port, &m->load, fault) &&
           open_load(m, m->nginx.port, &m->nginx_load, fault);
}

/* CPU time of one request, in us. */
static bool cost(struct measuring *m, const struct program *program, struct load *load, double *out,
                 struct fault *fault)
{
    uint64_t calls, before = load_total(load);
    span cpu = program_cpu(program);
    if (!load_run(load, m->bench->time, &calls, fault))
        return false;
    int64_t used = program_cpu(program).us - cpu.us;
    *out = (double)used / (double)(load_total(load) - before);
    return true;
}

static bool measure_all(const struct bench *bench, const char *name, bool is_same, struct row *row,
                        struct fault *fault)
{
    struct measuring m = {
        .bench = bench, .server.syncs_fd = -1, .nginx.syncs_fd = -1, .asking.is_same = is_same};
    *row = (struct row){
        .name = name, .unit = "us CPU/query", .is_lower_better = true, .has_baseline = true};
    bool is_well = open_all(&m, fault);
    for (size_t i = 0; i < bench->runs && is_well; i++) {
        double ours = 0, theirs = 0;
        is_well = cost(&m, &m.server, m.load, &ours, fault) &&
                  cost(&m, &m.nginx, m.nginx_load, &theirs, fault);
        if (is_well)
            samples_add(&row->samples, ours, theirs, theirs / ours);
    }
    snprintf(row->method, sizeof(row->method),
             "Authenticated POST /api/query of accounts:get_account on build/atelier-fixture: %d "
             "kept-alive connections, 1 in flight each, %s of %d documents; user and system "
             "time of the whole process from /proc/PID/stat for each request. Baseline: nginx, one "
             "process, `return 200` with a body of the same size to the same requests. Ratio: "
             "nginx's CPU for each request by ours.",
             CALLERS, is_same ? "always the same" : "uniform over all", ACCOUNTS);
    load_close(m.load);
    load_close(m.nginx_load);
    program_stop(&m.server);
    program_stop(&m.nginx);
    arena_done(&m.arena);
    folder_remove(m.data);
    snprintf(m.data, sizeof(m.data), "%s/nginx", bench->folder);
    folder_remove(m.data);
    return is_well;
}

bool bench_point_distinct(const struct bench *bench, struct row *row, struct fault *fault)
{
    return measure_all(bench, "point_query_distinct", false, row, fault);
}

bool bench_point_same(const struct bench *bench, struct row *row, struct fault *fault)
{
    return measure_all(bench, "point_query_same", true, row, fault);
}
