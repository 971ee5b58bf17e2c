/* SPDX-License-Identifier: Apache-2.0 */
#include "media/parameters.h"

#define ROW struct embedded
static const struct field embedded_fields[] = {
    CHOICE(tool, parameters_tool_names, .about = "Whose way of writing it is."),
    MAYBE_TEXT(prompt, .max = PARAMETERS_PROMPT_MAX),
    MAYBE_TEXT(negative_prompt, .max = PARAMETERS_PROMPT_MAX),
    MAYBE_TEXT(model, .max = PARAMETERS_NAME_MAX),
    MAYBE_TEXT(sampler, .max = PARAMETERS_NAME_MAX),
    MAYBE_INT(seed, .min = 0, .max = PARAMETERS_SEED_MAX),
    MAYBE_INT(steps, .min = 0, .max = 10000),
    MAYBE_INT(width, .min = 0, .max = 65536, .unit = "px"),
    MAYBE_INT(height, .min = 0, .max = 65536, .unit = "px"),
    MAYBE_NUMBER(guidance, .least = 0, .most = 1000),
    MAYBE_BOOL(is_generated, .about = "The file says that a model made it."),
    MAYBE_TEXT(raw, .max = PARAMETERS_RAW_MAX, .about = "What was read, cut."),
};
#undef ROW

const struct shape embedded_shape = {
    .name = "embeddedParameters",
    .about = "How a picture was made, as the program that made it wrote into the file.",
    .size = sizeof(struct embedded),
    FIELDS(embedded_fields),
};

bool parameters_take(struct arena *arena, str json, struct embedded *out, struct fault *fault)
{
    struct json value;
    struct field_error error = {0};
    *out = (struct embedded){0};
    if (!json_read(arena, json, 2, &value, fault))
        return false;
    return shape_read(arena, &embedded_shape, &value, false, out, &error) ||
           fault_set(fault, FAULT_INPUT, "what the file says of its making: wrong shape");
}
