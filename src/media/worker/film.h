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

/* H.264 in an MP4 whose index comes first, written to `out` of `room` bytes. */
struct film_writer *film_writer_open(struct job *job, int width, int height, int rate, int frames,
                                     uint8_t *out, size_t room);

/* Adds one frame of packed RGB. */
bool film_writer_frame(struct film_writer *writer, const uint8_t *rgb);

/* Writes what is pending; answers the length of the film. */
bool film_writer_finish(struct film_writer *writer, size_t *len);
void film_writer_close(struct film_writer **writer);
