/* SPDX-License-Identifier: Apache-2.0 */
/* Scenes of pure shape: paper cutouts, orbits and a weave. */
#include <stdlib.h>

#include "media/worker/paint_scene.h"

/* One lobe of a frond, round at its end, as scissors leave it. */
static void lobe(struct scene *scene, float x, float y, float turn, float length, float width,
                 struct ink ink)
{
    float line[2 * 6];
    for (int i = 0; i < 6; i++) {
        float t = (float)i / 5.0F;
        float angle = turn + 0.07F * t;
        line[2 * i] = x + wave_cosine(angle) * length * t;
        line[2 * i + 1] = y + wave(angle) * length * t;
    }
    drawing_stroke(scene->drawing, line, 6, width * 0.7F, width);
    drawing_fill(scene->drawing, ink);
    drawing_circle(scene->drawing, line[10], line[11], width * 0.5F);
    drawing_fill(scene->drawing, ink);
}

/* A frond as Matisse cut his seaweed: lobes on both sides of a bent stalk, one colour. */
static void frond(struct scene *scene, float x, float y, float turn, float size, struct lab colour)
{
    int lobes = 4 + dice_pick(&scene->dice, 3);
    float bend = dice_between(&scene->dice, -0.1F, 0.1F) + 0.012F * wave(scene->phase + x);
    float wide = dice_between(&scene->dice, 0.3F, 0.42F);
    struct ink ink = ink_textured(ink_flat(colour, 1.0F), 0.016F, 0.04F, 0.012F, turn);
    float spine[2 * 8];
    for (int i = 0; i < 8; i++) {
        float t = (float)i / 7.0F;
        float angle = turn + bend * t;
        spine[2 * i] = x + wave_cosine(angle) * size * t;
        spine[2 * i + 1] = y + wave(angle) * size * t;
    }
    drawing_stroke(scene->drawing, spine, 8, size * 0.14F, size * 0.1F);
    drawing_fill(scene->drawing, ink);
    drawing_circle(scene->drawing, spine[14], spine[15], size * 0.08F);
    drawing_fill(scene->drawing, ink);
    drawing_circle(scene->drawing, spine[0], spine[1], size * 0.07F);
    drawing_fill(scene->drawing, ink);
    for (int i = 0; i < 2 * lobes; i++) {
        int pair = i / 2;
        float t = ((float)pair + (i % 2 ? 0.75F : 0.35F)) / (float)lobes;
        float side = i % 2 ? 1.0F : -1.0F;
        float angle = turn + bend * t;
        float length = size * wide * (1.0F - 0.35F * t) * dice_between(&scene->dice, 0.85F, 1.15F);
        lobe(scene, x + wave_cosine(angle) * size * t, y + wave(angle) * size * t,
             angle + side * 0.15F - 0.035F, length, size * 0.14F, ink);
    }
}

static void pebble(struct scene *scene, float x, float y, float size, struct lab colour)
{
    float points[16];
    float turn = dice_unit(&scene->dice) + 0.02F * wave(scene->phase + y);
    for (int i = 0; i < 8; i++) {
        float angle = turn + (float)i / 8.0F;
        float radius = size * dice_between(&scene->dice, 0.65F, 1.1F);
        points[2 * i] = x + wave_cosine(angle) * radius;
        points[2 * i + 1] = y + wave(angle) * radius;
    }
    drawing_blob(scene->drawing, points, 8);
    drawing_fill(scene->drawing, ink_textured(ink_flat(colour, 1.0F), 0.016F, 0.05F, 0.015F, 0.1F));
}

static void star_shape(struct scene *scene, float x, float y, float size, struct lab colour)
{
    int points = 5 + dice_pick(&scene->dice, 4);
    float turn = dice_unit(&scene->dice) + 0.03F * wave(scene->phase + x);
    for (int i = 0; i < points * 2; i++) {
        float angle = turn + (float)i / (float)(points * 2);
        float radius = size * (i % 2 ? 0.45F : 1.0F) * dice_between(&scene->dice, 0.9F, 1.1F);
        float px = x + wave_cosine(angle) * radius;
        float py = y + wave(angle) * radius;
        if (i == 0)
            drawing_move(scene->drawing, px, py);
        else
            drawing_line(scene->drawing, px, py);
    }
    drawing_fill(scene->drawing, ink_textured(ink_flat(colour, 1.0F), 0.016F, 0.04F, 0.02F, 0.2F));
}

#define PAPERS 8

static struct lab paper_at(const struct palette *tones, int pick)
{
    const struct lab papers[PAPERS] = {tones->low,    tones->far,  tones->accent, tones->second,
                                       tones->middle, tones->near, tones->top,    tones->light};
    return papers[pick % PAPERS];
}

/* Another paper that stands out against this one. */
static struct lab paper_against(struct scene *scene, struct lab ground)
{
    struct lab best = scene->tones->near;
    int first = dice_pick(&scene->dice, PAPERS);
    for (int i = 0; i < PAPERS; i++) {
        struct lab paper = paper_at(scene->tones, first + i);
        float light = paper.light - ground.light;
        float a = paper.a - ground.a;
        float b = paper.b - ground.b;
        if (light * light + a * a + b * b > 0.055F)
            return paper;
    }
    return best;
}

/* A panel of colour, its edges a little off square. */
static void panel(struct scene *scene, float x, float y, float w, float h, struct lab colour)
{
    float off = dice_between(&scene->dice, -0.012F, 0.012F);
    drawing_move(scene->drawing, x - 0.01F, y + off);
    drawing_line(scene->drawing, x + w + 0.014F, y - off);
    drawing_line(scene->drawing, x + w - off, y + h + 0.016F);
    drawing_line(scene->drawing, x + off - 0.01F, y + h + 0.012F);
    drawing_fill(scene->drawing, ink_textured(ink_flat(colour, 1.0F), 0.016F, 0.08F, 0.02F, 0.02F));
}

/* What lies on a panel: a frond, a star or pebbles. */
static void motif(struct scene *scene, float x, float y, float size, struct lab ground)
{
    struct lab colour = paper_against(scene, ground);
    struct lab inner = paper_against(scene, colour);
    int kind = dice_pick(&scene->dice, 6);
    float turn = -0.25F + dice_between(&scene->dice, -0.1F, 0.1F);
    if (kind < 3) {
        frond(scene, x - wave_cosine(turn) * size * 0.38F, y + size * 0.36F, turn, size * 0.7F,
              colour);
        return;
    }
    if (kind == 3)
        star_shape(scene, x, y, size * 0.38F, colour);
    else
        pebble(scene, x, y, size * 0.38F, colour);
    pebble(scene, x, y, size * 0.15F, inner);
}

void scene_cutout(struct scene *scene)
{
    int columns = (int)(scene->width * 2.4F + 0.5F) + dice_pick(&scene->dice, 2);
    int rows = (int)(scene->height * 2.4F + 0.5F);
    float w = scene->width / (float)columns;
    float h = scene->height / (float)rows;
    struct dice plan = {dice_next(&scene->dice)};
    int picks[16] = {0};
    for (int i = 0; i < rows * columns; i++) {
        /* Never the paper of the panel to the left or above. */
        int pick = dice_pick(&plan, PAPERS);
        while (pick == picks[(i + 15) % 16] || pick == picks[(i + 16 - columns % 16) % 16])
            pick = (pick + 1) % PAPERS;
        picks[i % 16] = pick;
        float x = w * (float)(i % columns);
        int row = i / columns;
        float y = h * (float)row;
        struct lab ground = paper_at(scene->tones, pick);
        panel(scene, x, y, w, h, ground);
        motif(scene, x + w * 0.5F, y + h * 0.5F, w < h ? w : h, ground);
    }
    int loose = 2 + (int)(scene->mood->detail * 4.0F);
    for (int i = 0; i < loose; i++) {
        float x = dice_unit(&scene->dice) * scene->width;
        float y = dice_unit(&scene->dice) * scene->height;
        float turn = dice_unit(&scene->dice);
        float size = dice_between(&scene->dice, 0.12F, 0.24F);
        frond(scene, x, y, turn, size, paper_at(scene->tones, dice_pick(&scene->dice, PAPERS)));
    }
}

static void ring(struct scene *scene, float x, float y, float outer, float inner, float from,
                 float sweep, struct ink ink)
{
    int pieces = 8 + (int)(sweep * 90.0F);
    for (int i = 0; i <= pieces; i++) {
        float angle = from + sweep * (float)i / (float)pieces;
        float px = x + wave_cosine(angle) * outer;
        float py = y + wave(angle) * outer;
        if (i == 0)
            drawing_move(scene->drawing, px, py);
        else
            drawing_line(scene->drawing, px, py);
    }
    for (int i = pieces; i >= 0; i--) {
        float angle = from + sweep * (float)i / (float)pieces;
        drawing_line(scene->drawing, x + wave_cosine(angle) * inner, y + wave(angle) * inner);
    }
    drawing_fill(scene->drawing, ink);
}

static void ball(struct scene *scene, float x, float y, float radius, struct lab colour)
{
    drawing_circle(scene->drawing, x, y, radius);
    struct ink ink = ink_glow(x - radius * 0.4F, y - radius * 0.45F, radius * 1.7F,
                              lab_mix(lab_light(colour, 0.1F), scene->tones->light, 0.25F), 1.0F);
    ink.stop_count = 3;
    ink.stops[1] = (struct stop){0.45F, colour, 1.0F};
    ink.stops[2] = (struct stop){1.0F, lab_light(lab_strong(colour, 0.8F), -0.22F), 1.0F};
    drawing_fill(scene->drawing, ink_textured(ink, 0.014F, 0.08F, 0.012F, 0.04F));
}

static void circle_group(struct scene *scene, float x, float y, float radius, int first)
{
    const struct palette *tones = scene->tones;
    struct lab inks[] = {tones->accent, tones->second, tones->far, tones->middle, tones->light};
    int rings = 4 + dice_pick(&scene->dice, 3);
    for (int i = 0; i < rings; i++) {
        float outer = radius * (1.0F - (float)i / (float)rings);
        float sweep = dice_between(&scene->dice, 0.25F, 1.0F);
        float speed = i % 2 ? 1.0F : -1.0F;
        float from = dice_unit(&scene->dice) + speed * scene->phase;
        struct ink ink = ink_flat(inks[(first + i) % 5], 0.9F);
        ring(scene, x, y, outer,
             outer - radius / (float)rings * dice_between(&scene->dice, 0.35F, 1), from, sweep,
             ink_textured(ink, 0.014F, 0.03F, 0.03F, 0.0F));
    }
    ball(scene, x, y, radius * dice_between(&scene->dice, 0.14F, 0.26F), inks[(first + 1) % 5]);
}

void scene_orbit(struct scene *scene)
{
    const struct palette *tones = scene->tones;
    struct ink ground =
        ink_glow(scene->width * 0.5F, scene->height * 0.42F, scene->width + scene->height * 0.3F,
                 lab_mix(tones->top, tones->low, scene->mood->is_dark ? 0.75F : 1), 1.0F);
    ground.stop_count = 2;
    ground.stops[1] = (struct stop){0.75F, tones->top, 1.0F};
    drawing_fill(scene->drawing, ink_textured(ground, 0.014F, 0.12F, 0.12F, 0.1F));
    if (scene->mood->is_dark || (scene->mood->motifs & MOTIF_STARS))
        part_stars(scene, scene->height * 1.2F, 190);

    float x = scene->width * dice_between(&scene->dice, 0.36F, 0.64F);
    float y = scene->height * dice_between(&scene->dice, 0.38F, 0.6F);
    struct lab line = scene->mood->is_dark ? tones->light : tones->near;
    int orbits = 5 + (int)(scene->mood->detail * 3.0F);
    int first = dice_pick(&scene->dice, 5);
    circle_group(scene, x, y, dice_between(&scene->dice, 0.2F, 0.27F), first);
    struct lab inks[] = {tones->second, tones->accent, tones->middle, tones->far};
    for (int i = 0; i < orbits; i++) {
        float radius = 0.31F + 0.085F * (float)i;
        float from = dice_unit(&scene->dice);
        ring(scene, x, y, radius, radius - 0.0022F, from, 1.0F, ink_flat(line, 0.5F));
        float angle = from + scene->phase * (i % 2 ? -1.0F : 1.0F);
        float size = dice_between(&scene->dice, 0.014F, 0.06F);
        ball(scene, x + wave_cosine(angle) * radius, y + wave(angle) * radius, size,
             inks[dice_pick(&scene->dice, 4)]);
        float sweep = dice_between(&scene->dice, 0.05F, 0.22F);
        ring(scene, x, y, radius + 0.012F, radius - 0.012F, angle + 0.12F, sweep,
             ink_flat(inks[dice_pick(&scene->dice, 4)], 0.85F));
    }
    for (int i = 0; i < 2; i++) {
        float cx = scene->width * (i == 0 ? 0.14F : 0.88F);
        float cy = scene->height * dice_between(&scene->dice, 0.1F, 0.9F);
        circle_group(scene, cx, cy, dice_between(&scene->dice, 0.07F, 0.15F), first + 2 + i);
    }
    for (int i = 0; i < 3; i++) {
        float line_x = scene->width * dice_unit(&scene->dice);
        float from_y = scene->height * dice_unit(&scene->dice);
        float to_y = scene->height * dice_unit(&scene->dice);
        float bar[] = {line_x, from_y, scene->width - line_x, to_y};
        drawing_stroke(scene->drawing, bar, 2, 0.002F, 0.006F);
        drawing_fill(scene->drawing, ink_flat(line, 0.45F));
    }
}

/* Where thread n crosses, it lies over or under by a twill rule. */
static bool is_over(int column, int row, int rule)
{
    return (column + row * rule) % (rule + 2) < (rule + 2) / 2;
}

static void thread_box(struct scene *scene, float x, float y, float w, float h, struct lab colour,
                       bool is_upright)
{
    drawing_box(scene->drawing, x, y, w, h);
    struct ink ink = {
        .spread = SPREAD_LINEAR,
        .x0 = x,
        .y0 = y,
        .x1 = is_upright ? x + w : x,
        .y1 = is_upright ? y : y + h,
        .stop_count = 3,
        .stops = {{0.0F, lab_light(colour, -0.07F), 1.0F},
                  {0.42F, lab_light(colour, 0.02F), 1.0F},
                  {1.0F, lab_light(colour, -0.09F), 1.0F}},
    };
    float along = is_upright ? 0.002F : 0.02F;
    float across = is_upright ? 0.02F : 0.002F;
    drawing_fill(scene->drawing, ink_textured(ink, 0.026F, along, across, 0.0F));
}

static struct lab thread_tone(const struct palette *tones, int pick)
{
    struct lab inks[] = {tones->low, tones->near,   tones->accent, tones->far,
                         tones->low, tones->middle, tones->second, tones->near};
    return inks[pick % 8];
}

/* The plan of a blanket: a mirrored run of stripes, wide and narrow. */
static int stripe_at(int place, int count, uint32_t seed)
{
    int mirrored = place * 2 < count ? place : count - 1 - place;
    int at = 0;
    for (int stripe = 0; stripe < 64; stripe++) {
        at += 1 + (int)((noise_at(stripe, 5, seed) + 1.0F) * 2.4F);
        if (mirrored < at)
            return (int)((noise_at(stripe, 6, seed) + 1.0F) * 3.99F);
    }
    return 0;
}

/* In the middle of the blanket lies a stepped diamond, in the accents. */
static bool is_in_diamond(int column, int row, int columns, int rows, int size)
{
    int across = abs(2 * column + 1 - columns) / 4;
    int down = abs(2 * row + 1 - rows) / 4;
    int ring = across + down;
    return ring < size && ring % 4 < 2;
}

void scene_woven(struct scene *scene)
{
    const struct palette *tones = scene->tones;
    int density = 34 + (int)(scene->mood->detail * 14.0F);
    int columns = (int)(scene->width * (float)density);
    int rows = (int)(scene->height * (float)density);
    int rule = 1 + dice_pick(&scene->dice, 2);
    uint32_t seed = (uint32_t)dice_next(&scene->dice);
    int diamond = density / 4 + dice_pick(&scene->dice, density / 5);
    drawing_fill(scene->drawing, ink_flat(lab_light(tones->near, -0.08F), 1.0F));
    float w = scene->width / (float)columns;
    float h = scene->height / (float)rows;
    for (int row = 0; row < rows; row++)
        for (int column = 0; column < columns; column++) {
            bool over = is_over(column, row, rule);
            int tone = over ? stripe_at(column, columns, seed) : stripe_at(row, rows, seed + 1);
            float shine = 0.02F * wave(scene->phase + (float)(column + row) * 0.012F);
            struct lab colour = thread_tone(tones, tone);
            if (is_in_diamond(column, row, columns, rows, diamond))
                colour = over ? tones->accent : tones->second;
            colour = lab_light(colour, 0.018F * noise_at(column, row, seed + 3) + shine);
            float along = 0.08F;
            float gap_x = over ? 0.05F : -along;
            float gap_y = over ? -along : 0.05F;
            thread_box(scene, w * ((float)column + gap_x), h * ((float)row + gap_y),
                       w * (1.0F - 2 * gap_x), h * (1.0F - 2 * gap_y), colour, over);
        }
}
