/* SPDX-License-Identifier: Apache-2.0 */
#include "store/schema.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define NAME_MAX_LEN 64

static bool name_is_plain(const char *name)
{
    size_t len = name == NULL ? 0 : strlen(name);
    if (len == 0 || len > NAME_MAX_LEN)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = name[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!is_letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return true;
}

static bool kind_is_indexable(enum field_kind kind)
{
    switch (kind) {
    case FIELD_CREATED:
    case FIELD_REF:
    case FIELD_TEXT:
    case FIELD_INT:
    case FIELD_NUMBER:
    case FIELD_BOOL:
    case FIELD_TIME:
    case FIELD_CREDITS:
    case FIELD_CHOICE:
        return true;
    default:
        return false;
    }
}

static bool index_init(const struct type_plan *type, struct index *index, struct index_plan *out,
                       struct fault *fault)
{
    const char *name = type->type->name;
    if (!name_is_plain(index->name))
        return fault_set(fault, FAULT_BUG, "an index of %s has no proper name", name);
    *out = (struct index_plan){.index = index, .type = type};
    while (out->count < INDEX_FIELDS_MAX && index->fields[out->count] != NULL) {
        const char *wire = index->fields[out->count];
        const struct field *field = shape_field(&type->type->shape, str_of(wire));
        if (field == NULL)
            return fault_set(fault, FAULT_BUG, "index %s.%s names %s, which is no field", name,
                             index->name, wire);
        if (!kind_is_indexable(field->kind))
            return fault_set(fault, FAULT_BUG, "index %s.%s names %s, which cannot be indexed",
                             name, index->name, wire);
        out->fields[out->count++] = field;
    }
    return true;
}

/* Written only when different, so that a second store of the same types disturbs no reader. */
static void index_bind(struct index *index, const struct doc_type *type, size_t at)
{
    uint16_t space = (uint16_t)(space_of_rows(type) | (at + 1));
    if (index->type == type && index->space == space)
        return;
    index->type = type;
    index->space = space;
}

static bool indexes_init(struct type_plan *plan, struct fault *fault)
{
    const struct doc_type *type = plan->type;
    if (type->index_count > TYPE_INDEXES_MAX)
        return fault_set(fault, FAULT_BUG, "%s has more than %d indexes", type->name,
                         TYPE_INDEXES_MAX);
    plan->indexes = memory_zeroed(type->index_count * sizeof(*plan->indexes));
    for (size_t i = 0; i < type->index_count; i++) {
        if (!index_init(plan, &type->indexes[i], &plan->indexes[i], fault))
            return false;
        for (size_t k = 0; k < i; k++)
            if (strcmp(type->indexes[k].name, type->indexes[i].name) == 0)
                return fault_set(fault, FAULT_BUG, "%s has two indexes named %s", type->name,
                                 type->indexes[i].name);
        index_bind(&type->indexes[i], type, i);
    }
    return true;
}

static bool type_init(struct plan *plan, const struct doc_type *type, struct fault *fault)
{
    if (!name_is_plain(type->name))
        return fault_set(fault, FAULT_BUG, "a document type has no proper name");
    if (type->number == 0 || type->number > TYPE_NUMBER_MAX)
        return fault_set(fault, FAULT_BUG, "%s has number %d; 1 to %d are for types", type->name,
                         type->number, TYPE_NUMBER_MAX);
    struct type_plan *out = &plan->types[type->number];
    if (out->type != NULL)
        return fault_set(fault, FAULT_BUG, "%s and %s have the same number", type->name,
                         out->type->name);
    out->type = type;
    out->is_flat = true;
    for (size_t i = 0; i < type->field_count; i++) {
        out->is_flat &= type->fields[i].kind != FIELD_RECORD && type->fields[i].kind != FIELD_LIST;
        if (type->fields[i].kind == FIELD_ID)
            out->id = &type->fields[i];
        if (type->fields[i].kind == FIELD_CREATED)
            out->created = &type->fields[i];
    }
    if (out->id == NULL || out->created == NULL)
        return fault_set(fault, FAULT_BUG, "%s has no %s member", type->name,
                         out->id == NULL ? "ID" : "CREATED");
    return indexes_init(out, fault) && search_plan_init(out, fault);
}

static bool names_differ(const struct schema *schema, struct fault *fault)
{
    for (size_t i = 0; i < schema->count; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(schema->types[i]->name, schema->types[k]->name) == 0)
                return fault_set(fault, FAULT_BUG, "two types are named %s",
                                 schema->types[i]->name);
    return true;
}

bool schema_init(const struct schema *schema, struct plan *out, struct fault *fault)
{
    *out = (struct plan){0};
    for (size_t i = 0; i < schema->count; i++)
        if (!type_init(out, schema->types[i], fault)) {
            plan_done(out);
            return false;
        }
    if (!names_differ(schema, fault)) {
        plan_done(out);
        return false;
    }
    return true;
}

void plan_done(struct plan *plan)
{
    for (size_t i = 0; i <= TYPE_NUMBER_MAX; i++) {
        free(plan->types[i].indexes);
        free(plan->types[i].search);
        plan->types[i] = (struct type_plan){0};
    }
}

const struct type_plan *plan_type(const struct plan *plan, const struct doc_type *type)
{
    const struct type_plan *found = &plan->types[type->number];
    assert(type->number <= TYPE_NUMBER_MAX && found->type == type);
    return found;
}

const struct index_plan *plan_index(const struct plan *plan, const struct index *index)
{
    assert(index->type != NULL);
    const struct type_plan *type = plan_type(plan, index->type);
    const struct index_plan *found = &type->indexes[(index->space & 0xff) - 1];
    assert(found->index == index);
    return found;
}

const struct index *index_of(const struct doc_type *type, const char *name)
{
    for (size_t i = 0; i < type->index_count; i++)
        if (strcmp(type->indexes[i].name, name) == 0)
            return &type->indexes[i];
    assert(false && "there is no such index");
    abort();
}

static const void *member(const struct field *field, const void *row)
{
    return (const char *)row + field->offset;
}

doc_id row_id(const struct type_plan *type, const void *row)
{
    return *(const doc_id *)member(type->id, row);
}

static tick row_created(const struct type_plan *type, const void *row)
{
    return *(const tick *)member(type->created, row);
}

void row_set_new(const struct type_plan *type, doc_id id, tick created, void *row)
{
    memcpy((char *)row + type->id->offset, &id, sizeof(id));
    memcpy((char *)row + type->created->offset, &created, sizeof(created));
}

static struct key_part int_part(const struct field *field, const void *at)
{
    if (field->size == sizeof(struct maybe_int)) {
        const struct maybe_int *maybe = at;
        return maybe->is_set ? key_int(maybe->value) : (struct key_part){.kind = KEY_NULL};
    }
    return key_int(field->size == sizeof(int32_t) ? *(const int32_t *)at : *(const int64_t *)at);
}

static struct key_part number_part(const struct field *field, const void *at)
{
    const struct maybe_number *maybe = at;
    bool is_maybe = field->size == sizeof(*maybe);
    if (is_maybe && !maybe->is_set)
        return (struct key_part){.kind = KEY_NULL};
    double number = is_maybe ? maybe->value : *(const double *)at;
    return (struct key_part){.kind = KEY_NUMBER, .number = number};
}

static struct key_part bool_part(const struct field *field, const void *at)
{
    const struct maybe_bool *maybe = at;
    bool is_maybe = field->size == sizeof(*maybe);
    if (is_maybe && !maybe->is_set)
        return (struct key_part){.kind = KEY_NULL};
    return key_bool(is_maybe ? maybe->value : *(const bool *)at);
}

static struct key_part time_part(const struct field *field, const void *at)
{
    const struct maybe_instant *maybe = at;
    bool is_maybe = field->size == sizeof(*maybe);
    if (is_maybe && !maybe->is_set)
        return (struct key_part){.kind = KEY_NULL};
    return key_time(is_maybe ? maybe->value : *(const instant *)at);
}

static struct key_part choice_part(const struct field *field, const void *at)
{
    int value;
    memcpy(&value, at, sizeof(value));
    if (value <= 0 || (size_t)value >= field->choice_count)
        return (struct key_part){.kind = KEY_NULL};
    return key_text(str_of(field->choices[value]));
}

/* What the member is in a key; absent is KEY_NULL, or turned into it by packed_add. */
static struct key_part row_part(const struct field *field, const void *row)
{
    const void *at = member(field, row);
    switch (field->kind) {
    case FIELD_CREATED:
        return (struct key_part){.kind = KEY_NUMBER, .number = tick_to_ms(*(const tick *)at)};
    case FIELD_REF:
        return key_id(*(const doc_id *)at);
    case FIELD_TEXT:
        return key_text(*(const str *)at);
    case FIELD_INT:
        return int_part(field, at);
    case FIELD_NUMBER:
        return number_part(field, at);
    case FIELD_BOOL:
        return bool_part(field, at);
    case FIELD_TIME:
        return time_part(field, at);
    case FIELD_CREDITS:
        return key_int(((const credits *)at)->n);
    case FIELD_CHOICE:
        return choice_part(field, at);
    default:
        return (struct key_part){.kind = KEY_NULL};
    }
}

static bool part_is_absent(const struct key_part *part)
{
    return part->kind == KEY_NULL || (part->kind == KEY_TEXT && part->text.at == NULL) ||
           (part->kind == KEY_ID && !doc_id_is_set(part->id));
}

void index_key_of_row(const struct index_plan *plan, const void *row, struct entry_key *out)
{
    out->key.len = 0;
    out->is_partial = false;
    for (size_t i = 0; i < plan->count; i++) {
        struct key_part part = row_part(plan->fields[i], row);
        out->is_partial |= part_is_absent(&part);
        packed_add(&out->key, &part);
    }
    out->fields_len = out->key.len;
    packed_add_u64(&out->key, (uint64_t)row_created(plan->type, row).n);
    packed_add_u64(&out->key, (uint64_t)row_id(plan->type, row).n);
}

/* Behind the fields comes the creation tick, asked for in milliseconds. */
void index_key_add(const struct index_plan *plan, size_t which, const struct key_part *part,
                   struct packed_key *out)
{
    if (which < plan->count) {
        packed_add(out, part);
        return;
    }
    assert(which == plan->count && part->kind == KEY_NUMBER);
    /* Beyond all moments stays beyond them: a limit there would otherwise be one at the start. */
    double ticks = part->number * 1024.0;
    packed_add_u64(out, ticks > 0 ? (uint64_t)MIN_OF(ticks, 0x1p62) : 0);
}

void index_key_of_parts(const struct index_plan *plan, const struct key *key,
                        struct packed_key *out)
{
    out->len = 0;
    for (size_t i = 0; i < key->count; i++)
        index_key_add(plan, i, &key->parts[i], out);
}

str index_entry_body(const struct index *index, str body)
{
    return index->holds_body && body.len <= ENTRY_BODY_MAX ? body : (str){0};
}

bool index_key_is_partial(const struct index_plan *plan, bytes key)
{
    size_t at = 0;
    for (size_t i = 0; i < plan->count; i++) {
        size_t len = packed_part_len((bytes){key.at + at, key.len - at});
        if (len == 0 || key.at[at] == 0x01)
            return true;
        at += len;
    }
    return false;
}

void space_name_of_rows(const struct doc_type *type, char out[SPACE_NAME_MAX])
{
    snprintf(out, SPACE_NAME_MAX, "doc_%s", type->name);
}

void space_name_of_index(const struct index *index, char out[SPACE_NAME_MAX])
{
    snprintf(out, SPACE_NAME_MAX, "idx_%s_%s", index->type->name, index->name);
}
