/* SPDX-License-Identifier: Apache-2.0 */
/* Scenes that people built: a skyline, and arches. */
#include "media/worker/paint_scene.h"

static void windows(struct scene *scene, float x, float top, float width, float bottom, float lit)
{
    float pitch_x = width / (float)floor_of(width / 0.017F + 1.0F);
    float pitch_y = 0.024F;
    for (float wy = top + pitch_y * 0.7F; wy < bottom; wy += pitch_y)
        for (float wx = x + pitch_x * 0.3F; wx < x + width - pitch_x * 0.5F; wx += pitch_x) {
            float chance = dice_unit(&scene->dice);
            if (chance > lit)
                continue;
            float glow = 0.55F + 0.45F * dice_unit(&scene->dice);
            float blink = wave(scene->phase + dice_unit(&scene->dice));
            if (blink > 0.93F)
                glow *= 0.3F;
            struct lab colour = chance < lit * 0.22F ? scene->tones->second : scene->tones->accent;
            drawing_box(scene->drawing, wx, wy, pitch_x * 0.46F, pitch_y * 0.5F);
            drawing_fill(scene->drawing, ink_flat(colour, glow));
        }
}

static void roof(struct scene *scene, float x, float top, float width, struct lab colour)
{
    int kind = dice_pick(&scene->dice, 7);
    if (kind == 0) { /* mast */
        drawing_box(scene->drawing, x + width * 0.48F, top - width * 0.9F, width * 0.04F, width);
    } else if (kind == 1) { /* steps */
        drawing_box(scene->drawing, x + width * 0.18F, top - 0.02F, width * 0.64F, 0.03F);
        drawing_box(scene->drawing, x + width * 0.34F, top - 0.042F, width * 0.32F, 0.03F);
    } else if (kind == 2) { /* slope */
        drawing_move(scene->drawing, x, top + 0.001F);
        drawing_line(scene->drawing, x + width, top - width * 0.45F);
        drawing_line(scene->drawing, x + width, top + 0.001F);
    } else if (kind == 3) { /* gable */
        drawing_move(scene->drawing, x, top + 0.001F);
        drawing_line(scene->drawing, x + width * 0.5F, top - width * 0.5F);
        drawing_line(scene->drawing, x + width, top + 0.001F);
    } else if (kind == 4) { /* dome */
        drawing_ellipse(scene->drawing, x + width * 0.5F, top, width * 0.42F, width * 0.38F, 0.0F);
    } else {
        return;
    }
    drawing_fill(scene->drawing, ink_flat(colour, 1.0F));
}

static void street(struct scene *scene, float depth, float foot, float highest)
{
    const struct palette *tones = scene->tones;
    struct lab colour = depth < 0.5F ? lab_mix(tones->far, tones->middle, depth * 2.0F)
                                     : lab_mix(tones->middle, tones->near, depth * 2.0F - 1.0F);
    uint32_t seed = (uint32_t)dice_next(&scene->dice);
    float shift = 0.07F * depth * wave(scene->phase);
    float x = -0.12F;
    while (x < scene->width + 0.1F) {
        float width = dice_between(&scene->dice, 0.045F, 0.1F) * (0.75F + 0.6F * depth);
        float swell = 0.55F + 0.45F * noise_line(x * 2.4F + 9.0F, seed);
        float tall = highest * (0.28F + 0.72F * swell * dice_between(&scene->dice, 0.55F, 1.0F));
        float top = foot - tall;
        struct lab own = lab_light(colour, dice_between(&scene->dice, -0.02F, 0.02F));
        roof(scene, x + shift, top, width, own);
        drawing_box(scene->drawing, x + shift, top, width, scene->height);
        struct ink ink = ink_fall(top, lab_light(own, -0.01F), foot + 0.04F,
                                  lab_mix(own, tones->low, 0.36F * (1.0F - depth) + 0.06F));
        drawing_fill(scene->drawing, ink_textured(ink, 0.008F, 0.02F, 0.08F, 0.0F));
        drawing_box(scene->drawing, x + shift + width * 0.72F, top, width * 0.28F, scene->height);
        drawing_fill(scene->drawing, ink_flat(lab_light(own, -0.06F), 0.45F));
        if (depth > 0.3F)
            windows(scene, x + shift, top, width, foot + 0.02F,
                    (scene->mood->is_dark ? 0.42F : 0.16F) * depth);
        x += width * dice_between(&scene->dice, 0.82F, 1.15F);
    }
}

static void mirror(struct scene *scene, float shore)
{
    const struct palette *tones = scene->tones;
    drawing_box(scene->drawing, -0.02F, shore, scene->width + 0.04F, scene->height);
    struct ink water = ink_fall(shore, lab_mix(tones->near, tones->middle, 0.55F), scene->height,
                                lab_mix(tones->near, tones->top, 0.3F));
    drawing_fill(scene->drawing, ink_textured(water, 0.03F, 0.1F, 0.006F, 0.0F));
    int count = 160 + (int)(160.0F * scene->mood->detail);
    for (int i = 0; i < count; i++) {
        float down = dice_unit(&scene->dice);
        float y = shore + 0.006F + (scene->height - shore) * down;
        float x = dice_unit(&scene->dice) * scene->width;
        float sway = 0.008F * wave(scene->phase * 2.0F + dice_unit(&scene->dice));
        float half = dice_between(&scene->dice, 0.006F, 0.04F) * (0.5F + down);
        struct lab colour = dice_pick(&scene->dice, 3) == 0 ? tones->second : tones->accent;
        if (dice_pick(&scene->dice, 3) == 0)
            colour = tones->low;
        drawing_ellipse(scene->drawing, x + sway, y, half, 0.0013F + 0.002F * down, 0.0F);
        drawing_fill(scene->drawing, ink_flat(colour, 0.34F * (1.0F - 0.6F * down)));
    }
}

void scene_city(struct scene *scene)
{
    bool has_water = dice_pick(&scene->dice, 2) == 0;
    float foot = scene->height * (has_water ? 0.8F : 1.0F);
    float sun_x = scene->width * dice_between(&scene->dice, 0.25F, 0.75F);
    part_sky(scene, foot * 0.85F);
    if (scene->mood->motifs & MOTIF_STARS)
        part_stars(scene, foot * 0.7F, 120);
    float sun_y = foot * dice_between(&scene->dice, 0.3F, 0.48F) - 0.04F * wave(scene->phase);
    part_disc(scene, sun_x, sun_y, dice_between(&scene->dice, 0.07F, 0.13F));
    int rows = 4 + (scene->mood->detail > 0.5F);
    for (int i = 0; i < rows; i++) {
        float depth = ((float)i + 0.3F) / (float)rows;
        float highest = scene->height * mix(0.62F, 0.36F, depth);
        street(scene, depth, foot - 0.02F * (1.0F - depth), highest);
        if (i + 1 < rows)
            part_mist(scene, foot - 0.4F, foot + 0.06F, scene->tones->low, 0.34F * (1.0F - depth));
    }
    if (has_water)
        mirror(scene, foot);
    if (scene->mood->motifs & MOTIF_BIRDS)
        part_birds(scene, scene->width * 0.6F, foot * 0.25F, 0.014F, 6);
    part_weather(scene);
    scene->finish.centre_x = sun_x / scene->width;
}

static void arch_outline(struct scene *scene, float x, float foot, float half, float tall)
{
    float spring = foot - tall + half;
    drawing_move(scene->drawing, x - half, foot);
    drawing_line(scene->drawing, x - half, spring);
    drawing_cubic(scene->drawing, x - half, spring - half * 0.5523F, x - half * 0.5523F,
                  spring - half, x, spring - half);
    drawing_cubic(scene->drawing, x + half * 0.5523F, spring - half, x + half,
                  spring - half * 0.5523F, x + half, spring);
    drawing_line(scene->drawing, x + half, foot);
}

static void nested_arches(struct scene *scene, float x, float foot, float half, float tall,
                          int rings)
{
    const struct palette *tones = scene->tones;
    struct lab inks[] = {tones->near,   tones->accent, tones->far,
                         tones->second, tones->middle, tones->top};
    int first = dice_pick(&scene->dice, 6);
    for (int i = 0; i < rings; i++) {
        float share = 1.0F - (float)i / (float)rings;
        struct lab colour = inks[(first + i * 5) % 6];
        float size = half * share;
        float height = tall - half * (1.0F - share);
        arch_outline(scene, x + 0.008F, foot, size + 0.004F, height + 0.002F);
        drawing_fill(scene->drawing, ink_flat(lab_light(tones->near, -0.12F), 0.16F));
        arch_outline(scene, x, foot, size, height);
        struct ink ink =
            ink_fall(foot - height, lab_light(colour, 0.045F), foot, lab_light(colour, -0.05F));
        drawing_fill(scene->drawing, ink_textured(ink, 0.018F, 0.03F, 0.03F, 0.1F));
    }
}

static void stairs(struct scene *scene, float x, float foot, float width, int count)
{
    const struct palette *tones = scene->tones;
    for (int i = 0; i < count; i++) {
        float tall = 0.028F * (float)(count - i);
        float left = x + width * (float)i / (float)count * 0.5F;
        drawing_box(scene->drawing, left, foot - tall, x + width - left, tall);
        struct lab colour = lab_mix(tones->far, tones->near, 0.12F * (float)(i % 2) + 0.1F);
        drawing_fill(scene->drawing,
                     ink_textured(ink_fall(foot - tall, lab_light(colour, 0.04F), foot, colour),
                                  0.014F, 0.05F, 0.02F, 0.0F));
    }
}

void scene_arches(struct scene *scene)
{
    const struct palette *tones = scene->tones;
    float floor_y = scene->height * dice_between(&scene->dice, 0.8F, 0.88F);
    float sun_x = scene->width * dice_between(&scene->dice, 0.2F, 0.8F);
    struct ink wall = ink_fall(0.0F, tones->low, floor_y, lab_mix(tones->low, tones->top, 0.5F));
    drawing_fill(scene->drawing, ink_textured(wall, 0.016F, 0.08F, 0.08F, 0.1F));
    float radius = dice_between(&scene->dice, 0.1F, 0.16F);
    drawing_circle(scene->drawing, sun_x, scene->height * 0.24F + 0.07F * wave(scene->phase),
                   radius);
    drawing_fill(scene->drawing, ink_textured(ink_fall(0.1F, tones->second, 0.4F, tones->accent),
                                              0.016F, 0.03F, 0.03F, 0.0F));
    drawing_box(scene->drawing, -0.02F, floor_y, scene->width + 0.04F, scene->height);
    drawing_fill(scene->drawing, ink_textured(ink_fall(floor_y, tones->middle, scene->height,
                                                       lab_mix(tones->middle, tones->near, 0.55F)),
                                              0.018F, 0.1F, 0.02F, 0.0F));
    int count = 2 + dice_pick(&scene->dice, 2);
    for (int i = 0; i < count; i++) {
        float x = scene->width * ((float)i + 0.5F) / (float)count +
                  dice_between(&scene->dice, -0.05F, 0.05F) +
                  0.025F * wave(scene->phase + 0.3F * (float)i);
        float half = scene->width / (float)count * dice_between(&scene->dice, 0.34F, 0.52F);
        half = half > 0.34F ? 0.34F : half;
        float tall = scene->height * dice_between(&scene->dice, 0.42F, 0.66F);
        tall = tall < half * 1.3F ? half * 1.3F : tall;
        nested_arches(scene, x, floor_y + 0.03F * (float)(i % 2), half, tall,
                      4 + dice_pick(&scene->dice, 3));
    }
    stairs(scene, scene->width * dice_between(&scene->dice, 0.5F, 0.75F), scene->height + 0.01F,
           scene->width * 0.7F, 5);
    part_weather(scene);
}
