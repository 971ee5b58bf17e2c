/* SPDX-License-Identifier: Apache-2.0 */
#include "media/worker/paint_scene.h"

#define GROUND_STEP 0.004F

void part_sky(struct scene *scene, float horizon)
{
    const struct palette *tones = scene->tones;
    struct ink ink = {
        .spread = SPREAD_LINEAR,
        .y1 = horizon,
        .stop_count = 3,
        .stops = {{0.0F, tones->top, 1.0F},
                  {0.55F, lab_mix(tones->top, tones->low, 0.55F), 1.0F},
                  {1.0F, tones->low, 1.0F}},
    };
    drawing_fill(scene->drawing, ink_textured(ink, 0.012F, 0.9F, 0.07F, 0.0F));

    /* Long soft clouds: flat ellipses that fade at their rim. */
    int count = 3 + dice_pick(&scene->dice, 4);
    for (int i = 0; i < count; i++) {
        float y = dice_between(&scene->dice, 0.08F, 0.85F) * horizon;
        float x = dice_between(&scene->dice, 0.0F, scene->width);
        float length = dice_between(&scene->dice, 0.25F, 0.8F) * scene->width;
        float sway = 0.12F * wave(scene->phase + dice_unit(&scene->dice));
        struct lab colour = lab_mix(tones->low, tones->light, dice_unit(&scene->dice) * 0.6F);
        for (int k = 0; k < 4; k++) {
            float size = 1.0F - 0.2F * (float)k;
            drawing_ellipse(scene->drawing, x + sway, y, length * size, 0.02F * size + 0.004F,
                            0.0F);
            drawing_fill(scene->drawing, ink_flat(colour, 0.055F));
        }
    }
}

void part_disc(struct scene *scene, float x, float y, float radius)
{
    struct lab light = scene->tones->light;
    bool is_moon = (scene->mood->motifs & MOTIF_MOON) != 0;
    float breath = 1.0F + 0.03F * wave(scene->phase * 2.0F);
    drawing_fill(scene->drawing,
                 ink_glow(x, y, radius * 7.5F * breath, lab_mix(light, scene->tones->low, 0.35F),
                          scene->mood->is_dark ? 0.34F : 0.6F));
    drawing_fill(scene->drawing, ink_glow(x, y, radius * 2.4F, light, 0.55F));
    drawing_circle(scene->drawing, x, y, radius);
    struct ink ink = ink_fall(y - radius, light, y + radius,
                              lab_mix(light, scene->tones->second, is_moon ? 0.12F : 0.38F));
    drawing_fill(scene->drawing, ink_textured(ink, 0.006F, 0.05F, 0.05F, 0.0F));
    if (!is_moon)
        return;
    static const float craters[][3] = {
        {-0.35F, -0.2F, 0.24F}, {0.3F, 0.28F, 0.3F}, {0.22F, -0.42F, 0.15F}, {-0.2F, 0.45F, 0.17F}};
    for (int i = 0; i < 4; i++) {
        drawing_circle(scene->drawing, x + craters[i][0] * radius, y + craters[i][1] * radius,
                       craters[i][2] * radius);
        drawing_fill(scene->drawing, ink_flat(lab_light(light, -0.09F), 0.55F));
    }
}

void part_stars(struct scene *scene, float below, int count)
{
    for (int i = 0; i < count; i++) {
        float x = dice_unit(&scene->dice) * scene->width;
        float y = dice_unit(&scene->dice) * below;
        float size = dice_unit(&scene->dice);
        float twinkle = 0.75F + 0.25F * wave(scene->phase * 3.0F + dice_unit(&scene->dice));
        float alpha = (0.25F + 0.7F * size * size) * twinkle * (1.0F - 0.7F * y / below);
        float radius = 0.0009F + 0.0022F * size * size * size;
        drawing_circle(scene->drawing, x, y, radius);
        drawing_fill(scene->drawing, ink_flat(scene->tones->light, alpha));
    }
}

void part_birds(struct scene *scene, float x, float y, float size, int count)
{
    struct lab ink = scene->tones->near;
    for (int i = 0; i < count; i++) {
        float bx = x + dice_between(&scene->dice, -0.16F, 0.16F) + 0.12F * wave(scene->phase);
        float by = y + dice_between(&scene->dice, -0.06F, 0.06F);
        float s = size * dice_between(&scene->dice, 0.6F, 1.2F);
        float lift = s * (0.34F + 0.2F * wave(scene->phase * 6.0F + dice_unit(&scene->dice)));
        drawing_move(scene->drawing, bx - s, by - lift);
        drawing_curve(scene->drawing, bx - s * 0.45F, by - lift * 0.9F, bx, by);
        drawing_curve(scene->drawing, bx + s * 0.45F, by - lift * 0.9F, bx + s, by - lift);
        drawing_curve(scene->drawing, bx + s * 0.4F, by - lift * 0.3F, bx, by + s * 0.16F);
        drawing_curve(scene->drawing, bx - s * 0.4F, by - lift * 0.3F, bx - s, by - lift);
        drawing_fill(scene->drawing, ink_flat(ink, 0.85F));
    }
}

void part_mist(struct scene *scene, float top, float bottom, struct lab colour, float alpha)
{
    float drift = 0.025F * wave(scene->phase + top);
    top += drift;
    bottom += drift;
    alpha *= 1.0F + 0.25F * wave(scene->phase + top * 2.0F + 0.25F);
    drawing_box(scene->drawing, -0.1F, top, scene->width + 0.2F, bottom - top);
    struct ink ink = {
        .spread = SPREAD_LINEAR,
        .y0 = top,
        .y1 = bottom,
        .stop_count = 3,
        .stops = {{0.0F, colour, 0.0F}, {0.6F, colour, alpha}, {1.0F, colour, 0.0F}},
    };
    drawing_fill(scene->drawing, ink_textured(ink, 0.01F, 0.5F, 0.05F, 0.0F));
}

static void fall_rain(struct scene *scene)
{
    int count = 90 + (int)(160.0F * scene->mood->detail);
    for (int i = 0; i < count; i++) {
        float x = dice_unit(&scene->dice) * (scene->width + 0.3F);
        float start = dice_unit(&scene->dice) + scene->phase * (float)(2 + i % 3);
        float y = (start - (float)floor_of(start)) * (scene->height + 0.2F) - 0.1F;
        float length = dice_between(&scene->dice, 0.03F, 0.08F);
        float line[] = {x - y * 0.18F, y, x - (y + length) * 0.18F, y + length};
        drawing_stroke(scene->drawing, line, 2, 0.0006F, 0.0016F);
        drawing_fill(scene->drawing,
                     ink_flat(scene->tones->light, dice_between(&scene->dice, 0.1F, 0.3F)));
    }
}

static void fall_snow(struct scene *scene)
{
    int count = 120 + (int)(200.0F * scene->mood->detail);
    for (int i = 0; i < count; i++) {
        float size = dice_unit(&scene->dice);
        float start = dice_unit(&scene->dice) + scene->phase * (float)(1 + i % 2);
        float y = (start - (float)floor_of(start)) * (scene->height + 0.1F) - 0.05F;
        float x = dice_unit(&scene->dice) * scene->width;
        x += 0.02F * wave(scene->phase + dice_unit(&scene->dice));
        drawing_circle(scene->drawing, x, y, 0.0012F + 0.0045F * size * size * size);
        drawing_fill(scene->drawing, ink_flat(lab_of_srgb(0xFFFFFF), 0.35F + 0.5F * size));
    }
}

void part_weather(struct scene *scene)
{
    if (scene->mood->motifs & MOTIF_RAIN)
        fall_rain(scene);
    if (scene->mood->motifs & MOTIF_SNOW)
        fall_snow(scene);
}

void part_flecks(struct scene *scene)
{
    int count = (int)(scene->mood->detail * 500.0F * scene->width * scene->height);
    for (int i = 0; i < count; i++) {
        float x = dice_unit(&scene->dice) * scene->width;
        float y = dice_unit(&scene->dice) * scene->height;
        float size = dice_unit(&scene->dice);
        struct lab colour = i % 2 ? scene->tones->light : scene->tones->near;
        drawing_circle(scene->drawing, x, y, 0.0006F + 0.0014F * size * size);
        drawing_fill(scene->drawing, ink_flat(colour, 0.2F));
    }
}

float skyline_at(const struct skyline *line, float x)
{
    float along = (x + line->shift) * line->scale;
    return line->base -
           line->height * noise_range(along, line->octaves, line->roughness, line->seed);
}

void part_ground(struct scene *scene, const struct skyline *line, struct ink ink)
{
    float bottom = scene->height + 0.02F;
    if (line->floor > 0.0F && line->floor < bottom)
        bottom = line->floor;
    drawing_move(scene->drawing, -0.02F, bottom);
    for (float x = -0.02F; x < scene->width + 0.02F; x += GROUND_STEP)
        drawing_line(scene->drawing, x, skyline_at(line, x));
    drawing_line(scene->drawing, scene->width + 0.02F, bottom);
    drawing_fill(scene->drawing, ink);
}
