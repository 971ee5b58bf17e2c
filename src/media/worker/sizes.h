/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How large renditions are, and how good: one truth for the plain helper and the full one.
 *
 * Owns:     nothing.
 * Threads:  any.
 * Time:     none.
 * Fails:    never.
 */
#pragma once

#include "media/worker/job.h"

#define PICTURE_BOX 400 /* of a thumbnail */
#define PICTURE_SIDE_MAX 65500
#define DISPLAY_SIDE_MAX 2560 /* as screens are wide; who wants more has the original */
#define THUMBNAIL_QUALITY 80
#define DISPLAY_QUALITY 82
#define DISPLAY_EFFORT 2 /* of 0..6 */

/* The longest side of the display. */
static inline int display_side(const struct job *job)
{
    uint32_t wanted = job->request.width;
    return wanted > 0 && wanted < DISPLAY_SIDE_MAX ? (int)wanted : DISPLAY_SIDE_MAX;
}

/* How many times smaller a JPEG may be read when that side is wanted of it: its coding gives halves
 * for nothing. What would be less than a pixel is no picture, and libvips aborts over it. */
static inline int jpeg_part(int width, int height, int side)
{
    int part = 1;
    while (part < 8 && MAX_OF(width, height) / (part * 2) >= side &&
           MIN_OF(width, height) / (part * 2) > 0)
        part *= 2;
    return part;
}

/* Into a box of that side; nothing gets larger. */
static inline void size_in_box(int width, int height, int side, int *out_width, int *out_height)
{
    int64_t longest = MAX_OF(width, height), box = MIN_OF(longest, side);
    *out_width = (int)MAX_OF((width * box * 2 + longest) / (2 * longest), 1);
    *out_height = (int)MAX_OF((height * box * 2 + longest) / (2 * longest), 1);
}
