/* SPDX-License-Identifier: Apache-2.0 */
#include "media/worker/resample.h"

#include <math.h>
#include <string.h>

#define LOBES 3.0
#define ONE_BITS 14 /* of a weight; their sum is one */
#define ONE (1 << ONE_BITS)
#define ROWS 8   /* worked on side by side, one to a lane */
#define STRIP 16 /* rows, read at once */
#define PI 3.14159265358979323846

#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)
#define WIDE __attribute__((target_clones("avx2", "default")))
#define FUSED __attribute__((target_clones("fma", "default")))
#else
#define WIDE
#define FUSED
#endif

/* As many floats as ROWS; anywhere in memory. */
typedef float eight __attribute__((vector_size(32), aligned(4), may_alias));

/* Which places of the input make one of the output, and how much of each. */
struct weights {
    int *first, *count;
    int32_t *share; /* `room` for each */
    double *part;   /* of one, in the making */
    int room;
};

static void weights_done(struct weights *weights)
{
    free(weights->first);
    free(weights->count);
    free(weights->share);
    free(weights->part);
}

static double lanczos(double x)
{
    if (x <= -LOBES || x >= LOBES)
        return 0.0;
    if (x > -1e-9 && x < 1e-9)
        return 1.0;
    double turn = PI * x, third = sin(turn / LOBES);
    double whole = third * (3.0 - 4.0 * third * third); /* the sine of three times the angle */
    return LOBES * whole * third / (turn * turn);
}

/* What rounding lost goes to the weightiest. */
static void weigh_one(struct weights *weights, int i, double spread, double centre)
{
    int32_t *share = weights->share + (ptrdiff_t)i * weights->room;
    double *part = weights->part, sum = 0.0;
    int32_t left = ONE;
    int most = 0;
    for (int k = 0; k < weights->count[i]; k++)
        sum += part[k] = lanczos((weights->first[i] + k + 0.5 - centre) / spread);
    for (int k = 0; k < weights->count[i]; k++) {
        share[k] = (int32_t)lrint(part[k] / sum * ONE);
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
    weights->part = calloc((size_t)weights->room, sizeof(double));
    if (weights->first == NULL || weights->count == NULL || weights->share == NULL ||
        weights->part == NULL)
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

/* The rows that the next one is made of, and those read along with them. */
struct window {
    const struct row_source *in;
    size_t stride;
    uint8_t *at; /* `room` rows; row y is at y % room */
    int room, next;
    int32_t *made; /* rows: the one in the making, and finished ones */
    float *lanes;  /* the same, side by side */
};

static void window_done(struct window *window)
{
    free(window->at);
    free(window->made);
    free(window->lanes);
}

static bool window_open(struct window *window)
{
    window->at = malloc(window->stride * (size_t)window->room);
    window->made = calloc(window->stride * ROWS, sizeof(int32_t));
    window->lanes = calloc(window->stride * ROWS, sizeof(float));
    return window->at != NULL && window->made != NULL && window->lanes != NULL;
}

static const uint8_t *row_of(const struct window *window, int y)
{
    return window->at + (size_t)(y % window->room) * window->stride;
}

/* Has the rows before `end`. */
static bool advance(struct window *window, int end)
{
    while (window->next < end) {
        uint8_t *rows[STRIP];
        int count = MIN_OF(STRIP, window->in->height - window->next);
        for (int i = 0; i < count; i++)
            rows[i] = window->at + (size_t)((window->next + i) % window->room) * window->stride;
        if (!window->in->read(window->in->context, window->next, count, rows))
            return false;
        window->next += count;
    }
    return true;
}

WIDE static void add_row(const uint8_t *restrict row, size_t stride, int32_t weight,
                         int32_t *restrict sum)
{
    for (size_t i = 0; i < stride; i++)
        sum[i] += weight * row[i];
}

WIDE static void settle(int32_t *made, size_t stride)
{
    for (size_t i = 0; i < stride; i++)
        made[i] = sample_of(made[i]);
}

/* One row of the output, in full width. */
static void mix_rows(struct window *window, const struct weights *down, int y)
{
    int32_t *made = window->made + (size_t)(y % ROWS) * window->stride;
    memset(made, 0, window->stride * sizeof(*made));
    for (int k = 0; k < down->count[y]; k++)
        add_row(row_of(window, down->first[y] + k), window->stride,
                down->share[(ptrdiff_t)y * down->room + k], made);
    settle(made, window->stride);
}

/* What was below each other comes to lie side by side. */
WIDE static void turn(const int32_t *restrict made, size_t stride, float *restrict lanes)
{
    for (size_t i = 0; i < stride; i++)
        for (size_t row = 0; row < ROWS; row++)
            lanes[i * ROWS + row] = (float)made[row * stride + i];
}

/* One sample of each of the rows. Whole numbers below two to the 24th, so floats hold them exactly,
 * however fused; vector units multiply floats twice as fast as such integers. */
FUSED static void mix_lanes(const float *restrict lanes, size_t step, const int32_t *share,
                            int count, int32_t *restrict out)
{
    eight sum = {0};
    for (int k = 0; k < count; k++)
        sum += (float)share[k] * *(const eight *)(lanes + (size_t)k * step);
    for (int row = 0; row < ROWS; row++)
        out[row] = sample_of((int32_t)sum[row]);
}

static void put_rows(const struct weights *across, const float *lanes, struct pixels *out, int y)
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

bool resample(const struct row_source *in, struct pixels *out)
{
    AUTO(weights_done) struct weights down = {0};
    AUTO(weights_done) struct weights across = {0};
    AUTO(window_done)
    struct window window = {.in = in, .stride = (size_t)in->width * (size_t)out->bands};
    if (!weigh(&down, in->height, out->height) || !weigh(&across, in->width, out->width))
        return false;
    window.room = down.room + STRIP;
    if (!window_open(&window))
        return false;
    for (int y = 0; y < out->height; y++) {
        if (!advance(&window, down.first[y] + down.count[y]))
            return false;
        mix_rows(&window, &down, y);
        if (y % ROWS == ROWS - 1 || y == out->height - 1) {
            turn(window.made, window.stride, window.lanes);
            put_rows(&across, window.lanes, out, y - y % ROWS);
        }
    }
    return advance(&window, in->height); /* what is wrong with the rest shows only then */
}
