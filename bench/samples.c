/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include <string.h>

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

double part_of(double *values, size_t count, double part)
{
    assert(count > 0);
    qsort(values, count, sizeof(*values), by_size);
    return values[(size_t)(part * (double)(count - 1))];
}
