/* SPDX-License-Identifier: Apache-2.0 */
/* A field of brush strokes that follow a wind. */
#include "media/worker/paint_scene.h"

struct wind {
    uint32_t seed;
    float scale, base, swirl;
    float eye_x, eye_y; /* what the strokes turn around */
};

static float wind_at(const struct wind *wind, float x, float y, float phase)
{
    float drift = 0.12F * wave(phase);
    float bend =
        noise_plane(x * wind->scale + drift, y * wind->scale - drift, wind->seed) +
        0.4F * noise_plane(x * wind->scale * 2.3F, y * wind->scale * 2.3F + drift, wind->seed + 3);
    float dx = x - wind->eye_x;
    float dy = y - wind->eye_y;
    float near = 1.0F / (1.0F + 9.0F * (dx * dx + dy * dy));
    /* The turn around the eye, as a share of a circle, by the angle's rational approximation. */
    float ax = fabsf(dx) + 1e-6F;
    float ay = fabsf(dy) + 1e-6F;
    float ratio = ax < ay ? ax / ay : ay / ax;
    float angle = ratio * (0.125F + 0.0435F * (1.0F - ratio));
    angle = ax < ay ? 0.25F - angle : angle;
    angle = dx < 0.0F ? 0.5F - angle : angle;
    angle = dy < 0.0F ? -angle : angle;
    return mix(wind->base + bend * wind->swirl, angle + 0.25F, near);
}

static void brush(struct scene *scene, const struct wind *wind, float x, float y, float length,
                  float width, struct lab colour, float alpha)
{
    float line[22];
    for (int i = 0; i < 11; i++) {
        line[2 * i] = x;
        line[2 * i + 1] = y;
        float angle = wind_at(wind, x, y, scene->phase);
        x += wave_cosine(angle) * length * 0.1F;
        y += wave(angle) * length * 0.1F;
    }
    drawing_stroke(scene->drawing, line, 11, width, width * 0.35F);
    drawing_fill(scene->drawing, ink_flat(colour, alpha));
}

/* The colour under a stroke: the scene that the strokes suggest. */
static struct lab tone_at(const struct scene *scene, const struct wind *wind, float x, float y,
                          float chance)
{
    const struct palette *tones = scene->tones;
    float t = y / scene->height + 0.32F * noise_plane(x * 2.0F, y * 2.6F, wind->seed + 11);
    float dx = x - wind->eye_x;
    float dy = y - wind->eye_y;
    float glow = 1.0F / (1.0F + 42.0F * (dx * dx + dy * dy));
    struct lab colour = t < 0.34F ? lab_mix(tones->top, tones->far, clamp(t * 2.6F, 0, 1))
                        : t < 0.66F
                            ? lab_mix(tones->far, tones->middle, (t - 0.34F) * 3.0F)
                            : lab_mix(tones->middle, tones->near, clamp((t - 0.66F) * 3, 0, 1));
    colour = lab_mix(colour, tones->light, clamp(glow * 1.15F, 0.0F, 0.92F));
    if (chance < 0.07F)
        colour = lab_mix(colour, tones->accent, 0.85F);
    else if (chance < 0.16F)
        colour = lab_mix(colour, tones->second, 0.7F);
    else if (chance < 0.26F)
        colour = lab_mix(colour, tones->low, 0.5F);
    return lab_light(colour, (chance - 0.5F) * 0.13F);
}

void scene_flow(struct scene *scene)
{
    struct wind wind = {.seed = (uint32_t)dice_next(&scene->dice)};
    wind.scale = dice_between(&scene->dice, 1.1F, 2.0F);
    wind.base = dice_between(&scene->dice, -0.08F, 0.08F);
    wind.swirl = dice_between(&scene->dice, 0.16F, 0.34F);
    wind.eye_x = scene->width * dice_between(&scene->dice, 0.25F, 0.75F);
    wind.eye_y = scene->height * dice_between(&scene->dice, 0.22F, 0.45F);
    struct ink ground = ink_fall(0.0F, scene->tones->top, scene->height, scene->tones->near);
    drawing_fill(scene->drawing, ink_textured(ground, 0.02F, 0.1F, 0.02F, wind.base));
    float area = scene->width * scene->height;
    int passes = 4;
    for (int pass = 0; pass < passes; pass++) {
        float fine = (float)pass / (float)(passes - 1);
        int count = (int)(area * mix(260.0F, 900.0F + 700.0F * scene->mood->detail, fine));
        for (int i = 0; i < count; i++) {
            float x = dice_between(&scene->dice, -0.06F, scene->width + 0.02F);
            float y = dice_between(&scene->dice, -0.03F, scene->height + 0.03F);
            float chance = dice_unit(&scene->dice);
            float length = mix(0.3F, 0.11F, fine) * dice_between(&scene->dice, 0.6F, 1.3F);
            float width = mix(0.032F, 0.0055F, fine) * dice_between(&scene->dice, 0.6F, 1.3F);
            brush(scene, &wind, x, y, length, width, tone_at(scene, &wind, x, y, chance),
                  mix(0.7F, 0.9F, fine));
        }
    }
    if (scene->mood->motifs & (MOTIF_SUN | MOTIF_MOON | MOTIF_STARS))
        part_disc(scene, wind.eye_x, wind.eye_y, 0.06F);
    part_weather(scene);
    scene->finish.centre_x = wind.eye_x / scene->width;
    scene->finish.grain = 0.011F;
}
