/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ready: from the start of the program to its ready line, on a data folder with documents in it.
 * idle_rss: what it holds in memory when nobody has asked for anything.
 */
#include "bench.h"

#include "program.h"

#include <stdio.h>

#define ACCOUNTS 100000
#define SETTLE_US 1000000

static bool fill(const struct bench *bench, const char *data, struct fault *fault)
{
    struct program server;
    if (!program_serve(bench, "atelier-fixture", data, &server, fault))
        return false;
    bool is_well = program_seed(&server, ACCOUNTS, 1, fault);
    program_stop(&server);
    return is_well;
}

bool bench_ready(const struct bench *bench, struct row *row, struct fault *fault)
{
    char data[500];
    struct program server;
    *row = (struct row){.name = "ready", .unit = "ms", .is_lower_better = true};
    bool is_well = folder_make(bench, "ready", data, fault) && fill(bench, data, fault);
    for (size_t i = 0; i < bench->runs && is_well; i++) {
        is_well = program_serve(bench, "atelier-fixture", data, &server, fault);
        if (!is_well)
            break;
        samples_add(&row->samples, (double)server.ready.us / 1000, 0, 0);
        program_stop(&server);
    }
    snprintf(
        row->method, sizeof(row->method),
        "build/atelier-fixture from fork to its ready line, on a data folder with %d documents "
        "that was closed in order; files in the page cache; %s.",
        ACCOUNTS, bench->disk);
    folder_remove(data);
    return is_well;
}

bool bench_idle(const struct bench *bench, struct row *row, struct fault *fault)
{
    char data[500];
    struct program server;
    *row = (struct row){.name = "idle_rss", .unit = "MiB", .is_lower_better = true};
    bool is_well = folder_make(bench, "idle", data, fault);
    for (size_t i = 0; i < bench->runs && is_well; i++) {
        is_well = program_serve(bench, "atelier", data, &server, fault);
        if (!is_well)
            break;
        usleep(SETTLE_US);
        samples_add(&row->samples, (double)program_rss(&server) / (1 << 20), 0, 0);
        program_stop(&server);
    }
    snprintf(row->method, sizeof(row->method),
             "Resident memory of build/atelier (/proc/PID/statm, shared libraries included, its "
             "helper process not), 1 s after its ready line, nobody connected.");
    folder_remove(data);
    return is_well;
}
