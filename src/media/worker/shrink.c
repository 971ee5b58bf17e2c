/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Smaller pictures. What is plain, three bytes or one to a pixel in sRGB, is resampled by our own
 * code; profiles, transparency and deeper colours are left to libvips.
 */
#include <string.h>

#include "media/worker/picture.h"
#include "media/worker/resample.h"
#include "media/worker/sizes.h"

static bool is_plain(VipsImage *image)
{
    int bands = vips_image_get_bands(image);
    VipsInterpretation kind = vips_image_get_interpretation(image);
    return vips_image_get_coding(image) == VIPS_CODING_NONE &&
           vips_image_get_format(image) == VIPS_FORMAT_UCHAR &&
           ((bands == 3 && kind == VIPS_INTERPRETATION_sRGB) ||
            (bands == 1 && kind == VIPS_INTERPRETATION_B_W)) &&
           vips_image_get_typeof(image, VIPS_META_ICC_NAME) == 0;
}

static VipsImage *image_of(const uint8_t *data, int width, int height, VipsImage *like)
{
    int bands = vips_image_get_bands(like);
    size_t len = (size_t)width * (size_t)height * (size_t)bands;
    VipsImage *image =
        vips_image_new_from_memory_copy(data, len, width, height, bands, VIPS_FORMAT_UCHAR);
    if (image != NULL)
        image->Type = vips_image_get_interpretation(like);
    return image;
}

static void region_done(VipsRegion **region)
{
    g_clear_object(region);
}

/* In this thread: threads of libvips' would cost more than they do. */
static bool read_rows(void *context, int y, int count, uint8_t *const *rows)
{
    VipsRegion *region = context;
    VipsRect strip = {0, y, region->im->Xsize, count};
    if (vips_region_prepare(region, &strip) != 0)
        return false;
    size_t len = (size_t)region->im->Xsize * (size_t)region->im->Bands;
    for (int i = 0; i < count; i++) /* as wide as the image, so nothing is left of it */
        memcpy(rows[i], region->data + (ptrdiff_t)(y + i - region->valid.top) * region->bpl, len);
    return true;
}

static VipsImage *resampled(VipsImage *image, int width, int height)
{
    AUTO(region_done) VipsRegion *region = vips_region_new(image);
    struct row_source in = {region, read_rows, image->Xsize, image->Ysize};
    AUTO(memory_free)
    uint8_t *room = malloc((size_t)width * (size_t)height * (size_t)image->Bands);
    struct pixels out = {room, width, height, image->Bands};
    if (region == NULL || room == NULL || !resample(&in, &out))
        return NULL;
    return image_of(room, width, height, image);
}

static VipsImage *upright(VipsImage *image, int orientation)
{
    VipsImage *turned = NULL;
    vips_image_set_int(image, VIPS_META_ORIENTATION, orientation);
    if (vips_autorot(image, &turned, NULL) != 0)
        return NULL;
    return turned;
}

/* Of a picture without a profile libvips 8.14 makes another one's colours on the way to "srgb", and
 * one with a profile of another kind of colours it does not read at all. */
const char *picture_profile(VipsImage *image)
{
    const void *profile;
    size_t len;
    bool is_there = vips_image_get_typeof(image, VIPS_META_ICC_NAME) != 0 &&
                    vips_image_get_blob(image, VIPS_META_ICC_NAME, &profile, &len) == 0;
    return is_there && vips_icc_is_compatible_profile(image, profile, len) ? "srgb" : NULL;
}

VipsImage *picture_shrunk(VipsImage *image, VipsImage *whole, int box)
{
    VipsImage *made = NULL;
    int width, height, orientation = vips_image_get_orientation(image);
    if (!is_plain(image)) {
        (void)vips_thumbnail_image(image, &made, box, "height", box, "size", VIPS_SIZE_DOWN,
                                   "export_profile", picture_profile(image), NULL);
        return made;
    }
    size_in_box(whole->Xsize, whole->Ysize, box, &width, &height);
    if (width == image->Xsize && height == image->Ysize)
        made = g_object_ref(image);
    else
        made = resampled(image, width, height);
    if (made == NULL || orientation <= 1)
        return made;
    AUTO(picture_done) VipsImage *lying = made;
    return upright(lying, orientation);
}

VipsImage *picture_squeezed(VipsImage *image, int width, int height)
{
    VipsImage *made = NULL;
    if (is_plain(image))
        return resampled(image, width, height);
    (void)vips_thumbnail_image(image, &made, width, "height", height, "size", VIPS_SIZE_FORCE,
                               NULL);
    return made;
}
