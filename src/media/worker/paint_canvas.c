/* SPDX-License-Identifier: Apache-2.0 */
#include "media/worker/paint_canvas.h"

#include <stdlib.h>
#include <string.h>

#include "media/worker/paint_math.h"

/* Rows painted at a time: a band of a 1024 px picture stays in the second-level cache. */
#define BAND_ROWS 32
#define SHADES 256
#define GAMMA_STEPS 4096
#define NOISE_MASK (CANVAS_NOISE_SIDE - 1)
/* The brush texture: two octaves of smooth noise, so many texels to a bump. */
#define BRUSH_SIDE 512
#define BRUSH_MASK (BRUSH_SIDE - 1)
#define BRUSH_BUMP 4

struct shade {
    struct lab colour;
    float alpha;
};

/* Where a row of the band is touched by the outline being filled; to is beyond the last. */
struct reach {
    int from, to;
};

struct canvas {
    int width, height;
    float scale;        /* pixels per unit */
    int top, rows;      /* of the band */
    struct lab *pixels; /* rows * width */
    float *cover;       /* rows * (width + 2): change of coverage from the pixel before */
    float *noise;       /* CANVAS_NOISE_SIDE squared, in [-1, 1) */
    float *brush;       /* BRUSH_SIDE squared */
    uint8_t *gamma;     /* by square root of linear light */
    struct reach reaches[BAND_ROWS];
    struct shade shades[SHADES];
};

static void *memory_for(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL)
        abort();
    return memory;
}

/* Smooth noise that meets itself at the edge of the tile. */
static float noise_tiled(float x, float y, int32_t side, uint32_t seed)
{
    int32_t i = floor_of(x);
    int32_t j = floor_of(y);
    float u = smooth(0.0F, 1.0F, x - (float)i);
    float v = smooth(0.0F, 1.0F, y - (float)j);
    int32_t right = (i + 1) % side;
    int32_t below = (j + 1) % side;
    float top = mix(noise_at(i, j, seed), noise_at(right, j, seed), u);
    float low = mix(noise_at(i, below, seed), noise_at(right, below, seed), u);
    return mix(top, low, v);
}

static float *brush_new(uint32_t seed)
{
    float *brush = memory_for((size_t)BRUSH_SIDE * BRUSH_SIDE, sizeof(float));
    const int32_t bumps = BRUSH_SIDE / BRUSH_BUMP;
    for (int32_t y = 0; y < BRUSH_SIDE; y++)
        for (int32_t x = 0; x < BRUSH_SIDE; x++) {
            float u = (float)x / BRUSH_BUMP;
            float v = (float)y / BRUSH_BUMP;
            brush[y * BRUSH_SIDE + x] = noise_tiled(u, v, bumps, seed + 1) +
                                        0.5F * noise_tiled(u * 2, v * 2, bumps * 2, seed + 2);
        }
    return brush;
}

struct canvas *canvas_new(uint32_t seed, int width, int height)
{
    struct canvas *canvas = memory_for(1, sizeof(*canvas));
    canvas->width = width;
    canvas->height = height;
    canvas->scale = (float)(width < height ? width : height);
    size_t band = (size_t)canvas->width * BAND_ROWS;
    canvas->pixels = memory_for(band, sizeof(struct lab));
    canvas->cover = memory_for(band + 2 * BAND_ROWS, sizeof(float));
    canvas->noise = memory_for((size_t)CANVAS_NOISE_SIDE * CANVAS_NOISE_SIDE, sizeof(float));
    canvas->brush = brush_new(seed);
    canvas->gamma = memory_for(GAMMA_STEPS + 1, 1);
    for (int y = 0; y < CANVAS_NOISE_SIDE; y++)
        for (int x = 0; x < CANVAS_NOISE_SIDE; x++)
            canvas->noise[y * CANVAS_NOISE_SIDE + x] = noise_at(x, y, seed);
    for (int i = 0; i <= GAMMA_STEPS; i++) {
        double root = (double)i / GAMMA_STEPS;
        double linear = root * root;
        double fourth = root_of(linear * linear, 6); /* the third root */
        double value =
            linear <= 0.0031308 ? linear * 12.92 : 1.055 * root_of(linear, 12) * fourth - 0.055;
        canvas->gamma[i] = (uint8_t)(value * 255.0 + 0.5);
    }
    return canvas;
}

void canvas_free(struct canvas *canvas)
{
    if (canvas == NULL)
        return;
    free(canvas->pixels);
    free(canvas->cover);
    free(canvas->noise);
    free(canvas->brush);
    free(canvas->gamma);
    free(canvas);
}

/*
 * Adds the part of an edge that lies in one pixel row: for each pixel column it crosses, the
 * height it covers, shared between this pixel and those to the right of it by where it crosses.
 */
static void cover_row(float *row, int width, float x0, float x1, float height)
{
    float low = x0 < x1 ? x0 : x1;
    float high = x0 < x1 ? x1 : x0;
    if (high <= 0.0F) {
        row[0] += height;
        return;
    }
    if (low >= (float)width)
        return;
    float run = high - low;
    if (run < 1e-6F)
        run = 1e-6F;
    float done = low;
    if (low < 0.0F) {
        row[0] += height * (-low / run);
        done = 0.0F;
    }
    for (int x = (int)done; x < width; x++) {
        float until = high < (float)(x + 1) ? high : (float)(x + 1);
        float part = run <= 1e-6F ? height : height * ((until - done) / run);
        float middle = (done + until) * 0.5F - (float)x;
        row[x] += part * (1.0F - middle);
        row[x + 1] += part * middle;
        if (until >= high)
            return;
        done = until;
    }
}

static void widen(struct canvas *canvas, int y, float x0, float x1)
{
    float most = (float)canvas->width;
    struct reach *reach = &canvas->reaches[y];
    int from = (int)clamp(x0 < x1 ? x0 : x1, 0.0F, most);
    int to = (int)clamp((x0 > x1 ? x0 : x1) + 2.0F, 0.0F, most);
    reach->from = from < reach->from ? from : reach->from;
    reach->to = to > reach->to ? to : reach->to;
}

static void cover_edge(struct canvas *canvas, const struct edge *edge)
{
    float x0 = edge->x0 * canvas->scale;
    float y0 = edge->y0 * canvas->scale - (float)canvas->top;
    float x1 = edge->x1 * canvas->scale;
    float y1 = edge->y1 * canvas->scale - (float)canvas->top;
    float sign = 1.0F;
    if (y0 > y1) {
        float x = x0;
        float y = y0;
        x0 = x1, y0 = y1;
        x1 = x, y1 = y;
        sign = -1.0F;
    }
    if (y1 <= 0.0F || y0 >= (float)canvas->rows || y1 - y0 < 1e-7F)
        return;

    float slope = (x1 - x0) / (y1 - y0);
    float from = y0 > 0.0F ? y0 : 0.0F;
    float end = y1 < (float)canvas->rows ? y1 : (float)canvas->rows;
    for (int y = (int)from; y < canvas->rows && (float)y < end; y++) {
        float until = end < (float)(y + 1) ? end : (float)(y + 1);
        float start_x = x0 + (from - y0) * slope;
        float end_x = x0 + (until - y0) * slope;
        cover_row(canvas->cover + (size_t)y * (size_t)(canvas->width + 2), canvas->width, start_x,
                  end_x, sign * (until - from));
        widen(canvas, y, start_x, end_x);
        from = until;
    }
}

static struct shade shade_at(const struct ink *ink, float t)
{
    int last = ink->stop_count - 1;
    if (t <= ink->stops[0].at)
        return (struct shade){ink->stops[0].colour, ink->stops[0].alpha};
    for (int i = 0; i < last; i++) {
        const struct stop *from = &ink->stops[i];
        const struct stop *to = &ink->stops[i + 1];
        if (t < to->at) {
            float share = smooth(from->at, to->at, t);
            share = mix(share, (t - from->at) / (to->at - from->at), 0.5F);
            return (struct shade){lab_mix(from->colour, to->colour, share),
                                  mix(from->alpha, to->alpha, share)};
        }
    }
    return (struct shade){ink->stops[last].colour, ink->stops[last].alpha};
}

/* Where along the ink's stops a pixel lies: linear in x on a row, or by distance. */
struct course {
    float start, step;
    float dy2, inverse;
};

static struct course course_of(const struct canvas *canvas, const struct ink *ink, int y)
{
    float py = ((float)(canvas->top + y) + 0.5F) / canvas->scale;
    struct course course = {0};
    if (ink->spread == SPREAD_LINEAR) {
        float dx = ink->x1 - ink->x0;
        float dy = ink->y1 - ink->y0;
        float length2 = dx * dx + dy * dy + 1e-12F;
        course.start = ((0.5F / canvas->scale - ink->x0) * dx + (py - ink->y0) * dy) / length2;
        course.step = dx / length2 / canvas->scale;
    } else if (ink->spread == SPREAD_ROUND) {
        course.dy2 = (py - ink->y0) * (py - ink->y0);
        course.inverse = 1.0F / ink->x1;
    }
    return course;
}

static const struct shade *shade_of(const struct canvas *canvas, const struct ink *ink,
                                    const struct course *course, int x)
{
    float t = 0.0F;
    if (ink->spread == SPREAD_LINEAR) {
        t = course->start + course->step * (float)x;
    } else if (ink->spread == SPREAD_ROUND) {
        float dx = ((float)x + 0.5F) / canvas->scale - ink->x0;
        t = sqrtf(dx * dx + course->dy2) * course->inverse;
    }
    int index = (int)(clamp(t, 0.0F, 1.0F) * (SHADES - 1) + 0.5F);
    return &canvas->shades[index];
}

static float brush_sample(const struct canvas *canvas, float u, float v)
{
    int32_t i = floor_of(u);
    int32_t j = floor_of(v);
    float fu = u - (float)i;
    float fv = v - (float)j;
    unsigned x0 = (unsigned)i & BRUSH_MASK;
    unsigned x1 = (x0 + 1U) & BRUSH_MASK;
    const float *top = canvas->brush + ((unsigned)j & BRUSH_MASK) * (size_t)BRUSH_SIDE;
    const float *low = canvas->brush + ((unsigned)(j + 1) & BRUSH_MASK) * (size_t)BRUSH_SIDE;
    return mix(mix(top[x0], top[x1], fu), mix(low[x0], low[x1], fu), fv);
}

struct weave {
    float u, v, du, dv;
};

static struct weave weave_of(const struct canvas *canvas, const struct ink *ink, int y)
{
    float sine = wave(ink->slant);
    float cosine = wave_cosine(ink->slant);
    float py = ((float)(canvas->top + y) + 0.5F) / canvas->scale;
    float px = 0.5F / canvas->scale;
    float along = BRUSH_BUMP / ink->texture_x;
    float across = BRUSH_BUMP / ink->texture_y;
    return (struct weave){
        .u = (px * cosine + py * sine) * along,
        .v = (py * cosine - px * sine) * across,
        .du = cosine * along / canvas->scale,
        .dv = -sine * across / canvas->scale,
    };
}

static void fill_row(struct canvas *canvas, const struct layer *layer, int y, int from, int to)
{
    const struct ink *ink = &layer->ink;
    struct lab *pixels = canvas->pixels + (size_t)y * (size_t)canvas->width;
    float *cover = canvas->cover + (size_t)y * (size_t)(canvas->width + 2);
    struct course course = course_of(canvas, ink, y);
    struct weave weave = {0};
    if (ink->texture > 0.0F)
        weave = weave_of(canvas, ink, y);
    float sum = layer->count == 0 ? 1.0F : 0.0F;

    for (int x = from; x < to; x++) {
        sum += cover[x];
        cover[x] = 0.0F;
        float share = sum < 0.0F ? -sum : sum;
        if (share < 0.002F)
            continue;
        const struct shade *shade = shade_of(canvas, ink, &course, x);
        share = (share > 1.0F ? 1.0F : share) * shade->alpha;
        struct lab colour = shade->colour;
        if (ink->texture > 0.0F) {
            float u = weave.u + weave.du * (float)x;
            float v = weave.v + weave.dv * (float)x;
            colour.light += ink->texture * brush_sample(canvas, u, v);
        }
        struct lab *pixel = &pixels[x];
        pixel->light += (colour.light - pixel->light) * share;
        pixel->a += (colour.a - pixel->a) * share;
        pixel->b += (colour.b - pixel->b) * share;
    }
    cover[to] = 0.0F;
    cover[to + 1 <= canvas->width + 1 ? to + 1 : to] = 0.0F;
}

static bool is_in_band(const struct canvas *canvas, const struct layer *layer)
{
    float scale = canvas->scale;
    return layer->bottom * scale > (float)canvas->top &&
           layer->top * scale < (float)(canvas->top + canvas->rows) && layer->right > 0.0F &&
           layer->left * scale < (float)canvas->width;
}

static void paint_layer(struct canvas *canvas, const struct drawing *drawing,
                        const struct layer *layer)
{
    bool is_everything = layer->count == 0;
    if (!is_everything && !is_in_band(canvas, layer))
        return;
    for (int y = 0; y < canvas->rows; y++)
        canvas->reaches[y] =
            is_everything ? (struct reach){0, canvas->width} : (struct reach){canvas->width, 0};
    for (size_t i = 0; i < layer->count; i++)
        cover_edge(canvas, &drawing->edges[layer->first + i]);
    if (layer->ink.spread == SPREAD_NONE)
        canvas->shades[0] = shade_at(&layer->ink, 0.0F);
    else
        for (int i = 0; i < SHADES; i++)
            canvas->shades[i] = shade_at(&layer->ink, (float)i / (SHADES - 1));
    for (int y = 0; y < canvas->rows; y++)
        if (canvas->reaches[y].from < canvas->reaches[y].to)
            fill_row(canvas, layer, y, canvas->reaches[y].from, canvas->reaches[y].to);
}

static uint8_t byte_of(const struct canvas *canvas, float linear)
{
    float value = clamp(linear, 0.0F, 1.0F);
    return canvas->gamma[(int)(sqrtf(value) * GAMMA_STEPS + 0.5F)];
}

static void put_pixel(const struct canvas *canvas, struct lab colour, uint8_t *out)
{
    float l = colour.light + 0.3963377774F * colour.a + 0.2158037573F * colour.b;
    float m = colour.light - 0.1055613458F * colour.a - 0.0638541728F * colour.b;
    float s = colour.light - 0.0894841775F * colour.a - 1.2914855480F * colour.b;
    l = l * l * l;
    m = m * m * m;
    s = s * s * s;
    out[0] = byte_of(canvas, 4.0767416621F * l - 3.3077115913F * m + 0.2309699292F * s);
    out[1] = byte_of(canvas, -1.2684380046F * l + 2.6097574011F * m - 0.3413193965F * s);
    out[2] = byte_of(canvas, -0.0041960863F * l - 0.7034186147F * m + 1.7076147010F * s);
}

/* Light, paper and grain, then bytes. */
static void finish_band(const struct canvas *canvas, const struct finish *finish, uint8_t *rgb)
{
    float inverse_width = 1.0F / (float)canvas->width;
    float inverse_height = 1.0F / (float)canvas->height;
    for (int y = 0; y < canvas->rows; y++) {
        int row = canvas->top + y;
        float dy = (float)row * inverse_height - finish->centre_y;
        const float *noise =
            canvas->noise + ((unsigned)row & NOISE_MASK) * (size_t)CANVAS_NOISE_SIDE;
        const float *fibre =
            canvas->noise + ((unsigned)(row / 2 + 91) & NOISE_MASK) * (size_t)CANVAS_NOISE_SIDE;
        for (int x = 0; x < canvas->width; x++) {
            struct lab colour = canvas->pixels[(size_t)y * (size_t)canvas->width + (size_t)x];
            float dx = (float)x * inverse_width - finish->centre_x;
            float fade = 1.0F - finish->vignette * (dx * dx + dy * dy);
            /* Two sheets of noise with different periods, so that no tile shows. */
            float paper = noise[(unsigned)(x + row / CANVAS_NOISE_SIDE * 37) & NOISE_MASK] +
                          0.7F * fibre[(unsigned)(x / 3 + 53 * (row >> 9)) & NOISE_MASK];
            colour.light = colour.light * fade + finish->grain * paper;
            colour.b += finish->warmth * (1.0F - colour.light) * fade;
            put_pixel(canvas, colour, rgb + 3 * ((size_t)row * (size_t)canvas->width + (size_t)x));
        }
    }
}

bool canvas_paint(struct canvas *canvas, const struct drawing *drawing, const struct finish *finish,
                  uint8_t *rgb, canvas_progress *progress, void *context)
{
    for (int top = 0; top < canvas->height; top += BAND_ROWS) {
        int left = canvas->height - top;
        canvas->top = top;
        canvas->rows = left < BAND_ROWS ? left : BAND_ROWS;
        for (size_t i = 0; i < drawing->layer_count; i++)
            paint_layer(canvas, drawing, &drawing->layers[i]);
        finish_band(canvas, finish, rgb);
        float done = (float)(top + canvas->rows) / (float)canvas->height;
        if (progress != NULL && !progress(context, done))
            return false;
    }
    return true;
}
