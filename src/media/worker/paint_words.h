/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The painter's lexicon: which words mean which palette, family and motifs.
 *
 * Owns:     nothing; constant tables.
 * Threads:  any.
 * Time:     none.
 * Fails:    never.
 */
#pragma once

#include "media/worker/paint_mood.h"

enum palette_name {
    PALETTE_NONE,
    PALETTE_DAWN,
    PALETTE_NOON,
    PALETTE_SUNSET,
    PALETTE_DUSK,
    PALETTE_NIGHT,
    PALETTE_MIST,
    PALETTE_STORM,
    PALETTE_AUTUMN,
    PALETTE_SPRING,
    PALETTE_SUMMER,
    PALETTE_WINTER,
    PALETTE_SEA,
    PALETTE_FOREST,
    PALETTE_DESERT,
    PALETTE_CITY,
    PALETTE_NEON,
    PALETTE_SPACE,
    PALETTE_FIRE,
    PALETTE_ROSE,
    PALETTE_CLAY,
    PALETTE_INK,
    PALETTE_JUNGLE,
    PALETTE_PAPER,
    PALETTE_BAUHAUS,
    PALETTE_LAVENDER,
    PALETTE_POND,
    PALETTE_COUNT,
};

struct palette_row {
    uint32_t top, low, light, far, middle, near, accent, second; /* sRGB */
    bool is_dark;
};

struct word_row {
    const char *word;
    enum palette_name palette;
    enum family family;
    unsigned motifs;
    uint32_t colour;   /* sRGB of a colour word, else 0 */
    int weight;        /* how strongly it decides; 0 counts as 2 */
    int family_weight; /* for the family alone; 0: as weight */
};

extern const struct palette_row paint_palettes[PALETTE_COUNT];
extern const struct word_row paint_words[];
extern const int paint_words_count;
