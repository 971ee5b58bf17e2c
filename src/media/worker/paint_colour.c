/* SPDX-License-Identifier: Apache-2.0 */
#include "media/worker/paint_canvas.h"
#include "media/worker/paint_math.h"

static float linear_of(uint32_t byte)
{
    double value = (double)(byte & 255U) / 255.0;
    if (value <= 0.04045)
        return (float)(value / 12.92);
    double base = (value + 0.055) / 1.055;
    double fifth = root_of(base, 5);
    return (float)(base * base * fifth * fifth);
}

struct lab lab_of_srgb(uint32_t rgb)
{
    double r = (double)linear_of(rgb >> 16);
    double g = (double)linear_of(rgb >> 8);
    double b = (double)linear_of(rgb);
    double l = root_of(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b, 3);
    double m = root_of(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b, 3);
    double s = root_of(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b, 3);
    return (struct lab){
        .light = (float)(0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s),
        .a = (float)(1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s),
        .b = (float)(0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s),
    };
}

struct lab lab_mix(struct lab from, struct lab to, float share)
{
    return (struct lab){
        .light = mix(from.light, to.light, share),
        .a = mix(from.a, to.a, share),
        .b = mix(from.b, to.b, share),
    };
}

struct lab lab_light(struct lab colour, float by)
{
    colour.light = clamp(colour.light + by, 0.02F, 0.995F);
    return colour;
}

struct lab lab_turn(struct lab colour, float turns)
{
    float sine = wave(turns);
    float cosine = wave_cosine(turns);
    return (struct lab){
        .light = colour.light,
        .a = colour.a * cosine - colour.b * sine,
        .b = colour.a * sine + colour.b * cosine,
    };
}

struct lab lab_strong(struct lab colour, float chroma)
{
    return (struct lab){.light = colour.light, .a = colour.a * chroma, .b = colour.b * chroma};
}

struct ink ink_flat(struct lab colour, float alpha)
{
    return (struct ink){
        .stop_count = 1,
        .stops = {{.at = 0.0F, .colour = colour, .alpha = alpha}},
    };
}

struct ink ink_fall(float y0, struct lab top, float y1, struct lab bottom)
{
    return (struct ink){
        .spread = SPREAD_LINEAR,
        .y0 = y0,
        .y1 = y1,
        .stop_count = 2,
        .stops = {{0.0F, top, 1.0F}, {1.0F, bottom, 1.0F}},
    };
}

struct ink ink_glow(float x, float y, float radius, struct lab colour, float alpha)
{
    return (struct ink){
        .spread = SPREAD_ROUND,
        .x0 = x,
        .y0 = y,
        .x1 = radius,
        .stop_count = 4,
        .stops = {{0.0F, colour, alpha},
                  {0.25F, colour, alpha * 0.62F},
                  {0.55F, colour, alpha * 0.2F},
                  {1.0F, colour, 0.0F}},
    };
}

struct ink ink_textured(struct ink ink, float amount, float along, float across, float slant)
{
    ink.texture = amount;
    ink.texture_x = along;
    ink.texture_y = across;
    ink.slant = slant;
    return ink;
}
