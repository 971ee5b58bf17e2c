/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of the built-in sketcher: a picture as PNG, a film as MP4. */
#include <stdio.h>
#include <string.h>
#include <vips/vips.h>

#include "media/worker/film.h"
#include "media/worker/paint.h"
#include "media/worker/picture.h"

#define FILM_WIDTH 1280
#define FILM_HEIGHT 720
#define FILM_RATE 24
#define FILM_CRF 21
#define PAINTED 0.85F /* share of the work that is painting; the rest is encoding */

static struct paint_order order_of(const struct wire_request *request)
{
    return (struct paint_order){
        .prompt = request->prompt,
        .negative = request->negative,
        .seed = request->seed,
        .index = request->index,
        .width = (int)request->width,
        .height = (int)request->height,
        .steps = (int)request->steps,
        .guidance = request->guidance,
    };
}

static bool tell_painted(void *context, float fraction)
{
    job_progress(context, fraction * PAINTED);
    return true;
}

static void painting_done(struct painting **painting)
{
    painting_free(*painting);
}

static void image_facts(struct job *job, enum media_type type, int width, int height)
{
    job->reply.facts.type = (uint32_t)type;
    job->reply.facts.width = (uint32_t)width;
    job->reply.facts.height = (uint32_t)height;
    job->reply.facts.frames = 1;
}

static bool put_png(struct job *job, uint8_t *rgb, int width, int height)
{
    size_t size = (size_t)width * (size_t)height * 3;
    AUTO(picture_done)
    VipsImage *image = vips_image_new_from_memory(rgb, size, width, height, 3, VIPS_FORMAT_UCHAR);
    void *data = NULL;
    size_t len = 0;
    if (image == NULL)
        return job_fail(job, MEDIA_BROKEN, "The picture could not be written.");
    image->Type = VIPS_INTERPRETATION_sRGB;
    if (vips_pngsave_buffer(image, &data, &len, "compression", 4, "filter",
                            VIPS_FOREIGN_PNG_FILTER_SUB, PICTURE_STRIPPED, NULL) != 0)
        return job_fail(job, MEDIA_BROKEN, "The picture could not be written.");
    bool ok = job_put(job, MEDIA_ORIGINAL, data, len);
    g_free(data);
    return ok;
}

bool job_sketch_image(struct job *job)
{
    struct paint_order order = order_of(&job->request);
    AUTO(painting_done) struct painting *painting = painting_new(&order);
    AUTO(memory_free) uint8_t *rgb = malloc((size_t)order.width * (size_t)order.height * 3);
    if (rgb == NULL)
        return job_fail(job, MEDIA_TOO_LARGE, "There was not enough memory for the picture.");
    painting_frame(painting, 0.0F, rgb, tell_painted, job);
    image_facts(job, MEDIA_PNG, order.width, order.height);
    return put_png(job, rgb, order.width, order.height);
}

static bool film_frames(struct job *job, struct film_writer *writer, struct painting *painting,
                        uint8_t *rgb, int frames)
{
    for (int i = 0; i < frames; i++) {
        painting_frame(painting, (float)i / (float)frames, rgb, NULL, NULL);
        if (!film_writer_frame(writer, rgb))
            return false;
        job_progress(job, (float)(i + 1) / (float)(frames + 1));
    }
    return film_writer_finish(writer);
}

bool job_sketch_video(struct job *job)
{
    struct paint_order order = order_of(&job->request);
    order.width = FILM_WIDTH;
    order.height = FILM_HEIGHT;
    int frames = (int)(job->request.duration_ms * FILM_RATE / 1000);
    AUTO(painting_done) struct painting *painting = painting_new(&order);
    AUTO(memory_free) uint8_t *rgb = malloc((size_t)order.width * (size_t)order.height * 3);
    if (rgb == NULL)
        return job_fail(job, MEDIA_TOO_LARGE, "There was not enough memory for the film.");
    AUTO(film_writer_close)
    struct film_writer *writer =
        film_writer_open(job, &(struct film_shape){order.width, order.height, FILM_RATE, frames,
                                                   FILM_CRF, MEDIA_ORIGINAL});
    if (writer == NULL || !film_frames(job, writer, painting, rgb, frames))
        return false;
    image_facts(job, MEDIA_MP4, order.width, order.height);
    job->reply.facts.frames = (uint32_t)frames;
    job->reply.facts.duration_ms = job->request.duration_ms;
    snprintf(job->reply.facts.codec, sizeof(job->reply.facts.codec), "h264");
    return true;
}
