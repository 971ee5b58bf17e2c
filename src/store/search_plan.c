/* SPDX-License-Identifier: Apache-2.0 */
/* What a type's search is made of: which members are filters, words and marks. */
#include "store/state.h"

#include "store/words.h"

#include <stdio.h>
#include <string.h>

static bool is_filter(const struct field *field)
{
    return field->kind == FIELD_REF || field->kind == FIELD_TEXT || field->kind == FIELD_CHOICE ||
           field->kind == FIELD_BOOL;
}

static bool is_text(const struct field *field)
{
    return field->kind == FIELD_TEXT ||
           (field->kind == FIELD_LIST && field->item->kind == FIELD_TEXT);
}

static bool is_mark(const struct field *field)
{
    return is_text(field) || field->kind == FIELD_CHOICE ||
           (field->kind == FIELD_BOOL && !field->is_optional);
}

static bool take_fields(const struct doc_type *type, const char *const *names, size_t max,
                        bool (*may)(const struct field *field), const struct field **out,
                        size_t *count, struct fault *fault)
{
    for (size_t i = 0; i < max && names[i] != NULL; i++) {
        out[i] = shape_field(&type->shape, str_of(names[i]));
        if (out[i] == NULL || !may(out[i]))
            return fault_set(fault, FAULT_BUG, "the search of %s names %s, which %s", type->name,
                             names[i], out[i] == NULL ? "is no field" : "cannot be searched so");
        ++*count;
    }
    return true;
}

bool search_plan_init(struct type_plan *type, struct fault *fault)
{
    const struct search_fields *from = type->type->search;
    if (from == NULL)
        return true;
    struct search_plan *plan = memory_zeroed(sizeof(*plan));
    type->search = plan;
    plan->filters.type = type;
    return take_fields(type->type, from->fields, SEARCH_FIELDS_MAX, is_text, plan->fields,
                       &plan->field_count, fault) &&
           take_fields(type->type, from->filters, SEARCH_FILTERS_MAX, is_filter,
                       plan->filters.fields, &plan->filters.count, fault) &&
           take_fields(type->type, from->marks, SEARCH_FIELDS_MAX, is_mark, plan->marks,
                       &plan->mark_count, fault);
}

void search_filters_of_row(const struct search_plan *plan, const void *row, struct packed_key *out)
{
    struct entry_key key;
    index_key_of_row(&plan->filters, row, &key);
    *out = key.key;
    out->len = key.fields_len;
}

static const void *member(const struct field *field, const void *row)
{
    return (const char *)row + field->offset;
}

/* The texts of a member, one after another; false: there are no more. */
static bool next_text(const struct field *field, const void *row, size_t at, str *text)
{
    const void *from = member(field, row);
    if (field->kind == FIELD_LIST) {
        const struct list *list = from;
        if (at >= list->count)
            return false;
        *text = ((const str *)list->items)[at];
        return true;
    }
    int value = 0;
    if (field->kind == FIELD_TEXT)
        *text = *(const str *)from;
    else if (field->kind == FIELD_BOOL)
        *text = *(const bool *)from ? STR("true") : (str){0};
    else
        memcpy(&value, from, sizeof(value));
    if (field->kind == FIELD_CHOICE)
        *text = value > 0 && (size_t)value < field->choice_count ? str_of(field->choices[value])
                                                                 : (str){0};
    return at == 0 && text->len != 0;
}

str search_words_of_row(struct arena *arena, const struct search_plan *plan, const void *row)
{
    struct words words = {.arena = arena, .max = WORDS_MAX};
    str text;
    for (size_t i = 0; i < plan->field_count; i++)
        for (size_t at = 0; next_text(plan->fields[i], row, at, &text); at++)
            words_add(&words, text);
    words.max = SIZE_MAX; /* marks are never left out: lists in documents have limits */
    for (size_t i = 0; i < plan->mark_count; i++) {
        char room[64];
        str name = field_wire_name(plan->marks[i], room);
        for (size_t at = 0; next_text(plan->marks[i], row, at, &text); at++)
            words_add_mark(&words, name, text);
    }
    return words_join(&words);
}

static bool field_is_same(const struct field *field, const void *a, const void *b)
{
    str left = {0}, right = {0};
    for (size_t at = 0;; at++) {
        bool is_left = next_text(field, a, at, &left), is_right = next_text(field, b, at, &right);
        if (is_left != is_right)
            return false;
        if (!is_left)
            return true;
        if (!str_equal(left, right))
            return false;
    }
}

bool search_is_same(const struct search_plan *plan, const void *a, const void *b)
{
    for (size_t i = 0; i < plan->field_count; i++)
        if (!field_is_same(plan->fields[i], a, b))
            return false;
    for (size_t i = 0; i < plan->mark_count; i++)
        if (!field_is_same(plan->marks[i], a, b))
            return false;
    struct packed_key left, right;
    search_filters_of_row(plan, a, &left);
    search_filters_of_row(plan, b, &right);
    return bytes_compare(packed_bytes(&left), packed_bytes(&right)) == 0;
}

void space_name_of_words(const struct doc_type *type, char out[SPACE_NAME_MAX])
{
    snprintf(out, SPACE_NAME_MAX, "words_%s", type->name);
}

void space_name_of_postings(const struct doc_type *type, char out[SPACE_NAME_MAX])
{
    snprintf(out, SPACE_NAME_MAX, "search_%s", type->name);
}
