/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Films on the wire: a "video" of the contract is a generation of kind video joined with its one
 * work. videos.c has what its owner calls, searching.c how films are found.
 *
 * Owns:     results are in the call's arena.
 * Threads:  the call's.
 * Time:     none.
 * Fails:    through the call.
 */
#pragma once

#include "studio/generations.h"

struct video {
    doc_id id;
    tick created;
    str title, description, prompt, enhanced_prompt, model;
    int64_t duration; /* s */
    str resolution;
    int64_t width, height;
    enum generation_status status;
    struct maybe_number progress;
    str video_url, thumbnail_url;
    credits credits_cost;
    bool is_favorite, is_public;
    str error_message, error_kind;
    struct maybe_int file_size;
    int64_t view_count, download_count, share_count;
    instant created_at;
    struct maybe_instant completed_at;
};
extern const struct shape video_shape;
extern const struct field video_item;

struct video video_of(struct call *call, const struct generation *g);

/* Its one work; false: there is none (yet, or any more). */
bool video_asset(struct call *call, const struct generation *g, struct asset *out);
