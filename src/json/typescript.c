/* SPDX-License-Identifier: Apache-2.0 */
#include "json/typescript.h"

#include "json/field_fault.h"

#include <ctype.h>
#include <string.h>

static void choices_write(struct buffer *to, const struct field *field)
{
    bool is_first = true;
    for (size_t i = 1; i < field->choice_count; i++) {
        if (field->choices[i] == NULL)
            continue;
        if (!is_first)
            buffer_str(to, STR(" | "));
        is_first = false;
        json_write_text(to, str_of(field->choices[i]));
    }
    if (is_first)
        buffer_str(to, STR("never"));
}

static void plain_write(struct buffer *to, const struct field *field, const struct shape *shape,
                        bool is_argument)
{
    switch (field->kind) {
    case FIELD_ID:
    case FIELD_REF:
        buffer_format(to, "Id<\"%s\">", field_table(field, shape)->name);
        break;
    case FIELD_TEXT:
        buffer_str(to, STR("string"));
        break;
    case FIELD_BOOL:
        buffer_str(to, STR("boolean"));
        break;
    case FIELD_CHOICE:
        choices_write(to, field);
        break;
    case FIELD_RECORD:
        typescript_of_shape(to, field->shape, is_argument);
        break;
    case FIELD_LIST:
        buffer_str(to, STR("Array<"));
        typescript_of_field(to, field->item, is_argument);
        buffer_char(to, '>');
        break;
    case FIELD_ANY:
        buffer_str(to, STR("any"));
        break;
    default:
        buffer_str(to, STR("number"));
        break;
    }
}

static void value_write(struct buffer *to, const struct field *field, const struct shape *shape,
                        bool is_argument)
{
    plain_write(to, field, shape, is_argument);
    if (field->is_nullable && field->kind != FIELD_ANY)
        buffer_str(to, STR(" | null"));
}

void typescript_of_field(struct buffer *to, const struct field *field, bool is_argument)
{
    value_write(to, field, NULL, is_argument);
}

static bool is_identifier(str name)
{
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.at[i];
        if (!isalpha(c) && c != '_' && c != '$' && (i == 0 || !isdigit(c)))
            return false;
    }
    return name.len != 0;
}

void typescript_of_name(struct buffer *to, str name)
{
    if (is_identifier(name))
        buffer_str(to, name);
    else
        json_write_text(to, name);
}

static void member_write(struct buffer *to, const struct field *field, const struct shape *shape,
                         bool is_argument)
{
    char room[64];
    typescript_of_name(to, field_wire_name(field, room));
    /* A nullable field is written as null where it is absent, so a result always has it. */
    bool may_lack = field->is_optional && (is_argument || !field->is_nullable);
    buffer_str(to, may_lack ? STR("?: ") : STR(": "));
    value_write(to, field, shape, is_argument);
}

static void members_write(struct buffer *to, const struct shape *shape, bool is_argument,
                          bool skips_system, bool is_first)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];
        if (skips_system && (field->kind == FIELD_ID || field->kind == FIELD_CREATED))
            continue;
        buffer_str(to, is_first ? STR("{ ") : STR("; "));
        is_first = false;
        member_write(to, field, shape, is_argument);
    }
    buffer_str(to, is_first ? STR("{}") : STR(" }"));
}

void typescript_of_shape(struct buffer *to, const struct shape *shape, bool is_argument)
{
    members_write(to, shape, is_argument, false, true);
}

void typescript_of_doc(struct buffer *to, const struct doc_type *type)
{
    buffer_format(to, "{ _id: Id<\"%s\">; _creationTime: number", type->name);
    members_write(to, &type->shape, false, true, false);
}

static void paths_write(struct buffer *to, const struct shape *shape, str above)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];
        char room[64];
        AUTO(buffer_done) struct buffer path = {0};
        if (field->kind == FIELD_ID || field->kind == FIELD_CREATED)
            continue;
        buffer_str(&path, above);
        if (above.len != 0)
            buffer_char(&path, '.');
        buffer_str(&path, field_wire_name(field, room));
        buffer_str(to, STR(" | "));
        json_write_text(to, buffer_text(&path));
        if (field->kind == FIELD_RECORD)
            paths_write(to, field->shape, buffer_text(&path));
    }
}

void typescript_of_paths(struct buffer *to, const struct doc_type *type)
{
    buffer_str(to, STR("\"_id\" | \"_creationTime\""));
    paths_write(to, &type->shape, (str){0});
}
