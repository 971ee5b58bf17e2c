/* SPDX-License-Identifier: Apache-2.0 */
#include "media/worker/picture.h"

#include <stdio.h>
#include <string.h>

#define BLUR_SIDE 10
#define BLUR_PREFIX "data:image/png;base64,"

static void buffer_release(void **data)
{
    g_free(*data);
}

/* Where and with what a photo was taken is nobody's business; savers cannot be relied on to leave
 * it out (libvips 8.14 keeps EXIF in WebP). */
static void forget_origin(VipsImage *image)
{
    static const char *const kinds[] = {"exif", "xmp",         "iptc",        "photoshop",
                                        "icc",  "orientation", "png-comment", "gif-comment"};
    gchar **names = vips_image_get_fields(image);
    for (gchar **name = names; *name != NULL; name++)
        for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
            if (g_str_has_prefix(*name, kinds[i])) {
                vips_image_remove(image, *name);
                break;
            }
    g_strfreev(names);
}

VipsImage *picture_settled(struct job *job, VipsImage *lazy)
{
    VipsImage *out = lazy != NULL ? vips_image_copy_memory(lazy) : NULL;
    if (out == NULL)
        job_fail(job, MEDIA_CORRUPT, "The picture is damaged and could not be read whole.");
    else
        forget_origin(out);
    return out;
}

/* JPEG knows no transparency: what shows through is white paper. */
VipsImage *picture_opaque(VipsImage *image)
{
    VipsImage *out = NULL;
    if (!vips_image_hasalpha(image)) {
        g_object_ref(image);
        return image;
    }
    AUTO(picture_done) VipsImage *flat = NULL;
    VipsArrayDouble *white = vips_array_double_newv(1, 255.0);
    int failed = vips_flatten(image, &flat, "background", white, NULL);
    vips_area_unref(VIPS_AREA(white));
    if (failed != 0 || vips_cast_uchar(flat, &out, NULL) != 0)
        return NULL;
    return out;
}

bool picture_jpeg(struct job *job, VipsImage *image, enum media_output_name name, int quality)
{
    AUTO(picture_done) VipsImage *flat = picture_opaque(image);
    AUTO(buffer_release) void *data = NULL;
    size_t len = 0;
    if (flat == NULL || vips_jpegsave_buffer(flat, &data, &len, "Q", quality, "interlace", TRUE,
                                             "optimize_coding", TRUE, PICTURE_STRIPPED, NULL) != 0)
        return job_fail(job, MEDIA_CORRUPT, "The picture is damaged and could not be read whole.");
    return job_put(job, name, data, len);
}

/* Rounds every sample to its upper bits, so that the PNG gets smaller. */
static VipsImage *coarse(VipsImage *image, int bits)
{
    VipsImage *out = NULL;
    AUTO(picture_done) VipsImage *masked = NULL;
    double mask = (double)(0xff & ~((1 << bits) - 1));
    if (vips_boolean_const1(image, &masked, VIPS_OPERATION_BOOLEAN_AND, mask, NULL) != 0)
        return NULL;
    if (vips_cast_uchar(masked, &out, NULL) != 0)
        return NULL;
    return out;
}

static bool try_blur(struct job *job, VipsImage *tiny, int bits)
{
    AUTO(picture_done) VipsImage *small = coarse(tiny, bits);
    AUTO(buffer_release) void *data = NULL;
    size_t len = 0;
    if (small == NULL ||
        vips_pngsave_buffer(small, &data, &len, "compression", 9, "filter",
                            bits < 3 ? VIPS_FOREIGN_PNG_FILTER_ALL : VIPS_FOREIGN_PNG_FILTER_NONE,
                            PICTURE_STRIPPED, NULL) != 0)
        return false;
    size_t text_len = sizeof(BLUR_PREFIX) - 1 + (len + 2) / 3 * 4;
    if (text_len > MEDIA_BLUR_MAX)
        return false;
    gchar *text = g_base64_encode(data, len);
    snprintf(job->reply.blur, sizeof(job->reply.blur), BLUR_PREFIX "%s", text);
    g_free(text);
    return true;
}

/* Ten by ten pixels as a data URL. Its failure is not fatal: the picture then has no blur. */
static void blur(struct job *job, VipsImage *box)
{
    AUTO(picture_done) VipsImage *flat = picture_opaque(box);
    AUTO(picture_done) VipsImage *scaled = NULL;
    AUTO(picture_done) VipsImage *tiny = NULL;
    if (flat != NULL)
        scaled = picture_squeezed(flat, BLUR_SIDE, BLUR_SIDE);
    if (scaled != NULL)
        tiny = vips_image_copy_memory(scaled);
    for (int bits = 0; tiny != NULL && bits < 6; bits++)
        if (try_blur(job, tiny, bits))
            return;
}

bool picture_small(struct job *job, VipsImage *box)
{
    if (!picture_jpeg(job, box, MEDIA_THUMBNAIL, 80))
        return false;
    blur(job, box);
    return true;
}
