/* SPDX-License-Identifier: Apache-2.0 */
/* Renditions on demand: a picture in a box, in the format that was asked for. */
#include "media/worker/picture.h"

#define ANY_HEIGHT 16383 /* what WebP and AVIF can hold */
/* Of 0..9 and 0..6: people wait for it, once. */
#define AVIF_EFFORT 2
#define WEBP_EFFORT 3
#define PNG_EFFORT 6

struct picture_box resize_box(const struct job *job)
{
    const struct wire_request *request = &job->request;
    return (struct picture_box){
        .width = (int)request->width,
        .height = request->height != 0 ? (int)request->height : ANY_HEIGHT,
        .crop = request->fit == MEDIA_COVER ? VIPS_INTERESTING_CENTRE : VIPS_INTERESTING_NONE,
    };
}

static int save(const struct wire_request *request, VipsImage *image, void **data, size_t *len)
{
    int quality = (int)request->quality;
    switch ((enum media_type)request->format) {
    case MEDIA_WEBP:
        return vips_webpsave_buffer(image, data, len, "Q", quality, "effort", WEBP_EFFORT,
                                    PICTURE_STRIPPED, NULL);
    case MEDIA_AVIF:
        return vips_heifsave_buffer(image, data, len, "Q", quality, "compression",
                                    VIPS_FOREIGN_HEIF_COMPRESSION_AV1, "effort", AVIF_EFFORT,
                                    PICTURE_STRIPPED, NULL);
    case MEDIA_PNG:
        return vips_pngsave_buffer(image, data, len, "compression", PNG_EFFORT, PICTURE_STRIPPED,
                                   NULL);
    default:
        return -1;
    }
}

static bool put(struct job *job, VipsImage *image)
{
    void *data = NULL;
    size_t len = 0;
    if (save(&job->request, image, &data, &len) != 0)
        return job_fail(job, MEDIA_TOO_LARGE, "The picture could not be written in this format.");
    bool ok = job_put(job, MEDIA_RESIZED, data, len);
    g_free(data);
    return ok;
}

bool resize_save(struct job *job, VipsImage *image)
{
    const struct wire_request *request = &job->request;
    job->reply.facts = (struct media_facts){
        .type = request->format,
        .width = (uint32_t)vips_image_get_width(image),
        .height = (uint32_t)vips_image_get_height(image),
        .has_alpha = request->format != MEDIA_JPEG && vips_image_hasalpha(image) ? 1 : 0,
        .frames = 1,
    };
    job_progress(job, 0.5F);
    return request->format == MEDIA_JPEG
               ? picture_jpeg(job, image, MEDIA_RESIZED, (int)request->quality)
               : put(job, image);
}
