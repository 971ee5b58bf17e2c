/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What models call things. Services that run many people's models take one object of parameters
 * for each, and every family has its own names: num_outputs or num_images, guidance_scale or cfg,
 * pixels or a ratio. A dialect is one row that tells them; what has no name is not sent.
 *
 * Owns:     rows are constant.
 * Threads:  any.
 * Time:     none.
 * Fails:    never.
 */
#pragma once

#include "provider/provider.h"
#include "json/json.h"

enum size_words {
    SIZE_NONE,
    SIZE_PIXELS, /* "width":1024,"height":576 */
    SIZE_RATIO,  /* "aspect_ratio":"16:9" */
    SIZE_CUSTOM, /* "aspect_ratio":"custom" and pixels */
    SIZE_OBJECT, /* "image_size":{"width":1024,"height":576} */
};

enum length_words {
    LENGTH_NONE,
    LENGTH_NUMBER,  /* "duration":8 */
    LENGTH_TEXT,    /* "duration":"8" */
    LENGTH_SECONDS, /* "duration":"8s" */
};

struct dialect {
    const char *prefix; /* of the model's name; rows that are more exact stand first */
    bool is_video;      /* for rows that fit everything of a kind */
    enum size_words size;
    enum length_words length;
    const char *count, *steps, *guidance, *negative, *resolution, *image, *strength, *camera;
    bool image_is_list;
};

/* The first row that fits; the last two fit everything, a picture and a film. */
const struct dialect *dialect_of(const struct dialect *all, size_t count,
                                 const struct provider_wish *wish);

/* What was asked for, or the one of the usual ratios that is nearest: "16:9". */
str dialect_ratio(const struct provider_wish *wish);

/* The object of parameters, with its braces. */
void dialect_write(struct buffer *to, struct arena *arena, const struct dialect *dialect,
                   const struct provider_wish *wish);

/* Adds every address and data URL in a result, whatever its form: text, list, object of either.
 * Of an object that names its works ("images", "video", …) only those; of another nothing, unless
 * any name will do. */
void dialect_collect(struct arena *arena, const struct json *result, bool any_name,
                     struct provider_answer *out);

/* An answer; nothing in it when it is no JSON. */
struct json dialect_answer(struct arena *arena, str body);

/* The job that a posting is about, by the name that its id has there; false: it names none. */
bool dialect_posted(struct arena *arena, str body, const char *member, str *job);

/* What services put into paths: letters, digits, '-' and '_', of a length that ids have. */
bool dialect_is_id(str text);
