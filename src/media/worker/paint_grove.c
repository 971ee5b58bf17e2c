/* SPDX-License-Identifier: Apache-2.0 */
/* Scenes that grow: a forest of trunks, and leaves with flowers. */
#include "media/worker/paint_scene.h"

static void branch(struct scene *scene, float x, float y, float side, float length, float width,
                   struct ink ink)
{
    float line[10];
    float lift = dice_between(&scene->dice, 0.15F, 0.6F);
    float sway = 0.006F * wave(scene->phase + x);
    for (int i = 0; i < 5; i++) {
        float t = (float)i / 4.0F;
        line[2 * i] = x + side * length * t;
        line[2 * i + 1] = y - length * lift * t * (0.6F + 0.4F * t) + sway * t;
    }
    drawing_stroke(scene->drawing, line, 5, width, width * 0.15F);
    drawing_fill(scene->drawing, ink);
}

static void trunk(struct scene *scene, float x, float foot, float width, struct lab colour,
                  float depth)
{
    float lean = dice_between(&scene->dice, -0.03F, 0.03F);
    float line[24];
    uint32_t seed = (uint32_t)dice_next(&scene->dice);
    for (int i = 0; i < 12; i++) {
        float t = (float)i / 11.0F;
        line[2 * i] = x + lean * t + width * 0.25F * noise_line(t * 4.0F, seed);
        line[2 * i + 1] = mix(foot, -0.05F, t);
    }
    struct ink ink =
        ink_fall(0.0F, colour, foot, lab_mix(colour, scene->tones->low, 0.22F * (1.0F - depth)));
    ink = ink_textured(ink, 0.01F + 0.018F * depth, 0.006F, 0.09F, 0.0F);
    int branches = 2 + dice_pick(&scene->dice, 4);
    for (int i = 0; i < branches; i++) {
        float y = dice_between(&scene->dice, 0.02F, 0.55F) * foot;
        float side = dice_pick(&scene->dice, 2) ? 1.0F : -1.0F;
        branch(scene, x + lean * (1.0F - y / foot), y, side,
               dice_between(&scene->dice, 0.05F, 0.16F) * (0.5F + depth), width * 0.3F, ink);
    }
    drawing_stroke(scene->drawing, line, 12, width * 1.25F, width * 0.7F);
    drawing_fill(scene->drawing, ink);
    if (depth < 0.6F)
        return;
    for (int i = 0; i < 12; i++)
        line[2 * i] += width * 0.28F;
    drawing_stroke(scene->drawing, line, 12, width * 0.5F, width * 0.2F);
    drawing_fill(scene->drawing, ink_flat(lab_light(colour, -0.06F), 0.4F));
}

static void shafts(struct scene *scene, float from_x)
{
    for (int i = 0; i < 5; i++) {
        float x = from_x + dice_between(&scene->dice, -0.5F, 0.9F);
        float width = dice_between(&scene->dice, 0.03F, 0.12F);
        float alpha = 0.12F + 0.05F * wave(scene->phase + dice_unit(&scene->dice));
        drawing_move(scene->drawing, x, -0.02F);
        drawing_line(scene->drawing, x + width, -0.02F);
        drawing_line(scene->drawing, x + width * 2.6F - 0.34F, scene->height);
        drawing_line(scene->drawing, x - 0.4F, scene->height);
        struct ink ink = ink_fall(0.0F, scene->tones->light, scene->height, scene->tones->light);
        ink.stops[0].alpha = alpha;
        ink.stops[1].alpha = 0.0F;
        drawing_fill(scene->drawing, ink);
    }
}

/* Foliage from above: heaps of round leaves, thinner the lower they hang. */
static void crowns(struct scene *scene, float depth, struct lab colour)
{
    int count = (int)(scene->width * mix(26.0F, 20.0F, depth));
    float reach = scene->height * (0.1F + 0.09F * depth);
    for (int i = 0; i < count; i++) {
        float x = dice_between(&scene->dice, -0.05F, scene->width + 0.05F);
        x += 0.012F * wave(scene->phase + dice_unit(&scene->dice));
        float down = dice_unit(&scene->dice) * dice_unit(&scene->dice);
        float size = mix(0.035F, 0.08F, depth) * (1.2F - 0.7F * down);
        struct lab tone = lab_light(colour, dice_between(&scene->dice, -0.025F, 0.035F));
        float points[20];
        for (int k = 0; k < 10; k++) {
            float angle = (float)k / 10.0F;
            float radius = size * dice_between(&scene->dice, 0.75F, 1.15F);
            points[2 * k] = x + wave_cosine(angle) * radius * 1.35F;
            points[2 * k + 1] = reach * (down * 1.15F - 0.4F) + wave(angle) * radius * 0.8F;
        }
        drawing_blob(scene->drawing, points, 10);
        drawing_fill(scene->drawing,
                     ink_textured(ink_flat(tone, 0.88F), 0.025F, 0.012F, 0.012F, 0.0F));
    }
}

void scene_forest(struct scene *scene)
{
    const struct palette *tones = scene->tones;
    float sun_x = scene->width * dice_between(&scene->dice, 0.3F, 0.7F);
    float foot = scene->height * 0.86F;
    struct ink air = ink_fall(0.0F, lab_mix(tones->top, tones->low, 0.45F), foot, tones->low);
    drawing_fill(scene->drawing, ink_textured(air, 0.015F, 0.5F, 0.09F, 0.0F));
    if (scene->mood->motifs & MOTIF_STARS)
        part_stars(scene, foot, 120);
    part_disc(scene, sun_x, scene->height * 0.34F + 0.012F * wave(scene->phase), 0.085F);
    int rows = 4 + (scene->mood->detail > 0.4F);
    for (int i = 0; i < rows; i++) {
        float depth = ((float)i + 0.2F) / ((float)rows - 0.8F);
        struct lab colour = depth < 0.5F ? lab_mix(lab_mix(tones->far, tones->low, 0.4F),
                                                   tones->middle, depth * 2.0F)
                                         : lab_mix(tones->middle, tones->near, depth * 2.0F - 1);
        float shift = 0.03F * depth * wave(scene->phase);
        float base = mix(foot - 0.12F, scene->height * 1.02F, depth);
        struct skyline line = {
            .base = base - 0.05F,
            .height = 0.025F,
            .scale = 2.4F,
            .octaves = 4,
            .roughness = 0.5F,
            .seed = (uint32_t)dice_next(&scene->dice),
            .shift = shift,
        };
        float gap = mix(0.07F, 0.21F, depth);
        for (float x = dice_between(&scene->dice, -0.05F, 0.06F); x < scene->width + 0.05F;
             x += gap * dice_between(&scene->dice, 0.5F, 1.5F)) {
            float width =
                mix(0.008F, 0.055F, depth * depth) * dice_between(&scene->dice, 0.7F, 1.3F);
            trunk(scene, x + shift, base + 0.02F, width, colour, depth);
        }
        crowns(scene, depth, lab_mix(colour, tones->accent, depth > 0.5F ? 0.1F : 0.0F));
        part_ground(scene, &line,
                    ink_textured(ink_fall(base - 0.06F, lab_mix(colour, tones->second, 0.18F),
                                          base + 0.16F, colour),
                                 0.02F, 0.03F, 0.008F, 0.02F));
        if (i + 1 < rows)
            part_mist(scene, foot - 0.36F, foot + 0.14F, lab_mix(tones->low, tones->light, 0.4F),
                      (scene->mood->motifs & MOTIF_MIST ? 0.55F : 0.36F) * (1.0F - depth));
        if (i == rows / 2)
            shafts(scene, sun_x);
    }
    part_weather(scene);
    scene->finish.centre_x = sun_x / scene->width;
}

/* A leaf from its stalk: two bent sides and a rib. */
static void leaf(struct scene *scene, float x, float y, float turn, float length, float breadth,
                 struct lab colour)
{
    float dx = wave_cosine(turn);
    float dy = wave(turn);
    float tip_x = x + dx * length;
    float tip_y = y + dy * length;
    float nx = -dy * breadth * length;
    float ny = dx * breadth * length;
    for (int side = -1; side <= 1; side += 2) {
        float s = (float)side;
        drawing_move(scene->drawing, x, y);
        drawing_cubic(scene->drawing, x + dx * length * 0.25F + nx * s * 1.2F,
                      y + dy * length * 0.25F + ny * s * 1.2F, x + dx * length * 0.7F + nx * s,
                      y + dy * length * 0.7F + ny * s, tip_x, tip_y);
        struct lab tone = lab_light(colour, side < 0 ? 0.035F : -0.03F);
        struct ink ink = {
            .spread = SPREAD_LINEAR,
            .x0 = x,
            .y0 = y,
            .x1 = tip_x,
            .y1 = tip_y,
            .stop_count = 2,
            .stops = {{0.0F, lab_light(tone, -0.04F), 1.0F}, {1.0F, lab_light(tone, 0.03F), 1.0F}},
        };
        drawing_fill(scene->drawing, ink_textured(ink, 0.014F, 0.03F, 0.008F, turn));
    }
    float rib[] = {x, y, x + dx * length * 0.5F, y + dy * length * 0.5F, tip_x, tip_y};
    drawing_stroke(scene->drawing, rib, 3, length * 0.016F, length * 0.004F);
    drawing_fill(scene->drawing, ink_flat(lab_light(colour, 0.12F), 0.75F));
}

static void flower(struct scene *scene, float x, float y, float radius, struct lab colour)
{
    const struct palette *tones = scene->tones;
    float turn = dice_unit(&scene->dice) + 0.012F * wave(scene->phase + x);
    int rings = 3;
    for (int i = 0; i < 4; i++) {
        drawing_circle(scene->drawing, x + radius * 0.06F, y + radius * 0.1F,
                       radius * (0.8F + 0.06F * (float)i));
        drawing_fill(scene->drawing, ink_flat(lab_light(tones->near, -0.1F), 0.07F));
    }
    for (int ring = 0; ring < rings; ring++) {
        float size = radius * (1.0F - 0.3F * (float)ring);
        int petals = 8 - ring;
        struct lab tone =
            lab_mix(colour, ring == 1 ? tones->second : tones->light, 0.16F * (float)ring);
        for (int i = 0; i < petals; i++) {
            float angle = turn + ((float)i + 0.5F * (float)ring) / (float)petals;
            float px = x + wave_cosine(angle) * size * 0.56F;
            float py = y + wave(angle) * size * 0.56F;
            drawing_ellipse(scene->drawing, px, py, size * 0.48F, size * 0.36F, angle);
            struct ink ink = ink_glow(x, y, size * 1.05F, lab_light(tone, -0.1F), 1.0F);
            ink.stop_count = 2;
            ink.stops[1] = (struct stop){1.0F, lab_light(tone, 0.035F), 1.0F};
            drawing_fill(scene->drawing, ink_textured(ink, 0.014F, 0.02F, 0.006F, angle));
        }
    }
    drawing_circle(scene->drawing, x, y, radius * 0.17F);
    drawing_fill(scene->drawing, ink_flat(tones->second, 1.0F));
    for (int i = 0; i < 9; i++) {
        float angle = turn + (float)i / 9.0F;
        drawing_circle(scene->drawing, x + wave_cosine(angle) * radius * 0.2F,
                       y + wave(angle) * radius * 0.2F, radius * 0.028F);
        drawing_fill(scene->drawing, ink_flat(lab_light(tones->second, -0.2F), 0.9F));
    }
}

/* A stem that bends up from its foot, with leaves in pairs. */
static void stem(struct scene *scene, float x, float foot, float tall, struct lab colour)
{
    float bend = dice_between(&scene->dice, -0.22F, 0.22F);
    float sway = 0.018F * wave(scene->phase + dice_unit(&scene->dice));
    float line[26];
    for (int i = 0; i < 13; i++) {
        float t = (float)i / 12.0F;
        line[2 * i] = x + (bend + sway) * t * t;
        line[2 * i + 1] = foot - tall * t;
    }
    drawing_stroke(scene->drawing, line, 13, 0.011F, 0.004F);
    drawing_fill(scene->drawing, ink_flat(lab_light(colour, -0.04F), 1.0F));
    float breadth = dice_between(&scene->dice, 0.16F, 0.34F);
    float length = dice_between(&scene->dice, 0.12F, 0.24F);
    for (int i = 2; i < 13; i++) {
        float t = (float)i / 12.0F;
        float side = i % 2 ? 1.0F : -1.0F;
        float angle = -0.25F + side * mix(0.17F, 0.08F, t) + sway;
        leaf(scene, line[2 * i], line[2 * i + 1], angle, length * (1.1F - 0.5F * t), breadth,
             lab_light(colour, dice_between(&scene->dice, -0.03F, 0.05F)));
    }
    leaf(scene, line[24], line[25], -0.25F + bend * 0.3F, length * 0.6F, breadth, colour);
}

void scene_botanical(struct scene *scene)
{
    const struct palette *tones = scene->tones;
    bool is_dark = scene->mood->is_dark;
    struct ink ground = ink_fall(0.0F, is_dark ? tones->top : tones->low, scene->height,
                                 is_dark ? tones->near : lab_mix(tones->low, tones->top, 0.7F));
    drawing_fill(scene->drawing, ink_textured(ground, 0.014F, 0.1F, 0.1F, 0.1F));
    float sun_x = scene->width * dice_between(&scene->dice, 0.3F, 0.7F);
    float sun_y = scene->height * dice_between(&scene->dice, 0.3F, 0.45F);
    drawing_circle(scene->drawing, sun_x, sun_y, dice_between(&scene->dice, 0.24F, 0.34F));
    drawing_fill(scene->drawing, ink_textured(ink_flat(is_dark ? tones->far : tones->light, 0.5F),
                                              0.012F, 0.05F, 0.05F, 0.0F));
    int stems = (int)((6.0F + scene->mood->detail * 4.0F) * scene->width);
    struct lab greens[] = {lab_mix(tones->far, tones->middle, 0.4F), tones->middle,
                           lab_mix(tones->middle, tones->near, 0.5F), tones->near};
    for (int i = 0; i < stems; i++) {
        float x = scene->width * (((float)i * 0.618F) - (float)floor_of((float)i * 0.618F)) +
                  dice_between(&scene->dice, -0.05F, 0.05F);
        int back = 3 - i * 4 / stems;
        float tall =
            scene->height * mix(0.5F, 1.0F, dice_unit(&scene->dice)) * (is_dark ? 1.0F : 0.9F);
        stem(scene, x, scene->height * 1.04F, tall, greens[is_dark ? back : 3 - back]);
    }
    int flowers = 4 + dice_pick(&scene->dice, 3) + (int)(scene->width + scene->height - 2.0F) * 2;
    for (int i = 0; i < flowers; i++) {
        float along = (float)i * 0.754F + 0.21F;
        float x = scene->width * (0.1F + 0.8F * (along - (float)floor_of(along)));
        float y = scene->height * (0.16F + 0.7F * ((float)i + 0.5F) / (float)flowers);
        struct lab colour =
            i % 3 == 0 ? tones->accent
                       : lab_mix(tones->accent, i % 3 == 1 ? tones->light : tones->second, 0.62F);
        flower(scene, x + 0.004F * wave(scene->phase + y), y,
               dice_between(&scene->dice, 0.075F, 0.135F), colour);
    }
    part_weather(scene);
}
