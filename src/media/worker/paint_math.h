/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The painter's arithmetic: a die, waves, noise and roots.
 *
 * A picture must come out bit for bit the same on every machine, and the C
 * library picks its sines by processor. So only + - * / sqrt and floor are
 * used, which IEEE 754 defines exactly; angles are in turns (1 is a full circle).
 *
 * Owns:     nothing.
 * Threads:  any.
 * Time:     none.
 * Fails:    never.
 */
#pragma once

#include <math.h>
#include <stdint.h>

struct dice {
    uint64_t state;
};

static inline uint64_t hash_mix(uint64_t value)
{
    value ^= value >> 30;
    value *= 0xbf58476d1ce4e5b9U;
    value ^= value >> 27;
    value *= 0x94d049bb133111ebU;
    return value ^ (value >> 31);
}

static inline uint64_t dice_next(struct dice *dice)
{
    dice->state += 0x9e3779b97f4a7c15U;
    return hash_mix(dice->state);
}

/* In [0, 1). */
static inline float dice_unit(struct dice *dice)
{
    return (float)(dice_next(dice) >> 40) * 0x1p-24F;
}

static inline float dice_between(struct dice *dice, float low, float high)
{
    return low + (high - low) * dice_unit(dice);
}

static inline int dice_pick(struct dice *dice, int count)
{
    return (int)(dice_next(dice) % (uint64_t)count);
}

/* The whole number below; without a call, which floorf is on older processors. */
static inline int32_t floor_of(float value)
{
    int32_t whole = (int32_t)value;
    return whole - (value < (float)whole);
}

static inline float mix(float from, float to, float share)
{
    return from + (to - from) * share;
}

static inline float clamp(float value, float low, float high)
{
    return value < low ? low : value > high ? high : value;
}

static inline float smooth(float from, float to, float value)
{
    float t = clamp((value - from) / (to - from), 0.0F, 1.0F);
    return t * t * (3.0F - 2.0F * t);
}

/* The sine of an angle in turns: a parabola twice corrected, within 0.0006 of the true one. */
static inline float wave(float turns)
{
    float x = turns - (float)floor_of(turns);
    float y = x < 0.5F ? 16.0F * x * (0.5F - x) : -16.0F * (x - 0.5F) * (1.0F - x);
    float magnitude = y < 0.0F ? -y : y;
    return y * (0.775F + 0.225F * magnitude);
}

static inline float wave_cosine(float turns)
{
    return wave(turns + 0.25F);
}

/* In [-1, 1), from whole coordinates. */
static inline float noise_at(int32_t x, int32_t y, uint32_t seed)
{
    uint64_t key = ((uint64_t)(uint32_t)x << 32) ^ (uint32_t)y ^ ((uint64_t)seed << 17);
    return (float)(hash_mix(key * 0x9e3779b97f4a7c15U + seed) >> 40) * 0x1p-23F - 1.0F;
}

/* Smooth noise along a line. */
static inline float noise_line(float x, uint32_t seed)
{
    int32_t i = floor_of(x);
    float t = x - (float)i;
    t = t * t * t * (t * (t * 6.0F - 15.0F) + 10.0F);
    return mix(noise_at(i, 7, seed), noise_at(i + 1, 7, seed), t);
}

/* Smooth noise over the plane. */
static inline float noise_plane(float x, float y, uint32_t seed)
{
    int32_t i = floor_of(x);
    int32_t j = floor_of(y);
    float u = smooth(0.0F, 1.0F, x - (float)i);
    float v = smooth(0.0F, 1.0F, y - (float)j);
    float top = mix(noise_at(i, j, seed), noise_at(i + 1, j, seed), u);
    float low = mix(noise_at(i, j + 1, seed), noise_at(i + 1, j + 1, seed), u);
    return mix(top, low, v);
}

/* Several octaves of noise_line, each half as high and twice as dense. */
static inline float noise_range(float x, int octaves, float roughness, uint32_t seed)
{
    float sum = 0.0F;
    float height = 1.0F;
    for (int i = 0; i < octaves; i++) {
        sum += height * noise_line(x, seed + (uint32_t)i * 101U);
        height *= roughness;
        x = x * 2.03F + 17.3F;
    }
    return sum;
}

/* The n-th root by Newton's method; value in [0, 1]. */
static inline double root_of(double value, int n)
{
    if (value <= 0.0)
        return 0.0;
    double y = 1.0;
    for (int round = 0; round < 60; round++) {
        double power = 1.0;
        for (int i = 1; i < n; i++)
            power *= y;
        double step = (y * power - value) / (n * power);
        y -= step;
        if (step < 1e-15 && step > -1e-15)
            break;
    }
    return y;
}
