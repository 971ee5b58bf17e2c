/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The built-in sketcher: an abstract picture from a prompt, without any model or network.
 *
 * The same order gives the same bytes on every run and every machine. A film is the same picture
 * at phases from 0 to 1.
 *
 * Owns:     the painting, until painting_free.
 * Threads:  one painting, one thread.
 * Time:     none.
 * Fails:    never; orders are checked by whoever takes them (sides 64..4096).
 */
#pragma once

#include "media/worker/paint_mood.h"

struct painting;

struct painting *painting_new(const struct paint_order *order);
void painting_free(struct painting *painting);

/* Paints the picture at a phase into rgb (3 bytes a pixel); false if progress said stop. */
bool painting_frame(struct painting *painting, float phase, uint8_t *rgb, canvas_progress *progress,
                    void *context);
