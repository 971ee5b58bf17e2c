/* SPDX-License-Identifier: Apache-2.0 */
#include "provider/workflow.h"

#define SEEDS UINT64_C(9007199254740992)

static bool is_node(const struct json *node)
{
    return json_get(node, "class_type")->kind == JSON_TEXT &&
           json_get(node, "inputs")->kind == JSON_OBJECT;
}

bool workflow_check(str text, struct fault *fault)
{
    AUTO(arena_done) struct arena arena = {0};
    struct json workflow;
    if (text.len > WORKFLOW_MAX)
        return fault_set(fault, FAULT_INPUT, "a workflow is at most 256 KiB");
    if (!json_read(&arena, text, 0, &workflow, fault))
        return false;
    bool is_one = workflow.kind == JSON_OBJECT && workflow.count > 0;
    for (size_t i = 0; is_one && i < workflow.count; i++)
        is_one = is_node(&workflow.items[i]);
    if (!is_one)
        return fault_set(fault, FAULT_INPUT,
                         "this is no workflow as ComfyUI's \"Export (API)\" writes it: each "
                         "node needs class_type and inputs");
    return true;
}

bool workflow_takes_image(str text)
{
    return str_contains(text, STR("{image}"));
}

/* ---- places ---- */

struct filling {
    struct arena *arena;
    const struct provider_wish *wish;
    str image;
};

static struct json whole(int64_t value)
{
    return (struct json){.kind = JSON_INT, .integer = value};
}

static struct json number(double value)
{
    return (struct json){.kind = JSON_NUMBER, .number = value};
}

/* A text that is one place for a number. */
static bool fill_number(const struct filling *filling, str text, struct json *out)
{
    const struct provider_wish *wish = filling->wish;
    const struct {
        const char *place;
        struct json value;
    } places[] = {
        {"{seed}", whole((int64_t)((uint64_t)wish->seed.value % SEEDS))},
        {"{steps}", whole(wish->steps.is_set ? wish->steps.value : 20)},
        {"{guidance}", number(wish->guidance.is_set ? wish->guidance.value : 7)},
        {"{width}", whole(wish->width)},
        {"{height}", whole(wish->height)},
        {"{count}", whole(wish->count)},
        {"{duration}", whole(wish->duration)},
        {"{strength}", number(wish->strength.is_set ? wish->strength.value : 0.75)},
    };
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        if (!str_equal(text, str_of(places[i].place)))
            continue;
        str key = out->key;
        *out = places[i].value;
        out->key = key;
        return true;
    }
    return false;
}

/* The word of the place that begins here, and its length; 0: none does. What is put in is not
 * looked into again. */
static size_t place_at(const struct filling *filling, str rest, str *word)
{
    const struct {
        str place, word;
    } places[] = {
        {STR("{prompt}"), filling->wish->prompt},
        {STR("{negativePrompt}"), filling->wish->negative_prompt},
        {STR("{model}"), filling->wish->model},
        {STR("{image}"), filling->image},
    };
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        *word = places[i].word;
        if (str_starts(rest, places[i].place))
            return places[i].place.len;
    }
    return 0;
}

static str fill_text(const struct filling *filling, str text)
{
    AUTO(buffer_done) struct buffer out = {0};
    if (str_find(text, '{') < 0)
        return text;
    for (size_t at = 0; at < text.len;) {
        str word;
        size_t len = place_at(filling, str_slice(text, at, text.len), &word);
        if (len != 0)
            buffer_str(&out, word);
        else
            buffer_char(&out, text.at[at]);
        at += len == 0 ? 1 : len;
    }
    return str_copy(filling->arena, buffer_text(&out));
}

/* As deep as json_read lets a text be. */
static void fill(const struct filling *filling, struct json *value)
{
    if (value->kind == JSON_TEXT && !fill_number(filling, value->text, value))
        value->text = fill_text(filling, value->text);
    if (value->kind != JSON_LIST && value->kind != JSON_OBJECT)
        return;
    for (size_t i = 0; i < value->count; i++)
        fill(filling, &value->items[i]);
}

bool workflow_fill(struct arena *arena, str text, const struct provider_wish *wish, str image,
                   struct json *out)
{
    struct filling filling = {arena, wish, image};
    struct fault fault;
    if (!json_read(arena, text, 0, out, &fault) || out->kind != JSON_OBJECT)
        return false;
    fill(&filling, out);
    return true;
}
