/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ready: from the start of the program to its ready line, on a data folder with documents in it.
 * idle_rss: what it holds in memory when nobody has asked for anything.
 * binary: what must be installed: the program, its helper, and the pages.
 */
#include "bench.h"

#include "program.h"

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

#define ACCOUNTS 1000000
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

static bool time_start(const struct bench *bench, const char *data, double *ms, struct fault *fault)
{
    struct program server;
    if (!program_serve(bench, "atelier-fixture", data, &server, fault))
        return false;
    *ms = (double)server.ready.us / 1000;
    program_stop(&server);
    return true;
}

/* The first start of a folder makes keys and tables: both folders have been started before. */
bool bench_ready(const struct bench *bench, struct row *row, struct fault *fault)
{
    char full[500] = "", empty[500] = "";
    double ours, bare;
    *row =
        (struct row){.name = "ready", .unit = "ms", .is_lower_better = true, .has_baseline = true};
    bool is_well = folder_make(bench, "ready-full", full, fault) && fill(bench, full, fault) &&
                   folder_make(bench, "ready-empty", empty, fault) &&
                   time_start(bench, empty, &bare, fault);
    for (size_t i = 0; i < bench->runs && is_well; i++) {
        is_well = time_start(bench, full, &ours, fault) && time_start(bench, empty, &bare, fault);
        if (is_well)
            samples_add(&row->samples, ours, bare, ours / bare);
    }
    snprintf(
        row->method, sizeof(row->method),
        "build/atelier-fixture from fork to its ready line, on a data folder with %d documents "
        "that was closed in order; files in the page cache; %s. Baseline: the same on a "
        "folder without documents, by turns: as long, since nothing is scanned.",
        ACCOUNTS, bench->disk);
    folder_remove(full);
    folder_remove(empty);
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

/* ---- binary ---- */

static int64_t pages_bytes; /* nftw has no place for it */

static int add_page(const char *path, const struct stat *facts, int kind, struct FTW *place)
{
    if (kind == FTW_F)
        pages_bytes += facts->st_size;
    return 0;
}

static bool size_of(const struct bench *bench, const char *name, int64_t *out, struct fault *fault)
{
    char path[500];
    struct stat facts;
    snprintf(path, sizeof(path), "%s/%s", bench->build, name);
    if (stat(path, &facts) != 0)
        return fault_os(fault, path);
    *out = facts.st_size;
    return true;
}

bool bench_binary(const struct bench *bench, struct row *row, struct fault *fault)
{
    char pages[500];
    int64_t program = 0, helper = 0, full = 0;
    const double mib = 1 << 20;
    *row = (struct row){.name = "binary", .unit = "MiB", .is_lower_better = true};
    snprintf(pages, sizeof(pages), "%s/../web/dist", bench->build);
    pages_bytes = 0;
    if (!size_of(bench, "atelier", &program, fault) ||
        !size_of(bench, "atelier-media", &helper, fault) ||
        !size_of(bench, "atelier-media-full", &full, fault))
        return false;
    if (nftw(pages, add_page, 16, FTW_PHYS) != 0 || pages_bytes == 0)
        return fault_set(fault, FAULT_INPUT, "there are no pages in %s; make build", pages);
    samples_add(&row->samples, (double)(program + helper + full + pages_bytes) / mib, 0, 0);
    snprintf(
        row->method, sizeof(row->method),
        "Bytes of the files that are installed, as make build leaves them: build/atelier "
        "(%.2f MiB), build/atelier-media (%.2f MiB) and build/atelier-media-full (%.2f MiB), with "
        "their symbols, and the pages "
        "they serve, web/dist (%.2f MiB). Shared libraries are the system's and not counted.",
        (double)program / mib, (double)helper / mib, (double)full / mib, (double)pages_bytes / mib);
    return true;
}
