/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Smaller pictures. What is plain, three bytes or one to a pixel in sRGB, is resampled by our own
 * code; profiles, transparency and deeper colours are left to libvips.
 */
#include "media/worker/picture.h"
#include "media/worker/resample.h"

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

/* Takes the bytes over. */
static VipsImage *image_of(uint8_t *data, int width, int height, VipsImage *like)
{
    int bands = vips_image_get_bands(like);
    size_t len = (size_t)width * (size_t)height * (size_t)bands;
    VipsImage *image =
        vips_image_new_from_memory_copy(data, len, width, height, bands, VIPS_FORMAT_UCHAR);
    if (image != NULL)
        image->Type = vips_image_get_interpretation(like);
    return image;
}

static VipsImage *resampled(VipsImage *image, int width, int height)
{
    AUTO(picture_done) VipsImage *whole = vips_image_copy_memory(image);
    struct pixels in = {
        .at = whole == NULL ? NULL : (uint8_t *)(uintptr_t)vips_image_get_data(whole),
        .width = vips_image_get_width(image),
        .height = vips_image_get_height(image),
        .bands = vips_image_get_bands(image),
    };
    AUTO(memory_free)
    uint8_t *room = malloc((size_t)width * (size_t)height * (size_t)in.bands);
    struct pixels out = {room, width, height, in.bands};
    if (in.at == NULL || room == NULL || !resample(&in, &out))
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

static int scaled(int side, int longest, int box)
{
    int64_t made = ((int64_t)side * box * 2 + longest) / (2 * (int64_t)longest);
    return (int)MAX_OF(made, 1);
}

VipsImage *picture_shrunk(VipsImage *image, int box)
{
    VipsImage *made = NULL;
    int width = vips_image_get_width(image);
    int height = vips_image_get_height(image);
    int longest = MAX_OF(width, height);
    if (!is_plain(image) || longest <= box) {
        (void)vips_thumbnail_image(image, &made, box, "height", box, "size", VIPS_SIZE_DOWN,
                                   "export_profile", "srgb", NULL);
        return made;
    }
    int orientation = vips_image_get_orientation(image);
    made = resampled(image, scaled(width, longest, box), scaled(height, longest, box));
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
