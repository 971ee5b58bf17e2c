/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader. Values under construction lie on one stack; when a list or an object closes, its
 * items are copied into the arena in one piece. So items are contiguous and each is moved once.
 */
#include "json/json.h"

#include "json/scan.h"

#include <string.h>

#define STACK_INLINE 64

struct reader {
    const char *at, *end, *start;
    struct arena *arena;
    struct fault *fault;
    struct json *stack, *heap;
    size_t count, room;
    size_t values;
    int depth, depth_max;
    bool takes_zero; /* U+0000 in texts */
};

static bool value_read(struct reader *reader, size_t slot);

static bool refuse(struct reader *reader, const char *what)
{
    return fault_set(reader->fault, FAULT_INPUT, "byte %zu: %s",
                     (size_t)(reader->at - reader->start), what);
}

static void skip_space(struct reader *reader)
{
    while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\n' ||
                                        *reader->at == '\t' || *reader->at == '\r'))
        reader->at++;
}

/* A zeroed slot on top of the stack. */
static bool push(struct reader *reader, size_t *slot)
{
    if (++reader->values > JSON_VALUES_MAX)
        return refuse(reader, "there are more than 1,048,576 values");
    if (reader->count == reader->room) {
        size_t room = reader->room * 4;
        bool was_inline = reader->heap == NULL;
        reader->heap = memory_resize(reader->heap, room * sizeof(struct json));
        if (was_inline)
            memcpy(reader->heap, reader->stack, reader->count * sizeof(struct json));
        reader->stack = reader->heap;
        reader->room = room;
    }
    *slot = reader->count++;
    reader->stack[*slot] = (struct json){0};
    return true;
}

/* Moves what lies above base into the arena as the items of the slot. */
static void close_items(struct reader *reader, size_t slot, size_t base)
{
    size_t count = reader->count - base;
    struct json *value = &reader->stack[slot];
    value->count = count;
    if (count != 0)
        value->items = arena_copy(reader->arena, &reader->stack[base], count * sizeof(struct json));
    reader->count = base;
}

static bool word_read(struct reader *reader, const char *word, size_t len)
{
    if ((size_t)(reader->end - reader->at) < len || memcmp(reader->at, word, len) != 0)
        return refuse(reader, "a value was expected");
    reader->at += len;
    return true;
}

static bool text_read(struct reader *reader, str *out)
{
    const char *why = NULL;
    const char *at = reader->at + 1;
    if (!scan_text(reader->arena, &at, reader->end, reader->takes_zero, out, &why)) {
        reader->at = at;
        return refuse(reader, why);
    }
    reader->at = at;
    return true;
}

static bool number_read(struct reader *reader, struct json *out)
{
    const char *why = NULL;
    if (!scan_number(reader->arena, &reader->at, reader->end, out, &why))
        return refuse(reader, why);
    return true;
}

/* Whether to go on after an item: 1 yes, 0 the end, -1 refused. */
static int after_item(struct reader *reader, char closing)
{
    skip_space(reader);
    if (reader->at < reader->end && *reader->at == ',') {
        reader->at++;
        skip_space(reader);
        return 1;
    }
    if (reader->at < reader->end && *reader->at == closing) {
        reader->at++;
        return 0;
    }
    refuse(reader, closing == ']' ? "a comma or ] was expected" : "a comma or } was expected");
    return -1;
}

static bool open_items(struct reader *reader)
{
    if (++reader->depth > reader->depth_max)
        return fault_set(reader->fault, FAULT_INPUT, "byte %zu: it is nested more than %d deep",
                         (size_t)(reader->at - reader->start), reader->depth_max);
    reader->at++;
    skip_space(reader);
    return true;
}

static bool list_read(struct reader *reader, size_t slot)
{
    size_t base = reader->count;
    int more = 1;
    if (!open_items(reader))
        return false;
    if (reader->at < reader->end && *reader->at == ']') {
        reader->at++;
        more = 0;
    }
    while (more == 1) {
        size_t item = 0;
        if (!push(reader, &item) || !value_read(reader, item))
            return false;
        more = after_item(reader, ']');
    }
    if (more < 0)
        return false;
    reader->stack[slot].kind = JSON_LIST;
    close_items(reader, slot, base);
    reader->depth--;
    return true;
}

static bool member_read(struct reader *reader)
{
    size_t item = 0;
    if (reader->at == reader->end || *reader->at != '"')
        return refuse(reader, "a key was expected");
    if (!push(reader, &item) || !text_read(reader, &reader->stack[item].key))
        return false;
    skip_space(reader);
    if (reader->at == reader->end || *reader->at != ':')
        return refuse(reader, "a colon was expected");
    reader->at++;
    skip_space(reader);
    return value_read(reader, item);
}

static bool object_read(struct reader *reader, size_t slot)
{
    size_t base = reader->count;
    int more = 1;
    if (!open_items(reader))
        return false;
    if (reader->at < reader->end && *reader->at == '}') {
        reader->at++;
        more = 0;
    }
    while (more == 1) {
        if (!member_read(reader))
            return false;
        more = after_item(reader, '}');
    }
    if (more < 0)
        return false;

    str twice;
    if (keys_repeat(&reader->stack[base], reader->count - base, &twice))
        return fault_set(reader->fault, FAULT_INPUT, "byte %zu: the key \"%.*s\" is there twice",
                         (size_t)(reader->at - reader->start), STR_ARG(utf8_cut(twice, 100)));
    reader->stack[slot].kind = JSON_OBJECT;
    close_items(reader, slot, base);
    reader->depth--;
    return true;
}

static bool value_read(struct reader *reader, size_t slot)
{
    struct json *out = &reader->stack[slot];
    switch (reader->at < reader->end ? *reader->at : '\0') {
    case '"':
        out->kind = JSON_TEXT;
        return text_read(reader, &out->text);
    case '{':
        return object_read(reader, slot);
    case '[':
        return list_read(reader, slot);
    case 't':
        out->kind = JSON_BOOL;
        out->truth = true;
        return word_read(reader, "true", 4);
    case 'f':
        out->kind = JSON_BOOL;
        return word_read(reader, "false", 5);
    case 'n':
        out->kind = JSON_NULL;
        return word_read(reader, "null", 4);
    default:
        return number_read(reader, out);
    }
}

static bool whole_read(struct reader *reader, struct json *out)
{
    size_t slot = 0;
    skip_space(reader);
    if (!push(reader, &slot) || !value_read(reader, slot))
        return false;
    skip_space(reader);
    if (reader->at != reader->end)
        return refuse(reader, "the text goes on after the value");
    *out = reader->stack[slot];
    return true;
}

static bool read_with(struct arena *arena, str text, int depth_max, bool takes_zero,
                      struct json *out, struct fault *fault)
{
    struct json stack[STACK_INLINE];
    struct reader reader = {
        .at = text.at,
        .start = text.at,
        .end = text.len == 0 ? text.at : text.at + text.len,
        .arena = arena,
        .fault = fault,
        .stack = stack,
        .room = STACK_INLINE,
        .takes_zero = takes_zero,
        .depth_max = depth_max == 0 ? JSON_DEPTH_MAX : MIN_OF(depth_max, JSON_DEPTH_LIMIT),
    };
    *out = (struct json){0};
    bool well = whole_read(&reader, out);
    free(reader.heap);
    return well;
}

bool json_read(struct arena *arena, str text, int depth_max, struct json *out, struct fault *fault)
{
    return read_with(arena, text, depth_max, false, out, fault);
}

bool json_read_message(struct arena *arena, str text, struct json *out, struct fault *fault)
{
    return read_with(arena, text, JSON_DEPTH_LIMIT, true, out, fault);
}
