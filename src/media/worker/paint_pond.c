/* SPDX-License-Identifier: Apache-2.0 */
/* A pond seen from above: carp among lily pads. */
#include "media/worker/paint_scene.h"

static void lily_pad(struct scene *scene, float x, float y, float radius)
{
    const struct palette *tones = scene->tones;
    float notch = dice_unit(&scene->dice) + 0.01F * wave(scene->phase + x);
    drawing_circle(scene->drawing, x + 0.012F, y + 0.018F, radius);
    drawing_fill(scene->drawing, ink_flat(lab_light(tones->near, -0.05F), 0.4F));
    drawing_move(scene->drawing, x, y);
    for (int i = 0; i <= 60; i++) {
        float angle = notch + 0.06F + 0.88F * (float)i / 60.0F;
        drawing_line(scene->drawing, x + wave_cosine(angle) * radius, y + wave(angle) * radius);
    }
    struct lab green = lab_light(tones->middle, dice_between(&scene->dice, -0.02F, 0.08F));
    struct ink ink = ink_glow(x, y, radius, lab_light(green, 0.05F), 1.0F);
    ink.stop_count = 2;
    ink.stops[1] = (struct stop){1.0F, lab_light(green, -0.04F), 1.0F};
    drawing_fill(scene->drawing, ink_textured(ink, 0.016F, 0.02F, 0.02F, 0.0F));
    for (int i = 1; i < 12; i++) {
        float angle = notch + 0.06F + 0.88F * (float)i / 12.0F;
        float rib[] = {x, y, x + wave_cosine(angle) * radius * 0.92F,
                       y + wave(angle) * radius * 0.92F};
        drawing_stroke(scene->drawing, rib, 2, 0.0028F, 0.0008F);
        drawing_fill(scene->drawing, ink_flat(lab_light(green, 0.13F), 0.6F));
    }
}

static void ripples(struct scene *scene, float x, float y, float reach)
{
    for (int i = 0; i < 5; i++) {
        float t = (float)i / 5.0F + scene->phase;
        t -= (float)floor_of(t);
        float radius = reach * (0.15F + 0.85F * t);
        float alpha = 0.3F * (1.0F - t) * (t < 0.1F ? t * 10.0F : 1.0F);
        drawing_ellipse(scene->drawing, x, y, radius, radius * 0.82F, 0.0F);
        struct ink ink = ink_flat(scene->tones->light, alpha);
        drawing_ellipse(scene->drawing, x, y, radius - 0.0022F, (radius - 0.0022F) * 0.82F, 0.0F);
        /* Turn the inner outline round, so that it is a hole. */
        struct drawing *drawing = scene->drawing;
        for (size_t k = drawing->edge_count; k-- > drawing->open_edge;) {
            struct edge *edge = &drawing->edges[k];
            if (k < drawing->open_edge + (drawing->edge_count - drawing->open_edge) / 2)
                break;
            *edge = (struct edge){edge->x1, edge->y1, edge->x0, edge->y0};
        }
        drawing_fill(drawing, ink);
    }
}

#define SPINE 13

/* A carp from above: a bent line, and how thick the body is along it. */
struct carp {
    float turn, size, swing;
    float spine[2 * SPINE];
    struct lab body, patch;
};

static const float girth[SPINE] = {0.05F, 0.1F, 0.135F, 0.15F, 0.155F, 0.15F, 0.14F,
                                   0.12F, 0.1F, 0.08F,  0.06F, 0.04F,  0.025F};

static void bend_spine(struct carp *carp, float x, float y)
{
    for (int i = 0; i < SPINE; i++) {
        float t = (float)i / (float)(SPINE - 1);
        float angle = carp->turn + (carp->swing + 0.06F) * (t * t - 0.2F);
        carp->spine[2 * i] = x - wave_cosine(angle) * carp->size * (t - 0.35F);
        carp->spine[2 * i + 1] = y - wave(angle) * carp->size * (t - 0.35F);
    }
}

static void fins(struct scene *scene, const struct carp *carp, float off, struct lab colour,
                 float alpha)
{
    for (int fin = 0; fin < 4; fin++) {
        int at = fin < 2 ? 3 : SPINE - 1;
        float side = fin % 2 ? 1.0F : -1.0F;
        float angle = carp->turn + 0.5F + side * (fin < 2 ? 0.15F : 0.07F) + carp->swing * 0.6F;
        float reach = carp->size * (fin < 2 ? 0.17F : 0.2F);
        drawing_ellipse(scene->drawing, carp->spine[2 * at] + off + wave_cosine(angle) * reach,
                        carp->spine[2 * at + 1] + off + wave(angle) * reach, reach, reach * 0.36F,
                        angle);
        drawing_fill(scene->drawing, ink_flat(colour, alpha));
    }
}

static void hull(struct scene *scene, const struct carp *carp, float off, struct lab colour,
                 float alpha)
{
    const float *spine = carp->spine;
    float outline[4 * SPINE];
    for (int i = 0; i < SPINE; i++) {
        int before = i == 0 ? 0 : i - 1;
        int after = i == SPINE - 1 ? i : i + 1;
        float dx = spine[2 * after] - spine[2 * before];
        float dy = spine[2 * after + 1] - spine[2 * before + 1];
        float length = sqrtf(dx * dx + dy * dy) + 1e-6F;
        float nx = -dy / length * girth[i] * carp->size;
        float ny = dx / length * girth[i] * carp->size;
        int back = 2 * SPINE - 1 - i;
        outline[2 * i] = spine[2 * i] + nx + off;
        outline[2 * i + 1] = spine[2 * i + 1] + ny + off;
        outline[2 * back] = spine[2 * i] - nx + off;
        outline[2 * back + 1] = spine[2 * i + 1] - ny + off;
    }
    drawing_blob(scene->drawing, outline, (size_t)2 * SPINE);
    drawing_fill(scene->drawing,
                 ink_textured(ink_flat(colour, alpha), 0.012F, 0.01F, 0.01F, carp->turn));
}

static void marks(struct scene *scene, const struct carp *carp)
{
    static const int places[] = {2, 5, 8};
    const float *spine = carp->spine;
    for (int i = 0; i < 3; i++) {
        int at = places[i];
        float wide = carp->size * girth[at] * dice_between(&scene->dice, 0.7F, 1.05F);
        drawing_ellipse(scene->drawing, spine[2 * at], spine[2 * at + 1], wide * 1.15F,
                        wide * 0.72F, carp->turn + dice_between(&scene->dice, -0.05F, 0.05F));
        drawing_fill(scene->drawing, ink_flat(carp->patch, 0.96F));
    }
    float back[2 * SPINE];
    for (int i = 0; i < 2 * SPINE; i++)
        back[i] = spine[i];
    drawing_stroke(scene->drawing, back + 4, SPINE - 3, carp->size * 0.018F, carp->size * 0.006F);
    drawing_fill(scene->drawing, ink_flat(lab_light(carp->body, -0.1F), 0.5F));
    for (int side = -1; side <= 1; side += 2) {
        float out = (float)side * carp->size * 0.07F;
        drawing_circle(scene->drawing, spine[2] - wave(carp->turn) * out,
                       spine[3] + wave_cosine(carp->turn) * out, carp->size * 0.014F);
        drawing_fill(scene->drawing, ink_flat(lab_of_srgb(0x15161A), 1.0F));
    }
}

static void swim(struct scene *scene, float x, float y, float turn, float size, int coat)
{
    const struct palette *tones = scene->tones;
    struct lab white = lab_of_srgb(0xFBF3E6);
    struct carp carp = {
        .turn = turn,
        .size = size,
        .swing = 0.05F * wave(scene->phase * 3.0F + x),
        .body = coat == 1   ? tones->second
                : coat == 2 ? lab_of_srgb(0x22252B)
                            : white,
        .patch = coat == 1 ? white : tones->accent,
    };
    bend_spine(&carp, x, y);
    float off = 0.03F * size + 0.012F;
    struct lab shade = lab_light(tones->near, -0.06F);
    fins(scene, &carp, off, shade, 0.25F);
    hull(scene, &carp, off, shade, 0.45F);
    fins(scene, &carp, 0.0F, lab_mix(carp.body, carp.patch, 0.3F), 0.72F);
    hull(scene, &carp, 0.0F, carp.body, 1.0F);
    marks(scene, &carp);
}

void scene_pond(struct scene *scene)
{
    const struct palette *tones = scene->tones;
    struct ink water = ink_glow(scene->width * 0.4F, scene->height * 0.35F,
                                scene->width + scene->height * 0.3F, tones->low, 1.0F);
    water.stop_count = 2;
    water.stops[1] = (struct stop){0.85F, tones->near, 1.0F};
    drawing_fill(scene->drawing, ink_textured(water, 0.018F, 0.14F, 0.05F, 0.05F));
    for (int i = 0; i < 4; i++) {
        float x = dice_unit(&scene->dice) * scene->width;
        float y = dice_unit(&scene->dice) * scene->height;
        ripples(scene, x, y, dice_between(&scene->dice, 0.12F, 0.26F));
    }
    int count = 3 + dice_pick(&scene->dice, 2) + (int)(scene->width + scene->height - 2.0F);
    float around = dice_unit(&scene->dice);
    for (int i = 0; i < count; i++) {
        float angle = around + (float)i / (float)count + 0.02F * wave(scene->phase);
        float x = scene->width * 0.5F + wave_cosine(angle) * scene->width * 0.29F;
        float y = scene->height * 0.5F + wave(angle) * scene->height * 0.29F;
        float turn = angle + 0.25F + dice_between(&scene->dice, -0.06F, 0.06F);
        swim(scene, x, y, turn, dice_between(&scene->dice, 0.26F, 0.4F), i % 3);
    }
    static const float corners[][2] = {
        {0.04F, 0.06F}, {0.94F, 0.9F}, {0.95F, 0.14F}, {0.1F, 0.93F}};
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 2; k++) {
            float x = scene->width * corners[i][0] + dice_between(&scene->dice, -0.09F, 0.09F);
            float y = scene->height * corners[i][1] + dice_between(&scene->dice, -0.09F, 0.09F);
            lily_pad(scene, x, y, dice_between(&scene->dice, 0.05F, 0.14F));
        }
    part_weather(scene);
}
