/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idle_session_bytes: what one more signed-in session with one live query costs the server in
 * resident memory: the slope from few to many of them, each a person of its own. From 10,000 to
 * 50,000 where the limit of open files allows; else as far as it does.
 */
#include "bench.h"

#include "crowd.h"
#include "people.h"

#include "base/buffer.h"

#include <stdio.h>
#include <string.h>

#define FEW 10000
#define MANY 50000
#define FILES_SPARE 1000 /* what else a process has open */
#define FEWER_PART 5     /* below the limit: from a fifth; 4,000 of 19,000 */
#define FILES_LEAST 6000 /* with fewer there is no slope worth telling */
#define RESULT_MIN 200
#define SETTLE_US 500000

struct measuring {
    struct program server;
    struct people people;
    size_t few, many;
    char data[500];
};

static bool choose_sizes(const struct bench *bench, struct measuring *m, struct fault *fault)
{
    if (bench->files_max < FILES_LEAST)
        return fault_set(fault, FAULT_SYSTEM, "a process may have only %zu files open here",
                         bench->files_max);
    m->few = FEW;
    m->many = MIN_OF((size_t)MANY, bench->files_max - FILES_SPARE);
    if (m->many < MANY)
        m->few = MIN_OF(m->few, (m->many / FEWER_PART + 999) / 1000 * 1000);
    return true;
}

/* Who it is, and one query whose answer is that person's own. */
static void hello(void *context, size_t i, struct buffer *to)
{
    const struct measuring *m = context;
    AUTO(arena_done) struct arena arena = {0};
    AUTO(buffer_done) struct buffer text = buffer_with_max(KIB(16));
    str token = people_token(&m->people, &arena, i);
    buffer_format(&text,
                  "{\"type\":\"Authenticate\",\"baseVersion\":0,\"tokenType\":\"User\","
                  "\"value\":\"%.*s\"}",
                  STR_ARG(token));
    load_frame(to, buffer_text(&text), 0x12345678);
    load_frame(to,
               STR("{\"type\":\"ModifyQuerySet\",\"baseVersion\":0,\"newVersion\":1,"
                   "\"modifications\":[{\"type\":\"Add\",\"queryId\":0,\"udfPath\":"
                   "\"fixture:identity\",\"args\":[{}]}]}"),
               0x9abcdef0);
}

static double resident(const struct measuring *m)
{
    usleep(SETTLE_US);
    return (double)program_rss(&m->server);
}

static bool count_bytes(struct measuring *m, double *out, struct fault *fault)
{
    struct crowd *crowd = crowd_open(m->server.port, hello, m);
    bool is_well = crowd_grow(crowd, m->few, fault);
    double few = resident(m);
    is_well = is_well && crowd_grow(crowd, m->many, fault);
    double many = resident(m);
    const char *value =
        is_well ? memmem(crowd_heard(crowd).at, crowd_heard(crowd).len, "\"value\":", 8) : NULL;
    if (value != NULL &&
        crowd_heard(crowd).len - (size_t)(value - crowd_heard(crowd).at) < RESULT_MIN)
        is_well = fault_set(fault, FAULT_SYSTEM, "the result is too small: no figure");
    if (is_well)
        *out = (many - few) / (double)(m->many - m->few);
    crowd_close(crowd);
    return is_well;
}

static bool run_once(const struct bench *bench, struct measuring *m, double *out,
                     struct fault *fault)
{
    bool is_well = program_serve(bench, "atelier-fixture", m->data, &m->server, fault) &&
                   people_open(&m->server, m->data, &m->people, fault) &&
                   count_bytes(m, out, fault);
    people_close(&m->people);
    program_stop(&m->server);
    return is_well;
}

bool bench_sessions(const struct bench *bench, struct row *row, struct fault *fault)
{
    struct measuring m = {.server.syncs_fd = -1};
    char limit[120] = "";
    double strangers = 0, slope = 0;
    *row = (struct row){.name = "idle_session_bytes", .unit = "bytes", .is_lower_better = true};
    if (!choose_sizes(bench, &m, fault))
        return false;
    if (m.many < MANY)
        snprintf(limit, sizeof(limit), " (not %d to %d: a process may have %zu files open here)",
                 FEW, MANY, bench->files_max);
    bool is_well =
        folder_make(bench, "sessions", m.data, fault) && run_once(bench, &m, &strangers, fault);
    for (size_t i = 0; i < bench->runs && is_well; i++) {
        is_well = run_once(bench, &m, &slope, fault);
        if (is_well)
            samples_add(&row->samples, slope, 0, 0);
    }
    snprintf(row->method, sizeof(row->method),
             "Slope of build/atelier-fixture's resident memory (/proc/PID/statm) from %zu to %zu "
             "sessions of the sync protocol%s, each signed in as a person of its own, with one "
             "live query (fixture:identity) whose result is its own and has at least %d bytes; "
             "half a second after the last was told. Without the kernel's memory for sockets. The "
             "server is started anew for each run, on the same data; a run before, in which nobody "
             "was known and everybody became a user, is not counted (%.0f bytes).",
             m.few, m.many, limit, RESULT_MIN, strangers);
    folder_remove(m.data);
    return is_well;
}
