/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A drawing is a list of layers, each an outline filled with an ink; the
 * canvas turns it into pixels, band by band, mixing inks in OKLab.
 *
 * Coordinates: the shorter side of the picture is 1; x grows right, y down.
 * Edges are covered exactly (area under the outline), so nothing is jagged.
 *
 * Owns:     the drawing owns its layers; they are reused by drawing_clear.
 * Threads:  one drawing, one thread.
 * Time:     none; the result depends on the calls alone.
 * Fails:    out of memory stops the program, as does a drawing beyond its limits.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INK_STOPS_MAX 5
#define CANVAS_NOISE_SIDE 256

/* A colour in OKLab. */
struct lab {
    float light, a, b;
};

enum spread {
    SPREAD_NONE,
    SPREAD_LINEAR, /* from (x0, y0) to (x1, y1) */
    SPREAD_ROUND,  /* around (x0, y0), out to radius x1 */
};

struct stop {
    float at;
    struct lab colour;
    float alpha;
};

/* What an outline is filled with. Texture is how far lightness wavers; its grain has a size and a
 * slant (texture_x along, texture_y across, in units of the short side). */
struct ink {
    enum spread spread;
    float x0, y0, x1, y1;
    int stop_count;
    struct stop stops[INK_STOPS_MAX];
    float texture, texture_x, texture_y, slant;
};

struct edge {
    float x0, y0, x1, y1;
};

struct layer {
    size_t first, count; /* edges; none means the whole canvas */
    float top, bottom, left, right;
    struct ink ink;
};

struct drawing {
    struct edge *edges;
    size_t edge_count, edge_room;
    struct layer *layers;
    size_t layer_count, layer_room;
    size_t open_edge; /* where the outline being drawn begins */
    float pen_x, pen_y, start_x, start_y;
};

/* How the finished picture is lit and grained. */
struct finish {
    float grain, vignette, warmth;
    float centre_x, centre_y; /* of the light, 0..1 of each side */
};

struct canvas;

struct lab lab_of_srgb(uint32_t rgb);
struct lab lab_mix(struct lab from, struct lab to, float share);
struct lab lab_light(struct lab colour, float by);
struct lab lab_turn(struct lab colour, float turns);
struct lab lab_strong(struct lab colour, float chroma);

struct ink ink_flat(struct lab colour, float alpha);
struct ink ink_fall(float y0, struct lab top, float y1, struct lab bottom);
struct ink ink_glow(float x, float y, float radius, struct lab colour, float alpha);
struct ink ink_textured(struct ink ink, float amount, float along, float across, float slant);

void drawing_clear(struct drawing *drawing);
void drawing_done(struct drawing *drawing);
void drawing_move(struct drawing *drawing, float x, float y);
void drawing_line(struct drawing *drawing, float x, float y);
void drawing_curve(struct drawing *drawing, float cx, float cy, float x, float y);
void drawing_cubic(struct drawing *drawing, float ax, float ay, float bx, float by, float x,
                   float y);
void drawing_ellipse(struct drawing *drawing, float x, float y, float rx, float ry, float turn);
void drawing_circle(struct drawing *drawing, float x, float y, float radius);
void drawing_box(struct drawing *drawing, float x, float y, float width, float height);
/* A smooth closed line through points, xy after xy. */
void drawing_blob(struct drawing *drawing, const float *points, size_t count);
/* A line that swells from width_from to width_to and back out, bent by (cx, cy). */
void drawing_stroke(struct drawing *drawing, const float *points, size_t count, float width_from,
                    float width_to);
/* Fills what was outlined since the last fill; with no outline, everything. */
void drawing_fill(struct drawing *drawing, struct ink ink);

/* Told after each band; false stops the work. */
typedef bool canvas_progress(void *context, float fraction);

struct canvas *canvas_new(uint32_t seed, int width, int height);
void canvas_free(struct canvas *canvas);

/* Paints into rgb (3 bytes a pixel, rows packed); false if progress said stop. */
bool canvas_paint(struct canvas *canvas, const struct drawing *drawing, const struct finish *finish,
                  uint8_t *rgb, canvas_progress *progress, void *context);
