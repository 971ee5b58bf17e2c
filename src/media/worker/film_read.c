/* SPDX-License-Identifier: Apache-2.0 */
#include "media/worker/film_inside.h"

#include <libavutil/avstring.h>
#include <libavutil/display.h>
#include <stdio.h>
#include <string.h>

#define IO_BUFFER (64 << 10)
#define SIDE_MAX 16384
#define PACKETS_MAX 2000 /* looked at for the next frame */
#define CODECS "h264,hevc,av1,libdav1d,vp9,vp8,mpeg4,prores,aac,mp3,opus,vorbis"
#define DURATION_MAX_MS (24LL * 3600 * 1000)

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

void film_done(struct film *film)
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

bool film_open(struct film *film)
{
    film->format = avformat_alloc_context();
    uint8_t *buffer = av_malloc(IO_BUFFER);
    AVIOContext *io = avio_alloc_context(buffer, IO_BUFFER, 0, film, get, NULL, move);
    film->format->pb = io;
    film->format->flags |= AVFMT_FLAG_CUSTOM_IO;
    AVDictionary *options = NULL;
    av_dict_set(&options, "format_whitelist", "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm", 0);
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
        return job_fail(film->job, MEDIA_REFUSED, "This file holds sound but no moving picture.");
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

/* What a live recorder wrote has no length in its head: then the last frame tells. */
static int64_t last_end(struct film *film)
{
    int64_t end = 0;
    AVPacket *packet = av_packet_alloc();
    for (uint64_t left = film->job->request.frames_max;
         left > 0 && av_read_frame(film->format, packet) >= 0;) {
        if (packet->stream_index == film->stream->index && packet->pts != AV_NOPTS_VALUE) {
            end = MAX_OF(end, packet->pts + MAX_OF(packet->duration, 0));
            left--;
        }
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    (void)av_seek_frame(film->format, film->stream->index, 0, AVSEEK_FLAG_BACKWARD);
    return end;
}

static int64_t duration_of(struct film *film)
{
    int64_t duration = 0;
    if (film->stream->duration > 0)
        duration =
            av_rescale_q(film->stream->duration, film->stream->time_base, (AVRational){1, 1000});
    else if (film->format->duration > 0)
        duration = film->format->duration / (AV_TIME_BASE / 1000);
    else
        duration = av_rescale_q(last_end(film), film->stream->time_base, (AVRational){1, 1000});
    return MIN_OF(MAX_OF(duration, 0), DURATION_MAX_MS);
}

bool film_note_facts(struct film *film)
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

bool film_open_decoder(struct film *film)
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

bool film_next_frame(struct film *film)
{
    for (int i = 0; i < PACKETS_MAX && !film->is_drained; i++) {
        if (avcodec_receive_frame(film->codec, film->frame) == 0)
            return true;
        bool is_end = av_read_frame(film->format, film->packet) < 0;
        if (!is_end && film->packet->stream_index != film->stream->index) {
            av_packet_unref(film->packet);
            continue;
        }
        int sent = avcodec_send_packet(film->codec, is_end ? NULL : film->packet);
        av_packet_unref(film->packet);
        film->is_drained = is_end || (sent < 0 && sent != AVERROR_INVALIDDATA);
    }
    return avcodec_receive_frame(film->codec, film->frame) == 0;
}
