/* SPDX-License-Identifier: Apache-2.0 */
#include "media/worker/blur.h"

#include <png.h>
#include <string.h>

#include "base/encode.h"

#define PREFIX "data:image/png;base64,"
#define BITS_MAX 6 /* that may be lost of a sample */

static _Noreturn void on_error(png_structp png, png_const_charp text)
{
    struct job *job = png_get_error_ptr(png);
    job_fail(job, MEDIA_BROKEN, "The picture's blur could not be written.");
    job_end(job);
}

static void on_warning(png_structp png, png_const_charp text)
{
}

static void on_bytes(png_structp png, png_bytep at, size_t len)
{
    buffer_add(png_get_io_ptr(png), at, len);
}

static void on_flush(png_structp png)
{
}

static void write_png(struct job *job, const struct pixels *tiny, int filters, struct buffer *to)
{
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, job, on_error, on_warning);
    png_infop info = png != NULL ? png_create_info_struct(png) : NULL;
    if (info == NULL)
        return;
    png_set_write_fn(png, to, on_bytes, on_flush);
    png_set_IHDR(png, info, (png_uint_32)tiny->width, (png_uint_32)tiny->height, 8,
                 tiny->bands == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_compression_level(png, 9);
    png_set_filter(png, PNG_FILTER_TYPE_BASE, filters);
    png_write_info(png, info);
    for (int y = 0; y < tiny->height; y++)
        png_write_row(png, tiny->at + (size_t)(y * tiny->width * tiny->bands));
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
}

static bool fits(struct job *job, const struct pixels *tiny, int filters)
{
    AUTO(buffer_done) struct buffer png = buffer_with_max(MEDIA_BLUR_MAX);
    AUTO(buffer_done) struct buffer text = buffer_with_max(MEDIA_BLUR_MAX);
    write_png(job, tiny, filters, &png);
    buffer_str(&text, STR(PREFIX));
    base64_append(&text, (bytes){(const uint8_t *)png.at, png.len});
    if (png.len == 0 || png.is_over || text.is_over)
        return false;
    memcpy(job->reply.blur, text.at, text.len);
    job->reply.blur[text.len] = 0;
    return true;
}

/* Rounds every sample to its upper bits until the PNG is small enough. */
void blur_write(struct job *job, const struct pixels *tiny)
{
    size_t len = (size_t)(tiny->width * tiny->height * tiny->bands);
    for (int bits = 0; bits < BITS_MAX; bits++) {
        for (size_t i = 0; i < len; i++)
            tiny->at[i] &= (uint8_t)(0xffU << bits);
        if (fits(job, tiny, bits < 3 ? PNG_ALL_FILTERS : PNG_FILTER_NONE))
            return;
    }
}
