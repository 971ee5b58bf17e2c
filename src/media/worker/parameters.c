/* SPDX-License-Identifier: Apache-2.0 */
#include "media/worker/parameters.h"

#include <string.h>

#define GENERATED "trainedAlgorithmicMedia" /* also compositeWith… and …WithTrained… */

/* Of a foreign number: whole and within bounds, or not at all. */
static struct maybe_int whole(const struct json *value, int64_t max)
{
    int64_t n = -1;
    if (value->kind == JSON_INT)
        n = value->integer;
    else if (value->kind == JSON_NUMBER && value->number >= 0 && value->number <= (double)max)
        n = (int64_t)value->number;
    else if (value->kind == JSON_TEXT && !str_to_int(value->text, &n))
        n = -1;
    return (struct maybe_int){n, n >= 0 && n <= max};
}

void parameters_set_seed(struct embedded *to, const struct json *value)
{
    if (!to->seed.is_set)
        to->seed = whole(value, PARAMETERS_SEED_MAX);
}

void parameters_set_size(struct maybe_int *to, const struct json *value)
{
    if (!to->is_set)
        *to = whole(value, 65536);
}

void parameters_set_steps(struct embedded *to, const struct json *value)
{
    if (!to->steps.is_set)
        to->steps = whole(value, 10000);
}

void parameters_set_guidance(struct embedded *to, const struct json *value)
{
    double n = value->kind == JSON_INT ? (double)value->integer : json_number(value, -1);
    if (!to->guidance.is_set && n >= 0 && n <= 1000)
        to->guidance = (struct maybe_number){n, true};
}

/* ---- InvokeAI ---- */

static const struct json *first_of(const struct json *object, const char *const *keys)
{
    const struct json *found = json_get(object, *keys);
    while (found->kind == JSON_NONE && *++keys != NULL)
        found = json_get(object, *keys);
    return found;
}

/* "sd-metadata" has the same inside "image", its prompt as a list of parts with weights. */
static str prompt_of(const struct json *value)
{
    if (value->kind == JSON_LIST && value->count > 0)
        return json_text(json_get(&value->items[0], "prompt"));
    return json_text(value);
}

static bool find_invokeai(struct arena *arena, str text, struct embedded *out)
{
    struct json all;
    if (text.len == 0 || !json_read(arena, text, 0, &all, NULL) || all.kind != JSON_OBJECT)
        return false;
    const struct json *image = json_get(&all, "image");
    const struct json *from = image->kind == JSON_OBJECT ? image : &all;
    const struct json *model = first_of(&all, (const char *[]){"model", "model_weights", NULL});
    out->tool = PARAMETERS_INVOKEAI;
    out->raw = text;
    out->prompt = prompt_of(first_of(from, (const char *[]){"positive_prompt", "prompt", NULL}));
    out->negative_prompt = json_text(json_get(from, "negative_prompt"));
    out->model = model->kind == JSON_OBJECT
                     ? json_text(first_of(model, (const char *[]){"name", "model_name", NULL}))
                     : json_text(model);
    out->sampler = json_text(first_of(from, (const char *[]){"scheduler", "sampler", NULL}));
    parameters_set_seed(out, json_get(from, "seed"));
    parameters_set_steps(out, json_get(from, "steps"));
    parameters_set_guidance(out, json_get(from, "cfg_scale"));
    parameters_set_size(&out->width, json_get(from, "width"));
    parameters_set_size(&out->height, json_get(from, "height"));
    return out->prompt.len > 0 || out->seed.is_set;
}

/* ---- XMP ---- */

static void set_int(struct maybe_int *to, str text, int64_t max)
{
    int64_t n;
    if (str_to_int(text, &n) && n >= 0 && n <= max)
        *to = (struct maybe_int){n, true};
}

static bool find_ours(struct arena *arena, str xmp, struct embedded *out)
{
    if (xmp.len == 0)
        return false;
    out->prompt = xmp_value(arena, xmp, "atelier:prompt");
    out->negative_prompt = xmp_value(arena, xmp, "atelier:negativePrompt");
    out->model = xmp_value(arena, xmp, "atelier:model");
    set_int(&out->seed, xmp_value(arena, xmp, "atelier:seed"), PARAMETERS_SEED_MAX);
    set_int(&out->width, xmp_value(arena, xmp, "atelier:width"), 65536);
    set_int(&out->height, xmp_value(arena, xmp, "atelier:height"), 65536);
    out->tool = PARAMETERS_ATELIER;
    out->raw = (str){0}; /* it says no more than what was read */
    return out->prompt.len > 0 || out->seed.is_set || out->model.len > 0;
}

static bool find_iptc(struct arena *arena, str xmp, struct embedded *out)
{
    if (xmp.len == 0)
        return false;
    out->tool = PARAMETERS_IPTC;
    out->prompt = xmp_value(arena, xmp, "Iptc4xmpExt:AIPromptInformation");
    out->model = xmp_value(arena, xmp, "Iptc4xmpExt:AISystemUsed");
    return out->prompt.len > 0 || out->model.len > 0 || out->is_generated.is_set;
}

/* ---- all ---- */

/* "prompt:{…}" in the camera's maker or name: ComfyUI, where the format has no texts. */
static str prefixed(str text, str prefix)
{
    if (text.len < prefix.len || !str_equal_nocase(str_slice(text, 0, prefix.len), prefix))
        return (str){0};
    return str_trim(str_slice(text, prefix.len, text.len));
}

static bool find_comfyui(struct arena *arena, const struct metadata *metadata, struct embedded *out)
{
    return parameters_comfyui(arena, metadata_text(metadata, "prompt"), out) ||
           parameters_comfyui(
               arena, prefixed(metadata_text(metadata, METADATA_MAKE), STR("prompt:")), out) ||
           parameters_comfyui(
               arena, prefixed(metadata_text(metadata, METADATA_CAMERA), STR("prompt:")), out);
}

static bool find_plain(struct arena *arena, const struct metadata *metadata, struct embedded *out)
{
    static const char *const keys[] = {METADATA_USER_COMMENT, METADATA_COMMENT,
                                       METADATA_DESCRIPTION};
    if (parameters_plain(arena, metadata_text(metadata, "parameters"), true, out))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (parameters_plain(arena, metadata_text(metadata, keys[i]), false, out))
            return true;
    return false;
}

/* What no reader found must not be half in the answer. */
static struct embedded blank(bool is_generated)
{
    return (struct embedded){.is_generated = {.value = true, .is_set = is_generated}};
}

bool parameters_find(struct arena *arena, const struct metadata *metadata, struct embedded *out)
{
    str xmp = metadata_text(metadata, METADATA_XMP);
    bool is_generated =
        str_contains_nocase(xmp_value(arena, xmp, "Iptc4xmpExt:DigitalSourceType"), STR(GENERATED));
    *out = blank(is_generated);
    if (find_ours(arena, xmp, out))
        return true;
    *out = blank(is_generated);
    if (find_invokeai(arena, metadata_text(metadata, "invokeai_metadata"), out) ||
        find_invokeai(arena, metadata_text(metadata, "sd-metadata"), out))
        return true;
    *out = blank(is_generated);
    if (find_comfyui(arena, metadata, out))
        return true;
    *out = blank(is_generated);
    if (find_plain(arena, metadata, out))
        return true;
    *out = blank(is_generated);
    return find_iptc(arena, xmp, out);
}

/* ---- the answer ---- */

struct pen {
    struct buffer *to;
    bool is_open; /* something is written already */
};

static void write_key(struct pen *pen, const char *key)
{
    buffer_str(pen->to, pen->is_open ? STR(",") : STR("{"));
    json_write_text(pen->to, str_of(key));
    buffer_char(pen->to, ':');
    pen->is_open = true;
}

static void write_text(struct pen *pen, const char *key, str text, size_t max)
{
    text = str_trim(utf8_cut(text, max));
    if (text.len == 0)
        return;
    write_key(pen, key);
    json_write_text(pen->to, text);
}

static void write_int(struct pen *pen, const char *key, struct maybe_int value)
{
    if (!value.is_set)
        return;
    write_key(pen, key);
    json_write_int(pen->to, value.value);
}

void parameters_write(struct buffer *to, const struct embedded *from)
{
    struct pen pen = {.to = to};
    write_text(&pen, "tool", str_of(parameters_tool_names[from->tool]), PARAMETERS_NAME_MAX);
    write_text(&pen, "prompt", from->prompt, PARAMETERS_PROMPT_MAX);
    write_text(&pen, "negativePrompt", from->negative_prompt, PARAMETERS_PROMPT_MAX);
    write_text(&pen, "model", from->model, PARAMETERS_NAME_MAX);
    write_text(&pen, "sampler", from->sampler, PARAMETERS_NAME_MAX);
    write_int(&pen, "seed", from->seed);
    write_int(&pen, "steps", from->steps);
    write_int(&pen, "width", from->width);
    write_int(&pen, "height", from->height);
    if (from->guidance.is_set) {
        write_key(&pen, "guidance");
        json_write_number(to, from->guidance.value);
    }
    if (from->is_generated.is_set) {
        write_key(&pen, "isGenerated");
        buffer_str(to, from->is_generated.value ? STR("true") : STR("false"));
    }
    write_text(&pen, "raw", from->raw, PARAMETERS_RAW_MAX);
    buffer_char(to, '}');
}
