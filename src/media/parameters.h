/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a picture was made, as the program that made it wrote into the file: found by the helper
 * (worker/parameters.h), told to the server as JSON, and believed no more than any stranger's text.
 *
 * Owns:     the texts are the arena's.
 * Threads:  any.
 * Time:     none.
 * Fails:    parameters_take by a fault, if the JSON is not what the helper writes.
 */
#pragma once

#include "json/fields.h"

#define PARAMETERS_PROMPT_MAX 20000 /* bytes; longer ones are cut */
#define PARAMETERS_NAME_MAX 80
#define PARAMETERS_RAW_MAX 16384
#define PARAMETERS_JSON_MAX KIB(384) /* of all of it, escaped */
#define PARAMETERS_SEED_MAX (INT64_C(1) << 53)

/* Whose way of writing it is. */
enum parameters_tool {
    PARAMETERS_NONE,
    PARAMETERS_ATELIER,
    PARAMETERS_AUTOMATIC1111,
    PARAMETERS_COMFYUI,
    PARAMETERS_INVOKEAI,
    PARAMETERS_IPTC, /* the standard's own words, by whatever program */
    PARAMETERS_TOOLS,
};
extern const char *const parameters_tool_names[PARAMETERS_TOOLS];

struct embedded {
    enum parameters_tool tool;
    str prompt, negative_prompt, model, sampler;
    struct maybe_int seed, steps, width, height;
    struct maybe_number guidance;
    struct maybe_bool is_generated; /* the file says that a model made it */
    str raw;                        /* what was read, cut */
};
extern const struct shape embedded_shape;

bool parameters_take(struct arena *arena, str json, struct embedded *out, struct fault *fault)
    MUST_CHECK;
