/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stills and film frames have in common: the small renditions, made with libvips.
 *
 * Owns:     nothing; images stay the caller's.
 * Threads:  one; libvips may use its own inside.
 * Time:     none.
 * Fails:    by job_fail.
 */
#pragma once

#include <vips/vips.h>

#include "media/worker/job.h"

/* libvips renamed the option that leaves out EXIF and the like. */
#if VIPS_MAJOR_VERSION == 8 && VIPS_MINOR_VERSION < 15
#define PICTURE_STRIPPED "strip", TRUE
#else
#define PICTURE_STRIPPED "keep", VIPS_FOREIGN_KEEP_NONE
#endif

static inline void picture_done(VipsImage **image)
{
    g_clear_object(image);
}

/* Copies the pixels to memory, without where they came from. Pixels are decoded here, so what is
 * wrong with the file shows here; NULL is such a failure too. */
VipsImage *picture_settled(struct job *job, VipsImage *lazy);

/* JPEG and films know no transparency: what shows through is white paper. */
VipsImage *picture_opaque(VipsImage *image);

/* From an image of at most the box: the thumbnail and the blur. It must be in memory, because it
 * is read twice. */
bool picture_small(struct job *job, VipsImage *box);

/* A JPEG into an output. */
bool picture_jpeg(struct job *job, VipsImage *image, enum media_output_name name, int quality);

/* ---- shrink.c ---- */

/* Upright, in sRGB, in a box of that side; nothing gets larger. `whole` is what it was read smaller
 * of, whose shape is exact, or itself. May be lazy. NULL: it is damaged. */
VipsImage *picture_shrunk(VipsImage *image, VipsImage *whole, int box);

/* What libvips is to be told as export_profile; NULL: it knows these colours without. */
const char *picture_profile(VipsImage *image);

/* To exactly that size, whatever its shape. */
VipsImage *picture_squeezed(VipsImage *image, int width, int height);

/* ---- heif.c ---- */

void heif_find(void); /* once, in the helper: loads it */
void heif_warm_up(void);
bool heif_is_there(void); /* not every system has it, and for HEIC */
bool heif_has_hevc(void);

/* ---- resize.c ---- */

/* What was asked for, as libvips wants it. */
struct picture_box {
    int width, height;
    VipsInteresting crop;
};

struct picture_box resize_box(const struct job *job);

/* Writes what fits the box in the format that was asked for, and notes its facts. */
bool resize_save(struct job *job, VipsImage *image);
