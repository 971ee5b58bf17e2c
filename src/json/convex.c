/* SPDX-License-Identifier: Apache-2.0 */
#include "json/json.h"

#include "base/encode.h"
#include "json/convex.h"

#include <endian.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define LIST_MAX 8192
#define OBJECT_MAX 1024
#define KEY_MAX 1024
#define PATH_MAX_SHOWN 160

/* Where a value is, as a chain up the stack; made into text only for an error. */
struct place {
    const struct place *up;
    str key;
    size_t index;
};

static void place_write(struct buffer *to, const struct place *place)
{
    if (place->up == NULL)
        return;
    place_write(to, place->up);
    if (place->key.at != NULL) {
        buffer_char(to, '.');
        buffer_str(to, utf8_cut(place->key, 64));
    } else {
        buffer_format(to, "[%zu]", place->index);
    }
}

static bool refuse(struct fault *fault, const struct place *place, const char *what)
{
    AUTO(buffer_done) struct buffer path = {0};
    place_write(&path, place);
    str shown = path.len == 0 ? STR("The value") : utf8_cut(buffer_text(&path), PATH_MAX_SHOWN);
    return fault_set(fault, FAULT_INPUT, "%.*s: %s", STR_ARG(shown), what);
}

enum convex_form convex_form_of(const struct json *value)
{
    if (value->kind != JSON_OBJECT || value->count != 1 || value->items[0].key.len == 0 ||
        value->items[0].key.at[0] != '$')
        return CONVEX_PLAIN;
    str key = value->items[0].key;
    if (str_equal(key, STR("$integer")))
        return CONVEX_INTEGER;
    if (str_equal(key, STR("$float")))
        return CONVEX_FLOAT;
    return str_equal(key, STR("$bytes")) ? CONVEX_BYTES : CONVEX_UNKNOWN;
}

bool convex_float_read(const struct json *value, double *out)
{
    uint64_t bits;
    if (convex_form_of(value) != CONVEX_FLOAT ||
        !u64_base64_read(json_text(&value->items[0]), &bits))
        return false;
    memcpy(out, &bits, sizeof(bits));
    return !isfinite(*out) || (*out == 0 && signbit(*out) != 0);
}

bool convex_integer_read(const struct json *value, int64_t *out)
{
    uint64_t bits;
    if (convex_form_of(value) != CONVEX_INTEGER ||
        !u64_base64_read(json_text(&value->items[0]), &bits))
        return false;
    *out = (int64_t)bits;
    return true;
}

static bool bytes_are_valid(const struct json *value)
{
    struct arena arena = {0};
    bytes ignored;
    bool well =
        value->items[0].kind == JSON_TEXT && base64_read(&arena, value->items[0].text, &ignored);
    arena_done(&arena);
    return well;
}

static bool form_check(const struct json *value, const struct place *place, struct fault *fault)
{
    int64_t integer;
    double number;
    switch (convex_form_of(value)) {
    case CONVEX_INTEGER:
        return convex_integer_read(value, &integer) ||
               refuse(fault, place, "$integer takes the base64 text of 8 bytes.");
    case CONVEX_FLOAT:
        return convex_float_read(value, &number) ||
               refuse(fault, place,
                      "$float takes the base64 text of 8 bytes, and only NaN, the infinities "
                      "and -0 are written so.");
    case CONVEX_BYTES:
        return bytes_are_valid(value) || refuse(fault, place, "$bytes takes base64 text.");
    default:
        return refuse(fault, place, "a key cannot begin with $.");
    }
}

static bool key_check(str key, const struct place *place, struct fault *fault)
{
    if (key.len > KEY_MAX)
        return refuse(fault, place, "a key is longer than 1,024 characters.");
    if (key.len != 0 && key.at[0] == '$')
        return refuse(fault, place, "a key cannot begin with $.");
    for (size_t i = 0; i < key.len; i++)
        if (key.at[i] < 32 || key.at[i] > 126)
            return refuse(fault, place, "a key has characters that are not printable ASCII.");
    return true;
}

static bool value_check(const struct json *value, const struct place *place, int depth,
                        struct fault *fault)
{
    bool is_object = value->kind == JSON_OBJECT;
    if (!is_object && value->kind != JSON_LIST)
        return true;
    if (is_object && convex_form_of(value) != CONVEX_PLAIN)
        return form_check(value, place, fault);
    if (depth >= JSON_DEPTH_MAX)
        return refuse(fault, place, "it is nested more than 64 deep.");
    if (is_object && value->count > OBJECT_MAX)
        return refuse(fault, place, "an object has more than 1,024 fields.");
    if (!is_object && value->count > LIST_MAX)
        return refuse(fault, place, "a list has more than 8,192 items.");

    for (size_t i = 0; i < value->count; i++) {
        const struct json *item = &value->items[i];
        struct place below = {.up = place, .index = i};
        if (is_object)
            below.key = item->key;
        if (is_object && !key_check(item->key, place, fault))
            return false;
        if (!value_check(item, &below, depth + 1, fault))
            return false;
    }
    return true;
}

bool convex_value_check(const struct json *value, struct fault *fault)
{
    struct place root = {0};
    return value_check(value, &root, 0, fault);
}

void convex_write_number(struct buffer *to, double value)
{
    if (isfinite(value) && !(value == 0 && signbit(value) != 0)) {
        json_write_number(to, value);
        return;
    }
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    bits = htole64(bits);
    buffer_str(to, STR("{\"$float\":\""));
    base64_append(to, (bytes){(const uint8_t *)&bits, sizeof(bits)});
    buffer_str(to, STR("\"}"));
}

static void write_clean_float(struct buffer *to, double value)
{
    if (isnan(value))
        buffer_str(to, STR("\"NaN\""));
    else if (isinf(value))
        buffer_str(to, value > 0 ? STR("\"Infinity\"") : STR("\"-Infinity\""));
    else
        json_write_number(to, value);
}

static bool write_clean_form(struct buffer *to, const struct json *value)
{
    int64_t integer;
    double number;
    if (convex_integer_read(value, &integer)) {
        buffer_char(to, '"');
        json_write_int(to, integer);
        buffer_char(to, '"');
        return true;
    }
    if (convex_float_read(value, &number)) {
        write_clean_float(to, number);
        return true;
    }
    if (convex_form_of(value) == CONVEX_BYTES) {
        json_write_text(to, json_text(&value->items[0]));
        return true;
    }
    return false;
}

void convex_write_clean(struct buffer *to, const struct json *value)
{
    bool is_object = value->kind == JSON_OBJECT;
    if (!is_object && value->kind != JSON_LIST) {
        json_write_canonical(to, value);
        return;
    }
    if (write_clean_form(to, value))
        return;
    buffer_char(to, is_object ? '{' : '[');
    for (size_t i = 0; i < value->count; i++) {
        if (i != 0)
            buffer_char(to, ',');
        if (is_object) {
            json_write_text(to, value->items[i].key);
            buffer_char(to, ':');
        }
        convex_write_clean(to, &value->items[i]);
    }
    buffer_char(to, is_object ? '}' : ']');
}
