/* SPDX-License-Identifier: Apache-2.0 */
/* Scenes at arm's length: a still life and a figure. */
#include "media/worker/paint_scene.h"

/* Half-widths of a vessel from neck to foot, as shares of its height. */
static const float vessels[][9] = {
    {0.07F, 0.06F, 0.06F, 0.08F, 0.16F, 0.19F, 0.19F, 0.19F, 0.17F}, /* bottle */
    {0.16F, 0.13F, 0.16F, 0.26F, 0.33F, 0.35F, 0.32F, 0.25F, 0.18F}, /* vase */
    {0.05F, 0.05F, 0.05F, 0.05F, 0.06F, 0.10F, 0.17F, 0.20F, 0.16F}, /* long neck */
    {0.30F, 0.31F, 0.32F, 0.33F, 0.33F, 0.33F, 0.32F, 0.30F, 0.27F}, /* jar */
    {0.22F, 0.17F, 0.15F, 0.20F, 0.29F, 0.33F, 0.30F, 0.22F, 0.20F}, /* jug */
};

static struct ink round_ink(float left, float right, struct lab colour)
{
    return (struct ink){
        .spread = SPREAD_LINEAR,
        .x0 = left,
        .x1 = right,
        .stop_count = 4,
        .stops = {{0.0F, lab_light(colour, -0.05F), 1.0F},
                  {0.28F, lab_light(colour, 0.08F), 1.0F},
                  {0.6F, lab_light(colour, -0.02F), 1.0F},
                  {1.0F, lab_light(lab_strong(colour, 0.85F), -0.2F), 1.0F}},
    };
}

static void soft_shadow(struct scene *scene, float x, float y, float reach)
{
    float slant = 0.06F * wave(scene->phase);
    struct lab dark = lab_light(scene->tones->near, -0.12F);
    for (int i = 0; i < 6; i++) {
        float grow = 1.0F + 0.16F * (float)i;
        drawing_ellipse(scene->drawing, x + reach * 0.55F + slant, y + reach * 0.03F, reach * grow,
                        reach * 0.15F * grow, 0.01F);
        drawing_fill(scene->drawing, ink_flat(dark, 0.075F));
    }
}

static void vessel(struct scene *scene, float x, float foot, float tall, int kind,
                   struct lab colour)
{
    const float *half = vessels[kind];
    float widest = 0.0F;
    for (int i = 0; i < 9; i++)
        widest = half[i] > widest ? half[i] : widest;
    soft_shadow(scene, x, foot - tall * 0.01F, tall * widest);
    float points[44];
    size_t count = 0;
    for (int i = 0; i < 9; i++) {
        points[count++] = x - half[i] * tall;
        points[count++] = foot - tall * (1.0F - (float)i / 8.0F);
    }
    points[count++] = x;
    points[count++] = foot + tall * 0.022F;
    for (int i = 8; i >= 0; i--) {
        points[count++] = x + half[i] * tall;
        points[count++] = foot - tall * (1.0F - (float)i / 8.0F);
    }
    drawing_blob(scene->drawing, points, count / 2);
    struct ink ink = round_ink(x - widest * tall, x + widest * tall, colour);
    drawing_fill(scene->drawing, ink_textured(ink, 0.016F, 0.03F, 0.012F, 0.0F));
    drawing_ellipse(scene->drawing, x, foot - tall * 0.995F, half[0] * tall * 0.98F, tall * 0.018F,
                    0.0F);
    drawing_fill(scene->drawing, ink_flat(lab_light(colour, -0.26F), 1.0F));
    if (dice_pick(&scene->dice, 2)) {
        float y = foot - tall * 0.42F;
        drawing_box(scene->drawing, x - half[5] * tall * 0.985F, y, half[5] * tall * 1.97F,
                    tall * 0.05F);
        ink = round_ink(x - widest * tall, x + widest * tall, scene->tones->light);
        drawing_fill(scene->drawing, ink);
    }
}

static void fruit(struct scene *scene, float x, float foot, float radius, struct lab colour)
{
    float y = foot - radius * 0.92F;
    soft_shadow(scene, x, foot - radius * 0.06F, radius);
    float tall = radius * dice_between(&scene->dice, 0.9F, 1.0F);
    drawing_ellipse(scene->drawing, x, y, radius, tall, dice_between(&scene->dice, -0.04F, 0.04F));
    struct ink ink = ink_glow(x - radius * 0.35F, y - radius * 0.4F, radius * 1.75F,
                              lab_mix(lab_light(colour, 0.1F), scene->tones->light, 0.25F), 1.0F);
    ink.stop_count = 3;
    ink.stops[1] = (struct stop){0.4F, colour, 1.0F};
    ink.stops[2] = (struct stop){1.0F, lab_light(lab_strong(colour, 0.9F), -0.2F), 1.0F};
    drawing_fill(scene->drawing, ink_textured(ink, 0.02F, 0.012F, 0.012F, 0.0F));
    float stalk[] = {x,
                     y - radius * 0.86F,
                     x + radius * 0.05F,
                     y - radius * 1.02F,
                     x + radius * 0.16F,
                     y - radius * 1.14F};
    drawing_stroke(scene->drawing, stalk, 3, radius * 0.1F, radius * 0.05F);
    drawing_fill(scene->drawing, ink_flat(lab_light(scene->tones->near, -0.04F), 1.0F));
    if (dice_pick(&scene->dice, 2) == 0)
        return;
    drawing_ellipse(scene->drawing, x + radius * 0.36F, y - radius * 1.06F, radius * 0.32F,
                    radius * 0.13F, -0.07F);
    drawing_fill(scene->drawing,
                 ink_flat(lab_mix(scene->tones->middle, lab_of_srgb(0x3C7A45), 0.55F), 1.0F));
}

static void room(struct scene *scene, float edge)
{
    const struct palette *tones = scene->tones;
    struct ink wall = {
        .spread = SPREAD_LINEAR,
        .x1 = scene->width,
        .y1 = edge,
        .stop_count = 2,
        .stops = {{0.0F, lab_mix(tones->low, tones->light, 0.25F), 1.0F},
                  {1.0F, lab_mix(tones->top, tones->far, 0.45F), 1.0F}},
    };
    drawing_fill(scene->drawing, ink_textured(wall, 0.018F, 0.05F, 0.11F, 0.06F));
    /* Light from a window, as a slanted pane on the wall. */
    float x = scene->width * dice_between(&scene->dice, 0.05F, 0.3F) + 0.1F * wave(scene->phase);
    for (int i = 0; i < 2; i++) {
        float left = x + 0.2F * (float)i;
        drawing_move(scene->drawing, left, edge * 0.1F);
        drawing_line(scene->drawing, left + 0.17F, edge * 0.06F);
        drawing_line(scene->drawing, left + 0.25F, edge * 0.7F);
        drawing_line(scene->drawing, left + 0.08F, edge * 0.76F);
        drawing_fill(scene->drawing, ink_flat(tones->light, 0.24F));
    }
    drawing_box(scene->drawing, -0.02F, edge, scene->width + 0.04F, scene->height);
    struct ink table = ink_fall(edge, lab_mix(tones->far, tones->middle, 0.45F), scene->height,
                                lab_mix(tones->middle, tones->near, 0.45F));
    drawing_fill(scene->drawing, ink_textured(table, 0.03F, 0.22F, 0.006F, 0.002F));
}

void scene_still(struct scene *scene)
{
    const struct palette *tones = scene->tones;
    float edge = scene->height * dice_between(&scene->dice, 0.6F, 0.68F);
    room(scene, edge);
    struct lab inks[] = {lab_mix(tones->light, tones->low, 0.35F),
                         tones->accent,
                         tones->near,
                         tones->second,
                         lab_mix(tones->far, tones->top, 0.4F),
                         lab_mix(tones->middle, lab_of_srgb(0x44708C), 0.55F)};
    bool is_fruity = (scene->mood->motifs & MOTIF_FRUIT) != 0;
    int back = (int)((is_fruity ? 3.0F : 5.0F) * (0.7F + 0.3F * scene->width));
    float span = scene->width * 0.66F;
    int first = dice_pick(&scene->dice, 6);
    for (int i = 0; i < back; i++) {
        float x = scene->width * 0.5F + span * (((float)i + 0.5F) / (float)back - 0.5F) +
                  dice_between(&scene->dice, -0.03F, 0.03F);
        float tall = scene->height * dice_between(&scene->dice, 0.26F, 0.5F);
        int kind = dice_pick(&scene->dice, 5);
        tall *= kind == 3 ? 0.55F : 1.0F;
        vessel(scene, x, edge + scene->height * dice_between(&scene->dice, 0.05F, 0.13F), tall,
               kind, inks[(first + i) % 6]);
    }
    int front = is_fruity ? 6 + dice_pick(&scene->dice, 3) : 3;
    for (int i = 0; i < front; i++) {
        float along = (float)i * 0.618F + 0.3F;
        float x = scene->width * (0.16F + 0.68F * (along - (float)floor_of(along)));
        float foot = edge + scene->height * (0.16F + 0.17F * ((float)i + 0.5F) / (float)front);
        struct lab colour = i % 3 == 0   ? tones->accent
                            : i % 3 == 1 ? tones->second
                                         : lab_mix(tones->accent, tones->second, 0.5F);
        fruit(scene, x, foot, dice_between(&scene->dice, 0.045F, 0.075F) * (is_fruity ? 1.25F : 1),
              colour);
    }
    scene->finish.centre_x = 0.36F + 0.2F * wave(scene->phase);
    scene->finish.vignette = 0.3F;
}

static void pattern_wall(struct scene *scene, struct lab ground, struct lab ink)
{
    drawing_fill(scene->drawing, ink_textured(ink_flat(ground, 1.0F), 0.016F, 0.06F, 0.06F, 0.1F));
    int kind = dice_pick(&scene->dice, 3);
    float pitch = dice_between(&scene->dice, 0.1F, 0.15F);
    for (int row = 0; (float)row * pitch < scene->height + pitch; row++)
        for (int column = 0; (float)column * pitch < scene->width + 2.0F * pitch; column++) {
            float x = ((float)column + (row % 2 ? 0.5F : 0.0F) - scene->phase) * pitch;
            float y = (float)row * pitch;
            if (kind == 0)
                drawing_ellipse(scene->drawing, x, y, pitch * 0.26F, pitch * 0.12F, 0.0F);
            else if (kind == 1)
                drawing_ellipse(scene->drawing, x, y, pitch * 0.3F, pitch * 0.09F,
                                row % 2 ? 0.12F : -0.12F);
            else
                drawing_circle(scene->drawing, x, y, pitch * 0.14F);
            drawing_fill(scene->drawing, ink_flat(ink, 0.5F));
        }
}

static void shoulders(struct scene *scene, float x, float chin, float size, struct lab coat)
{
    float foot = scene->height + 0.05F;
    drawing_move(scene->drawing, x - size * 1.55F, foot);
    drawing_cubic(scene->drawing, x - size * 1.5F, chin + size * 0.9F, x - size * 1.0F,
                  chin + size * 0.52F, x - size * 0.3F, chin + size * 0.34F);
    drawing_line(scene->drawing, x + size * 0.3F, chin + size * 0.34F);
    drawing_cubic(scene->drawing, x + size * 1.0F, chin + size * 0.52F, x + size * 1.5F,
                  chin + size * 0.9F, x + size * 1.55F, foot);
    drawing_fill(scene->drawing,
                 ink_textured(ink_fall(chin, lab_light(coat, 0.03F), foot, lab_light(coat, -0.08F)),
                              0.018F, 0.03F, 0.05F, 0.03F));
}

static void head(struct scene *scene, float x, float y, float size, struct lab skin,
                 struct lab hair)
{
    const struct palette *tones = scene->tones;
    float turn = 0.004F * wave(scene->phase);
    bool is_short = (scene->mood->motifs & MOTIF_SHORT) != 0;
    float fall = is_short ? -0.25F : dice_between(&scene->dice, 0.35F, 1.2F);
    drawing_ellipse(scene->drawing, x, y - size * 0.2F + size * fall * 0.35F,
                    size * (is_short ? 0.7F : 0.86F), size * (0.92F + fall * 0.3F), turn);
    drawing_fill(scene->drawing, ink_textured(ink_flat(hair, 1.0F), 0.02F, 0.012F, 0.1F, 0.02F));
    drawing_box(scene->drawing, x - size * 0.25F, y + size * 0.4F, size * 0.5F, size * 0.95F);
    drawing_fill(scene->drawing, ink_flat(lab_light(skin, -0.08F), 1.0F));
    drawing_ellipse(scene->drawing, x, y, size * 0.62F, size * 0.84F, turn);
    struct ink face = round_ink(x - size * 0.62F, x + size * 0.62F, skin);
    face.stops[3].colour = lab_light(skin, -0.1F);
    drawing_fill(scene->drawing, ink_textured(face, 0.012F, 0.03F, 0.03F, 0.0F));
    /* Fringe: one sweep over the forehead. */
    drawing_move(scene->drawing, x - size * 0.68F, y - size * 0.1F);
    drawing_cubic(scene->drawing, x - size * 0.72F, y - size * 1.0F, x + size * 0.72F,
                  y - size * 1.05F, x + size * 0.68F, y - size * 0.05F);
    drawing_cubic(scene->drawing, x + size * 0.5F, y - size * 0.6F, x - size * 0.1F,
                  y - size * 0.62F, x - size * 0.68F, y - size * 0.1F);
    drawing_fill(scene->drawing, ink_flat(hair, 1.0F));
    /* Closed lids, nose and mouth, drawn as a cutout would: few lines. */
    for (int side = -1; side <= 1; side += 2) {
        float ex = x + (float)side * size * 0.26F;
        float lid[] = {ex - size * 0.13F, y + size * 0.02F,  ex,
                       y + size * 0.075F, ex + size * 0.13F, y + size * 0.02F};
        drawing_stroke(scene->drawing, lid, 3, size * 0.03F, size * 0.03F);
        drawing_fill(scene->drawing, ink_flat(lab_light(hair, -0.05F), 0.95F));
    }
    float nose[] = {x + size * 0.02F, y + size * 0.05F, x - size * 0.08F,
                    y + size * 0.34F, x + size * 0.04F, y + size * 0.36F};
    drawing_stroke(scene->drawing, nose, 3, size * 0.018F, size * 0.03F);
    drawing_fill(scene->drawing, ink_flat(lab_light(skin, -0.22F), 0.9F));
    drawing_ellipse(scene->drawing, x, y + size * 0.54F, size * 0.15F, size * 0.05F, 0.0F);
    drawing_fill(scene->drawing,
                 ink_flat(lab_mix(lab_of_srgb(0xB8323A), tones->accent, 0.15F), 1.0F));
}

static void hat(struct scene *scene, float x, float y, float size, struct lab felt, struct lab band)
{
    drawing_ellipse(scene->drawing, x, y - size * 0.52F, size * 1.35F, size * 0.25F, 0.0F);
    drawing_fill(scene->drawing,
                 ink_textured(ink_flat(lab_light(felt, -0.06F), 1.0F), 0.015F, 0.03F, 0.03F, 0.0F));
    drawing_move(scene->drawing, x - size * 0.7F, y - size * 0.52F);
    drawing_cubic(scene->drawing, x - size * 0.72F, y - size * 1.6F, x + size * 0.72F,
                  y - size * 1.6F, x + size * 0.7F, y - size * 0.52F);
    drawing_cubic(scene->drawing, x + size * 0.4F, y - size * 0.42F, x - size * 0.4F,
                  y - size * 0.42F, x - size * 0.7F, y - size * 0.52F);
    drawing_fill(scene->drawing, ink_flat(felt, 1.0F));
    drawing_move(scene->drawing, x - size * 0.7F, y - size * 0.54F);
    drawing_cubic(scene->drawing, x - size * 0.4F, y - size * 0.42F, x + size * 0.4F,
                  y - size * 0.42F, x + size * 0.7F, y - size * 0.54F);
    drawing_line(scene->drawing, x + size * 0.68F, y - size * 0.74F);
    drawing_cubic(scene->drawing, x + size * 0.4F, y - size * 0.62F, x - size * 0.4F,
                  y - size * 0.62F, x - size * 0.68F, y - size * 0.74F);
    drawing_fill(scene->drawing, ink_flat(band, 1.0F));
}

void scene_figure(struct scene *scene)
{
    const struct palette *tones = scene->tones;
    static const uint32_t skins[] = {0xEFC8A0, 0xD99E6E, 0xB5754A, 0x7F4A2E, 0xF4D6BC};
    float x = scene->width * 0.5F + dice_between(&scene->dice, -0.05F, 0.05F);
    float size = 0.23F;
    float y = scene->height * 0.4F + 0.014F * wave(scene->phase);
    struct lab ground = dice_pick(&scene->dice, 2) ? tones->middle : tones->far;
    pattern_wall(scene, ground, lab_light(ground, 0.14F));
    drawing_move(scene->drawing, -0.02F, scene->height * 0.56F);
    drawing_curve(scene->drawing, scene->width * 0.5F, scene->height * 0.7F, scene->width + 0.02F,
                  scene->height * 0.52F);
    drawing_line(scene->drawing, scene->width + 0.02F, scene->height + 0.02F);
    drawing_line(scene->drawing, -0.02F, scene->height + 0.02F);
    drawing_fill(scene->drawing,
                 ink_textured(ink_flat(tones->second, 1.0F), 0.018F, 0.06F, 0.03F, 0.05F));
    struct lab skin = lab_mix(lab_of_srgb(skins[dice_pick(&scene->dice, 5)]), tones->low, 0.12F);
    struct lab hair = lab_mix(lab_light(tones->near, -0.05F), lab_of_srgb(0x241A1E), 0.6F);
    shoulders(scene, x, y + size * 0.85F, size, tones->accent);
    head(scene, x, y, size, skin, hair);
    drawing_move(scene->drawing, x - size * 0.3F, y + size * 1.16F);
    drawing_line(scene->drawing, x + size * 0.3F, y + size * 1.16F);
    drawing_line(scene->drawing, x + size * 0.02F, y + size * 1.7F);
    drawing_fill(scene->drawing, ink_flat(lab_light(skin, -0.03F), 1.0F));
    if ((scene->mood->motifs & MOTIF_HAT) || dice_pick(&scene->dice, 3) == 0)
        hat(scene, x, y, size, tones->near, tones->accent);
    part_weather(scene);
}
