/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Films, with FFmpeg's libraries: reading an MP4 from memory, and writing one into memory.
 *
 * Owns:     a writer, until film_writer_close.
 * Threads:  one; the codecs are told to use no threads of their own.
 * Time:     none.
 * Fails:    by job_fail.
 */
#pragma once

#include "media/worker/job.h"

/* Once, in the helper: quiet logs. */
void film_prepare(void);

struct film_writer;

struct film_shape {
    int width, height; /* even */
    int rate;          /* frames a second */
    int frames;        /* at most; room for its index is kept */
    double crf;        /* what libx264 takes for quality: 21 is good, 28 is small */
    enum media_output_name name;
};

/* H.264 in an MP4 whose index comes first, written to an output. */
struct film_writer *film_writer_open(struct job *job, const struct film_shape *shape);

/* Adds one frame of packed RGB. */
bool film_writer_frame(struct film_writer *writer, const uint8_t *rgb);

/* Writes what is pending and notes the output's length. */
bool film_writer_finish(struct film_writer *writer);
void film_writer_close(struct film_writer **writer);
