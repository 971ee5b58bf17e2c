/* SPDX-License-Identifier: Apache-2.0 */
#include "json/json.h"

static const struct json *member_of(const struct json *object, str key)
{
    for (size_t i = 0; i < object->count; i++)
        if (str_equal(object->items[i].key, key))
            return &object->items[i];
    return NULL;
}

static struct json join(struct arena *arena, const struct json *below, const struct json *above)
{
    struct json joined = *above;
    joined.items = arena_array(arena, struct json, below->count + above->count);
    joined.count = 0;
    for (size_t i = 0; i < below->count; i++) {
        const struct json *member = &below->items[i];
        const struct json *over = member_of(above, member->key);
        joined.items[joined.count++] = over == NULL ? *member : json_merge(arena, member, over);
    }
    for (size_t i = 0; i < above->count; i++)
        if (member_of(below, above->items[i].key) == NULL)
            joined.items[joined.count++] = above->items[i];
    return joined;
}

struct json json_merge(struct arena *arena, const struct json *below, const struct json *above)
{
    bool is_empty_section = above->kind == JSON_NULL && below->kind == JSON_OBJECT;
    if (above->kind == JSON_NONE || is_empty_section)
        return *below;
    if (below->kind != JSON_OBJECT || above->kind != JSON_OBJECT)
        return *above;
    return join(arena, below, above);
}

struct json json_wrap(struct arena *arena, str path, const struct json *value)
{
    struct json wrapped = *value;
    while (path.len != 0) {
        ptrdiff_t dot = str_find_last(path, '.');
        struct json *member = arena_new(arena, struct json);
        *member = wrapped;
        member->key = str_slice(path, (size_t)(dot + 1), path.len);
        wrapped = (struct json){.kind = JSON_OBJECT,
                                .source = value->source,
                                .items = member,
                                .count = 1,
                                .line = value->line,
                                .column = value->column};
        path = str_slice(path, 0, dot < 0 ? 0 : (size_t)dot);
    }
    return wrapped;
}
