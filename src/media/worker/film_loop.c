/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A short loop of what moves: the first three seconds of a film, or of a picture with frames, small
 * and without sound. Times are in milliseconds from the first frame.
 */
#include <stdlib.h>

#include "media/worker/film_inside.h"

#define LOOP_MS 3000
#define LOOP_BOX 480
#define LOOP_SIDE_MIN 16
#define LOOP_CRF 27.0
#define RATE_MIN 8
#define RATE_MAX 25
#define RATE_OF_PICTURES 20
#define DECODED_MAX 400 /* frames; 3 s at 120 a second */
#define DELAY_DEFAULT 100
#define DELAY_SHORTEST 20 /* browsers take less for nonsense and wait DELAY_DEFAULT */

struct loop {
    struct job *job;
    int width, height, rate; /* upright */
    int shown;               /* frames written */
    struct film_writer *writer;
};

static void loop_done(struct loop *loop)
{
    film_writer_close(&loop->writer);
}

static int even(int64_t side)
{
    return (int)MAX_OF(side & ~(int64_t)1, LOOP_SIDE_MIN);
}

static bool loop_open(struct loop *loop, int width, int height)
{
    int longest = MAX_OF(width, height);
    int box = MIN_OF(longest, LOOP_BOX);
    loop->width = even((int64_t)width * box / longest);
    loop->height = even((int64_t)height * box / longest);
    loop->writer = film_writer_open(
        loop->job, &(struct film_shape){loop->width, loop->height, loop->rate,
                                        LOOP_MS * loop->rate / 1000 + 1, LOOP_CRF, MEDIA_MOVING});
    return loop->writer != NULL;
}

static bool is_due(const struct loop *loop, int64_t until)
{
    return (int64_t)loop->shown * 1000 < MIN_OF(until, LOOP_MS) * loop->rate;
}

/* Shows a picture of the loop's size until then. */
static bool loop_show(struct loop *loop, VipsImage *image, int64_t until)
{
    AUTO(picture_done) VipsImage *packed = vips_image_copy_memory(image);
    const uint8_t *rgb = packed == NULL ? NULL : vips_image_get_data(packed);
    if (rgb == NULL || vips_image_get_width(packed) != loop->width ||
        vips_image_get_height(packed) != loop->height || vips_image_get_bands(packed) != 3)
        return job_fail(loop->job, MEDIA_CORRUPT, "A frame could not be shown.");
    for (; is_due(loop, until); loop->shown++)
        if (!film_writer_frame(loop->writer, rgb))
            return false;
    job_progress(loop->job, (float)MIN_OF(until, LOOP_MS) / LOOP_MS * 0.9F);
    return true;
}

/* ---- films ---- */

static int rate_of(const struct film *film)
{
    AVRational rate = film->stream->avg_frame_rate;
    int whole = rate.num > 0 && rate.den > 0 ? (int)(av_q2d(rate) + 0.5) : RATE_MAX;
    return MIN_OF(MAX_OF(whole, RATE_MIN), RATE_MAX);
}

/* The frame that is on show; the next one says until when. */
static bool show_held(struct loop *loop, struct film *film, int64_t until)
{
    if (film->frame->width <= 0 || film->frame->height <= 0)
        return true; /* before the first one */
    if (!is_due(loop, until))
        return true;
    bool is_turned = film->quarter_turns % 2 != 0;
    AUTO(picture_done)
    VipsImage *image = film_frame_image(film, is_turned ? loop->height : loop->width,
                                        is_turned ? loop->width : loop->height);
    return image != NULL && loop_show(loop, image, until);
}

static int64_t time_of(const struct film *film, const AVFrame *frame, int64_t first)
{
    if (frame->best_effort_timestamp == AV_NOPTS_VALUE || first == AV_NOPTS_VALUE)
        return 0;
    int64_t since = frame->best_effort_timestamp - first;
    return av_rescale_q(since, film->stream->time_base, (AVRational){1, 1000});
}

static bool show_frames(struct loop *loop, struct film *film, AVFrame *next)
{
    int64_t first = AV_NOPTS_VALUE, at = 0, length = film->job->reply.facts.duration_ms;
    for (int i = 0; i < DECODED_MAX && at < LOOP_MS; i++) {
        /* The next one is decoded beside the one on show. */
        AVFrame *held = film->frame;
        film->frame = next;
        bool is_there = film_next_frame(film);
        film->frame = held;
        if (!is_there)
            return show_held(loop, film, MAX_OF(at + 1000 / loop->rate, length));
        if (i == 0)
            first = next->best_effort_timestamp;
        at = MAX_OF(time_of(film, next, first), at);
        if (!show_held(loop, film, at))
            return false;
        av_frame_unref(film->frame);
        av_frame_move_ref(film->frame, next);
    }
    return true;
}

bool film_loop(struct job *job)
{
    AUTO(film_done) struct film film = {.job = job};
    if (!film_open(&film) || !film_note_facts(&film) || !film_open_decoder(&film))
        return false;
    AUTO(loop_done) struct loop loop = {.job = job, .rate = rate_of(&film)};
    const struct media_facts *facts = &job->reply.facts;
    if (!loop_open(&loop, (int)facts->width, (int)facts->height))
        return false;
    AVFrame *next = av_frame_alloc();
    bool is_shown = next != NULL && show_frames(&loop, &film, next);
    av_frame_free(&next);
    if (!is_shown || loop.shown == 0)
        return job_fail(job, MEDIA_CORRUPT, "The film is damaged: it shows no picture.");
    return film_writer_finish(loop.writer);
}

/* ---- pictures with frames ---- */

static int delay_of(VipsImage *header, int page)
{
    int *delays = NULL;
    int count = 0;
    if (vips_image_get_typeof(header, "delay") == 0 ||
        vips_image_get_array_int(header, "delay", &delays, &count) != 0 || page >= count)
        return DELAY_DEFAULT;
    return delays[page] < DELAY_SHORTEST ? DELAY_DEFAULT : delays[page];
}

/* How many frames the loop needs; no more than may be in memory at once. */
static int pages_needed(const struct job *job, VipsImage *header, int pages)
{
    uint64_t pixels = MAX_OF((uint64_t)job->reply.facts.width * job->reply.facts.height, 1U);
    int most = (int)MIN_OF(job->request.pixels_max / pixels, (uint64_t)pages);
    int64_t at = 0;
    int needed = 0;
    while (needed < most && at < LOOP_MS)
        at += delay_of(header, needed++);
    return needed;
}

/* One frame, in the loop's size, on white. */
static VipsImage *page_image(const struct loop *loop, VipsImage *all, int page, int height)
{
    AUTO(picture_done) VipsImage *cut = NULL;
    AUTO(picture_done) VipsImage *sized = NULL;
    if (vips_crop(all, &cut, 0, page * height, vips_image_get_width(all), height, NULL) != 0 ||
        vips_thumbnail_image(cut, &sized, loop->width, "height", loop->height, "size",
                             VIPS_SIZE_FORCE, "export_profile", picture_profile(cut), NULL) != 0)
        return NULL;
    return picture_opaque(sized);
}

static bool show_pages(struct loop *loop, VipsImage *header, VipsImage *all, int pages)
{
    int height = vips_image_get_height(all) / pages;
    int64_t at = 0;
    for (int page = 0; page < pages; page++) {
        at += delay_of(header, page);
        if (!is_due(loop, at))
            continue;
        AUTO(picture_done) VipsImage *image = page_image(loop, all, page, height);
        if (image == NULL || !loop_show(loop, image, at))
            return job_fail(loop->job, MEDIA_CORRUPT, "A frame could not be shown.");
    }
    return film_writer_finish(loop->writer);
}

bool image_loop(struct job *job, enum media_type type)
{
    if (!image_probe(job, type))
        return false;
    AUTO(picture_done)
    VipsImage *header = vips_image_new_from_buffer(job->input, job->input_len, "", NULL);
    int pages = (int)job->reply.facts.frames;
    if (pages < 2 || header == NULL)
        return job_fail(job, MEDIA_REFUSED, "This picture does not move.");
    pages = pages_needed(job, header, pages);
    AUTO(picture_done)
    VipsImage *lazy =
        vips_image_new_from_buffer(job->input, job->input_len, "", "n", MAX_OF(pages, 1), NULL);
    AUTO(picture_done) VipsImage *all = lazy == NULL ? NULL : vips_image_copy_memory(lazy);
    AUTO(loop_done) struct loop loop = {.job = job, .rate = RATE_OF_PICTURES};
    if (pages < 1 || all == NULL)
        return job_fail(job, MEDIA_CORRUPT, "The picture is damaged and cannot be shown moving.");
    /* In one piece: what thumbnails do to a picture of many pages is not wanted here. */
    vips_image_remove(all, VIPS_META_PAGE_HEIGHT);
    vips_image_remove(all, VIPS_META_N_PAGES);
    return loop_open(&loop, (int)job->reply.facts.width, (int)job->reply.facts.height) &&
           show_pages(&loop, header, all, pages);
}
