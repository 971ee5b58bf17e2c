/* SPDX-License-Identifier: Apache-2.0 */
/* Scenes under the open sky: ridges and dunes. */
#include "media/worker/paint_scene.h"

static void aurora(struct scene *scene, float horizon)
{
    for (int curtain = 0; curtain < 3; curtain++) {
        uint32_t seed = (uint32_t)dice_next(&scene->dice);
        float base = horizon * dice_between(&scene->dice, 0.45F, 0.75F);
        struct lab colour = curtain == 1 ? lab_of_srgb(0x9A6BFF) : lab_of_srgb(0x5BF0B0);
        float drift = 0.35F * wave(scene->phase + (float)curtain * 0.3F);
        for (float x = -0.02F; x < scene->width; x += 0.008F) {
            float fold = noise_range(x * 2.2F + drift, 3, 0.5F, seed);
            float foot = base + 0.12F * fold;
            float tall = horizon * (0.34F + 0.2F * noise_line(x * 9.0F + drift * 3.0F, seed + 5));
            float alpha = 0.16F + 0.14F * noise_line(x * 23.0F - drift * 4.0F, seed + 9);
            drawing_box(scene->drawing, x, foot - tall, 0.0085F, tall);
            struct ink ink = {
                .spread = SPREAD_LINEAR,
                .y0 = foot - tall,
                .y1 = foot,
                .stop_count = 3,
                .stops = {{0.0F, colour, 0.0F}, {0.8F, colour, alpha}, {1.0F, colour, 0.0F}},
            };
            drawing_fill(scene->drawing, ink);
        }
    }
}

static void pine(struct scene *scene, float x, float foot, float tall, struct lab colour)
{
    float sway = 0.004F * wave(scene->phase + x * 3.0F);
    int tiers = 6;
    drawing_move(scene->drawing, x + sway, foot - tall);
    for (int i = 1; i <= tiers; i++) {
        float share = (float)i / (float)tiers;
        float half = tall * (0.05F + 0.17F * share);
        drawing_line(scene->drawing, x + half + sway * (1 - share), foot - tall * (1.0F - share));
        drawing_line(scene->drawing, x + half * 0.5F, foot - tall * (1.0F - share) - 0.006F * tall);
    }
    for (int i = tiers; i >= 1; i--) {
        float share = (float)i / (float)tiers;
        float half = tall * (0.05F + 0.17F * share);
        drawing_line(scene->drawing, x - half * 0.5F, foot - tall * (1.0F - share) - 0.006F * tall);
        drawing_line(scene->drawing, x - half + sway * (1 - share), foot - tall * (1.0F - share));
    }
    drawing_fill(scene->drawing, ink_flat(colour, 1.0F));
}

static struct lab depth_tone(const struct palette *tones, float depth)
{
    return depth < 0.5F ? lab_mix(tones->far, tones->middle, depth * 2.0F)
                        : lab_mix(tones->middle, tones->near, depth * 2.0F - 1.0F);
}

void scene_ridges(struct scene *scene)
{
    const struct palette *tones = scene->tones;
    float horizon = scene->height * dice_between(&scene->dice, 0.42F, 0.56F);
    float sun_x = scene->width * dice_between(&scene->dice, 0.22F, 0.78F);
    float radius = dice_between(&scene->dice, 0.055F, 0.1F);
    float sun_y = horizon - radius * dice_between(&scene->dice, 0.9F, 3.0F);
    part_sky(scene, horizon * 1.1F);
    if (scene->mood->motifs & (MOTIF_STARS | MOTIF_AURORA))
        part_stars(scene, horizon, 130);
    if (scene->mood->motifs & MOTIF_AURORA)
        aurora(scene, horizon);
    else
        part_disc(scene, sun_x, sun_y - 0.05F * wave(scene->phase), radius);
    if (!scene->mood->is_dark || (scene->mood->motifs & MOTIF_BIRDS))
        part_birds(scene, scene->width - sun_x, sun_y - 0.04F, 0.015F, 6);

    int count = 5 + dice_pick(&scene->dice, 2) + (int)(scene->mood->detail * 3.0F);
    uint32_t seed = (uint32_t)dice_next(&scene->dice);
    float rough = dice_between(&scene->dice, 0.42F, 0.56F);
    bool has_pines = (scene->mood->motifs & MOTIF_PINES) || dice_pick(&scene->dice, 3) == 0;
    for (int i = 0; i < count; i++) {
        float depth = ((float)i + 0.4F) / (float)count;
        float pan = 0.13F * depth * wave(scene->phase);
        float base = mix(horizon, scene->height * 1.02F, depth * depth * 0.55F + depth * 0.45F);
        struct skyline line = {
            .base = base,
            .height = mix(0.13F, 0.055F, depth) * (i == 0 ? 0.7F : 1.0F),
            .scale = mix(2.6F, 1.5F, depth),
            .octaves = 4 + (int)(scene->mood->detail * 3.0F),
            .roughness = rough,
            .seed = seed + (uint32_t)i * 977U,
            .shift = pan + 3.0F,
            .floor = i + 1 < count ? base + 0.25F + 0.22F * scene->height : 0.0F,
        };
        struct lab colour = depth_tone(tones, depth);
        struct ink ink = ink_fall(base - line.height, lab_mix(colour, tones->light, 0.04F),
                                  base + 0.28F, lab_mix(colour, tones->low, 0.34F - 0.3F * depth));
        part_ground(scene, &line, ink_textured(ink, 0.010F + 0.010F * depth, 0.05F, 0.012F, 0.03F));
        if (has_pines && i >= count - 2) {
            for (float x = dice_between(&scene->dice, -0.16F, -0.14F); x < scene->width + 0.15F;
                 x += dice_between(&scene->dice, 0.012F, 0.06F))
                pine(scene, x - pan, skyline_at(&line, x - pan) + 0.01F,
                     dice_between(&scene->dice, 0.05F, 0.11F) * (0.6F + 0.5F * depth),
                     lab_light(colour, -0.03F));
        }
        if (i + 1 < count)
            part_mist(scene, base - 0.06F, base + 0.14F, lab_mix(tones->low, tones->light, 0.25F),
                      (scene->mood->motifs & MOTIF_MIST ? 0.5F : 0.26F) * (1.0F - depth * 0.7F));
    }
    part_weather(scene);
    scene->finish.centre_x = sun_x / scene->width;
    scene->finish.centre_y = 0.42F;
}

/* One dune: its lit face, the shaded slope under a crest that winds down from the top, and wind
 * ripples on the lit side. */
static void dune(struct scene *scene, const struct skyline *line, struct lab lit, struct lab shade,
                 float crest)
{
    struct ink ink = ink_fall(line->base - line->height, lab_light(lit, 0.04F), line->base + 0.3F,
                              lab_mix(lit, shade, 0.45F));
    part_ground(scene, line, ink_textured(ink, 0.016F, 0.16F, 0.006F, 0.02F));
    float top = skyline_at(line, crest);
    float low = scene->height + 0.02F;
    float run = dice_between(&scene->dice, 0.3F, 0.55F);
    drawing_move(scene->drawing, crest, top);
    for (float x = crest; x < scene->width + 0.03F; x += 0.006F)
        drawing_line(scene->drawing, x, skyline_at(line, x));
    drawing_line(scene->drawing, scene->width + 0.03F, low);
    drawing_line(scene->drawing, crest + run, low);
    drawing_cubic(scene->drawing, crest + run * 1.1F, mix(top, low, 0.66F), crest - run * 0.75F,
                  mix(top, low, 0.36F), crest, top);
    struct ink dark = ink_fall(top, shade, top + 0.38F, lab_mix(shade, lit, 0.55F));
    drawing_fill(scene->drawing, ink_textured(dark, 0.012F, 0.12F, 0.006F, 0.04F));
    int ripples = 5 + (int)(scene->mood->detail * 6.0F);
    for (int i = 0; i < ripples; i++) {
        float points[2 * 16];
        float start = crest - dice_between(&scene->dice, 0.15F, 0.5F);
        float down = dice_between(&scene->dice, 0.03F, 0.16F);
        for (int k = 0; k < 16; k++) {
            float x = start + 0.014F * (float)k;
            points[2 * k] = x;
            points[2 * k + 1] = skyline_at(line, x) + down + 0.004F * wave(x * 7.0F + down * 30.0F);
        }
        drawing_stroke(scene->drawing, points, 16, 0.0006F, 0.0024F);
        drawing_fill(scene->drawing, ink_flat(lab_mix(lit, shade, 0.6F), 0.35F));
    }
}

void scene_dunes(struct scene *scene)
{
    const struct palette *tones = scene->tones;
    float horizon = scene->height * dice_between(&scene->dice, 0.46F, 0.58F);
    float sun_x = scene->width * dice_between(&scene->dice, 0.25F, 0.72F);
    float radius = dice_between(&scene->dice, 0.06F, 0.115F);
    part_sky(scene, horizon * 1.15F);
    if (scene->mood->motifs & MOTIF_STARS)
        part_stars(scene, horizon, 140);
    float rise = dice_between(&scene->dice, 0.8F, 2.2F) + 0.5F * wave(scene->phase);
    part_disc(scene, sun_x, horizon - radius * rise, radius);

    int count = 4 + dice_pick(&scene->dice, 2);
    uint32_t seed = (uint32_t)dice_next(&scene->dice);
    for (int i = 0; i < count; i++) {
        float depth = (float)i / (float)(count - 1);
        float pan = 0.14F * depth * wave(scene->phase);
        struct skyline line = {
            .base = mix(horizon + 0.03F, scene->height * 0.9F, depth),
            .height = mix(0.06F, 0.17F, depth),
            .scale = mix(2.1F, 1.25F, depth),
            .octaves = 2,
            .roughness = 0.28F,
            .seed = seed + (uint32_t)i * 31U,
            .shift = 7.0F + pan,
        };
        struct lab lit = lab_mix(lab_mix(tones->low, tones->far, 0.65F),
                                 lab_mix(tones->far, tones->middle, 0.6F), depth);
        struct lab shade =
            lab_mix(lab_mix(tones->far, tones->middle, 0.6F), tones->near, 0.15F + depth * 0.6F);
        float crest = scene->width * dice_between(&scene->dice, 0.15F, 0.75F);
        dune(scene, &line, lit, shade, crest - pan);
    }
    if (scene->mood->motifs & MOTIF_BIRDS)
        part_birds(scene, scene->width * 0.6F, horizon * 0.4F, 0.015F, 5);
    part_weather(scene);
    scene->finish.centre_x = sun_x / scene->width;
}
