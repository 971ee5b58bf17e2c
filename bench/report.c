/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include "json/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

void samples_add(struct samples *samples, double value, double baseline, double ratio)
{
    assert(samples->count < BENCH_RUNS_MAX);
    samples->values[samples->count] = value;
    samples->baselines[samples->count] = baseline;
    samples->ratios[samples->count] = ratio;
    samples->count++;
}

static int by_size(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

double median_of(const double *values, size_t count)
{
    double sorted[BENCH_RUNS_MAX];
    assert(count > 0 && count <= BENCH_RUNS_MAX);
    memcpy(sorted, values, count * sizeof(*values));
    qsort(sorted, count, sizeof(*sorted), by_size);
    return count % 2 == 1 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

double spread_of(const double *values, size_t count)
{
    double least = values[0], most = values[0], median = median_of(values, count);
    for (size_t i = 1; i < count; i++) {
        least = MIN_OF(least, values[i]);
        most = MAX_OF(most, values[i]);
    }
    return median == 0 ? 0 : (most - least) / median;
}

/* ---- the table ---- */

static void read_processor(char out[100])
{
    char line[300];
    snprintf(out, 100, "unknown processor");
    FILE *file = fopen("/proc/cpuinfo", "re");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "model name", 10) != 0 || strchr(line, ':') == NULL)
            continue;
        str name = str_trim(str_of(strchr(line, ':') + 1));
        snprintf(out, 100, "%.*s", STR_ARG(str_slice(name, 0, 99)));
        break;
    }
    if (file != NULL)
        fclose(file);
}

void report_machine(const struct bench *bench)
{
    char processor[100];
    struct utsname system = {0};
    read_processor(processor);
    uname(&system);
    printf("%s, %ld cores, %.1f GiB, Linux %s, %s; %zu runs of %.1f s\n\n", processor,
           sysconf(_SC_NPROCESSORS_ONLN),
           (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) / (1 << 30),
           system.release, bench->disk, bench->runs, (double)bench->time.us / 1e6);
    printf("%-33s %12s %-14s %8s %12s %8s\n", "name", "value", "unit", "spread", "baseline",
           "ratio");
    fflush(stdout);
}

void report_row(const struct row *row)
{
    const struct samples *samples = &row->samples;
    printf("%-33s %12.1f %-14s %7.0f%%", row->name, median_of(samples->values, samples->count),
           row->unit, spread_of(samples->values, samples->count) * 100);
    if (row->has_baseline)
        printf(" %12.1f %8.2f", median_of(samples->baselines, samples->count),
               median_of(samples->ratios, samples->count));
    printf("\n");
    fflush(stdout);
}

/* ---- the file ---- */

static void add_member(struct buffer *to, const char *name, bool is_there, double value)
{
    buffer_format(to, ", \"%s\": ", name);
    if (is_there && isfinite(value))
        json_write_number(to, value);
    else
        buffer_str(to, STR("null"));
}

static void add_row(struct buffer *to, const struct row *row)
{
    const struct samples *samples = &row->samples;
    size_t count = samples->count;
    buffer_format(to, "  {\"name\": \"%s\"", row->name);
    add_member(to, "value", true, median_of(samples->values, count));
    buffer_format(to, ", \"unit\": \"%s\", \"better\": \"%s\"", row->unit,
                  row->is_lower_better ? "lower" : "higher");
    add_member(to, "baseline", row->has_baseline, median_of(samples->baselines, count));
    add_member(to, "ratio", row->has_baseline, median_of(samples->ratios, count));
    add_member(to, "spread", true, spread_of(samples->values, count));
    buffer_format(to, ", \"runs\": %zu,\n   \"method\": ", count);
    json_write_text(to, str_of(row->method));
    buffer_char(to, '}');
}

bool report_write(const char *path, const struct row *rows, size_t count, struct fault *fault)
{
    AUTO(buffer_done) struct buffer text = {0};
    buffer_str(&text, STR("[\n"));
    for (size_t i = 0; i < count; i++) {
        add_row(&text, &rows[i]);
        buffer_str(&text, i + 1 < count ? STR(",\n") : STR("\n"));
    }
    buffer_str(&text, STR("]\n"));
    FILE *file = fopen(path, "we");
    if (file == NULL)
        return fault_os(fault, path);
    size_t written = fwrite(text.at, 1, text.len, file);
    if (fclose(file) != 0 || written != text.len)
        return fault_os(fault, path);
    return true;
}
