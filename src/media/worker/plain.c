/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The renditions of plain pictures: PNG and JPEG of eight bits without transparency and without a
 * profile, which is most of what comes. Without libvips, of which half the time was its start and
 * its threads. What is not plain, or not sound, fails: the full helper then looks at it.
 */
#include <stdlib.h>
#include <string.h>

#include <webp/encode.h>

#include "media/type.h"
#include "media/worker/blur.h"
#include "media/worker/jpeg.h"
#include "media/worker/plain.h"
#include "media/worker/png_read.h"
#include "media/worker/sizes.h"

static void pixels_done(struct pixels *pixels)
{
    free(pixels->at);
}

static size_t stride_of(const struct pixels *pixels)
{
    return (size_t)pixels->width * (size_t)pixels->bands;
}

static bool pixels_make(struct pixels *pixels)
{
    pixels->at = malloc(stride_of(pixels) * (size_t)pixels->height);
    return pixels->at != NULL;
}

static bool not_plain(struct job *job)
{
    return job_fail(job, MEDIA_REFUSED, "This is not a plain picture.");
}

/* ---- the picture, smaller ---- */

static bool read_kept(void *context, int y, int count, uint8_t *const *rows)
{
    const struct pixels *pixels = context;
    size_t stride = stride_of(pixels);
    for (int i = 0; i < count; i++)
        memcpy(rows[i], pixels->at + (size_t)(y + i) * stride, stride);
    return true;
}

static struct row_source rows_of(struct pixels *pixels)
{
    return (struct row_source){pixels, read_kept, pixels->width, pixels->height};
}

static bool read_whole(const struct row_source *in, struct pixels *out)
{
    for (int y = 0; y < out->height; y++) {
        uint8_t *row = out->at + (size_t)y * stride_of(out);
        if (!in->read(in->context, y, 1, &row))
            return false;
    }
    return true;
}

/* out says which size and how many bands. */
static bool shrink(const struct row_source *in, struct pixels *out)
{
    if (!pixels_make(out))
        return false;
    return in->width == out->width && in->height == out->height ? read_whole(in, out)
                                                                : resample(in, out);
}

/* Where Exif's orientations take the pixel at (x, y) from, in a picture of w by h. */
static size_t origin_of(const struct pixels *in, int orientation, int x, int y)
{
    int right = in->width - 1, bottom = in->height - 1;
    int across = orientation >= 5 ? y : x, down = orientation >= 5 ? x : y;
    bool is_mirrored = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    bool is_on_its_head =
        orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    across = is_mirrored ? right - across : across;
    down = is_on_its_head ? bottom - down : down;
    return ((size_t)down * (size_t)in->width + (size_t)across) * (size_t)in->bands;
}

/* In the place of the picture. */
static bool turn(struct pixels *pixels, int orientation)
{
    bool lies = orientation >= 5;
    if (orientation <= 1 || orientation > 8)
        return true;
    AUTO(pixels_done)
    struct pixels out = {
        .width = lies ? pixels->height : pixels->width,
        .height = lies ? pixels->width : pixels->height,
        .bands = pixels->bands,
    };
    if (!pixels_make(&out))
        return false;
    uint8_t *to = out.at;
    for (int y = 0; y < out.height; y++)
        for (int x = 0; x < out.width; x++, to += out.bands)
            memcpy(to, pixels->at + origin_of(pixels, orientation, x, y), (size_t)out.bands);
    struct pixels was = *pixels;
    *pixels = out;
    out = was;
    return true;
}

/* ---- reading ---- */

static bool has_room(struct job *job, int width, int height)
{
    return width <= PICTURE_SIDE_MAX && height <= PICTURE_SIDE_MAX &&
           (uint64_t)width * (uint64_t)height <= job->request.pixels_max;
}

static void note_facts(struct job *job, int width, int height)
{
    bool lies = job->orientation >= 5 && job->orientation <= 8;
    job->reply.facts.width = (uint32_t)(lies ? height : width);
    job->reply.facts.height = (uint32_t)(lies ? width : height);
    job->reply.facts.frames = 1;
}

static bool load_png(struct job *job, struct pixels *display)
{
    AUTO(pixels_done) struct pixels whole = {0};
    if (!png_read((bytes){job->input, job->input_len}, &whole) ||
        (whole.bands != 1 && whole.bands != 3) || !has_room(job, whole.width, whole.height))
        return false;
    note_facts(job, whole.width, whole.height);
    struct row_source rows = rows_of(&whole);
    display->bands = whole.bands;
    size_in_box(whole.width, whole.height, display_side(job), &display->width, &display->height);
    return shrink(&rows, display);
}

static bool load_jpeg(struct job *job, struct pixels *display)
{
    int width, height;
    struct jpeg *jpeg = jpeg_has_few_scans(job) ? jpeg_open(job) : NULL;
    if (jpeg == NULL)
        return false;
    jpeg_size(jpeg, &width, &height);
    if (!has_room(job, width, height))
        return false;
    note_facts(job, width, height);
    int side = display_side(job);
    struct row_source rows = jpeg_rows(jpeg, jpeg_part(width, height, side));
    display->bands = jpeg_bands(jpeg);
    size_in_box(width, height, side, &display->width, &display->height);
    return shrink(&rows, display);
}

static bool load(struct job *job, struct pixels *display)
{
    enum media_type type = media_type_of((str){(const char *)job->input, job->input_len}).type;
    if (type != MEDIA_PNG && type != MEDIA_JPEG)
        return false;
    job->reply.facts.type = (uint32_t)type;
    job_tell_embedded(job, type);
    return (type == MEDIA_PNG ? load_png(job, display) : load_jpeg(job, display)) &&
           turn(display, job->orientation);
}

/* ---- writing ---- */

static bool import(const struct pixels *pixels, WebPPicture *picture)
{
    picture->width = pixels->width;
    picture->height = pixels->height;
    if (pixels->bands == 3)
        return WebPPictureImportRGB(picture, pixels->at, (int)stride_of(pixels)) != 0;
    AUTO(pixels_done)
    struct pixels wide = {.width = pixels->width, .height = pixels->height, .bands = 3};
    if (!pixels_make(&wide))
        return false;
    size_t count = stride_of(pixels) * (size_t)pixels->height;
    for (size_t i = 0; i < count; i++)
        memset(wide.at + 3 * i, pixels->at[i], 3);
    return WebPPictureImportRGB(picture, wide.at, (int)stride_of(&wide)) != 0;
}

static bool write_webp(struct job *job, const struct pixels *pixels)
{
    WebPConfig config;
    WebPPicture picture;
    WebPMemoryWriter writer;
    if (!WebPConfigInit(&config) || !WebPPictureInit(&picture))
        return false;
    config.quality = DISPLAY_QUALITY;
    config.method = DISPLAY_EFFORT;
    WebPMemoryWriterInit(&writer);
    picture.writer = WebPMemoryWrite;
    picture.custom_ptr = &writer;
    bool ok = import(pixels, &picture) && WebPEncode(&config, &picture) != 0 &&
              job_put(job, MEDIA_DISPLAY, writer.mem, writer.size);
    WebPPictureFree(&picture);
    WebPMemoryWriterClear(&writer);
    return ok;
}

static bool write_blur(struct job *job, struct pixels *box)
{
    AUTO(pixels_done)
    struct pixels tiny = {.width = BLUR_SIDE, .height = BLUR_SIDE, .bands = box->bands};
    struct row_source rows = rows_of(box);
    if (!shrink(&rows, &tiny))
        return false;
    blur_write(job, &tiny);
    return true;
}

static bool write_small(struct job *job, struct pixels *display)
{
    AUTO(pixels_done) struct pixels smaller = {.bands = display->bands};
    struct pixels *box = display;
    size_in_box(display->width, display->height, PICTURE_BOX, &smaller.width, &smaller.height);
    if (smaller.width != display->width || smaller.height != display->height) {
        struct row_source rows = rows_of(display);
        if (!shrink(&rows, &smaller))
            return false;
        box = &smaller;
    }
    return jpeg_write(job, box, MEDIA_THUMBNAIL, THUMBNAIL_QUALITY) && write_blur(job, box);
}

bool plain_derive(struct job *job)
{
    AUTO(pixels_done) struct pixels display = {0};
    if (!load(job, &display))
        return not_plain(job);
    job_progress(job, 0.4F);
    if (!write_small(job, &display))
        return not_plain(job);
    job_progress(job, 0.5F);
    return write_webp(job, &display) || not_plain(job);
}

void plain_warm_up(void)
{
    static uint8_t grey[16 * 16];
    static uint8_t thumbnail[KIB(16)], display[KIB(16)];
    static struct job job;
    struct pixels pixels = {grey, 16, 16, 1};
    job.outputs[MEDIA_THUMBNAIL] = thumbnail;
    job.outputs[MEDIA_DISPLAY] = display;
    job.request.output_room[MEDIA_THUMBNAIL] = sizeof(thumbnail);
    job.request.output_room[MEDIA_DISPLAY] = sizeof(display);
    if (write_small(&job, &pixels) && write_webp(&job, &pixels)) {
        job.input = thumbnail;
        job.input_len = job.reply.output_len[MEDIA_THUMBNAIL];
        job.request.pixels_max = 256;
        job.outputs[MEDIA_THUMBNAIL] = NULL;
        AUTO(pixels_done) struct pixels again = {0};
        (void)load_jpeg(&job, &again);
    }
}
