/* SPDX-License-Identifier: Apache-2.0 */
/* What shows a film before it plays: its first frame as poster, thumbnail and blur. */
#include <libswscale/swscale.h>

#include "media/worker/film_inside.h"
#include "media/worker/sizes.h"

#define POSTER_WIDTH 1280
#define POSTER_QUALITY 85
#define HD_HEIGHT 720

/* A film that does not say it has the colours that players assume for its size. */
static const int *matrix_of(const AVFrame *frame)
{
    switch (frame->colorspace) {
    case AVCOL_SPC_BT709:
        return sws_getCoefficients(SWS_CS_ITU709);
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:
        return sws_getCoefficients(SWS_CS_BT2020);
    case AVCOL_SPC_UNSPECIFIED:
        return sws_getCoefficients(frame->height >= HD_HEIGHT ? SWS_CS_ITU709 : SWS_CS_ITU601);
    default:
        return sws_getCoefficients(SWS_CS_DEFAULT);
    }
}

VipsImage *film_frame_image(const struct film *film, int width, int height)
{
    const AVFrame *frame = film->frame;
    struct SwsContext *scaler =
        sws_getContext(frame->width, frame->height, frame->format, width, height, AV_PIX_FMT_RGB24,
                       SWS_AREA | SWS_ACCURATE_RND, NULL, NULL, NULL);
    if (scaler == NULL)
        return NULL;
    size_t len = (size_t)width * (size_t)height * 3;
    /* swscale may write a little past a row's end. */
    uint8_t *rgb = av_mallocz(len + 64);
    uint8_t *const planes[] = {rgb};
    const int strides[] = {3 * width};
    const int *matrix = matrix_of(frame);
    sws_setColorspaceDetails(scaler, matrix, frame->color_range == AVCOL_RANGE_JPEG, matrix, 1, 0,
                             1 << 16, 1 << 16);
    sws_scale(scaler, (const uint8_t *const *)frame->data, frame->linesize, 0, frame->height,
              planes, strides);
    sws_freeContext(scaler);
    AUTO(picture_done)
    VipsImage *flat =
        vips_image_new_from_memory_copy(rgb, len, width, height, 3, VIPS_FORMAT_UCHAR);
    av_free(rgb);
    if (flat == NULL)
        return NULL;
    flat->Type = VIPS_INTERPRETATION_sRGB;
    AUTO(picture_done) VipsImage *turned = NULL;
    if (vips_rot(flat, &turned, (VipsAngle)film->quarter_turns, NULL) != 0)
        return NULL;
    return vips_image_copy_memory(turned);
}

/* The first frame, at most POSTER_WIDTH wide. */
static VipsImage *poster_of(struct film *film)
{
    VipsImage *poster = NULL;
    if (!film_open_decoder(film))
        return NULL;
    const AVFrame *frame = film->frame;
    if (film_next_frame(film) && frame->width > 0 && frame->height > 0) {
        int width = MIN_OF(frame->width, POSTER_WIDTH);
        int64_t height = (int64_t)frame->height * width / frame->width;
        poster = film_frame_image(film, width, (int)MAX_OF(height, 1));
    }
    if (poster == NULL)
        job_fail(film->job, MEDIA_CORRUPT, "The film is damaged: it shows no picture.");
    return poster;
}

static bool derive(struct film *film)
{
    struct job *job = film->job;
    AUTO(picture_done) VipsImage *poster = poster_of(film);
    job_progress(job, 0.6F);
    AUTO(picture_done) VipsImage *lazy = NULL;
    AUTO(picture_done) VipsImage *box = NULL;
    if (poster != NULL && vips_thumbnail_image(poster, &lazy, PICTURE_BOX, "height", PICTURE_BOX,
                                               "size", VIPS_SIZE_DOWN, NULL) == 0)
        box = vips_image_copy_memory(lazy);
    if (box == NULL)
        return job_fail(job, MEDIA_CORRUPT, "The film is damaged: its picture cannot be shown.");
    return picture_jpeg(job, poster, MEDIA_POSTER, POSTER_QUALITY) && picture_small(job, box);
}

static bool resize(struct film *film)
{
    struct picture_box box = resize_box(film->job);
    AUTO(picture_done) VipsImage *poster = poster_of(film);
    AUTO(picture_done) VipsImage *lazy = NULL;
    if (poster != NULL)
        (void)vips_thumbnail_image(poster, &lazy, box.width, "height", box.height, "size",
                                   VIPS_SIZE_DOWN, "crop", box.crop, NULL);
    AUTO(picture_done) VipsImage *image = picture_settled(film->job, lazy);
    return image != NULL && resize_save(film->job, image);
}

bool film_probe(struct job *job)
{
    AUTO(film_done) struct film film = {.job = job};
    return film_open(&film) && film_note_facts(&film);
}

bool film_derive(struct job *job)
{
    AUTO(film_done) struct film film = {.job = job};
    return film_open(&film) && film_note_facts(&film) && derive(&film);
}

bool film_resize(struct job *job)
{
    AUTO(film_done) struct film film = {.job = job};
    return film_open(&film) && film_note_facts(&film) && resize(&film);
}
