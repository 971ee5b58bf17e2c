/* SPDX-License-Identifier: Apache-2.0 */
#include "targets.h"

#include <math.h>
#include <string.h>

#define AT_LEAST false
#define AT_MOST true
#define NO_FLOOR NAN

static const struct target targets[] = {
    {"transfers", MEASURE_VALUE, AT_LEAST, 25000, 60000},
    {"transfers", MEASURE_RATIO, AT_LEAST, 0.4, 0.6},
    {"transfers_single", MEASURE_VALUE, AT_LEAST, 15000, 35000},
    {"transfers_http", MEASURE_VALUE, AT_LEAST, 12000, 30000},
    {"transfers_hot", MEASURE_RATIO, AT_LEAST, 1.0, 1.3},
    {"overload_goodput", MEASURE_RATIO, AT_LEAST, 0.8, 0.95},
    {"mutation_latency_p50", MEASURE_RATIO, AT_MOST, 4, 2},
    {"mutation_latency_p99", MEASURE_RATIO, AT_MOST, 4, 2},
    {"mutation_under_reads", MEASURE_RATIO, AT_MOST, 3, 2},
    {"list_under_writes", MEASURE_VALUE, AT_LEAST, 20000, 60000},
    {"list_under_writes", MEASURE_RATIO, AT_LEAST, 0.3, 0.8},
    {"fanout_10k", MEASURE_RATIO, AT_MOST, 4, 1.5},
    {"fanout_10k_evaluations", MEASURE_VALUE, AT_MOST, 1, 1},
    {"invalidate_one_100", MEASURE_FLATNESS, AT_MOST, NO_FLOOR, 0.2},
    {"invalidate_one_100_evaluations", MEASURE_VALUE, AT_MOST, 1, 1},
    {"invalidate_one_10000", MEASURE_FLATNESS, AT_MOST, NO_FLOOR, 0.2},
    {"invalidate_one_10000_evaluations", MEASURE_VALUE, AT_MOST, 1, 1},
    {"invalidate_one_50000", MEASURE_FLATNESS, AT_MOST, NO_FLOOR, 0.2},
    {"invalidate_one_50000_evaluations", MEASURE_VALUE, AT_MOST, 1, 1},
    {"generation_noop", MEASURE_VALUE, AT_LEAST, 2000, 5000},
    {"generation_noop", MEASURE_RATIO, AT_LEAST, NO_FLOOR, 0.6},
    {"scheduled_noop", MEASURE_VALUE, AT_LEAST, 8000, 20000},
    {"concurrent_1000_latency", MEASURE_VALUE, AT_MOST, 250, 50},  /* ms */
    {"concurrent_1000_rss", MEASURE_VALUE, AT_MOST, NO_FLOOR, 80}, /* MiB */
    {"fairness", MEASURE_VALUE, AT_LEAST, NO_FLOOR, 0.99},
    {"download_1mb", MEASURE_RATIO, AT_LEAST, 0.7, 0.95},
    {"download_1gb", MEASURE_RATIO, AT_LEAST, 0.7, 0.95},
    {"renditions_png", MEASURE_RATIO, AT_LEAST, 1.0, 1.4},
    {"renditions_jpeg", MEASURE_RATIO, AT_LEAST, 1.0, 1.4},
    {"search_1m", MEASURE_VALUE, AT_MOST, 50, 10},               /* ms */
    {"library_first_screen", MEASURE_VALUE, AT_MOST, 1000, 500}, /* ms */
    {"upload_many", MEASURE_RATIO, AT_LEAST, 0.5, 0.8},
    {"upload_many_rss", MEASURE_VALUE, AT_MOST, 64, 32}, /* MiB */
    {"upload_big", MEASURE_RATIO, AT_LEAST, 0.5, 0.8},
    {"upload_big_rss", MEASURE_VALUE, AT_MOST, 16, 4}, /* MiB */
    {"idle_session_bytes", MEASURE_VALUE, AT_MOST, KIB(20), KIB(6)},
    {"point_query_distinct", MEASURE_RATIO, AT_LEAST, 0.3, 0.5},
    {"point_query_same", MEASURE_RATIO, AT_LEAST, 0.5, 0.75},
    {"idle_rss", MEASURE_VALUE, AT_MOST, 40, 20}, /* MiB */
    {"binary", MEASURE_VALUE, AT_MOST, 25, 15},   /* MiB */
    {"ready", MEASURE_VALUE, AT_MOST, 1000, 200}, /* ms */
};

const char *const verdict_names[] = {
    [VERDICT_NONE] = "",
    [VERDICT_MET] = "met",
    [VERDICT_GOAL_MISSED] = "goal missed",
    [VERDICT_FLOOR_MISSED] = "floor missed",
};

const struct target *target_next(const char *name, const struct target *before)
{
    for (size_t i = before == NULL ? 0 : (size_t)(before - targets) + 1; i < ARRAY_LEN(targets);
         i++)
        if (strcmp(targets[i].name, name) == 0)
            return &targets[i];
    return NULL;
}

static double measured(const struct row *row, enum measure measure)
{
    size_t count = row->samples.count;
    if (measure == MEASURE_RATIO)
        return row->has_baseline ? median_of(row->samples.ratios, count) : NAN;
    if (measure == MEASURE_FLATNESS)
        return row->has_flatness ? fabs(median_of(row->flatness, count) - 1) : NAN;
    return median_of(row->samples.values, count);
}

/* What was not measured reaches nothing. */
static bool reaches(double value, double wanted, bool is_most)
{
    return isnan(wanted) || (is_most ? value <= wanted : value >= wanted);
}

enum verdict target_verdict(const struct row *row)
{
    enum verdict worst = VERDICT_NONE;
    for (const struct target *target = NULL; (target = target_next(row->name, target)) != NULL;) {
        double value = measured(row, target->measure);
        enum verdict verdict =
            !reaches(value, target->floor, target->is_most)  ? VERDICT_FLOOR_MISSED
            : !reaches(value, target->goal, target->is_most) ? VERDICT_GOAL_MISSED
                                                             : VERDICT_MET;
        worst = MAX_OF(worst, verdict);
    }
    return worst;
}
