/* SPDX-License-Identifier: Apache-2.0 */
#include "json/field_fault.h"

const struct doc_type *field_table(const struct field *field, const struct shape *shape)
{
    if (field->ref != NULL)
        return field->ref;
    /* A doc_type begins with its shape (json/fields.h). */
    assert(field->kind == FIELD_ID && shape != NULL);
    return (const struct doc_type *)(const void *)shape;
}

void shape_validator_write(struct buffer *to, const struct shape *shape)
{
    char room[64];
    if (to->is_over) /* a shape may hold itself */
        return;
    buffer_str(to, STR("v.object({"));
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];
        if (i != 0)
            buffer_str(to, STR(", "));
        buffer_str(to, field_wire_name(field, room));
        buffer_str(to, STR(": "));
        if (field->is_optional)
            buffer_str(to, STR("v.optional("));
        validator_write(to, field, shape);
        if (field->is_optional)
            buffer_char(to, ')');
    }
    buffer_str(to, STR("})"));
}

static void choices_write(struct buffer *to, const struct field *field)
{
    size_t count = 0;
    for (size_t i = 1; i < field->choice_count; i++)
        count += field->choices[i] != NULL;
    if (count != 1)
        buffer_str(to, STR("v.union("));
    bool is_first = true;
    for (size_t i = 1; i < field->choice_count; i++) {
        if (field->choices[i] == NULL)
            continue;
        buffer_str(to, is_first ? STR("v.literal(") : STR(", v.literal("));
        json_write_text(to, str_of(field->choices[i]));
        buffer_char(to, ')');
        is_first = false;
    }
    if (count != 1)
        buffer_char(to, ')');
}

static void plain_write(struct buffer *to, const struct field *field, const struct shape *shape)
{
    switch (field->kind) {
    case FIELD_ID:
    case FIELD_REF:
        buffer_format(to, "v.id(\"%s\")", field_table(field, shape)->name);
        break;
    case FIELD_TEXT:
        buffer_str(to, STR("v.string()"));
        break;
    case FIELD_BOOL:
        buffer_str(to, STR("v.boolean()"));
        break;
    case FIELD_CHOICE:
        choices_write(to, field);
        break;
    case FIELD_RECORD:
        shape_validator_write(to, field->shape);
        break;
    case FIELD_LIST:
        buffer_str(to, STR("v.array("));
        validator_write(to, field->item, NULL);
        buffer_char(to, ')');
        break;
    case FIELD_ANY:
        buffer_str(to, STR("v.any()"));
        break;
    default:
        buffer_str(to, STR("v.float64()"));
        break;
    }
}

void validator_write(struct buffer *to, const struct field *field, const struct shape *shape)
{
    if (field->is_nullable)
        buffer_str(to, STR("v.union("));
    plain_write(to, field, shape);
    if (field->is_nullable)
        buffer_str(to, STR(", v.null())"));
}
