/* SPDX-License-Identifier: Apache-2.0 */
/* Stills: facts from the header, then thumbnail, blur and a WebP of full size. */
#include <stdio.h>
#include <string.h>

#include "media/worker/picture.h"

#define WEBP_SIDE_MAX 16383 /* the format's own limit */
#define WEBP_QUALITY 82
#define SIDE_MAX 65500

static const char *const broken = "The picture is damaged and could not be read whole.";

/* Reads the header only and checks it against the limits, before any pixel is decoded. */
static VipsImage *open_header(struct job *job)
{
    VipsImage *image = vips_image_new_from_buffer(job->input, job->input_len, "", NULL);
    if (image == NULL) {
        job_fail(job, MEDIA_CORRUPT, "The picture is damaged: its header cannot be read.");
        return NULL;
    }
    int width = vips_image_get_width(image);
    int height = vips_image_get_height(image);
    uint64_t pixels = (uint64_t)width * (uint64_t)height;
    if (width > SIDE_MAX || height > SIDE_MAX || pixels > job->request.pixels_max) {
        job_fail(job, MEDIA_TOO_LARGE,
                 "The picture is %d by %d pixels; at most %llu million pixels are allowed.", width,
                 height, (unsigned long long)(job->request.pixels_max / 1000000U));
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
    int pages = vips_image_get_n_pages(image);
    facts->frames = (uint32_t)MAX_OF(pages, 1);
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
    if (vips_webpsave_buffer(image, &data, &len, "Q", WEBP_QUALITY, "effort", 2, PICTURE_STRIPPED,
                             NULL) != 0)
        return job_fail(job, MEDIA_TOO_LARGE,
                        "The picture needs more memory than there is for one picture.");
    bool ok = job_put(job, MEDIA_DISPLAY, data, len);
    g_free(data);
    return ok;
}

/* Where and with what a photo was taken is nobody's business; savers cannot be relied on to leave
 * it out (libvips 8.14 keeps EXIF in WebP). */
static void forget_origin(VipsImage *image)
{
    static const char *const kinds[] = {"exif", "xmp", "iptc", "photoshop", "icc", "orientation"};
    gchar **names = vips_image_get_fields(image);
    for (gchar **name = names; *name != NULL; name++)
        for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
            if (g_str_has_prefix(*name, kinds[i])) {
                vips_image_remove(image, *name);
                break;
            }
    g_strfreev(names);
}

/* Copies the pixels to memory, without where they came from. Pixels are decoded here, so what is
 * wrong with the file shows here. */
static VipsImage *settled(struct job *job, VipsImage *lazy)
{
    VipsImage *out = lazy != NULL ? vips_image_copy_memory(lazy) : NULL;
    if (out == NULL)
        job_fail(job, MEDIA_CORRUPT, "%s", broken);
    else
        forget_origin(out);
    return out;
}

/* The whole picture, upright, in sRGB, eight bits, no larger than the display's format takes. A
 * file that ends early is refused, not shown half grey. */
static VipsImage *load(struct job *job)
{
    uint32_t wanted = job->request.width;
    int side = wanted > 0 && wanted < WEBP_SIDE_MAX ? (int)wanted : WEBP_SIDE_MAX;
    /* Not vips_thumbnail_buffer: its fail_on lets torn files through (libvips 8.14). */
    AUTO(picture_done)
    VipsImage *strict =
        vips_image_new_from_buffer(job->input, job->input_len, "", "access", VIPS_ACCESS_SEQUENTIAL,
                                   "fail_on", VIPS_FAIL_ON_TRUNCATED, NULL);
    AUTO(picture_done) VipsImage *lazy = NULL;
    if (strict != NULL)
        (void)vips_thumbnail_image(strict, &lazy, side, "height", side, "size", VIPS_SIZE_DOWN,
                                   "export_profile", "srgb", NULL);
    return settled(job, lazy);
}

static VipsImage *shrunk(struct job *job, VipsImage *image)
{
    AUTO(picture_done) VipsImage *lazy = NULL;
    (void)vips_thumbnail_image(image, &lazy, PICTURE_BOX, "height", PICTURE_BOX, "size",
                               VIPS_SIZE_DOWN, NULL);
    return settled(job, lazy);
}

bool image_derive(struct job *job, enum media_type type)
{
    AUTO(picture_done) VipsImage *header = open_header(job);
    if (header == NULL)
        return false;
    note_facts(job, header);
    g_clear_object(&header);
    job_progress(job, 0.05F);
    AUTO(picture_done) VipsImage *display = load(job);
    if (display == NULL)
        return false;
    job_progress(job, 0.4F);
    AUTO(picture_done) VipsImage *box = shrunk(job, display);
    if (box == NULL || !picture_small(job, box))
        return false;
    job_progress(job, 0.5F);
    return save_display(job, display);
}
