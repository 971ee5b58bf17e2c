/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a picture of bytes smaller. Ours, because libvips 8.14 resamples without vector
 * instructions where no code may be made at run time, and that was most of a thumbnail's time.
 *
 * Lanczos with three lobes, widened by the scale, first down the columns and then along the rows.
 *
 * Owns:     nothing that outlives the call.
 * Threads:  any.
 * Time:     none.
 * Fails:    false: the input is damaged, or there is not enough memory.
 */
#pragma once

#include "base/base.h"

/* Reads rows of the input, each once and from above. False: it is damaged. */
struct row_source {
    void *context;
    bool (*read)(void *context, int y, int count, uint8_t *const *rows);
    int width, height;
};

struct pixels {
    uint8_t *at; /* rows packed */
    int width, height, bands;
};

/* out says the size it wants, has the bands of `in`, and room for it. Only a few rows of the input
 * are in memory at once. */
bool resample(const struct row_source *in, struct pixels *out) MUST_CHECK;
