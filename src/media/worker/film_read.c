/* SPDX-License-Identifier: Apache-2.0 */
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/avstring.h>
#include <libavutil/display.h>
#include <libswscale/swscale.h>
#include <stdio.h>
#include <string.h>

#include "media/worker/film.h"
#include "media/worker/picture.h"

#define IO_BUFFER (64 << 10)
#define POSTER_WIDTH 1280
#define POSTER_QUALITY 85
#define SIDE_MAX 16384
#define PACKETS_MAX 2000 /* looked at for the first frame */
#define CODECS "h264,hevc,av1,libdav1d,vp9,mpeg4,aac,mp3,opus"
#define DURATION_MAX_MS (24LL * 3600 * 1000)

struct film {
    struct job *job;
    size_t at; /* reading position in the input */
    AVFormatContext *format;
    AVStream *stream;
    AVCodecContext *codec;
    AVFrame *frame;
    AVPacket *packet;
    int quarter_turns; /* to the right, to show it upright */
};

static int get(void *opaque, uint8_t *data, int size)
{
    struct film *film = opaque;
    size_t left = film->job->input_len - film->at;
    size_t count = MIN_OF((size_t)MAX_OF(size, 0), left);
    if (count == 0)
        return AVERROR_EOF;
    memcpy(data, film->job->input + film->at, count);
    film->at += count;
    return (int)count;
}

static int64_t move(void *opaque, int64_t offset, int whence)
{
    struct film *film = opaque;
    int64_t len = (int64_t)film->job->input_len;
    if (whence == AVSEEK_SIZE)
        return len;
    int64_t base = whence == SEEK_CUR ? (int64_t)film->at : whence == SEEK_END ? len : 0;
    if (offset < -base || offset > len - base)
        return AVERROR(EINVAL);
    film->at = (size_t)(base + offset);
    return (int64_t)film->at;
}

static void film_done(struct film *film)
{
    AVIOContext *io = film->format != NULL ? film->format->pb : NULL;
    avformat_close_input(&film->format);
    if (io != NULL) {
        av_freep(&io->buffer);
        avio_context_free(&io);
    }
    avcodec_free_context(&film->codec);
    av_frame_free(&film->frame);
    av_packet_free(&film->packet);
}

static bool open_container(struct film *film)
{
    film->format = avformat_alloc_context();
    uint8_t *buffer = av_malloc(IO_BUFFER);
    AVIOContext *io = avio_alloc_context(buffer, IO_BUFFER, 0, film, get, NULL, move);
    film->format->pb = io;
    film->format->flags |= AVFMT_FLAG_CUSTOM_IO;
    AVDictionary *options = NULL;
    av_dict_set(&options, "format_whitelist", "mov,mp4,m4a,3gp,3g2,mj2", 0);
    av_dict_set(&options, "codec_whitelist", CODECS, 0);
    av_dict_set(&options, "protocol_whitelist", "none", 0);
    int result = avformat_open_input(&film->format, NULL, NULL, &options);
    av_dict_free(&options);
    if (result < 0) {
        av_freep(&io->buffer);
        avio_context_free(&io);
        return job_fail(film->job, MEDIA_CORRUPT, "The film is damaged: its index cannot be read.");
    }
    int best = av_find_best_stream(film->format, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
    if (best < 0)
        return job_fail(film->job, MEDIA_REFUSED, "This MP4 holds no picture track.");
    film->stream = film->format->streams[best];
    return true;
}

static const int32_t *turn_matrix(const AVStream *stream)
{
#if LIBAVCODEC_VERSION_MAJOR < 61
    return (const int32_t *)(const void *)av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX,
                                                                  NULL);
#else
    const AVCodecParameters *shape = stream->codecpar;
    const AVPacketSideData *data = av_packet_side_data_get(
        shape->coded_side_data, shape->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
    return data == NULL || data->size < 9 * sizeof(int32_t)
               ? NULL
               : (const int32_t *)(const void *)data->data;
#endif
}

static int64_t duration_of(const struct film *film)
{
    int64_t duration = 0;
    if (film->stream->duration > 0)
        duration =
            av_rescale_q(film->stream->duration, film->stream->time_base, (AVRational){1, 1000});
    else if (film->format->duration > 0)
        duration = film->format->duration / (AV_TIME_BASE / 1000);
    return MIN_OF(MAX_OF(duration, 0), DURATION_MAX_MS);
}

static bool note_facts(struct film *film)
{
    struct job *job = film->job;
    const AVCodecParameters *shape = film->stream->codecpar;
    int width = shape->width;
    int height = shape->height;
    if (width <= 0 || height <= 0)
        return job_fail(job, MEDIA_CORRUPT, "The film is damaged: it does not say its size.");
    if (width > SIDE_MAX || height > SIDE_MAX ||
        (uint64_t)width * (uint64_t)height > job->request.pixels_max)
        return job_fail(job, MEDIA_TOO_LARGE, "The film is %d by %d pixels, which is too large.",
                        width, height);
    if (film->stream->nb_frames > 0 && (uint64_t)film->stream->nb_frames > job->request.frames_max)
        return job_fail(job, MEDIA_TOO_LARGE, "The film has more than %llu frames.",
                        (unsigned long long)job->request.frames_max);
    const int32_t *matrix = turn_matrix(film->stream);
    if (matrix != NULL) {
        double degrees = -av_display_rotation_get(matrix);
        film->quarter_turns = degrees > -1000 && degrees < 1000
                                  ? ((int)(degrees / 90.0 + (degrees < 0 ? -0.5 : 0.5)) + 8) % 4
                                  : 0;
    }
    struct media_facts *facts = &job->reply.facts;
    bool is_turned = film->quarter_turns % 2 != 0;
    facts->width = (uint32_t)(is_turned ? height : width);
    facts->height = (uint32_t)(is_turned ? width : height);
    facts->frames = (uint32_t)MAX_OF(film->stream->nb_frames, 0);
    facts->duration_ms = (uint32_t)duration_of(film);
    snprintf(facts->codec, sizeof(facts->codec), "%s", avcodec_get_name(shape->codec_id));
    return true;
}

static bool open_decoder(struct film *film)
{
    const AVCodec *decoder = avcodec_find_decoder(film->stream->codecpar->codec_id);
    /* The container's list is for its own probing only; MOV can name a hundred old codecs. */
    if (decoder == NULL || !av_match_list(decoder->name, CODECS, ','))
        return job_fail(film->job, MEDIA_REFUSED, "The film's coding (%s) is not accepted.",
                        film->job->reply.facts.codec);
    film->codec = avcodec_alloc_context3(decoder);
    film->frame = av_frame_alloc();
    film->packet = av_packet_alloc();
    film->codec->thread_count = 1;
    film->codec->max_pixels = (int64_t)MIN_OF(film->job->request.pixels_max, INT64_MAX);
    if (avcodec_parameters_to_context(film->codec, film->stream->codecpar) < 0 ||
        avcodec_open2(film->codec, decoder, NULL) < 0)
        return job_fail(film->job, MEDIA_CORRUPT, "The film is damaged: it cannot be decoded.");
    return true;
}

static bool first_frame(struct film *film)
{
    for (int i = 0; i < PACKETS_MAX; i++) {
        bool is_end = av_read_frame(film->format, film->packet) < 0;
        if (!is_end && film->packet->stream_index != film->stream->index) {
            av_packet_unref(film->packet);
            continue;
        }
        int sent = avcodec_send_packet(film->codec, is_end ? NULL : film->packet);
        av_packet_unref(film->packet);
        if (sent < 0 && sent != AVERROR_INVALIDDATA)
            break;
        if (avcodec_receive_frame(film->codec, film->frame) == 0)
            return true;
        if (is_end)
            break;
    }
    return job_fail(film->job, MEDIA_CORRUPT, "The film is damaged: it shows no picture.");
}

/* The frame as packed RGB, at most POSTER_WIDTH wide, upright. */
static VipsImage *frame_image(struct film *film)
{
    const AVFrame *frame = film->frame;
    if (frame->width <= 0 || frame->height <= 0)
        return NULL;
    int width = MIN_OF(frame->width, POSTER_WIDTH);
    int height = (int)MAX_OF((int64_t)frame->height * width / frame->width, 1);
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
    const int *matrix =
        sws_getCoefficients(frame->colorspace == AVCOL_SPC_BT709 ? SWS_CS_ITU709 : SWS_CS_DEFAULT);
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

static bool derive(struct film *film)
{
    struct job *job = film->job;
    if (!open_decoder(film) || !first_frame(film))
        return false;
    job_progress(job, 0.6F);
    AUTO(picture_done) VipsImage *poster = frame_image(film);
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
    if (!open_decoder(film) || !first_frame(film))
        return false;
    AUTO(picture_done) VipsImage *poster = frame_image(film);
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
    return open_container(&film) && note_facts(&film);
}

bool film_derive(struct job *job)
{
    AUTO(film_done) struct film film = {.job = job};
    return open_container(&film) && note_facts(&film) && derive(&film);
}

bool film_resize(struct job *job)
{
    AUTO(film_done) struct film film = {.job = job};
    return open_container(&film) && note_facts(&film) && resize(&film);
}
