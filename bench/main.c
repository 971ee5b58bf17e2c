/* SPDX-License-Identifier: Apache-2.0 */
#include "program.h"
#include "report.h"
#include "targets.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#define ROWS_MAX 40

static const char help[] =
    "Measures Atelier; prints a table and writes a file of the same figures.\n"
    "\n"
    "Usage: atelier-bench [OPTIONS] [NAME …]\n"
    "\n"
    "  --out FILE       where the figures go (bench.json beside this program)\n"
    "  --notes FILE     also writes them in Markdown, with how each was measured\n"
    "  --dir DIR        where the data goes while measuring (bench-data beside this program)\n"
    "  --runs N         runs of each figure, whose median is told (5)\n"
    "  --time MS        length of one run (2000)\n"
    "  --check-floors   ends with status 1 when a figure is below its floor\n"
    "\n"
    "It also ends with status 1 when a figure could not be measured or must not be trusted.\n"
    "Names; all of them when none is given:\n";

static const struct {
    const char *name;
    size_t rows; /* their names begin with this one's */
    bool (*measure)(const struct bench *, struct row *, struct fault *);
} figures[] = {
    {"mutations_64", 1, bench_mutations},
    {"transfers", 1, bench_transfers},
    {"transfers_single", 1, bench_transfers_single},
    {"transfers_http", 1, bench_transfers_http},
    {"transfers_hot", 1, bench_transfers_hot},
    {"overload_goodput", 1, bench_overload},
    {"mutation_latency", 2, bench_latency},
    {"mutation_under_reads", 1, bench_under_reads},
    {"list_under_writes", 1, bench_lists},
    {"fanout_10k", 2, bench_fanout},
    {"invalidate_one", 6, bench_invalidate},
    {"generation_noop", 1, bench_generations},
    {"scheduled_noop", 1, bench_scheduled},
    {"concurrent_1000", 2, bench_concurrent},
    {"fairness", 1, bench_fairness},
    {"download_1mb", 1, bench_download_1mb},
    {"download_1gb", 1, bench_download_1gb},
    {"renditions_png", 1, bench_renditions_png},
    {"renditions_jpeg", 1, bench_renditions_jpeg},
    {"upload_many", 2, bench_upload_many},
    {"upload_big", 2, bench_upload_big},
    {"search_1m", 1, bench_search},
    {"library_first_screen", 1, bench_library},
    {"idle_session_bytes", 1, bench_sessions},
    {"point_query_distinct", 1, bench_point_distinct},
    {"point_query_same", 1, bench_point_same},
    {"idle_rss", 1, bench_idle},
    {"binary", 1, bench_binary},
    {"ready", 1, bench_ready},
};

struct wishes {
    const char *out, *notes, *folder;
    char *const *names;
    size_t name_count;
    bool checks_floors;
};

static void tell_help(FILE *to)
{
    fputs(help, to);
    for (size_t i = 0; i < ARRAY_LEN(figures); i++)
        fprintf(to, "  %s\n", figures[i].name);
}

static bool read_options(int argc, char **argv, struct bench *bench, struct wishes *wishes)
{
    static const struct option options[] = {{"out", required_argument, NULL, 'o'},
                                            {"notes", required_argument, NULL, 'n'},
                                            {"check-floors", no_argument, NULL, 'c'},
                                            {"dir", required_argument, NULL, 'd'},
                                            {"runs", required_argument, NULL, 'r'},
                                            {"time", required_argument, NULL, 't'},
                                            {NULL, 0, NULL, 0}};
    int64_t runs = 5, ms = 2000;
    int letter;
    while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (letter == 'o')
            wishes->out = optarg;
        else if (letter == 'n')
            wishes->notes = optarg;
        else if (letter == 'd')
            wishes->folder = optarg;
        else if (letter == 'c')
            wishes->checks_floors = true;
        else if ((letter == 'r' && !str_to_int(str_of(optarg), &runs)) ||
                 (letter == 't' && !str_to_int(str_of(optarg), &ms)) || letter == '?')
            return false;
    }
    wishes->names = argv + optind;
    wishes->name_count = (size_t)(argc - optind);
    bench->runs = (size_t)runs;
    bench->time = MILLISECONDS(ms);
    return runs >= 1 && runs <= BENCH_RUNS_MAX && ms >= 100 && ms <= 60000;
}

/* A name that is none would measure nothing and look well. */
static bool are_names_known(const struct wishes *wishes)
{
    size_t known = 0;
    for (size_t i = 0; i < wishes->name_count; i++)
        for (size_t k = 0; k < ARRAY_LEN(figures); k++)
            known += strcmp(wishes->names[i], figures[k].name) == 0;
    return known == wishes->name_count;
}

static bool is_wanted(const struct wishes *wishes, const char *name)
{
    for (size_t i = 0; i < wishes->name_count; i++)
        if (strcmp(wishes->names[i], name) == 0)
            return true;
    return wishes->name_count == 0;
}

/* Memory that calls itself a disk would make every commit look free. */
static bool read_disk(struct bench *bench, struct fault *fault)
{
    static const struct {
        long kind;
        const char *name;
    } kinds[] = {{0xef53, "ext4"},          {0x58465342, "xfs"}, {0x9123683e, "btrfs"},
                 {0x794c7630, "overlayfs"}, {0x2fc12fc1, "zfs"}, {0x01021994, "tmpfs"}};
    struct statfs facts;
    if (statfs(bench->folder, &facts) != 0)
        return fault_os(fault, bench->folder);
    snprintf(bench->disk, sizeof(bench->disk), "file system %lx", (unsigned long)facts.f_type);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if ((long)facts.f_type == kinds[i].kind)
            snprintf(bench->disk, sizeof(bench->disk), "%s", kinds[i].name);
    return strcmp(bench->disk, "tmpfs") != 0 ||
           fault_set(fault, FAULT_INPUT, "%s is in memory: nothing is durable there",
                     bench->folder);
}

static bool prepare(struct bench *bench, const struct wishes *wishes, char build[PATH_MAX],
                    struct fault *fault)
{
    ssize_t len = readlink("/proc/self/exe", build, PATH_MAX - 1);
    if (len <= 0)
        return fault_os(fault, "/proc/self/exe");
    build[len] = 0;
    *strrchr(build, '/') = 0;
    bench->build = build;
    if (wishes->folder != NULL)
        snprintf(bench->folder, sizeof(bench->folder), "%s", wishes->folder);
    else
        snprintf(bench->folder, sizeof(bench->folder), "%.380s/bench-data", build);
    mkdir(bench->folder, 0700);
    bench->files_max = program_files_max();
    return read_disk(bench, fault);
}

struct results {
    struct row rows[ROWS_MAX];
    size_t count, refused, below; /* figures without rows; rows below their floor */
};

/* A figure that cannot be told does not take the others with it. */
static void measure(const struct bench *bench, const struct wishes *wishes, struct results *results)
{
    instant start = clock_monotonic();
    report_head(bench);
    for (size_t i = 0; i < ARRAY_LEN(figures); i++) {
        struct fault fault = {0};
        struct row *rows = &results->rows[results->count];
        if (!is_wanted(wishes, figures[i].name))
            continue;
        assert(results->count + figures[i].rows <= ROWS_MAX);
        if (!figures[i].measure(bench, rows, &fault)) {
            fprintf(stderr, "atelier-bench: %s: %s\n", figures[i].name, fault.text);
            results->refused++;
            continue;
        }
        for (size_t row = 0; row < figures[i].rows; row++) {
            report_row(&rows[row]);
            results->below += target_verdict(&rows[row]) == VERDICT_FLOOR_MISSED;
        }
        results->count += figures[i].rows;
    }
    report_methods(results->rows, results->count);
    printf("The whole run took %.0f s.\n",
           (double)instant_since(clock_monotonic(), start).us / 1e6);
}

static bool tell(const struct bench *bench, const struct wishes *wishes,
                 const struct results *results, struct fault *fault)
{
    char out[PATH_MAX + 16];
    snprintf(out, sizeof(out), "%s/bench.json", bench->build);
    if (!report_write(wishes->out == NULL ? out : wishes->out, results->rows, results->count,
                      fault) ||
        (wishes->notes != NULL &&
         !report_notes(wishes->notes, bench, results->rows, results->count, fault)))
        return false;
    if (results->refused > 0)
        return fault_set(fault, FAULT_SYSTEM, "without figure: %zu", results->refused);
    if (!wishes->checks_floors || results->below == 0)
        return true;
    for (size_t i = 0; i < results->count; i++)
        if (target_verdict(&results->rows[i]) == VERDICT_FLOOR_MISSED)
            fprintf(stderr, "atelier-bench: %s is below its floor\n", results->rows[i].name);
    return fault_set(fault, FAULT_SYSTEM, "below the floor: %zu", results->below);
}

int main(int argc, char **argv)
{
    static struct results results;
    char build[PATH_MAX];
    struct bench bench = {0};
    struct wishes wishes = {0};
    struct fault fault = {0};

    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        tell_help(stdout);
        return 0;
    }
    if (!read_options(argc, argv, &bench, &wishes) || !are_names_known(&wishes)) {
        tell_help(stderr);
        return 2;
    }
    bool is_well = prepare(&bench, &wishes, build, &fault);
    if (is_well) {
        measure(&bench, &wishes, &results);
        is_well = tell(&bench, &wishes, &results, &fault);
    }
    if (!is_well)
        fprintf(stderr, "atelier-bench: %s\n", fault.text);
    rmdir(bench.folder);
    return is_well ? 0 : 1;
}
