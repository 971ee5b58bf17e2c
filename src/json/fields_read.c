/* SPDX-License-Identifier: Apache-2.0 */
#include "json/fields.h"

#include "json/convex.h"
#include "json/field_fault.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#define TEXT_BYTES_MAX MIB(1)
#define LIST_MAX 8192
#define WHOLE_MAX (INT64_C(1) << 53)

/* The moments a JavaScript Date can have, in milliseconds either side of the epoch. */
#define TIME_MS_MAX 8.64e15

static bool value_read(struct reading *reading, const struct place *place, const struct json *from,
                       void *out);

/* owner_id and ownerId: each underscore goes and makes the next letter great. */
static bool is_camel_of(const char *name, str wire)
{
    size_t at = 0;
    for (; *name != '\0'; name++) {
        char c = *name;
        if (c == '_') {
            if (name[1] == '\0')
                break;
            c = (char)toupper((unsigned char)*++name);
        }
        if (at == wire.len || wire.at[at++] != c)
            return false;
    }
    return at == wire.len;
}

static bool is_wire_name(const struct field *field, str name)
{
    return field->wire != NULL ? str_equal(str_of(field->wire), name)
                               : is_camel_of(field->name, name);
}

str field_wire_name(const struct field *field, char room[64])
{
    if (field->wire != NULL)
        return str_of(field->wire);
    if (field->name != NULL && strchr(field->name, '_') == NULL)
        return str_of(field->name);
    size_t len = 0;
    for (const char *from = field->name; from != NULL && *from != '\0'; from++) {
        assert(len < 63);
        if (*from != '_')
            room[len++] = *from;
        else if (from[1] != '\0')
            room[len++] = (char)toupper((unsigned char)*++from);
    }
    room[len] = '\0';
    return (str){room, len};
}

const struct field *shape_field(const struct shape *shape, str wire_name)
{
    for (size_t i = 0; i < shape->field_count; i++)
        if (is_wire_name(&shape->fields[i], wire_name))
            return &shape->fields[i];
    return NULL;
}

/* Any number: also {"$float": …}, which is how a client sends NaN, the infinities and -0. */
static bool number_of(const struct json *from, double *out)
{
    if (from->kind == JSON_INT)
        *out = (double)from->integer;
    else if (from->kind == JSON_NUMBER)
        *out = from->number;
    else
        return convex_float_read(from, out);
    return true;
}

static bool whole_of(const struct json *from, int64_t *out)
{
    double number;
    if (from->kind == JSON_INT) {
        *out = from->integer;
        return *out >= -WHOLE_MAX && *out <= WHOLE_MAX;
    }
    if (!number_of(from, &number) || !(fabs(number) <= (double)WHOLE_MAX) ||
        number != floor(number))
        return false;
    *out = (int64_t)number;
    return true;
}

/* What the member's type and the row allow together. */
static void limits_of(const struct field *field, int64_t *min, int64_t *max)
{
    bool is_short = field->kind == FIELD_INT && field->size == sizeof(int32_t);
    *min = is_short ? INT32_MIN : -WHOLE_MAX;
    *max = is_short ? INT32_MAX : WHOLE_MAX;
    if (field->min != 0 || field->max != 0)
        *min = MAX_OF(*min, field->min);
    if (field->max != 0 || field->min < 0)
        *max = MIN_OF(*max, field->max);
}

static bool whole_read(struct reading *reading, const struct place *place, const struct json *from,
                       int64_t *out)
{
    int64_t min, max;
    if (!whole_of(from, out))
        return field_refuse(reading, place, from);
    limits_of(place->field, &min, &max);
    if (*out > max)
        return field_refuse_limit(reading, place, from, "Number", *out, "is greater than", max);
    if (*out < min)
        return field_refuse_limit(reading, place, from, "Number", *out, "is less than", min);
    return true;
}

static bool int_read(struct reading *reading, const struct place *place, const struct json *from,
                     void *out)
{
    int64_t value = 0;
    if (!whole_read(reading, place, from, &value))
        return false;
    if (place->field->size == sizeof(int32_t)) {
        *(int32_t *)out = (int32_t)value;
    } else if (place->field->size == sizeof(int64_t)) {
        *(int64_t *)out = value;
    } else {
        assert(place->field->size == sizeof(struct maybe_int));
        *(struct maybe_int *)out = (struct maybe_int){value, true};
    }
    return true;
}

static bool double_read(struct reading *reading, const struct place *place, const struct json *from,
                        void *out)
{
    const struct field *field = place->field;
    double value;
    if (!number_of(from, &value))
        return field_refuse(reading, place, from);
    if (field->least != 0 || field->most != 0) {
        if (!(value >= field->least))
            return field_refuse_number(reading, place, from, value, "is less than", field->least);
        if (value > field->most && (field->most != 0 || field->least < 0))
            return field_refuse_number(reading, place, from, value, "is greater than", field->most);
    }
    if (field->size == sizeof(double))
        *(double *)out = value;
    else
        *(struct maybe_number *)out = (struct maybe_number){value, true};
    return true;
}

static bool bool_read(struct reading *reading, const struct place *place, const struct json *from,
                      void *out)
{
    if (from->kind != JSON_BOOL)
        return field_refuse(reading, place, from);
    if (place->field->size == sizeof(bool))
        *(bool *)out = from->truth;
    else
        *(struct maybe_bool *)out = (struct maybe_bool){from->truth, true};
    return true;
}

static bool time_read(struct reading *reading, const struct place *place, const struct json *from,
                      void *out)
{
    double ms;
    if (!number_of(from, &ms) || !(fabs(ms) <= TIME_MS_MAX))
        return field_refuse(reading, place, from);
    /* Whole milliseconds first: the product of a large double would lose the last digits. */
    double whole = floor(ms);
    instant value = {(int64_t)whole * 1000 + llround((ms - whole) * 1000)};
    if (place->field->size == sizeof(instant))
        *(instant *)out = value;
    else
        *(struct maybe_instant *)out = (struct maybe_instant){value, true};
    return true;
}

static bool created_read(struct reading *reading, const struct place *place,
                         const struct json *from, void *out)
{
    double ms;
    if (!number_of(from, &ms) || !(fabs(ms) <= TIME_MS_MAX / 1024))
        return field_refuse(reading, place, from);
    tick value = {llround(ms * 1024.0)};
    if (value.n <= 0) /* 0 would be absent */
        return field_refuse(reading, place, from);
    *(tick *)out = value;
    return true;
}

static bool text_read(struct reading *reading, const struct place *place, const struct json *from,
                      void *out)
{
    const struct field *field = place->field;
    if (from->kind != JSON_TEXT)
        return field_refuse(reading, place, from);
    int64_t len = (int64_t)from->text.len;
    if (field->max == 0 && from->text.len > TEXT_BYTES_MAX)
        return field_refuse_limit(reading, place, from, "Text of", len, "bytes is longer than",
                                  (int64_t)TEXT_BYTES_MAX);
    /* A code point takes one to four bytes, so most texts need not be counted. */
    if ((field->max != 0 && len > field->max) || len < field->min * 4)
        len = (int64_t)utf8_length(from->text);
    if (field->max != 0 && len > field->max)
        return field_refuse_limit(reading, place, from, "Text of", len, "characters is longer than",
                                  field->max);
    if (len < field->min)
        return field_refuse_limit(reading, place, from, "Text of", len,
                                  "characters is shorter than", field->min);
    *(str *)out = from->text;
    return true;
}

static bool id_read(struct reading *reading, const struct place *place, const struct json *from,
                    void *out)
{
    const struct doc_type *type = field_table(place->field, place->shape);
    if (from->kind != JSON_TEXT || !doc_id_read(type, from->text, out))
        return field_refuse(reading, place, from);
    return true;
}

static bool choice_read(struct reading *reading, const struct place *place, const struct json *from,
                        void *out)
{
    const struct field *field = place->field;
    assert(field->size == sizeof(int32_t));
    for (size_t i = 1; from->kind == JSON_TEXT && i < field->choice_count; i++) {
        if (field->choices[i] != NULL && str_equal(str_of(field->choices[i]), from->text)) {
            *(int32_t *)out = (int32_t)i;
            return true;
        }
    }
    return field_refuse(reading, place, from);
}

static bool any_read(struct reading *reading, const struct place *place, const struct json *from,
                     void *out)
{
    struct fault fault = {0};
    if (!convex_value_check(from, &fault))
        return field_refuse_because(reading, place, from, fault.text);
    AUTO(buffer_done) struct buffer text = {0};
    json_write_canonical(&text, from);
    *(str *)out = str_copy(reading->arena, buffer_text(&text));
    return true;
}

static bool list_read(struct reading *reading, const struct place *place, const struct json *from,
                      void *out)
{
    const struct field *field = place->field;
    int64_t max = field->max == 0 ? LIST_MAX : field->max;
    if (from->kind != JSON_LIST)
        return field_refuse(reading, place, from);
    if ((int64_t)from->count > max)
        return field_refuse_limit(reading, place, from, "List of", (int64_t)from->count,
                                  "items is longer than", max);
    if ((int64_t)from->count < field->min)
        return field_refuse_limit(reading, place, from, "List of", (int64_t)from->count,
                                  "items is shorter than", field->min);

    size_t size = field->item->size;
    struct list *list = out;
    char *items = arena_alloc(reading->arena, size * MAX_OF(from->count, (size_t)1));
    *list = (struct list){.items = items, .count = from->count};
    for (size_t i = 0; i < from->count; i++) {
        struct place item = {.up = place, .field = field->item, .shape = place->shape, .index = i};
        if (!value_read(reading, &item, &from->items[i], items + i * size))
            return false;
    }
    return true;
}

static bool field_is_pointer(const struct field *field)
{
    return field->is_optional || field->is_nullable;
}

static const struct json *member_find(const struct field *field, const struct json *object,
                                      size_t *hint)
{
    /* Texts written from a table have its order, so the next member is mostly the one. */
    for (size_t i = 0; i < object->count; i++) {
        size_t at = (*hint + i) % object->count;
        if (is_wire_name(field, object->items[at].key)) {
            *hint = at + 1;
            return &object->items[at];
        }
    }
    return NULL;
}

static const struct json *extra_find(const struct shape *shape, const struct json *from)
{
    for (size_t i = 0; i < from->count; i++)
        if (shape_field(shape, from->items[i].key) == NULL)
            return &from->items[i];
    return NULL;
}

/* A misspelt name is both missing and extra: then the extra one says more. */
static bool refuse_missing(struct reading *reading, const struct place *place,
                           const struct place *member, const struct json *from)
{
    const struct json *extra = reading->take_extra ? NULL : extra_find(member->shape, from);
    if (extra != NULL)
        return field_refuse_extra(reading, place, member->shape, from, extra);
    return field_refuse_missing(reading, place, member, from);
}

static bool members_read(struct reading *reading, const struct place *place,
                         const struct shape *shape, const struct json *from, void *out)
{
    size_t hint = 0, taken = 0;
    if (from->kind != JSON_OBJECT || convex_form_of(from) != CONVEX_PLAIN)
        return field_refuse(reading, place, from);
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];
        struct place member = {.up = place, .field = field, .shape = shape};
        const struct json *value = member_find(field, from, &hint);
        taken += value != NULL;
        if (value == NULL && !field->is_optional)
            return refuse_missing(reading, place, &member, from);
        if (value != NULL && !value_read(reading, &member, value, (char *)out + field->offset))
            return false;
    }
    if (taken == from->count || reading->take_extra)
        return true;
    const struct json *extra = extra_find(shape, from);
    return extra == NULL || field_refuse_extra(reading, place, shape, from, extra);
}

static bool record_read(struct reading *reading, const struct place *place, const struct json *from,
                        void *out)
{
    const struct field *field = place->field;
    if (!field_is_pointer(field)) {
        assert(field->size == field->shape->size);
        return members_read(reading, place, field->shape, from, out);
    }
    assert(field->size == sizeof(void *));
    void *record = arena_alloc(reading->arena, field->shape->size);
    *(void **)out = record;
    return members_read(reading, place, field->shape, from, record);
}

static bool value_read(struct reading *reading, const struct place *place, const struct json *from,
                       void *out)
{
    typedef bool reads(struct reading *, const struct place *, const struct json *, void *);
    static reads *const readers[] = {
        [FIELD_ID] = id_read,         [FIELD_CREATED] = created_read, [FIELD_REF] = id_read,
        [FIELD_TEXT] = text_read,     [FIELD_INT] = int_read,         [FIELD_NUMBER] = double_read,
        [FIELD_BOOL] = bool_read,     [FIELD_TIME] = time_read,       [FIELD_CREDITS] = int_read,
        [FIELD_CHOICE] = choice_read, [FIELD_RECORD] = record_read,   [FIELD_LIST] = list_read,
        [FIELD_ANY] = any_read,
    };
    const struct field *field = place->field;
    assert(field->kind > FIELD_NONE && field->kind < ARRAY_LEN(readers));
    if (from->kind == JSON_NULL && field->is_nullable)
        return true;
    return readers[field->kind](reading, place, from, out);
}

bool shape_read(struct arena *arena, const struct shape *shape, const struct json *from,
                bool take_extra, void *out, struct field_error *error)
{
    struct reading reading = {.arena = arena, .error = error, .take_extra = take_extra};
    struct place root = {.shape = shape};
    return members_read(&reading, &root, shape, from, out);
}

bool field_read(struct arena *arena, const struct field *field, const struct json *from, void *out,
                struct field_error *error)
{
    struct reading reading = {.arena = arena, .error = error};
    struct place root = {.field = field};
    return value_read(&reading, &root, from, out);
}
