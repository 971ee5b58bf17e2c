/* SPDX-License-Identifier: Apache-2.0 */
#include "media/worker/picture.h"

#include <string.h>

#include "media/worker/blur.h"
#include "media/worker/jpeg.h"
#include "media/worker/sizes.h"

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

/* Lazy or not, its pixels; they are in `kept` as long as that lives. NULL: it is damaged. */
static bool pixels_of(VipsImage *image, VipsImage **kept, struct pixels *out)
{
    if (image == NULL || vips_image_get_format(image) != VIPS_FORMAT_UCHAR)
        return false;
    *kept = vips_image_copy_memory(image);
    if (*kept == NULL)
        return false;
    *out = (struct pixels){(uint8_t *)vips_image_get_data(*kept), (*kept)->Xsize, (*kept)->Ysize,
                           (*kept)->Bands};
    return out->bands == 1 || out->bands == 3;
}

bool picture_jpeg(struct job *job, VipsImage *image, enum media_output_name name, int quality)
{
    AUTO(picture_done) VipsImage *flat = picture_opaque(image);
    AUTO(picture_done) VipsImage *kept = NULL;
    struct pixels pixels;
    if (!pixels_of(flat, &kept, &pixels))
        return job_fail(job, MEDIA_CORRUPT, "The picture is damaged and could not be read whole.");
    return jpeg_write(job, &pixels, name, quality);
}

/* Its failure is not fatal: the picture then has no blur. */
static void blur(struct job *job, VipsImage *box)
{
    AUTO(picture_done) VipsImage *flat = picture_opaque(box);
    AUTO(picture_done) VipsImage *tiny = NULL;
    AUTO(picture_done) VipsImage *kept = NULL;
    struct pixels pixels;
    if (flat != NULL)
        tiny = picture_squeezed(flat, BLUR_SIDE, BLUR_SIDE);
    if (pixels_of(tiny, &kept, &pixels))
        blur_write(job, &pixels);
}

bool picture_small(struct job *job, VipsImage *box)
{
    if (!picture_jpeg(job, box, MEDIA_THUMBNAIL, THUMBNAIL_QUALITY))
        return false;
    blur(job, box);
    return true;
}
