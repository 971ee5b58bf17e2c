/* SPDX-License-Identifier: Apache-2.0 */
#include "media/worker/resample.h"

#include <math.h>
#include <string.h>

#define LOBES 3.0
#define ONE_BITS 14 /* of a weight; their sum is one */
#define ONE (1 << ONE_BITS)
#define ROWS 8 /* worked on side by side, one to a lane */
#define PI 3.14159265358979323846

#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)
#define WIDE __attribute__((target_clones("avx2", "default")))
#else
#define WIDE
#endif

/* Which places of the input make one of the output, and how much of each. */
struct weights {
    int *first, *count;
    int32_t *share; /* `room` for each */
    int room;
};

static void weights_done(struct weights *weights)
{
    free(weights->first);
    free(weights->count);
    free(weights->share);
}

static double lanczos(double x)
{
    if (x <= -LOBES || x >= LOBES)
        return 0.0;
    if (x > -1e-9 && x < 1e-9)
        return 1.0;
    double turn = PI * x;
    return LOBES * sin(turn) * sin(turn / LOBES) / (turn * turn);
}

/* What rounding lost goes to the weightiest. */
static void weigh_one(struct weights *weights, int i, double spread, double centre)
{
    int32_t *share = weights->share + (ptrdiff_t)i * weights->room;
    double sum = 0.0;
    int32_t left = ONE;
    int most = 0;
    for (int k = 0; k < weights->count[i]; k++)
        sum += lanczos((weights->first[i] + k + 0.5 - centre) / spread);
    for (int k = 0; k < weights->count[i]; k++) {
        double part = lanczos((weights->first[i] + k + 0.5 - centre) / spread) / sum;
        share[k] = (int32_t)lrint(part * ONE);
        left -= share[k];
        most = share[k] > share[most] ? k : most;
    }
    share[most] += left;
}

static bool weigh(struct weights *weights, int from, int to)
{
    double scale = (double)from / to;
    double spread = MAX_OF(scale, 1.0);
    double reach = LOBES * spread;
    weights->room = (int)ceil(2 * reach) + 2;
    weights->first = calloc((size_t)to, sizeof(int));
    weights->count = calloc((size_t)to, sizeof(int));
    weights->share = calloc((size_t)to * (size_t)weights->room, sizeof(int32_t));
    if (weights->first == NULL || weights->count == NULL || weights->share == NULL)
        return false;
    for (int i = 0; i < to; i++) {
        double centre = (i + 0.5) * scale;
        int first = MAX_OF((int)floor(centre - reach), 0);
        int end = MIN_OF((int)ceil(centre + reach), from);
        weights->first[i] = first;
        weights->count[i] = end - first;
        weigh_one(weights, i, spread, centre);
    }
    return true;
}

static int32_t sample_of(int32_t sum)
{
    int32_t value = (sum + ONE / 2) >> ONE_BITS;
    return value < 0 ? 0 : value > 255 ? 255 : value;
}

/* One row of the output, in full width, into its lane. */
WIDE static void mix_rows(const uint8_t *in, size_t stride, const int32_t *share, int count,
                          int32_t *restrict sum, int32_t *restrict lanes)
{
    memset(sum, 0, stride * sizeof(*sum));
    for (int k = 0; k < count; k++) {
        const uint8_t *row = in + (size_t)k * stride;
        int32_t weight = share[k];
        for (size_t i = 0; i < stride; i++)
            sum[i] += weight * row[i];
    }
    for (size_t i = 0; i < stride; i++)
        lanes[i * ROWS] = sample_of(sum[i]);
}

/* One sample of each of the rows. */
WIDE static void mix_lanes(const int32_t *restrict lanes, size_t step, const int32_t *share,
                           int count, int32_t *restrict out)
{
    int32_t sum[ROWS] = {0};
    for (int k = 0; k < count; k++)
        for (int row = 0; row < ROWS; row++)
            sum[row] += share[k] * lanes[(size_t)k * step + (size_t)row];
    for (int row = 0; row < ROWS; row++)
        out[row] = sample_of(sum[row]);
}

static void put_rows(const struct weights *across, const int32_t *lanes, struct pixels *out, int y)
{
    size_t bands = (size_t)out->bands;
    int rows = MIN_OF(ROWS, out->height - y);
    for (int x = 0; x < out->width; x++)
        for (size_t band = 0; band < bands; band++) {
            int32_t made[ROWS];
            mix_lanes(lanes + ((size_t)across->first[x] * bands + band) * ROWS, bands * ROWS,
                      across->share + (ptrdiff_t)x * across->room, across->count[x], made);
            for (int row = 0; row < rows; row++)
                out->at[((size_t)(y + row) * (size_t)out->width + (size_t)x) * bands + band] =
                    (uint8_t)made[row];
        }
}

bool resample(const struct pixels *in, struct pixels *out)
{
    AUTO(weights_done) struct weights down = {0};
    AUTO(weights_done) struct weights across = {0};
    size_t stride = (size_t)in->width * (size_t)in->bands;
    AUTO(memory_free) int32_t *lanes = calloc(stride * ROWS, sizeof(*lanes));
    AUTO(memory_free) int32_t *sum = calloc(stride, sizeof(*sum));
    if (lanes == NULL || sum == NULL || !weigh(&down, in->height, out->height) ||
        !weigh(&across, in->width, out->width))
        return false;
    for (int y = 0; y < out->height; y += ROWS) {
        int rows = MIN_OF(ROWS, out->height - y);
        for (int row = 0; row < rows; row++)
            mix_rows(in->at + (size_t)down.first[y + row] * stride, stride,
                     down.share + (ptrdiff_t)(y + row) * down.room, down.count[y + row], sum,
                     lanes + row);
        put_rows(&across, lanes, out, y);
    }
    return true;
}
