/* SPDX-License-Identifier: Apache-2.0 */
#include "json/yaml.h"

#include "json/scan.h"

#include <string.h>
#include <yaml.h>

struct reader {
    yaml_parser_t parser;
    struct arena *arena;
    struct fault *fault;
    uint32_t source;
    int depth;
    size_t values;
};

/* Items while their list is open; the arena gets them in one piece when it closes. */
struct items {
    struct json *at;
    size_t count, room;
};

static bool value_read(struct reader *reader, yaml_event_t *event, struct json *out);

static bool refuse(struct reader *reader, const yaml_mark_t *mark, const char *what)
{
    return fault_set(reader->fault, FAULT_INPUT, "line %zu, column %zu: %s", mark->line + 1,
                     mark->column + 1, what);
}

static void items_done(struct items *items)
{
    free(items->at);
}

static struct json *items_add(struct items *items)
{
    if (items->count == items->room) {
        items->room = MAX_OF(items->room * 2, (size_t)8);
        items->at = memory_resize(items->at, items->room * sizeof(struct json));
    }
    struct json *item = &items->at[items->count++];
    *item = (struct json){0};
    return item;
}

static void items_close(struct reader *reader, const struct items *items, struct json *out)
{
    out->count = items->count;
    if (items->count != 0)
        out->items = arena_copy(reader->arena, items->at, items->count * sizeof(struct json));
}

static bool next(struct reader *reader, yaml_event_t *event)
{
    if (yaml_parser_parse(&reader->parser, event))
        return true;
    const yaml_parser_t *parser = &reader->parser;
    const char *problem = parser->problem == NULL ? "it is no YAML" : parser->problem;
    const yaml_mark_t *mark =
        parser->error == YAML_READER_ERROR ? &parser->mark : &parser->problem_mark;
    return refuse(reader, mark, problem);
}

static void place(const struct reader *reader, const yaml_event_t *event, struct json *out)
{
    out->source = reader->source;
    out->line = (uint32_t)event->start_mark.line + 1;
    out->column = (uint32_t)event->start_mark.column + 1;
}

static str scalar_text(const yaml_event_t *event)
{
    return (str){(const char *)event->data.scalar.value, event->data.scalar.length};
}

static bool is_null(str text)
{
    return text.len == 0 || str_equal(text, STR("~")) || str_equal(text, STR("null"));
}

/* A number too large for a double stays text, and the field that wants a number refuses it. */
static bool number_read(struct arena *arena, str text, struct json *out)
{
    const char *at = text.at, *why;
    struct json number = {0};
    if (!scan_number(arena, &at, text.at + text.len, &number, &why) || at != text.at + text.len)
        return false;
    out->kind = number.kind;
    if (number.kind == JSON_INT)
        out->integer = number.integer;
    else
        out->number = number.number;
    return true;
}

static void plain_read(struct arena *arena, str text, struct json *out)
{
    if (is_null(text)) {
        out->kind = JSON_NULL;
    } else if (str_equal(text, STR("true")) || str_equal(text, STR("false"))) {
        out->kind = JSON_BOOL;
        out->truth = text.at[0] == 't';
    } else if (!number_read(arena, text, out)) {
        out->kind = JSON_TEXT;
        out->text = text;
    }
}

struct json yaml_scalar(struct arena *arena, str text, uint32_t source)
{
    struct json value = {.source = source};
    plain_read(arena, text, &value);
    return value;
}

static bool scalar_read(struct reader *reader, const yaml_event_t *event, struct json *out)
{
    str text = scalar_text(event);
    if (str_find(text, '\0') >= 0)
        return refuse(reader, &event->start_mark, "the character U+0000 is not allowed");
    text = str_copy(reader->arena, text);
    if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
        plain_read(reader->arena, text, out);
    } else {
        out->kind = JSON_TEXT;
        out->text = text;
    }
    return true;
}

static bool list_read(struct reader *reader, struct json *out)
{
    AUTO(items_done) struct items items = {0};
    out->kind = JSON_LIST;
    for (;;) {
        AUTO(yaml_event_delete) yaml_event_t event = {0};
        if (!next(reader, &event))
            return false;
        if (event.type == YAML_SEQUENCE_END_EVENT)
            break;
        struct json *item = items_add(&items);
        place(reader, &event, item);
        if (!value_read(reader, &event, item))
            return false;
    }
    items_close(reader, &items, out);
    return true;
}

static bool key_read(struct reader *reader, const yaml_event_t *event, struct json *out)
{
    if (event->type != YAML_SCALAR_EVENT)
        return refuse(reader, &event->start_mark, "a key must be a plain text");
    if (event->data.scalar.anchor != NULL || event->data.scalar.tag != NULL)
        return refuse(reader, &event->start_mark, "anchors and tags are not allowed");
    if (str_find(scalar_text(event), '\0') >= 0)
        return refuse(reader, &event->start_mark, "the character U+0000 is not allowed");
    out->key = str_copy(reader->arena, scalar_text(event));
    place(reader, event, out);
    return true;
}

static bool twice_refuse(struct reader *reader, const struct items *items, str key)
{
    assert(items->at != NULL && items->count > 1);
    size_t at = items->count - 1;
    while (at > 0 && !str_equal(items->at[at].key, key))
        at--;
    return fault_set(reader->fault, FAULT_INPUT, "line %u, column %u: the key %.*s is there twice",
                     items->at[at].line, items->at[at].column, STR_ARG(utf8_cut(key, 100)));
}

static bool object_read(struct reader *reader, struct json *out)
{
    AUTO(items_done) struct items items = {0};
    str twice;
    out->kind = JSON_OBJECT;
    for (;;) {
        AUTO(yaml_event_delete) yaml_event_t key = {0};
        AUTO(yaml_event_delete) yaml_event_t value = {0};
        if (!next(reader, &key))
            return false;
        if (key.type == YAML_MAPPING_END_EVENT)
            break;
        struct json *member = items_add(&items);
        if (!key_read(reader, &key, member) || !next(reader, &value) ||
            !value_read(reader, &value, member))
            return false;
    }
    if (keys_repeat(items.at, items.count, &twice))
        return twice_refuse(reader, &items, twice);
    items_close(reader, &items, out);
    return true;
}

static bool is_marked(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return event->data.scalar.anchor != NULL || event->data.scalar.tag != NULL;
    case YAML_SEQUENCE_START_EVENT:
        return event->data.sequence_start.anchor != NULL || event->data.sequence_start.tag != NULL;
    case YAML_MAPPING_START_EVENT:
        return event->data.mapping_start.anchor != NULL || event->data.mapping_start.tag != NULL;
    default:
        return event->type == YAML_ALIAS_EVENT;
    }
}

static bool value_read(struct reader *reader, yaml_event_t *event, struct json *out)
{
    bool well;
    if (is_marked(event))
        return refuse(reader, &event->start_mark, "anchors, aliases and tags are not allowed");
    if (++reader->values > JSON_VALUES_MAX)
        return refuse(reader, &event->start_mark, "there are more than 1,048,576 values");
    if (event->type == YAML_SCALAR_EVENT)
        return scalar_read(reader, event, out);
    if (++reader->depth > JSON_DEPTH_MAX)
        return refuse(reader, &event->start_mark, "it is nested more than 64 deep");
    if (event->type == YAML_SEQUENCE_START_EVENT)
        well = list_read(reader, out);
    else
        well = object_read(reader, out);
    reader->depth--;
    return well;
}

/* Stream start, at most one document, stream end. */
static bool stream_read(struct reader *reader, struct json *out)
{
    bool is_read = false;
    out->kind = JSON_NULL;
    for (;;) {
        AUTO(yaml_event_delete) yaml_event_t event = {0};
        if (!next(reader, &event))
            return false;
        switch (event.type) {
        case YAML_STREAM_START_EVENT:
        case YAML_DOCUMENT_END_EVENT:
            break;
        case YAML_STREAM_END_EVENT:
            return true;
        case YAML_DOCUMENT_START_EVENT:
            if (is_read)
                return refuse(reader, &event.start_mark, "a second document begins");
            break;
        default:
            place(reader, &event, out);
            is_read = true;
            if (!value_read(reader, &event, out))
                return false;
        }
    }
}

bool yaml_read(struct arena *arena, str text, uint32_t source, struct json *out,
               struct fault *fault)
{
    struct reader reader = {.arena = arena, .fault = fault, .source = source};
    *out = (struct json){.source = source};
    if (text.len > YAML_BYTES_MAX)
        return fault_set(fault, FAULT_INPUT, "line 1, column 1: it is longer than 1 MiB");
    if (!yaml_parser_initialize(&reader.parser))
        return fault_set(fault, FAULT_SYSTEM, "line 1, column 1: there is no memory left");

    /* Set beforehand, so that a byte order mark cannot choose another encoding. */
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser,
                                 (const unsigned char *)(text.at == NULL ? "" : text.at), text.len);
    bool well = stream_read(&reader, out);
    yaml_parser_delete(&reader.parser);
    return well;
}
