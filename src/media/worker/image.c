/* SPDX-License-Identifier: Apache-2.0 */
/* Stills: facts from the header, then thumbnail, blur and a WebP of full size. */
#include <stdio.h>
#include <string.h>

#include "media/worker/jpeg.h"
#include "media/worker/octets.h"
#include "media/worker/picture.h"
#include "media/worker/sizes.h"

#define PAGES_MAX 4096 /* of a moving picture; libnsgif reads one more at most */

/* Not vips_image_get_n_pages, which takes more than 10,000 for nonsense and says one. */
static int pages_of(VipsImage *image)
{
    int pages = 1;
    if (vips_image_get_typeof(image, VIPS_META_N_PAGES) != 0)
        (void)vips_image_get_int(image, VIPS_META_N_PAGES, &pages);
    return MAX_OF(pages, 1);
}

/* libwebp looks at all frames before it tells how many there are, and for each at all before it. */
static bool has_few_frames(struct job *job)
{
    size_t at = 12, frames = 0;
    if (job->reply.facts.type != MEDIA_WEBP)
        return true;
    while (frames <= PAGES_MAX && job->input_len > at && job->input_len - at >= 8) {
        size_t len = little32(job->input + at + 4);
        frames += memcmp(job->input + at, "ANMF", 4) == 0;
        at += 8 + len + (len & 1);
    }
    return frames <= PAGES_MAX ||
           job_fail(job, MEDIA_TOO_LARGE, "The picture has more than %d frames.", PAGES_MAX);
}

/* Reads the header only and checks it against the limits, before any pixel is decoded; these are
 * read once, from above. */
static VipsImage *open_header(struct job *job)
{
    bool is_jpeg = job->reply.facts.type == MEDIA_JPEG;
    if (!has_few_frames(job) || (is_jpeg && !jpeg_has_few_scans(job)))
        return NULL;
    VipsImage *image =
        vips_image_new_from_buffer(job->input, job->input_len, "", "access", VIPS_ACCESS_SEQUENTIAL,
                                   "fail_on", VIPS_FAIL_ON_TRUNCATED, NULL);
    if (image == NULL) {
        job_fail(job, MEDIA_CORRUPT, "The picture is damaged: its header cannot be read.");
        return NULL;
    }
    int width = vips_image_get_width(image);
    int height = vips_image_get_height(image);
    int pages = pages_of(image);
    uint64_t pixels = (uint64_t)width * (uint64_t)height;
    if (width > PICTURE_SIDE_MAX || height > PICTURE_SIDE_MAX || pixels > job->request.pixels_max) {
        job_fail(job, MEDIA_TOO_LARGE,
                 "The picture is %d by %d pixels; at most %llu million pixels are allowed.", width,
                 height, (unsigned long long)(job->request.pixels_max / 1000000U));
        g_clear_object(&image);
    } else if (pages > PAGES_MAX) {
        job_fail(job, MEDIA_TOO_LARGE, "The picture has more than %d frames.", PAGES_MAX);
        g_clear_object(&image);
    }
    return image;
}

static void note_facts(struct job *job, VipsImage *image)
{
    struct media_facts *facts = &job->reply.facts;
    bool is_turned = vips_image_get_orientation(image) >= 5;
    int width = vips_image_get_width(image);
    int height = vips_image_get_height(image);
    facts->width = (uint32_t)(is_turned ? height : width);
    facts->height = (uint32_t)(is_turned ? width : height);
    facts->has_alpha = vips_image_hasalpha(image) ? 1 : 0;
    bool moves = facts->type == MEDIA_GIF || facts->type == MEDIA_WEBP;
    facts->frames = moves ? (uint32_t)pages_of(image) : 1;
}

bool image_probe(struct job *job, enum media_type type)
{
    AUTO(picture_done) VipsImage *image = open_header(job);
    if (image == NULL)
        return false;
    note_facts(job, image);
    return true;
}

static bool save_display(struct job *job, VipsImage *image)
{
    void *data = NULL;
    size_t len = 0;
    if (vips_webpsave_buffer(image, &data, &len, "Q", DISPLAY_QUALITY, "effort", DISPLAY_EFFORT,
                             PICTURE_STRIPPED, NULL) != 0)
        return job_fail(job, MEDIA_TOO_LARGE,
                        "The picture needs more memory than there is for one picture.");
    bool ok = job_put(job, MEDIA_DISPLAY, data, len);
    g_free(data);
    return ok;
}

/* The picture, upright, in sRGB, eight bits, in a box of that side. A file that ends early is
 * refused, not shown half grey. */
static VipsImage *load(struct job *job, enum media_type type, VipsImage *header)
{
    int side = display_side(job);
    int part = type == MEDIA_JPEG ? jpeg_part(header->Xsize, header->Ysize, side) : 1;
    AUTO(picture_done) VipsImage *smaller = NULL;
    /* Not vips_thumbnail_buffer: its fail_on lets torn files through (libvips 8.14). */
    if (part > 1 && vips_jpegload_buffer((void *)(uintptr_t)job->input, job->input_len, &smaller,
                                         "shrink", part, "access", VIPS_ACCESS_SEQUENTIAL,
                                         "fail_on", VIPS_FAIL_ON_TRUNCATED, NULL) != 0)
        return picture_settled(job, NULL);
    AUTO(picture_done) VipsImage *lazy = picture_shrunk(part > 1 ? smaller : header, header, side);
    return picture_settled(job, lazy);
}

static VipsImage *box_of(struct job *job, VipsImage *display)
{
    if (vips_image_get_width(display) <= PICTURE_BOX &&
        vips_image_get_height(display) <= PICTURE_BOX) {
        g_object_ref(display);
        return display;
    }
    AUTO(picture_done) VipsImage *lazy = picture_shrunk(display, display, PICTURE_BOX);
    return picture_settled(job, lazy);
}

/* Shrinks while it reads, so that a large photo is never in memory whole. Looking into it found it
 * sound, so it need not be read strictly. */
bool image_resize(struct job *job)
{
    AUTO(picture_done) VipsImage *header = open_header(job);
    if (header == NULL)
        return false;
    struct picture_box box = resize_box(job);
    AUTO(picture_done) VipsImage *lazy = NULL;
    (void)vips_thumbnail_buffer((void *)job->input, job->input_len, &lazy, box.width, "height",
                                box.height, "size", VIPS_SIZE_DOWN, "crop", box.crop,
                                "export_profile", picture_profile(header), NULL);
    AUTO(picture_done) VipsImage *image = picture_settled(job, lazy);
    return image != NULL && resize_save(job, image);
}

bool image_derive(struct job *job, enum media_type type)
{
    AUTO(picture_done) VipsImage *header = open_header(job);
    if (header == NULL)
        return false;
    note_facts(job, header);
    job_progress(job, 0.05F);
    AUTO(picture_done) VipsImage *display = load(job, type, header);
    if (display == NULL)
        return false;
    job_progress(job, 0.4F);
    AUTO(picture_done) VipsImage *box = box_of(job, display);
    if (box == NULL || !picture_small(job, box))
        return false;
    job_progress(job, 0.5F);
    return save_display(job, display);
}
