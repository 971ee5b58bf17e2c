/* SPDX-License-Identifier: Apache-2.0 */
#include "json/fields.h"

#include "json/field_fault.h"

#include <string.h>

static void value_write(struct buffer *to, const struct field *field, const struct shape *shape,
                        const void *from);

static bool maybe_is_absent(const struct field *field, const void *from)
{
    switch (field->kind) {
    case FIELD_INT:
        return field->size == sizeof(struct maybe_int) && !((const struct maybe_int *)from)->is_set;
    case FIELD_NUMBER:
        return field->size == sizeof(struct maybe_number) &&
               !((const struct maybe_number *)from)->is_set;
    case FIELD_BOOL:
        return field->size == sizeof(struct maybe_bool) &&
               !((const struct maybe_bool *)from)->is_set;
    case FIELD_TIME:
        return field->size == sizeof(struct maybe_instant) &&
               !((const struct maybe_instant *)from)->is_set;
    default:
        return false;
    }
}

bool field_is_absent(const struct field *field, const void *from)
{
    switch (field->kind) {
    case FIELD_ID:
    case FIELD_REF:
        return !doc_id_is_set(*(const doc_id *)from);
    case FIELD_CREATED:
        return ((const tick *)from)->n == 0;
    case FIELD_TEXT:
    case FIELD_ANY:
        return ((const str *)from)->at == NULL;
    case FIELD_CHOICE:
        return *(const int32_t *)from == 0;
    case FIELD_RECORD:
        return (field->is_optional || field->is_nullable) && *(void *const *)from == NULL;
    case FIELD_LIST:
        return ((const struct list *)from)->items == NULL;
    default:
        return maybe_is_absent(field, from);
    }
}

/* An instant as milliseconds: exact, with up to three decimal places. */
static void time_write(struct buffer *to, instant at)
{
    int64_t ms = at.us / 1000, rest = at.us % 1000;
    if (rest == 0) {
        json_write_int(to, ms);
        return;
    }
    if (at.us < 0)
        buffer_char(to, '-');
    json_write_int(to, ms < 0 ? -ms : ms);
    char digits[4] = {'.', (char)('0' + labs(rest) / 100), (char)('0' + labs(rest) / 10 % 10),
                      (char)('0' + labs(rest) % 10)};
    size_t len = sizeof(digits);
    while (digits[len - 1] == '0')
        len--;
    buffer_add(to, digits, len);
}

static void int_write(struct buffer *to, const struct field *field, const void *from)
{
    if (field->size == sizeof(int32_t))
        json_write_int(to, *(const int32_t *)from);
    else
        json_write_int(to, *(const int64_t *)from); /* also the first member of maybe_int */
}

static void list_write(struct buffer *to, const struct field *field, const struct list *list)
{
    buffer_char(to, '[');
    for (size_t i = 0; i < list->count; i++) {
        if (i != 0)
            buffer_char(to, ',');
        value_write(to, field->item, NULL, (const char *)list->items + i * field->item->size);
    }
    buffer_char(to, ']');
}

static void record_write(struct buffer *to, const struct field *field, const void *from)
{
    bool is_pointer = field->is_optional || field->is_nullable;
    shape_write(to, field->shape, is_pointer ? *(void *const *)from : from);
}

static void id_write(struct buffer *to, const struct field *field, const struct shape *shape,
                     doc_id id)
{
    char text[DOC_ID_TEXT];
    doc_id_write(field_table(field, shape), id, text);
    buffer_char(to, '"');
    buffer_add(to, text, sizeof(text));
    buffer_char(to, '"');
}

/* What is there. A maybe_… begins with its value. */
static void present_write(struct buffer *to, const struct field *field, const struct shape *shape,
                          const void *from)
{
    switch (field->kind) {
    case FIELD_ID:
    case FIELD_REF:
        id_write(to, field, shape, *(const doc_id *)from);
        break;
    case FIELD_CREATED:
        json_write_number(to, tick_to_ms(*(const tick *)from));
        break;
    case FIELD_TEXT:
        json_write_text(to, *(const str *)from);
        break;
    case FIELD_INT:
    case FIELD_CREDITS:
        int_write(to, field, from);
        break;
    case FIELD_NUMBER:
        convex_write_number(to, *(const double *)from);
        break;
    case FIELD_BOOL:
        buffer_str(to, *(const bool *)from ? STR("true") : STR("false"));
        break;
    case FIELD_TIME:
        time_write(to, *(const instant *)from);
        break;
    case FIELD_CHOICE:
        json_write_text(to, str_of(field->choices[*(const int32_t *)from]));
        break;
    case FIELD_RECORD:
        record_write(to, field, from);
        break;
    case FIELD_LIST:
        list_write(to, field, from);
        break;
    case FIELD_ANY:
        buffer_str(to, *(const str *)from);
        break;
    case FIELD_NONE:
        assert(field->kind != FIELD_NONE);
        break;
    }
}

static void value_write(struct buffer *to, const struct field *field, const struct shape *shape,
                        const void *from)
{
    if (!field_is_absent(field, from))
        present_write(to, field, shape, from);
    else if (field->kind == FIELD_TEXT && !field->is_nullable)
        buffer_str(to, STR("\"\"")); /* required, and zeroed: an empty text, an empty list */
    else if (field->kind == FIELD_LIST && !field->is_nullable)
        buffer_str(to, STR("[]"));
    else
        buffer_str(to, STR("null"));
}

static void name_write(struct buffer *to, const struct field *field)
{
    char room[64];
    buffer_char(to, '"');
    buffer_str(to, field_wire_name(field, room));
    buffer_str(to, STR("\":"));
}

void shape_write(struct buffer *to, const struct shape *shape, const void *from)
{
    bool is_first = true;
    buffer_char(to, '{');
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];
        const char *member = (const char *)from + field->offset;
        if (!field->is_nullable && field_is_absent(field, member) &&
            (field->is_optional || field->kind == FIELD_ID || field->kind == FIELD_CREATED))
            continue;
        if (!is_first)
            buffer_char(to, ',');
        is_first = false;
        name_write(to, field);
        value_write(to, field, shape, member);
    }
    buffer_char(to, '}');
}

void field_write(struct buffer *to, const struct field *field, const void *from)
{
    value_write(to, field, NULL, from);
}
