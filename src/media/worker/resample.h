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
 * Fails:    false: there is not enough memory.
 */
#pragma once

#include "base/base.h"

struct pixels {
    uint8_t *at; /* rows packed */
    int width, height, bands;
};

/* out says the size it wants, has the bands of `in`, and room for it. */
bool resample(const struct pixels *in, struct pixels *out) MUST_CHECK;
