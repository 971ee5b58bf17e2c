/* SPDX-License-Identifier: Apache-2.0 */
#include "json/field_fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define VALUE_SHOWN_MAX 120
#define VALIDATOR_SHOWN_MAX 200
#define NAME_SHOWN_MAX 64

static void path_write(struct buffer *to, const struct place *place)
{
    char room[64];
    if (place->up != NULL)
        path_write(to, place->up);
    if (place->field == NULL)
        return;
    if (place->field->name == NULL && place->field->wire == NULL) {
        if (place->up != NULL)
            buffer_format(to, "[%zu]", place->index);
        return;
    }
    buffer_char(to, '.');
    buffer_str(to, field_wire_name(place->field, room));
}

/* Copies as much as there is room for, ended by zero, and cut between code points. */
static void put(char *to, size_t room, str text)
{
    text = utf8_cut(text, room - 1);
    if (text.len != 0)
        memcpy(to, text.at, text.len);
    to[text.len] = '\0';
}

static void add_cut(struct buffer *to, str text, size_t max)
{
    str shown = utf8_cut(text, max);
    buffer_str(to, shown);
    if (shown.len < text.len)
        buffer_str(to, STR("…"));
}

static void add_value(struct buffer *to, const char *label, const struct json *value)
{
    /* A value that is too long to be written is not worth showing. */
    AUTO(buffer_done) struct buffer text = buffer_with_max(MIB(1));
    buffer_format(to, "\n%s: ", label);
    if (value->kind == JSON_TEXT) /* cut first: a text may be as long as the whole message */
        json_write_text(&text, utf8_cut(value->text, VALUE_SHOWN_MAX * 2));
    else
        json_write_canonical(&text, value);
    add_cut(to, buffer_text(&text), VALUE_SHOWN_MAX);
}

static void add_validator(struct buffer *to, const struct field *field, const struct shape *shape)
{
    AUTO(buffer_done) struct buffer text = buffer_with_max(VALIDATOR_SHOWN_MAX * 8);
    if (field == NULL)
        shape_validator_write(&text, shape);
    else
        validator_write(&text, field, shape);
    buffer_str(to, STR("\nValidator: "));
    add_cut(to, buffer_text(&text), VALIDATOR_SHOWN_MAX);
}

static void add_path(struct buffer *to, const struct place *place)
{
    size_t before = to->len;
    buffer_str(to, STR("\nPath: "));
    size_t empty = to->len;
    path_write(to, place);
    if (to->len == empty)
        to->len = before;
}

static bool fill(struct reading *reading, const struct place *place, const struct json *value,
                 const struct buffer *text)
{
    struct field_error *error = reading->error;
    if (error == NULL)
        return false;
    AUTO(buffer_done) struct buffer path = {0};
    *error =
        (struct field_error){.source = value->source, .line = value->line, .column = value->column};
    path_write(&path, place);
    put(error->path, sizeof(error->path), buffer_text(&path));
    put(error->text, sizeof(error->text), buffer_text(text));
    return false;
}

bool field_refuse(struct reading *reading, const struct place *place, const struct json *value)
{
    AUTO(buffer_done) struct buffer text = {0};
    buffer_str(&text, STR("Value does not match validator."));
    add_path(&text, place);
    add_value(&text, "Value", value);
    add_validator(&text, place->field, place->shape);
    return fill(reading, place, value, &text);
}

bool field_refuse_because(struct reading *reading, const struct place *place,
                          const struct json *value, const char *why)
{
    AUTO(buffer_done) struct buffer text = {0};
    buffer_str(&text, STR("Value does not match validator."));
    add_path(&text, place);
    buffer_char(&text, '\n');
    buffer_str(&text, str_of(why));
    return fill(reading, place, value, &text);
}

/* A whole number with commas between thousands. */
static void add_count(struct buffer *to, int64_t n)
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%lld", (long long)n);
    for (int i = 0; i < len; i++) {
        buffer_char(to, digits[i]);
        if (i + 1 < len && (len - i - 1) % 3 == 0 && digits[i] != '-')
            buffer_char(to, ',');
    }
}

bool field_refuse_limit(struct reading *reading, const struct place *place,
                        const struct json *value, const char *what, int64_t got,
                        const char *compared, int64_t limit)
{
    AUTO(buffer_done) struct buffer why = {0};
    buffer_format(&why, "%s ", what);
    add_count(&why, got);
    buffer_format(&why, " %s ", compared);
    add_count(&why, limit);
    buffer_add(&why, ".", 2);
    return field_refuse_because(reading, place, value, why.at);
}

bool field_refuse_number(struct reading *reading, const struct place *place,
                         const struct json *value, double got, const char *compared, double limit)
{
    char why[160];
    snprintf(why, sizeof(why), "Number %.15g %s %.15g.", got, compared, limit);
    return field_refuse_because(reading, place, value, why);
}

bool field_refuse_missing(struct reading *reading, const struct place *place,
                          const struct place *member, const struct json *object)
{
    char room[64];
    AUTO(buffer_done) struct buffer text = {0};
    buffer_str(&text, STR("Object is missing the required field `"));
    buffer_str(&text, field_wire_name(member->field, room));
    buffer_str(&text, STR("`. Consider wrapping the field validator in `v.optional(...)` if this "
                          "is expected."));
    add_path(&text, place);
    add_value(&text, "Object", object);
    add_validator(&text, NULL, member->shape);
    return fill(reading, member, object, &text);
}

/* How many letters must be put in, left out or changed; more than most counts as most + 1. */
static size_t edit_distance(str a, str b, size_t most)
{
    size_t row[NAME_SHOWN_MAX + 1];
    if (a.len > NAME_SHOWN_MAX || b.len > NAME_SHOWN_MAX)
        return most + 1;
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t above = row[j];
            size_t changed = diagonal + (a.at[i - 1] != b.at[j - 1]);
            row[j] = MIN_OF(MIN_OF(above, row[j - 1]) + 1, changed);
            diagonal = above;
        }
    }
    return row[b.len];
}

static void nearest_find(struct field_error *error, const struct shape *shape, str key)
{
    size_t least = MAX_OF(key.len / 3, (size_t)1) + 1;
    for (size_t i = 0; i < shape->field_count; i++) {
        char room[64];
        str name = field_wire_name(&shape->fields[i], room);
        size_t distance = str_equal_nocase(name, key) ? 0 : edit_distance(key, name, least);
        if (distance < least) {
            least = distance;
            put(error->nearest, sizeof(error->nearest), name);
        }
    }
}

bool field_refuse_extra(struct reading *reading, const struct place *place,
                        const struct shape *shape, const struct json *object,
                        const struct json *member)
{
    AUTO(buffer_done) struct buffer text = {0};
    str name = utf8_cut(member->key, NAME_SHOWN_MAX);
    buffer_str(&text, STR("Object contains extra field `"));
    buffer_str(&text, name);
    buffer_str(&text, STR("` that is not in the validator."));
    add_path(&text, place);
    add_value(&text, "Object", object);
    add_validator(&text, NULL, shape);
    fill(reading, place, member, &text);

    if (reading->error != NULL) {
        char path[FIELD_PATH_MAX];
        put(path, sizeof(path), str_of(reading->error->path));
        AUTO(buffer_done) struct buffer whole = {0};
        buffer_format(&whole, "%s.%.*s", path, STR_ARG(name));
        put(reading->error->path, sizeof(reading->error->path), buffer_text(&whole));
        nearest_find(reading->error, shape, member->key);
    }
    return false;
}
