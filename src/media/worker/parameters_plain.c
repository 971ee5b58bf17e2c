/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of Automatic1111 and its kin:
 *
 *   the prompt, on any number of lines
 *   Negative prompt: the same
 *   Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x768, Model: "a, b"
 */
#include "media/worker/parameters.h"

#define NEGATIVE "Negative prompt:"
#define PAIRS_MAX 200
#define PAIRS_CERTAIN 3 /* fewer are a sentence with colons */

struct pair {
    str key, value;
};

/* A quoted value may hold commas. */
static size_t value_end(str text)
{
    bool is_quoted = text.len > 0 && text.at[0] == '"';
    for (size_t i = is_quoted ? 1 : 0; i < text.len; i++) {
        if (is_quoted && text.at[i] == '\\')
            i++;
        else if (is_quoted && text.at[i] == '"')
            is_quoted = false;
        else if (!is_quoted && text.at[i] == ',')
            return i;
    }
    return text.len;
}

static bool take_pair(str *rest, struct pair *out)
{
    ptrdiff_t colon = str_find(*rest, ':');
    if (colon <= 0)
        return false;
    out->key = str_trim(str_slice(*rest, 0, (size_t)colon));
    str after = str_trim(str_slice(*rest, (size_t)colon + 1, rest->len));
    size_t end = value_end(after);
    out->value = str_trim(str_slice(after, 0, end));
    if (out->value.len >= 2 && out->value.at[0] == '"')
        out->value = str_slice(out->value, 1, out->value.len - 1);
    *rest = str_trim(str_slice(after, end + 1, after.len));
    return out->key.len > 0 && out->key.len <= 60;
}

static void set_number(struct embedded *out, str text)
{
    struct json value;
    AUTO(arena_done) struct arena arena = {0};
    if (json_read(&arena, text, 1, &value, NULL))
        parameters_set_guidance(out, &value);
}

static void take(struct embedded *out, const struct pair *pair)
{
    struct json text = {.kind = JSON_TEXT, .text = pair->value};
    if (str_equal(pair->key, STR("Seed"))) {
        parameters_set_seed(out, &text);
    } else if (str_equal(pair->key, STR("Steps"))) {
        parameters_set_steps(out, &text);
    } else if (str_equal(pair->key, STR("CFG scale"))) {
        set_number(out, pair->value);
    } else if (str_equal(pair->key, STR("Sampler"))) {
        out->sampler = pair->value;
    } else if (str_equal(pair->key, STR("Model"))) {
        out->model = pair->value;
    } else if (str_equal(pair->key, STR("Size"))) {
        str height = pair->value, width;
        if (str_split(&height, 'x', &width)) {
            parameters_set_size(&out->width, &(struct json){.kind = JSON_TEXT, .text = width});
            parameters_set_size(&out->height, &(struct json){.kind = JSON_TEXT, .text = height});
        }
    }
}

/* How many pairs the line holds; they are taken if they are enough. */
static size_t read_settings(str line, struct embedded *out)
{
    struct pair pairs[PAIRS_MAX];
    size_t count = 0;
    while (count < PAIRS_MAX && take_pair(&line, &pairs[count]))
        count++;
    for (size_t i = 0; i < count && count >= PAIRS_CERTAIN; i++)
        take(out, &pairs[i]);
    return count;
}

/* Where the prompt to avoid begins: at the start of a line. */
static ptrdiff_t find_negative(str text)
{
    for (size_t at = 0; at < text.len;) {
        str rest = str_slice(text, at, text.len);
        if (str_starts(rest, STR(NEGATIVE)))
            return (ptrdiff_t)at;
        ptrdiff_t end = str_find(rest, '\n');
        if (end < 0)
            return -1;
        at += (size_t)end + 1;
    }
    return -1;
}

bool parameters_plain(struct arena *arena, str text, bool is_certain, struct embedded *out)
{
    text = str_trim(text);
    if (text.len == 0 || (is_certain && text.at[0] == '{')) /* JSON under the same name */
        return false;
    ptrdiff_t last = str_find_last(text, '\n');
    struct embedded found = {.is_generated = out->is_generated};
    str settings = str_slice(text, (size_t)(last + 1), text.len);
    bool has_settings = read_settings(settings, &found) >= PAIRS_CERTAIN;
    if (!is_certain && (!has_settings || (!found.seed.is_set && !found.steps.is_set)))
        return false;
    str words = has_settings ? str_slice(text, 0, (size_t)(last + 1)) : text;
    ptrdiff_t negative = find_negative(words);
    found.tool = PARAMETERS_AUTOMATIC1111;
    found.raw = text;
    found.prompt = str_trim(negative < 0 ? words : str_slice(words, 0, (size_t)negative));
    if (negative >= 0)
        found.negative_prompt =
            str_trim(str_slice(words, (size_t)negative + sizeof(NEGATIVE) - 1, words.len));
    *out = found;
    return true;
}
