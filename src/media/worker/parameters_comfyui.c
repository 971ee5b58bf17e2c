/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ComfyUI keeps the graph that it ran: {"3": {"class_type": "KSampler", "inputs": {"seed": 1,
 * "positive": ["6", 0], …}}, …}. Nodes are of thousands of kinds, so only this is relied on: a
 * sampler has "Sampler" in its name, and what it needs is found by following its links.
 */
#include "media/worker/parameters.h"

#define LOOKS_MAX 4000000 /* at names of nodes, in all: a graph may be a knot */
#define DEPTH_MAX 24

struct search {
    const struct json *graph;
    const char *const *keys;
    enum json_kind kind; /* JSON_NUMBER: whole ones too */
    int64_t left;        /* looks */
};

static bool is_wanted(const struct search *search, const struct json *value)
{
    if (search->kind == JSON_TEXT)
        return value->kind == JSON_TEXT && str_trim(value->text).len > 0;
    return value->kind == JSON_INT || value->kind == JSON_NUMBER;
}

/* ["6", 0]: an output of another node. */
static const struct json *linked(struct search *search, const struct json *value)
{
    if (value->kind != JSON_LIST || value->count != 2 || value->items[0].kind != JSON_TEXT)
        return NULL;
    search->left -= (int64_t)search->graph->count;
    if (search->left < 0)
        return NULL;
    for (size_t i = 0; i < search->graph->count; i++)
        if (str_equal(search->graph->items[i].key, value->items[0].text))
            return &search->graph->items[i];
    return NULL;
}

/* The node's own value under one of the keys, else what its links lead to. */
static const struct json *follow(struct search *search, const struct json *node, int depth)
{
    const struct json *inputs = json_get(node, "inputs");
    if (depth > DEPTH_MAX || inputs->kind != JSON_OBJECT)
        return NULL;
    for (const char *const *key = search->keys; *key != NULL; key++)
        if (is_wanted(search, json_get(inputs, *key)))
            return json_get(inputs, *key);
    for (size_t i = 0; i < inputs->count; i++) {
        const struct json *next = linked(search, &inputs->items[i]);
        const struct json *found = next == NULL ? NULL : follow(search, next, depth + 1);
        if (found != NULL)
            return found;
    }
    return NULL;
}

static const struct json *find_from(struct search *search, const struct json *node,
                                    enum json_kind kind, const char *const *keys)
{
    static const struct json nothing = {.kind = JSON_NONE};
    search->kind = kind;
    search->keys = keys;
    const struct json *found = node == NULL ? NULL : follow(search, node, 0);
    search->keys = NULL; /* they are the caller's */
    return found == NULL ? &nothing : found;
}

/* The node that an input of a node comes from. */
static const struct json *source(struct search *search, const struct json *node, const char *input)
{
    return linked(search, json_get(json_get(node, "inputs"), input));
}

#define KEYS(...)                                                                                  \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

static str words_of(struct search *search, const struct json *from)
{
    return json_text(find_from(
        search, from, JSON_TEXT,
        KEYS("text", "text_g", "t5xxl", "prompt", "string", "value", "text_l", "clip_l")));
}

static void read_sampler(struct search *search, const struct json *node, struct embedded *out)
{
    const struct json *guider = source(search, node, "guider");
    const struct json *giver = guider == NULL ? node : guider;
    const struct json *positive = source(search, giver, "positive");
    if (positive == NULL)
        positive = source(search, giver, "conditioning");
    out->prompt = words_of(search, positive);
    out->negative_prompt = words_of(search, source(search, giver, "negative"));
    out->model =
        json_text(find_from(search, node, JSON_TEXT, KEYS("ckpt_name", "unet_name", "model_name")));
    out->sampler = json_text(find_from(search, node, JSON_TEXT, KEYS("sampler_name")));
    parameters_set_seed(out, find_from(search, node, JSON_NUMBER, KEYS("seed", "noise_seed")));
    parameters_set_steps(out, find_from(search, node, JSON_NUMBER, KEYS("steps")));
    parameters_set_guidance(out, find_from(search, node, JSON_NUMBER, KEYS("cfg", "guidance")));
    const struct json *canvas = source(search, node, "latent_image");
    parameters_set_size(&out->width, find_from(search, canvas, JSON_NUMBER, KEYS("width")));
    parameters_set_size(&out->height, find_from(search, canvas, JSON_NUMBER, KEYS("height")));
}

bool parameters_comfyui(struct arena *arena, str text, struct embedded *out)
{
    struct json graph;
    if (text.len == 0 || text.at[0] != '{' || !json_read(arena, text, 0, &graph, NULL))
        return false;
    struct search search = {.graph = &graph, .left = LOOKS_MAX};
    bool has_nodes = false;
    for (size_t i = 0; i < graph.count; i++) {
        const struct json *node = &graph.items[i];
        str kind = json_text(json_get(node, "class_type"));
        has_nodes |= kind.len > 0;
        if (out->prompt.len == 0 && str_contains(kind, STR("Sampler")) &&
            (source(&search, node, "positive") != NULL || source(&search, node, "guider") != NULL))
            read_sampler(&search, node, out);
    }
    out->tool = PARAMETERS_COMFYUI;
    out->raw = text;
    return has_nodes;
}
