/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include "targets.h"

#include "json/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#define NOTES_WIDTH 118

/* ---- words ---- */

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

static void add_machine(struct buffer *to, const struct bench *bench)
{
    char processor[100];
    struct utsname system = {0};
    double load[3] = {0};
    read_processor(processor);
    uname(&system);
    getloadavg(load, 3);
    buffer_format(to,
                  "%s, %ld cores, %.1f GiB, Linux %s, %s; %zu runs of %.1f s; load average %.1f",
                  processor, sysconf(_SC_NPROCESSORS_ONLN),
                  (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) / (1 << 30),
                  system.release, bench->disk, bench->runs, (double)bench->time.us / 1e6, load[0]);
}

/* 43,477 or 101 or 13.9 or 0.83. */
static void add_number(struct buffer *to, double value)
{
    char digits[40];
    int decimals = value >= 100 ? 0 : value >= 10 ? 1 : 2;
    int len = snprintf(digits, sizeof(digits), "%.*f", decimals, value);
    int whole = decimals == 0 ? len : len - decimals - 1;
    for (int i = 0; i < len; i++) {
        if (i > 0 && i < whole && (whole - i) % 3 == 0 && digits[i - 1] != '-')
            buffer_char(to, ',');
        buffer_char(to, digits[i]);
    }
}

/* "25,000; ratio 0.4" */
static void add_targets(struct buffer *to, const struct row *row, bool is_goal)
{
    bool is_first = true;
    for (const struct target *target = NULL; (target = target_next(row->name, target)) != NULL;) {
        double wanted = is_goal ? target->goal : target->floor;
        if (isnan(wanted))
            continue;
        buffer_str(to, is_first ? STR("") : STR("; "));
        if (target->measure == MEASURE_FLATNESS)
            buffer_format(to, "flat +-%.0f %%", wanted * 100);
        else if (target->measure == MEASURE_RATIO)
            buffer_format(to, "ratio %g", wanted);
        else if (wanted < 1000)
            buffer_format(to, "%g", wanted);
        else
            add_number(to, wanted);
        is_first = false;
    }
}

/* ---- the table ---- */

void report_head(const struct bench *bench)
{
    AUTO(buffer_done) struct buffer text = buffer_with_max(KIB(4));
    add_machine(&text, bench);
    printf("%.*s\n\n", STR_ARG(buffer_text(&text)));
    printf("%-33s %12s %-14s %7s %12s %7s %5s  %-19s %-19s %s\n", "name", "value", "unit", "spread",
           "baseline", "ratio", "flat", "floor", "goal", "verdict");
    fflush(stdout);
}

void report_row(const struct row *row)
{
    AUTO(buffer_done) struct buffer line = buffer_with_max(KIB(4));
    AUTO(buffer_done) struct buffer floors = buffer_with_max(KIB(1));
    AUTO(buffer_done) struct buffer goals = buffer_with_max(KIB(1));
    const struct samples *samples = &row->samples;
    size_t count = samples->count;
    add_targets(&floors, row, false);
    add_targets(&goals, row, true);
    buffer_format(&line, "%-33s %12.*f %-14s %6.0f%%", row->name, MAX_OF(row->decimals, 1),
                  median_of(samples->values, count), row->unit,
                  spread_of(samples->values, count) * 100);
    if (row->has_baseline)
        buffer_format(&line, " %12.1f %7.2f", median_of(samples->baselines, count),
                      median_of(samples->ratios, count));
    else
        buffer_format(&line, " %12s %7s", "", "");
    if (row->has_flatness)
        buffer_format(&line, " %5.2f", median_of(row->flatness, count));
    else
        buffer_format(&line, " %5s", "");
    buffer_format(&line, "  %-19.*s %-19.*s %s", STR_ARG(buffer_text(&floors)),
                  STR_ARG(buffer_text(&goals)), verdict_names[target_verdict(row)]);
    printf("%.*s\n", STR_ARG(buffer_text(&line)));
    fflush(stdout);
}

void report_methods(const struct row *rows, size_t count)
{
    printf("\n");
    for (size_t i = 0; i < count; i++)
        printf("%s: %s\n", rows[i].name, rows[i].method);
}

/* ---- files ---- */

static bool write_file(const char *path, str text, struct fault *fault)
{
    FILE *file = fopen(path, "we");
    if (file == NULL)
        return fault_os(fault, path);
    size_t written = fwrite(text.at, 1, text.len, file);
    if (fclose(file) != 0 || written != text.len)
        return fault_os(fault, path);
    return true;
}

static void add_member(struct buffer *to, const char *name, bool is_there, double value)
{
    buffer_format(to, ", \"%s\": ", name);
    if (is_there && isfinite(value))
        json_write_number(to, value);
    else
        buffer_str(to, STR("null"));
}

static void add_list(struct buffer *to, const char *name, const double *values, size_t count)
{
    buffer_format(to, ", \"%s\": [", name);
    for (size_t i = 0; i < count; i++) {
        buffer_str(to, i == 0 ? STR("") : STR(", "));
        json_write_number(to, values[i]);
    }
    buffer_char(to, ']');
}

static void add_target_members(struct buffer *to, const struct row *row)
{
    static const char *const names[][2] = {
        [MEASURE_VALUE] = {"floor", "goal"},
        [MEASURE_RATIO] = {"ratioFloor", "ratioGoal"},
        [MEASURE_FLATNESS] = {"flatnessFloor", "flatnessGoal"},
    };
    for (const struct target *target = NULL; (target = target_next(row->name, target)) != NULL;) {
        add_member(to, names[target->measure][0], true, target->floor);
        add_member(to, names[target->measure][1], true, target->goal);
    }
    buffer_format(to, ", \"verdict\": \"%s\"", verdict_names[target_verdict(row)]);
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
    if (row->has_flatness)
        add_member(to, "flatness", true, median_of(row->flatness, count));
    add_target_members(to, row);
    buffer_format(to, ", \"runs\": %zu", count);
    add_list(to, "values", samples->values, count);
    if (row->has_baseline)
        add_list(to, "ratios", samples->ratios, count);
    buffer_str(to, STR(",\n   \"method\": "));
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
    return write_file(path, buffer_text(&text), fault);
}

/* ---- notes ---- */

static void add_note_row(struct buffer *to, const struct row *row)
{
    const struct samples *samples = &row->samples;
    size_t count = samples->count;
    buffer_format(to, "| %s | ", row->name);
    if (row->decimals != 0)
        buffer_format(to, "%.*f", row->decimals, median_of(samples->values, count));
    else
        add_number(to, median_of(samples->values, count));
    buffer_format(to, " | %s | %.0f %% | %zu | ", row->unit,
                  spread_of(samples->values, count) * 100, count);
    if (row->has_baseline)
        add_number(to, median_of(samples->baselines, count));
    buffer_str(to, STR(" | "));
    if (row->has_baseline)
        add_number(to, median_of(samples->ratios, count));
    if (row->has_flatness)
        buffer_format(to, "; flat %.2f", median_of(row->flatness, count));
    buffer_str(to, STR(" | "));
    add_targets(to, row, false);
    buffer_str(to, STR(" | "));
    add_targets(to, row, true);
    buffer_format(to, " | %s |\n", verdict_names[target_verdict(row)]);
}

/* A point of a list, its lines no wider than NOTES_WIDTH. */
static void add_method(struct buffer *to, const struct row *row)
{
    str rest = str_of(row->method), word;
    buffer_format(to, "- **%s**:", row->name);
    size_t column = strlen(row->name) + 7;
    while (str_split(&rest, ' ', &word)) {
        if (column + 1 + word.len > NOTES_WIDTH) {
            buffer_str(to, STR("\n "));
            column = 1;
        }
        buffer_format(to, " %.*s", STR_ARG(word));
        column += 1 + word.len;
    }
    buffer_char(to, '\n');
}

bool report_notes(const char *path, const struct bench *bench, const struct row *rows, size_t count,
                  struct fault *fault)
{
    AUTO(buffer_done) struct buffer text = {0};
    add_machine(&text, bench);
    buffer_str(&text, STR(" at the end.\n\n"
                          "| name | value | unit | spread | runs | baseline | ratio | floor | goal "
                          "| verdict |\n"
                          "|---|---:|---|---:|---:|---:|---:|---:|---:|---|\n"));
    for (size_t i = 0; i < count; i++)
        add_note_row(&text, &rows[i]);
    buffer_str(&text, STR("\n## Method\n\n"));
    for (size_t i = 0; i < count; i++)
        add_method(&text, &rows[i]);
    return write_file(path, buffer_text(&text), fault);
}
