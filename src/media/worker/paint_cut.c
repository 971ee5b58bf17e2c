/* SPDX-License-Identifier: Apache-2.0 */
/* Scenes of pure shape: paper cutouts, orbits and a weave. */
#include "media/worker/paint_scene.h"

/* A frond as scissors cut it: round fingers on both sides of a bent stalk. */
static void frond(struct scene *scene, float x, float y, float turn, float size, struct lab colour)
{
    int fingers = 4 + dice_pick(&scene->dice, 3);
    float bend = dice_between(&scene->dice, -0.12F, 0.12F);
    float wide = dice_between(&scene->dice, 0.22F, 0.34F);
    float points[80];
    size_t count = 0;
    float sway = 0.012F * wave(scene->phase + x);
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < fingers; i++) {
            int step = pass == 0 ? i : fingers - 1 - i;
            float side = pass == 0 ? 1.0F : -1.0F;
            float t = ((float)step + 0.5F) / (float)fingers;
            float along = t * size;
            float direction = turn + bend * t + sway;
            float dx = wave_cosine(direction);
            float dy = wave(direction);
            float reach = size * wide * (1.1F - 0.5F * t);
            float hollow = size * 0.06F;
            float lead = size * 0.11F;
            float out = pass == 0 ? hollow : reach;
            float in = pass == 0 ? reach : hollow;
            float early = pass == 0 ? 0.0F : lead * 1.6F;
            float late = pass == 0 ? lead * 1.6F : 0.0F;
            points[count++] = x + dx * (along + early) - dy * side * out;
            points[count++] = y + dy * (along + early) + dx * side * out;
            points[count++] = x + dx * (along + late) - dy * side * in;
            points[count++] = y + dy * (along + late) + dx * side * in;
        }
        if (pass == 0) {
            points[count++] = x + wave_cosine(turn + bend) * size * 1.22F;
            points[count++] = y + wave(turn + bend) * size * 1.22F;
        }
    }
    points[count++] = x - wave_cosine(turn) * size * 0.12F;
    points[count++] = y - wave(turn) * size * 0.12F;
    drawing_blob(scene->drawing, points, count / 2);
    drawing_fill(scene->drawing, ink_textured(ink_flat(colour, 1.0F), 0.016F, 0.04F, 0.012F, turn));
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

/* The sheet the cutouts lie on: panels of colour, edges a little off square. */
static void panels(struct scene *scene, int columns, int rows)
{
    const struct palette *tones = scene->tones;
    struct lab inks[] = {tones->low,    tones->far,  tones->accent, tones->second,
                         tones->middle, tones->near, tones->top,    tones->light};
    int last = -1;
    for (int row = 0; row < rows; row++)
        for (int column = 0; column < columns; column++) {
            int pick = dice_pick(&scene->dice, 8);
            pick = pick == last ? (pick + 3) % 8 : pick;
            last = pick;
            float x = scene->width * (float)column / (float)columns;
            float y = scene->height * (float)row / (float)rows;
            float w = scene->width / (float)columns;
            float h = scene->height / (float)rows;
            float off = dice_between(&scene->dice, -0.012F, 0.012F);
            drawing_move(scene->drawing, x - 0.01F, y + off);
            drawing_line(scene->drawing, x + w + 0.014F, y - off);
            drawing_line(scene->drawing, x + w - off, y + h + 0.016F);
            drawing_line(scene->drawing, x + off - 0.01F, y + h + 0.012F);
            drawing_fill(scene->drawing,
                         ink_textured(ink_flat(inks[pick], 1.0F), 0.016F, 0.08F, 0.02F, 0.02F));
        }
}

void scene_cutout(struct scene *scene)
{
    const struct palette *tones = scene->tones;
    struct lab inks[] = {tones->accent, tones->near, tones->light, tones->far,
                         tones->second, tones->low,  tones->middle};
    int columns = (int)(scene->width * 2.4F + 0.5F) + dice_pick(&scene->dice, 2);
    int rows = (int)(scene->height * 2.4F + 0.5F);
    panels(scene, columns, rows);
    int last = 0;
    for (int row = 0; row < rows; row++)
        for (int column = 0; column < columns; column++) {
            float w = scene->width / (float)columns;
            float h = scene->height / (float)rows;
            float x = w * ((float)column + 0.5F);
            float y = h * ((float)row + 0.5F);
            float size = (w < h ? w : h);
            int pick = (last + 1 + dice_pick(&scene->dice, 5)) % 7;
            last = pick;
            int kind = dice_pick(&scene->dice, 6);
            float turn = -0.25F + dice_between(&scene->dice, -0.1F, 0.1F);
            if (kind < 3)
                frond(scene, x - wave_cosine(turn) * size * 0.38F, y + size * 0.36F, turn,
                      size * 0.66F, inks[pick]);
            else if (kind == 3)
                star_shape(scene, x, y, size * 0.36F, inks[pick]);
            else
                pebble(scene, x, y, size * 0.36F, inks[pick]);
            if (kind >= 3)
                pebble(scene, x, y, size * 0.14F, inks[(pick + 3) % 7]);
        }
    int loose = 3 + (int)(scene->mood->detail * 5.0F);
    for (int i = 0; i < loose; i++)
        frond(scene, dice_unit(&scene->dice) * scene->width,
              dice_unit(&scene->dice) * scene->height, dice_unit(&scene->dice),
              dice_between(&scene->dice, 0.08F, 0.2F), inks[dice_pick(&scene->dice, 7)]);
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
        ring(scene, x, y, radius + 0.012F, radius - 0.012F, angle + 0.12F,
             dice_between(&scene->dice, 0.05F, 0.22F),
             ink_flat(inks[dice_pick(&scene->dice, 4)], 0.85F));
    }
    for (int i = 0; i < 2; i++) {
        float cx = scene->width * (i == 0 ? 0.14F : 0.88F);
        float cy = scene->height * dice_between(&scene->dice, 0.1F, 0.9F);
        circle_group(scene, cx, cy, dice_between(&scene->dice, 0.07F, 0.15F), first + 2 + i);
    }
    for (int i = 0; i < 3; i++) {
        float line_x = scene->width * dice_unit(&scene->dice);
        float bar[] = {line_x, scene->height * dice_unit(&scene->dice), scene->width - line_x,
                       scene->height * dice_unit(&scene->dice)};
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
        .stops = {{0.0F, lab_light(colour, -0.11F), 1.0F},
                  {0.42F, lab_light(colour, 0.03F), 1.0F},
                  {1.0F, lab_light(colour, -0.13F), 1.0F}},
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

void scene_woven(struct scene *scene)
{
    const struct palette *tones = scene->tones;
    int density = 20 + (int)(scene->mood->detail * 8.0F);
    int columns = (int)(scene->width * (float)density);
    int rows = (int)(scene->height * (float)density);
    int rule = 1 + dice_pick(&scene->dice, 3);
    int warp_run = 2 + dice_pick(&scene->dice, 4);
    int weft_run = 2 + dice_pick(&scene->dice, 4);
    uint32_t seed = (uint32_t)dice_next(&scene->dice);
    drawing_fill(scene->drawing, ink_flat(lab_light(tones->near, -0.1F), 1.0F));
    float w = scene->width / (float)columns;
    float h = scene->height / (float)rows;
    for (int row = 0; row < rows; row++)
        for (int column = 0; column < columns; column++) {
            int block_x = column / warp_run;
            int block_y = row / weft_run;
            int warp = (int)((noise_at(block_x, 1, seed) + 1.0F) * 4.0F);
            int weft = (int)((noise_at(1, block_y, seed + 1) + 1.0F) * 4.0F);
            /* Now and then a field of another colour, as in a wall hanging. */
            if (noise_plane((float)block_x * 0.34F, (float)block_y * 0.34F, seed + 2) > 0.25F)
                warp += 3;
            bool over = is_over(column, row, rule);
            float shine = 0.025F * wave(scene->phase + (float)(column + row) * 0.012F);
            struct lab colour = lab_light(thread_tone(tones, over ? warp : weft),
                                          0.02F * noise_at(column, row, seed + 3) + shine);
            float gap = 0.06F;
            thread_box(scene, w * ((float)column + gap), h * ((float)row + gap),
                       w * (1.0F - 2 * gap), h * (1.0F - 2 * gap), colour, over);
        }
}
