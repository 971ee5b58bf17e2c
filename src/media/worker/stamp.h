/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes into a file how it was made: as XMP (the IPTC's source type, prompt and system; ours with
 * the seed), and into PNG also in the words that other programs read ("parameters"). Nothing that
 * is there is lost: XMP of others is added to, other chunks stay where they are, pixels are not
 * looked at. Answers edits of the file (media/edits.h).
 *
 * Owns:     nothing.
 * Threads:  any.
 * Time:     none.
 * Fails:    stamp_edits answers false when the file is not built as its format says.
 */
#pragma once

#include "media/edits.h"
#include "media/worker/metadata.h"

struct stamp {
    str prompt, negative_prompt, model; /* valid UTF-8; may be empty */
    struct maybe_int seed;
    uint32_t width, height; /* 0: not said */
};

bool stamp_edits(struct arena *arena, enum media_type type, bytes file, const struct stamp *stamp,
                 struct buffer *to);

/* ---- stamp_text.c: what is written ---- */

/* A packet of at most `max` bytes, `old` with ours added where it is not empty. Empty: nothing is
 * to be written, because it says all already or cannot be added to. */
str stamp_xmp(struct arena *arena, const struct stamp *stamp, str old, size_t max);

/* "prompt\nNegative prompt: …\nSeed: 1, Size: 512x512, Model: …" */
str stamp_plain(struct arena *arena, const struct stamp *stamp);
