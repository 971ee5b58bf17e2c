/* SPDX-License-Identifier: Apache-2.0 */
#include "provider/dialect.h"

#define ID_MAX 128
#define DEPTH_MAX 4
#define SEEDS INT64_C(2147483648) /* what they all take: 31 bits */

const struct dialect *dialect_of(const struct dialect *all, size_t count,
                                 const struct provider_wish *wish)
{
    for (size_t i = 0; i < count; i++) {
        str prefix = str_of(all[i].prefix);
        if (str_starts(wish->model, prefix) &&
            (prefix.len != 0 || all[i].is_video == wish->is_video))
            return &all[i];
    }
    return &all[count - 1];
}

/* ---- writing ---- */

static void name(struct buffer *to, const char *key)
{
    buffer_format(to, ",\"%s\":", key);
}

static void text(struct buffer *to, const char *key, str value)
{
    if (key == NULL || value.len == 0)
        return;
    name(to, key);
    json_write_text(to, value);
}

static void integer(struct buffer *to, const char *key, int64_t value)
{
    if (key == NULL)
        return;
    name(to, key);
    json_write_int(to, value);
}

static void number(struct buffer *to, const char *key, struct maybe_number value)
{
    if (key == NULL || !value.is_set)
        return;
    name(to, key);
    json_write_number(to, value.value);
}

str dialect_ratio(const struct provider_wish *wish)
{
    static const struct {
        const char *name;
        int64_t width, height;
    } usual[] = {
        {"1:1", 1, 1}, {"16:9", 16, 9}, {"9:16", 9, 16}, {"4:3", 4, 3},
        {"3:4", 3, 4}, {"3:2", 3, 2},   {"2:3", 2, 3},   {"5:4", 5, 4},
        {"4:5", 4, 5}, {"21:9", 21, 9}, {"9:21", 9, 21},
    };
    size_t best = 0;
    double least = 0;
    if (wish->aspect_ratio.len != 0)
        return wish->aspect_ratio;
    for (size_t i = 0; i < ARRAY_LEN(usual); i++) {
        double a = (double)wish->width * (double)usual[i].height;
        double b = (double)wish->height * (double)usual[i].width;
        double off = MAX_OF(a, b) / MAX_OF(MIN_OF(a, b), 1.0);
        if (i != 0 && off >= least)
            continue;
        best = i;
        least = off;
    }
    return str_of(usual[best].name);
}

static void write_size(struct buffer *to, const struct dialect *dialect,
                       const struct provider_wish *wish)
{
    switch (dialect->size) {
    case SIZE_CUSTOM:
        text(to, "aspect_ratio", STR("custom"));
        /* fall through */
    case SIZE_PIXELS:
        integer(to, "width", wish->width);
        integer(to, "height", wish->height);
        break;
    case SIZE_RATIO:
        text(to, "aspect_ratio", dialect_ratio(wish));
        break;
    case SIZE_OBJECT:
        buffer_format(to, ",\"image_size\":{\"width\":%lld,\"height\":%lld}",
                      (long long)wish->width, (long long)wish->height);
        break;
    case SIZE_NONE:
        break;
    }
}

static void write_film(struct buffer *to, struct arena *arena, const struct dialect *dialect,
                       const struct provider_wish *wish)
{
    long long seconds = (long long)wish->duration;
    str resolution = wish->resolution;
    if (!wish->is_video)
        return;
    if (dialect->length == LENGTH_NUMBER)
        integer(to, "duration", wish->duration);
    else if (dialect->length != LENGTH_NONE)
        buffer_format(to, ",\"duration\":\"%lld%s\"", seconds,
                      dialect->length == LENGTH_SECONDS ? "s" : "");
    if (resolution.len == 0)
        resolution = str_format(arena, "%lldp", (long long)MIN_OF(wish->width, wish->height));
    text(to, dialect->resolution, resolution);
    if (wish->camera_fixed && dialect->camera != NULL)
        buffer_format(to, ",\"%s\":true", dialect->camera);
}

static void write_image(struct buffer *to, struct arena *arena, const struct dialect *dialect,
                        const struct provider_wish *wish)
{
    if (wish->image.at == NULL || dialect->image == NULL)
        return;
    name(to, dialect->image);
    if (dialect->image_is_list)
        buffer_char(to, '[');
    json_write_text(to, provider_data_url(arena, wish));
    if (dialect->image_is_list)
        buffer_char(to, ']');
    number(to, dialect->strength, wish->strength);
}

void dialect_write(struct buffer *to, struct arena *arena, const struct dialect *dialect,
                   const struct provider_wish *wish)
{
    buffer_str(to, STR("{\"prompt\":"));
    json_write_text(to, wish->prompt);
    text(to, dialect->negative, wish->negative_prompt);
    write_size(to, dialect, wish);
    if (!wish->is_video)
        integer(to, dialect->count, wish->count);
    if (wish->steps.is_set)
        integer(to, dialect->steps, wish->steps.value);
    number(to, dialect->guidance, wish->guidance);
    if (wish->seed.is_set)
        integer(to, "seed", (int64_t)((uint64_t)wish->seed.value % SEEDS));
    write_film(to, arena, dialect, wish);
    write_image(to, arena, dialect, wish);
    buffer_char(to, '}');
}

/* ---- reading ---- */

static void collect(struct arena *arena, const struct json *at, bool any_name, int depth,
                    struct provider_answer *out)
{
    static const char *const works[] = {"videos", "video",   "images", "image",
                                        "output", "outputs", "files",  "url"};
    size_t before = out->output_count;
    if (at->kind == JSON_TEXT)
        provider_output_add(arena, at->text, out);
    if ((at->kind != JSON_LIST && at->kind != JSON_OBJECT) || depth == DEPTH_MAX)
        return;
    for (size_t i = 0; at->kind == JSON_OBJECT && i < ARRAY_LEN(works); i++) {
        collect(arena, json_get(at, works[i]), any_name, depth + 1, out);
        if (out->output_count != before)
            return;
    }
    for (size_t i = 0; (any_name || at->kind == JSON_LIST) && i < at->count; i++)
        collect(arena, &at->items[i], any_name, depth + 1, out);
}

void dialect_collect(struct arena *arena, const struct json *result, bool any_name,
                     struct provider_answer *out)
{
    collect(arena, result, any_name, 0, out);
}

bool dialect_is_id(str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_letter && !(c >= '0' && c <= '9') && c != '-' && c != '_')
            return false;
    }
    return text.len >= 1 && text.len <= ID_MAX;
}

struct json dialect_answer(struct arena *arena, str body)
{
    struct json answer;
    struct fault fault;
    return json_read(arena, body, 0, &answer, &fault) ? answer : (struct json){0};
}

bool dialect_posted(struct arena *arena, str body, const char *member, str *job)
{
    struct json posted = dialect_answer(arena, body);
    *job = json_text(json_get(&posted, member));
    return dialect_is_id(*job);
}
