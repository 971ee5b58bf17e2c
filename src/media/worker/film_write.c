/* SPDX-License-Identifier: Apache-2.0 */
#include "media/worker/film_inside.h"

#include <libavutil/opt.h>
#include <libswscale/swscale.h>
#include <stdio.h>
#include <string.h>

#define IO_BUFFER (64 << 10)
/* What the index may take, kept free at the front: a fixed part and one for each frame. */
#define INDEX_FIXED 4096
#define INDEX_FRAME 40

struct film_writer {
    struct job *job;
    enum media_output_name name;
    struct film_sink sink;
    AVFormatContext *format;
    AVCodecContext *codec;
    AVStream *stream;
    AVFrame *frame;
    AVPacket *packet;
    struct SwsContext *scaler;
    int64_t next;
    bool is_open; /* header written */
};

void film_prepare(void)
{
    av_log_set_level(AV_LOG_QUIET);
}

#if LIBAVFORMAT_VERSION_MAJOR < 61
static int put(void *opaque, uint8_t *data, int size)
#else
static int put(void *opaque, const uint8_t *data, int size)
#endif
{
    struct film_sink *sink = opaque;
    if (size < 0 || (size_t)size > sink->room - sink->at)
        return AVERROR(ENOSPC);
    memcpy(sink->out + sink->at, data, (size_t)size);
    sink->at += (size_t)size;
    sink->len = MAX_OF(sink->len, sink->at);
    return size;
}

static int64_t move(void *opaque, int64_t offset, int whence)
{
    struct film_sink *sink = opaque;
    if (whence == AVSEEK_SIZE)
        return (int64_t)sink->len;
    int64_t base = whence == SEEK_CUR   ? (int64_t)sink->at
                   : whence == SEEK_END ? (int64_t)sink->len
                                        : 0;
    if (base + offset < 0 || (uint64_t)(base + offset) > sink->room)
        return AVERROR(EINVAL);
    sink->at = (size_t)(base + offset);
    return (int64_t)sink->at;
}

AVIOContext *film_sink_open(struct film_sink *sink)
{
    uint8_t *buffer = av_malloc(IO_BUFFER);
    return buffer == NULL ? NULL : avio_alloc_context(buffer, IO_BUFFER, 1, sink, NULL, put, move);
}

void film_sink_close(AVFormatContext *format)
{
    if (format == NULL || format->pb == NULL)
        return;
    av_freep(&format->pb->buffer);
    avio_context_free(&format->pb);
}

static bool open_codec(struct film_writer *writer, const struct film_shape *shape)
{
    const AVCodec *encoder = avcodec_find_encoder_by_name("libx264");
    if (encoder == NULL)
        return job_fail(writer->job, MEDIA_BROKEN, "This machine's FFmpeg cannot write H.264.");
    writer->codec = avcodec_alloc_context3(encoder);
    AVCodecContext *codec = writer->codec;
    codec->width = shape->width;
    codec->height = shape->height;
    codec->pix_fmt = AV_PIX_FMT_YUV420P;
    codec->time_base = (AVRational){1, shape->rate};
    codec->framerate = (AVRational){shape->rate, 1};
    codec->gop_size = 2 * shape->rate;
    codec->thread_count = 1;
    codec->color_range = AVCOL_RANGE_MPEG;
    codec->colorspace = AVCOL_SPC_BT709;
    codec->color_primaries = AVCOL_PRI_BT709;
    codec->color_trc = AVCOL_TRC_BT709;
    codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    av_opt_set(codec->priv_data, "preset", "veryfast", 0);
    av_opt_set_double(codec->priv_data, "crf", shape->crf, 0);
    return avcodec_open2(codec, encoder, NULL) == 0;
}

static bool open_format(struct film_writer *writer, int frames)
{
    if (avformat_alloc_output_context2(&writer->format, NULL, "mp4", NULL) < 0)
        return false;
    AVFormatContext *format = writer->format;
    format->pb = film_sink_open(&writer->sink);
    format->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_BITEXACT;
    writer->stream = avformat_new_stream(format, NULL);
    if (format->pb == NULL || writer->stream == NULL)
        return false;
    writer->stream->time_base = writer->codec->time_base;
    writer->stream->avg_frame_rate = writer->codec->framerate;
    if (avcodec_parameters_from_context(writer->stream->codecpar, writer->codec) < 0)
        return false;
    /* Players start at once when the index comes first; room for it is kept at the front. */
    AVDictionary *options = NULL;
    av_dict_set_int(&options, "moov_size", INDEX_FIXED + (int64_t)frames * INDEX_FRAME, 0);
    int result = avformat_write_header(format, &options);
    av_dict_free(&options);
    writer->is_open = result >= 0;
    return writer->is_open;
}

static bool open_frame(struct film_writer *writer, int width, int height)
{
    writer->packet = av_packet_alloc();
    writer->frame = av_frame_alloc();
    if (writer->packet == NULL || writer->frame == NULL)
        return false;
    writer->frame->format = AV_PIX_FMT_YUV420P;
    writer->frame->width = width;
    writer->frame->height = height;
    if (av_frame_get_buffer(writer->frame, 0) < 0)
        return false;
    writer->scaler =
        sws_getContext(width, height, AV_PIX_FMT_RGB24, width, height, AV_PIX_FMT_YUV420P,
                       SWS_BILINEAR | SWS_ACCURATE_RND, NULL, NULL, NULL);
    if (writer->scaler == NULL)
        return false;
    const int *bt709 = sws_getCoefficients(SWS_CS_ITU709);
    sws_setColorspaceDetails(writer->scaler, bt709, 1, bt709, 0, 0, 1 << 16, 1 << 16);
    return true;
}

struct film_writer *film_writer_open(struct job *job, const struct film_shape *shape)
{
    struct film_writer *writer = av_mallocz(sizeof(*writer));
    if (writer == NULL)
        return NULL;
    writer->job = job;
    writer->name = shape->name;
    writer->sink = (struct film_sink){.out = job->outputs[shape->name],
                                      .room = job->request.output_room[shape->name]};
    if (!open_codec(writer, shape) || !open_frame(writer, shape->width, shape->height) ||
        !open_format(writer, shape->frames)) {
        job_fail(job, MEDIA_BROKEN, "The film could not be started.");
        film_writer_close(&writer);
    }
    return writer;
}

/* Moves finished packets from the encoder to the file. */
static bool drain(struct film_writer *writer)
{
    for (;;) {
        int result = avcodec_receive_packet(writer->codec, writer->packet);
        if (result == AVERROR(EAGAIN) || result == AVERROR_EOF)
            return true;
        if (result < 0)
            return job_fail(writer->job, MEDIA_BROKEN, "The film could not be encoded.");
        writer->packet->duration = 1;
        av_packet_rescale_ts(writer->packet, writer->codec->time_base, writer->stream->time_base);
        writer->packet->stream_index = writer->stream->index;
        if (av_interleaved_write_frame(writer->format, writer->packet) < 0)
            return job_fail(writer->job, MEDIA_TOO_LARGE, "The film is larger than its limit.");
    }
}

bool film_writer_frame(struct film_writer *writer, const uint8_t *rgb)
{
    if (av_frame_make_writable(writer->frame) < 0)
        return job_fail(writer->job, MEDIA_BROKEN, "The film could not be encoded.");
    const uint8_t *const planes[] = {rgb};
    const int strides[] = {3 * writer->frame->width};
    sws_scale(writer->scaler, planes, strides, 0, writer->frame->height, writer->frame->data,
              writer->frame->linesize);
    writer->frame->pts = writer->next++;
    if (avcodec_send_frame(writer->codec, writer->frame) < 0)
        return job_fail(writer->job, MEDIA_BROKEN, "The film could not be encoded.");
    return drain(writer);
}

bool film_writer_finish(struct film_writer *writer)
{
    if (avcodec_send_frame(writer->codec, NULL) < 0 || !drain(writer))
        return job_fail(writer->job, MEDIA_BROKEN, "The film could not be finished.");
    if (av_write_trailer(writer->format) < 0)
        return job_fail(writer->job, MEDIA_TOO_LARGE, "The film is larger than its limit.");
    avio_flush(writer->format->pb);
    writer->job->reply.output_len[writer->name] = writer->sink.len;
    return writer->sink.len > 0;
}

void film_writer_close(struct film_writer **held)
{
    struct film_writer *writer = *held;
    if (writer == NULL)
        return;
    film_sink_close(writer->format);
    avformat_free_context(writer->format);
    avcodec_free_context(&writer->codec);
    av_frame_free(&writer->frame);
    av_packet_free(&writer->packet);
    sws_freeContext(writer->scaler);
    av_freep(held);
}
