/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bench: what is measured, and how a figure is told. Each figure is the median of BENCH_RUNS
 * runs with its spread, beside a baseline measured in the same run where there is one.
 *
 * Owns:     rows hold their texts inline.
 * Threads:  one.
 * Time:     the system's; that is what it is for.
 * Fails:    by fault: a figure that cannot be trusted is not told.
 */
#pragma once

#include "base/clock.h"
#include "base/fault.h"
#include "base/str.h"

#define BENCH_RUNS_MAX 25
#define BENCH_METHOD_MAX 2048

struct bench {
    const char *build; /* folder of the programs */
    char folder[400];  /* of this bench's data; on the disk that is measured */
    char disk[60];     /* "ext4" */
    size_t files_max;  /* descriptors a process may have, this one and the servers */
    size_t runs;
    span time; /* of one run */
};

/* One figure of each run; baselines and ratios only where there is a baseline. */
struct samples {
    double values[BENCH_RUNS_MAX], baselines[BENCH_RUNS_MAX], ratios[BENCH_RUNS_MAX];
    size_t count;
};

struct row {
    const char *name, *unit;
    int decimals; /* of the value; 0: as it suits */
    bool is_lower_better;
    bool has_baseline;
    bool has_flatness;
    struct samples samples;
    double flatness[BENCH_RUNS_MAX]; /* value by that of the smallest size in the same run */
    char method[BENCH_METHOD_MAX];
};

void samples_add(struct samples *samples, double value, double baseline, double ratio);
double median_of(const double *values, size_t count);
double spread_of(const double *values, size_t count);      /* (max - min) / median */
double part_of(double *values, size_t count, double part); /* 0.99: p99; sorts the values */

/* Each fills its rows; figures[] of main.c says how many. */
bool bench_mutations(const struct bench *bench, struct row *row, struct fault *fault) MUST_CHECK;
bool bench_transfers(const struct bench *bench, struct row *row, struct fault *fault) MUST_CHECK;
bool bench_transfers_single(const struct bench *bench, struct row *row, struct fault *fault)
    MUST_CHECK;
bool bench_transfers_http(const struct bench *bench, struct row *row, struct fault *fault)
    MUST_CHECK;
bool bench_transfers_hot(const struct bench *bench, struct row *row, struct fault *fault)
    MUST_CHECK;
bool bench_point_distinct(const struct bench *bench, struct row *row, struct fault *fault)
    MUST_CHECK;
bool bench_point_same(const struct bench *bench, struct row *row, struct fault *fault) MUST_CHECK;
bool bench_binary(const struct bench *bench, struct row *row, struct fault *fault) MUST_CHECK;
bool bench_ready(const struct bench *bench, struct row *row, struct fault *fault) MUST_CHECK;
bool bench_library(const struct bench *bench, struct row *row, struct fault *fault) MUST_CHECK;
bool bench_idle(const struct bench *bench, struct row *row, struct fault *fault) MUST_CHECK;
bool bench_latency(const struct bench *bench, struct row *rows, struct fault *fault) MUST_CHECK;
bool bench_under_reads(const struct bench *bench, struct row *row, struct fault *fault) MUST_CHECK;
bool bench_lists(const struct bench *bench, struct row *row, struct fault *fault) MUST_CHECK;
bool bench_fanout(const struct bench *bench, struct row *rows, struct fault *fault) MUST_CHECK;
bool bench_invalidate(const struct bench *bench, struct row *rows, struct fault *fault) MUST_CHECK;
bool bench_overload(const struct bench *bench, struct row *row, struct fault *fault) MUST_CHECK;
bool bench_generations(const struct bench *bench, struct row *row, struct fault *fault) MUST_CHECK;
bool bench_sessions(const struct bench *bench, struct row *row, struct fault *fault) MUST_CHECK;
bool bench_scheduled(const struct bench *bench, struct row *row, struct fault *fault) MUST_CHECK;
bool bench_fairness(const struct bench *bench, struct row *row, struct fault *fault) MUST_CHECK;
bool bench_download_1mb(const struct bench *bench, struct row *row, struct fault *fault) MUST_CHECK;
bool bench_download_1gb(const struct bench *bench, struct row *row, struct fault *fault) MUST_CHECK;
bool bench_renditions_png(const struct bench *bench, struct row *row, struct fault *fault)
    MUST_CHECK;
bool bench_renditions_jpeg(const struct bench *bench, struct row *row, struct fault *fault)
    MUST_CHECK;
bool bench_upload_many(const struct bench *bench, struct row *rows, struct fault *fault) MUST_CHECK;
bool bench_upload_big(const struct bench *bench, struct row *rows, struct fault *fault) MUST_CHECK;
bool bench_search(const struct bench *bench, struct row *row, struct fault *fault) MUST_CHECK;
bool bench_concurrent(const struct bench *bench, struct row *rows, struct fault *fault) MUST_CHECK;
