/* SPDX-License-Identifier: Apache-2.0 */
/* Scenes of water: a sea under a low light, and waves cut from paper. */
#include "media/worker/paint_scene.h"

static void glints(struct scene *scene, float sun_x, float horizon)
{
    const struct palette *tones = scene->tones;
    float depth = scene->height - horizon;
    int count = 170 + (int)(220.0F * scene->mood->detail);
    for (int i = 0; i < count; i++) {
        float down = dice_unit(&scene->dice);
        down = down * down * 0.7F + down * 0.3F;
        float y = horizon + 0.004F + depth * down;
        bool is_in_path = dice_pick(&scene->dice, 5) < 3;
        float spread = is_in_path ? 0.03F + 0.2F * down : scene->width * 0.8F;
        float offset = dice_unit(&scene->dice) + dice_unit(&scene->dice) - 1.0F;
        float x = (is_in_path ? sun_x : scene->width * 0.5F) + offset * spread;
        float half = (0.008F + 0.06F * down) * dice_between(&scene->dice, 0.3F, 1.0F);
        float flicker = wave(scene->phase * 2.0F + dice_unit(&scene->dice));
        float thick = (0.0009F + 0.0035F * down) * dice_between(&scene->dice, 0.5F, 1.2F);
        struct lab colour =
            is_in_path
                ? tones->light
                : lab_mix(dice_pick(&scene->dice, 2) ? tones->far : tones->near, tones->low, 0.2F);
        float alpha = (is_in_path ? 0.62F : 0.3F) * (0.75F + 0.25F * flicker);
        drawing_ellipse(scene->drawing, x + 0.012F * flicker, y, half * (1.0F + 0.25F * flicker),
                        thick, 0.0F);
        drawing_fill(scene->drawing, ink_flat(colour, alpha));
    }
}

static void boat(struct scene *scene, float x, float y, float size)
{
    const struct palette *tones = scene->tones;
    float tilt = 0.012F * wave(scene->phase);
    float mast = x + 0.02F * size;
    y += 0.003F * wave(scene->phase * 2.0F);
    struct lab sail = lab_mix(tones->light, tones->low, 0.1F);
    drawing_move(scene->drawing, mast + tilt, y - size);
    drawing_curve(scene->drawing, mast + 0.42F * size, y - 0.5F * size, mast + 0.5F * size,
                  y - 0.16F * size);
    drawing_line(scene->drawing, mast, y - 0.14F * size);
    drawing_fill(scene->drawing, ink_flat(sail, 1.0F));
    drawing_move(scene->drawing, mast - 0.02F * size + tilt, y - 0.92F * size);
    drawing_curve(scene->drawing, mast - 0.3F * size, y - 0.5F * size, mast - 0.36F * size,
                  y - 0.16F * size);
    drawing_line(scene->drawing, mast - 0.02F * size, y - 0.14F * size);
    drawing_fill(scene->drawing, ink_flat(lab_mix(sail, tones->accent, 0.75F), 1.0F));
    drawing_move(scene->drawing, x - 0.46F * size, y - 0.1F * size);
    drawing_line(scene->drawing, x + 0.55F * size, y - 0.1F * size);
    drawing_curve(scene->drawing, x + 0.4F * size, y + 0.06F * size, x + 0.3F * size,
                  y + 0.06F * size);
    drawing_line(scene->drawing, x - 0.3F * size, y + 0.06F * size);
    drawing_fill(scene->drawing, ink_flat(lab_light(tones->near, -0.02F), 1.0F));
    for (int i = 0; i < 9; i++) {
        float step = (float)i * 0.09F * size;
        float sway = 0.03F * size * wave(scene->phase * 2.0F + (float)i * 0.17F);
        drawing_ellipse(scene->drawing, x + sway, y + 0.1F * size + step,
                        size * (0.42F - 0.035F * (float)i), 0.013F * size, 0.0F);
        drawing_fill(scene->drawing, ink_flat(i % 2 ? sail : tones->near, 0.34F));
    }
}

static void lighthouse(struct scene *scene, float x, float foot, float tall)
{
    const struct palette *tones = scene->tones;
    float top = foot - tall;
    float beam = 0.1F * wave(scene->phase);
    for (int side = -1; side <= 1; side += 2) {
        float reach = (float)side * (1.2F + 0.7F * wave(scene->phase + 0.25F * (float)side));
        drawing_move(scene->drawing, x, top);
        drawing_line(scene->drawing, x + reach, top - 0.16F + beam * (float)side);
        drawing_line(scene->drawing, x + reach, top + 0.1F + beam * (float)side);
        struct ink ray = ink_glow(x, top, reach * (float)side * 0.97F, tones->light, 0.55F);
        drawing_fill(scene->drawing, ray);
    }
    drawing_fill(scene->drawing, ink_glow(x, top, 0.3F, tones->light, 0.6F));
    float rock[] = {x - 0.3F,  foot + 0.12F, x - 0.17F, foot + 0.02F, x - 0.07F, foot - 0.015F,
                    x + 0.06F, foot - 0.01F, x + 0.16F, foot + 0.03F, x + 0.27F, foot + 0.13F};
    drawing_blob(scene->drawing, rock, 6);
    drawing_fill(scene->drawing, ink_textured(ink_fall(foot - 0.02F, tones->middle, foot + 0.12F,
                                                       lab_light(tones->near, -0.03F)),
                                              0.03F, 0.012F, 0.05F, 0.0F));
    float low = tall * 0.11F;
    float high = tall * 0.07F;
    for (int i = 0; i < 5; i++) {
        float a = (float)i / 5.0F;
        float b = (float)(i + 1) / 5.0F;
        drawing_move(scene->drawing, x - mix(low, high, a), foot - tall * 0.9F * a);
        drawing_line(scene->drawing, x + mix(low, high, a), foot - tall * 0.9F * a);
        drawing_line(scene->drawing, x + mix(low, high, b), foot - tall * 0.9F * b);
        drawing_line(scene->drawing, x - mix(low, high, b), foot - tall * 0.9F * b);
        drawing_fill(scene->drawing,
                     ink_flat(i % 2 ? tones->accent : lab_light(tones->light, -0.04F), 1.0F));
    }
    drawing_box(scene->drawing, x - high * 0.8F, top - tall * 0.02F, high * 1.6F, tall * 0.12F);
    drawing_fill(scene->drawing, ink_flat(tones->light, 1.0F));
    drawing_ellipse(scene->drawing, x, top - tall * 0.02F, high, tall * 0.06F, 0.0F);
    drawing_fill(scene->drawing, ink_flat(tones->near, 1.0F));
}

static void shore(struct scene *scene, float horizon)
{
    const struct palette *tones = scene->tones;
    uint32_t seed = (uint32_t)dice_next(&scene->dice);
    for (int i = 0; i < 2; i++) {
        struct skyline line = {
            .base = horizon - 0.018F + 0.012F * (float)i,
            .height = 0.05F - 0.022F * (float)i,
            .scale = 2.1F + (float)i,
            .octaves = 5,
            .roughness = 0.48F,
            .seed = seed + (uint32_t)i * 53U,
        };
        struct lab colour = lab_mix(tones->far, i ? tones->near : tones->low, 0.35F);
        part_ground(scene, &line, ink_flat(colour, 1.0F));
    }
}

/* The sheen under the light: narrow far away, wide and faint near, with soft sides. */
static void light_path(struct scene *scene, float sun_x, float horizon)
{
    for (int i = 0; i < 7; i++) {
        float wide = 0.3F + 0.2F * (float)i;
        drawing_move(scene->drawing, sun_x - 0.05F * wide, horizon);
        drawing_line(scene->drawing, sun_x + 0.05F * wide, horizon);
        drawing_line(scene->drawing, sun_x + 0.21F * wide, scene->height);
        drawing_line(scene->drawing, sun_x - 0.21F * wide, scene->height);
        struct ink ink = ink_fall(horizon, scene->tones->light, scene->height, scene->tones->light);
        ink.stops[0].alpha = 0.075F;
        ink.stops[1].alpha = 0.004F;
        drawing_fill(scene->drawing, ink);
    }
}

void scene_sea(struct scene *scene)
{
    const struct palette *tones = scene->tones;
    float horizon = scene->height * dice_between(&scene->dice, 0.44F, 0.58F);
    float sun_x = scene->width * dice_between(&scene->dice, 0.3F, 0.72F);
    float radius = dice_between(&scene->dice, 0.05F, 0.085F);
    part_sky(scene, horizon);
    if (scene->mood->motifs & MOTIF_STARS)
        part_stars(scene, horizon, 150);
    part_disc(scene, sun_x,
              horizon - radius * dice_between(&scene->dice, 0.9F, 3.6F) +
                  0.04F * wave(scene->phase),
              radius);
    shore(scene, horizon);

    drawing_box(scene->drawing, -0.02F, horizon, scene->width + 0.04F, scene->height);
    struct ink water = ink_fall(horizon, lab_mix(tones->far, tones->low, 0.35F), scene->height,
                                lab_mix(tones->near, tones->middle, 0.3F));
    water.stops[2] = water.stops[1];
    water.stops[1] = (struct stop){0.3F, lab_mix(tones->far, tones->middle, 0.7F), 1.0F};
    water.stop_count = 3;
    drawing_fill(scene->drawing, ink_textured(water, 0.022F, 0.16F, 0.008F, 0.0F));
    light_path(scene, sun_x, horizon);
    glints(scene, sun_x, horizon);
    if (scene->mood->motifs & MOTIF_TOWER)
        lighthouse(scene, scene->width * (sun_x > scene->width * 0.5F ? 0.27F : 0.73F),
                   horizon + 0.1F, 0.36F);
    bool has_boat = dice_pick(&scene->dice, 3) == 0 && !(scene->mood->motifs & MOTIF_TOWER);
    if (has_boat || (scene->mood->motifs & MOTIF_BOAT)) {
        float side = sun_x > scene->width * 0.5F ? -1.0F : 1.0F;
        boat(scene, sun_x + side * scene->width * 0.24F + 0.09F * wave(scene->phase),
             horizon + 0.09F, dice_between(&scene->dice, 0.17F, 0.26F));
    }
    if (scene->mood->motifs & MOTIF_BIRDS)
        part_birds(scene, scene->width - sun_x, horizon * 0.5F, 0.016F, 7);
    part_weather(scene);
    scene->finish.centre_x = sun_x / scene->width;
}

/* The crest of one wave: sharp tops and round troughs, leaning forward. */
static float crest_at(float x, float base, float height, float length, float lean)
{
    float along = x / length;
    float t = along - (float)floor_of(along);
    float up = t < lean ? t / lean : (1.0F - t) / (1.0F - lean);
    return base - height * up * up * (t < lean ? 1.0F : up);
}

/* White along the crest, thick at the top and thin down the back, and some spray. */
static void foam(struct scene *scene, float base, float height, float length, float lean,
                 float shift)
{
    struct lab white = lab_mix(scene->tones->light, lab_of_srgb(0xFFFFFF), 0.4F);
    int first = (int)(float)floor_of(shift / length) - 1;
    int count = (int)(scene->width / length) + 3;
    for (int i = first; i < first + count; i++) {
        float top = ((float)i + lean) * length - shift;
        float line[2 * 18];
        for (int k = 0; k < 18; k++) {
            float x = top - length * (0.34F - 0.021F * (float)k);
            line[2 * k] = x;
            line[2 * k + 1] = crest_at(x + shift, base, height, length, lean) + height * 0.035F;
        }
        drawing_stroke(scene->drawing, line, 17, height * 0.012F, height * 0.12F);
        drawing_fill(scene->drawing, ink_flat(white, 0.9F));
        for (int k = 0; k < 6; k++) {
            float away = (0.02F + 0.09F * (float)k * noise_at(3, k, 7)) * length;
            float size = height * (0.02F + 0.03F * (0.5F + 0.5F * noise_at(5, k, 8)));
            float lift = height * (0.06F + 0.1F * (0.5F + 0.5F * noise_at(4, k, 9)));
            float y = crest_at(top + away + shift, base, height, length, lean) - lift;
            drawing_circle(scene->drawing, top + away, y, size);
            drawing_fill(scene->drawing, ink_flat(white, 0.75F));
        }
    }
}

static void swell(struct scene *scene, float depth)
{
    const struct palette *tones = scene->tones;
    float horizon = scene->mood->motifs & MOTIF_RAIN ? 0.3F : 0.33F;
    float base = scene->height * mix(horizon + 0.04F, 1.1F, depth * (0.6F + 0.4F * depth));
    float height = mix(0.03F, 0.17F, depth);
    float length = mix(0.2F, 0.62F, depth) * dice_between(&scene->dice, 0.9F, 1.1F);
    float lean = 0.7F;
    float way = dice_pick(&scene->dice, 4) == 0 ? -1.0F : 1.0F;
    float shift = length * (dice_unit(&scene->dice) - way * scene->phase + 4.0F);
    float bob = 0.012F * wave(scene->phase + depth);
    struct lab colour = depth < 0.55F ? lab_mix(tones->far, tones->middle, depth / 0.55F)
                                      : lab_mix(tones->middle, tones->near, (depth - 0.55F) * 2.0F);
    float bottom = depth < 1.0F ? base + 0.2F + 0.22F * scene->height : scene->height + 0.2F;
    for (int band = 0; band < 5; band++) {
        float inset = (float)band * height * 0.19F;
        drawing_move(scene->drawing, -0.02F, bottom);
        for (float x = -0.02F; x < scene->width + 0.02F; x += 0.004F)
            drawing_line(scene->drawing, x,
                         crest_at(x + shift, base + bob + inset,
                                  height * (1.0F - 0.1F * (float)band), length, lean));
        drawing_line(scene->drawing, scene->width + 0.02F, bottom);
        struct lab tone =
            lab_light(lab_mix(colour, tones->low, band % 2 ? 0.0F : 0.2F), -0.012F * (float)band);
        struct ink ink = ink_fall(base - height, lab_mix(tone, tones->low, 0.14F), base + 0.22F,
                                  lab_light(tone, -0.03F));
        drawing_fill(scene->drawing, band == 0 || band == 4
                                         ? ink_textured(ink, 0.012F, 0.06F, 0.01F, 0.02F)
                                         : ink_flat(tone, 0.8F));
        if (band == 0)
            foam(scene, base + bob, height, length, lean, shift);
    }
}

void scene_waves(struct scene *scene)
{
    float horizon = scene->height * 0.34F;
    float sun_x = scene->width * dice_between(&scene->dice, 0.25F, 0.75F);
    part_sky(scene, horizon * 1.25F);
    if (scene->mood->motifs & MOTIF_STARS)
        part_stars(scene, horizon, 120);
    float radius = dice_between(&scene->dice, 0.085F, 0.14F);
    part_disc(scene, sun_x, horizon - radius * 0.25F, radius);
    int count = 6 + (int)(scene->mood->detail * 4.0F);
    for (int i = 0; i < count; i++)
        swell(scene, (float)i / (float)(count - 1));
    if (scene->mood->motifs & MOTIF_BIRDS)
        part_birds(scene, scene->width - sun_x, horizon * 0.5F, 0.016F, 7);
    part_weather(scene);
    scene->finish.centre_x = sun_x / scene->width;
}
