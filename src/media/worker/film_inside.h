/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A film that is being read, for the files that read films: film_read.c (container, facts and
 * frames), film_show.c (poster and thumbnail), film_write.c, film_loop.c (a preview that
 * moves), film_remux.c (the same film with its index first).
 *
 * Owns:     what film_done lets go.
 * Threads:  one; the codecs are told to use no threads of their own.
 * Time:     none.
 * Fails:    by job_fail.
 */
#pragma once

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#include "media/worker/film.h"
#include "media/worker/picture.h"

struct film {
    struct job *job;
    size_t at; /* reading position in the input */
    AVFormatContext *format;
    AVStream *stream;
    AVCodecContext *codec;
    AVFrame *frame;
    AVPacket *packet;
    bool is_drained;   /* no more packets will come */
    int quarter_turns; /* to the right, to show it upright */
};

bool film_open(struct film *film);
bool film_note_facts(struct film *film);
bool film_open_decoder(struct film *film);
void film_done(struct film *film);

/* Into film->frame; false: there is no other one. */
bool film_next_frame(struct film *film);

/* What is written, in memory; for a format's pb. */
struct film_sink {
    uint8_t *out;
    size_t room, at, len;
};

/* ---- film_write.c ---- */

AVIOContext *film_sink_open(struct film_sink *sink);
void film_sink_close(AVFormatContext *format);

/* ---- film_show.c ---- */

/* The frame as packed RGB in memory, upright; the size is before it is turned. */
VipsImage *film_frame_image(const struct film *film, int width, int height);

/* ---- film_remux.c ---- */

/* Copies a film whose index comes last, or that is a QuickTime one, into an MP4 whose index comes
 * first; nothing is coded anew. What cannot be copied is not made, and that is no failure. */
void film_put_playback(struct job *job, enum media_type type);
