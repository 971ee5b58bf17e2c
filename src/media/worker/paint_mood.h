/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a prompt asks of the painter: a family of composition, a palette, and motifs.
 *
 * Words are looked up in small lexicons (places, weather, hours, seasons, colours, things); words
 * that are in none of them decide by their hash, so every prompt has a picture of its own.
 *
 * Owns:     nothing.
 * Threads:  any.
 * Time:     none.
 * Fails:    never; an empty prompt has a mood too.
 */
#pragma once

#include "media/worker/paint_canvas.h"
#include "media/worker/paint_math.h"

enum family {
    FAMILY_NONE,
    FAMILY_RIDGES,
    FAMILY_SEA,
    FAMILY_WAVES,
    FAMILY_CITY,
    FAMILY_FOREST,
    FAMILY_BOTANICAL,
    FAMILY_STILL,
    FAMILY_CUTOUT,
    FAMILY_ORBIT,
    FAMILY_WOVEN,
    FAMILY_FLOW,
    FAMILY_DUNES,
    FAMILY_ARCHES,
    FAMILY_FIGURE,
    FAMILY_POND,
    FAMILY_COUNT,
};

enum motif {
    MOTIF_MOON = 1 << 0,
    MOTIF_STARS = 1 << 1,
    MOTIF_BIRDS = 1 << 2,
    MOTIF_BOAT = 1 << 3,
    MOTIF_RAIN = 1 << 4,
    MOTIF_SNOW = 1 << 5,
    MOTIF_PINES = 1 << 6,
    MOTIF_AURORA = 1 << 7,
    MOTIF_MIST = 1 << 8,
    MOTIF_SUN = 1 << 9,
    MOTIF_HAT = 1 << 10,
    MOTIF_FRUIT = 1 << 11,
    MOTIF_TOWER = 1 << 12,
    MOTIF_SHORT = 1 << 13, /* hair */
};

struct palette {
    struct lab top, low;          /* sky or background, high and at the horizon */
    struct lab light;             /* sun, moon, lamps */
    struct lab far, middle, near; /* masses, by distance */
    struct lab accent, second;    /* few and strong */
};

struct mood {
    enum family family;
    unsigned motifs;
    struct palette palette;
    bool is_dark;
    uint64_t seed;            /* of the composition */
    float detail;             /* 0..1, from steps */
    float aspect_x, aspect_y; /* the picture's sides, shorter = 1 */
};

struct paint_order {
    const char *prompt, *negative; /* ended by zero; negative may be NULL */
    uint64_t seed;
    uint32_t index; /* which of several pictures of one request */
    int width, height;
    int steps;
    float guidance;
};

struct mood mood_of(const struct paint_order *order);
