/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same film in an MP4 whose index comes first, so that a browser shows it from the first bytes
 * on. Pictures and sound are copied as they are; what the file says about place and camera is not.
 */
#include "media/worker/film_inside.h"

#include <string.h>

/* What the index may take, kept free at the front: a fixed part and one for each sample. */
#define INDEX_FIXED (16 << 10)
#define INDEX_SAMPLE 48
#define TRACKS 2 /* one of pictures, one of sound */
#define TRACKS_MAX 16
#define NO_TRACK (-1)

static uint64_t u32_at(const uint8_t *at)
{
    return (uint64_t)at[0] << 24 | (uint64_t)at[1] << 16 | (uint64_t)at[2] << 8 | at[3];
}

/* Whether the pictures stand before the index that tells where they are. */
static bool index_is_last(const struct job *job)
{
    const uint8_t *data = job->input;
    for (uint64_t at = 0; at + 16 <= job->input_len;) {
        uint64_t size = u32_at(data + at);
        if (memcmp(data + at + 4, "moov", 4) == 0)
            return false;
        if (memcmp(data + at + 4, "mdat", 4) == 0)
            return true;
        if (size == 1)
            size = u32_at(data + at + 8) << 32 | u32_at(data + at + 12);
        if (size < 8 || size > job->input_len - at)
            return false;
        at += size;
    }
    return false;
}

struct remux {
    struct film film;
    struct film_sink sink;
    AVFormatContext *out;
    int track[TRACKS_MAX]; /* where each of the film's goes; or NO_TRACK */
    int64_t samples;
};

static void remux_done(struct remux *remux)
{
    film_sink_close(remux->out);
    avformat_free_context(remux->out);
    film_done(&remux->film);
}

static bool keep_turn(const AVStream *from, AVStream *to)
{
#if LIBAVCODEC_VERSION_MAJOR < 61
    size_t size = 0;
    const uint8_t *matrix = av_stream_get_side_data(from, AV_PKT_DATA_DISPLAYMATRIX, &size);
    if (matrix == NULL)
        return true;
    uint8_t *copy = av_stream_new_side_data(to, AV_PKT_DATA_DISPLAYMATRIX, size);
    if (copy != NULL)
        memcpy(copy, matrix, size);
    return copy != NULL;
#else
    return true; /* it goes along with the parameters */
#endif
}

static bool add_track(struct remux *remux, const AVStream *from)
{
    AVStream *to = avformat_new_stream(remux->out, NULL);
    if (to == NULL || from->index >= TRACKS_MAX ||
        avcodec_parameters_copy(to->codecpar, from->codecpar) < 0 || !keep_turn(from, to))
        return false;
    /* Of HEVC's two names some players know only this one. */
    bool is_hevc = from->codecpar->codec_id == AV_CODEC_ID_HEVC;
    to->codecpar->codec_tag = is_hevc ? MKTAG('h', 'v', 'c', '1') : 0;
    to->time_base = from->time_base;
    to->avg_frame_rate = from->avg_frame_rate;
    to->sample_aspect_ratio = from->sample_aspect_ratio;
    remux->track[from->index] = to->index;
    remux->samples += MAX_OF(from->nb_frames, avformat_index_get_entries_count(from));
    return true;
}

static bool write_head(struct remux *remux)
{
    AVFormatContext *in = remux->film.format;
    if (avformat_alloc_output_context2(&remux->out, NULL, "mp4", NULL) < 0)
        return false;
    remux->out->pb = film_sink_open(&remux->sink);
    remux->out->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_BITEXACT;
    if (remux->out->pb == NULL || !add_track(remux, remux->film.stream))
        return false;
    int sound = av_find_best_stream(in, AVMEDIA_TYPE_AUDIO, -1, remux->film.stream->index, NULL, 0);
    if (sound >= 0 && !add_track(remux, in->streams[sound]))
        return false;
    AVDictionary *options = NULL;
    av_dict_set_int(&options, "moov_size", INDEX_FIXED + remux->samples * INDEX_SAMPLE, 0);
    int result = avformat_write_header(remux->out, &options);
    av_dict_free(&options);
    return result >= 0;
}

static bool copy_packet(struct remux *remux, AVPacket *packet)
{
    const AVStream *from = remux->film.format->streams[packet->stream_index];
    int track = packet->stream_index < TRACKS_MAX ? remux->track[packet->stream_index] : NO_TRACK;
    if (track == NO_TRACK) {
        av_packet_unref(packet);
        return true;
    }
    av_packet_rescale_ts(packet, from->time_base, remux->out->streams[track]->time_base);
    packet->stream_index = track;
    packet->pos = -1;
    return av_interleaved_write_frame(remux->out, packet) >= 0;
}

static bool copy_all(struct remux *remux)
{
    AVPacket *packet = remux->film.packet = av_packet_alloc();
    if (packet == NULL)
        return false;
    while (av_read_frame(remux->film.format, packet) >= 0)
        if (!copy_packet(remux, packet))
            return false;
    return av_write_trailer(remux->out) >= 0 && remux->out->pb->error >= 0;
}

void film_put_playback(struct job *job, enum media_type type)
{
    if (job->outputs[MEDIA_PLAYBACK] == NULL || type == MEDIA_WEBM ||
        (type == MEDIA_MP4 && !index_is_last(job)))
        return;
    AUTO(remux_done)
    struct remux remux = {
        .film = {.job = job},
        .sink = {.out = job->outputs[MEDIA_PLAYBACK],
                 .room = job->request.output_room[MEDIA_PLAYBACK]},
    };
    for (size_t i = 0; i < TRACKS_MAX; i++)
        remux.track[i] = NO_TRACK;
    if (!film_open(&remux.film) || !write_head(&remux) || !copy_all(&remux))
        return;
    avio_flush(remux.out->pb);
    job->reply.output_len[MEDIA_PLAYBACK] = remux.sink.len;
}
