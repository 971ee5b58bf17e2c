/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the store derives from the descriptors at opening: which space is whose, and which members
 * make which key.
 *
 *     space of a type's rows     number << 8
 *     space of its index i       number << 8 | (i + 1)
 *     its documents' words       number << 8 | 254
 *     documents by word          number << 8 | 255
 *     below 256                  the store's own: meta, outcomes, index of outcomes
 *
 * Owns:     nothing but itself; it points into the descriptors.
 * Threads:  any, once made.
 * Time:     none.
 * Fails:    schema_init, by a fault that names the type and what is wrong with it.
 */
#pragma once

#include "store/engine.h"
#include "store/keys.h"

#define TYPE_NUMBER_MAX 250

enum store_space {
    SPACE_META = 1,
    SPACE_OUTCOMES = 2,
    SPACE_OUTCOME_INDEX = 3,
};

/* The low bytes of a searched type's spaces. */
#define SPACE_OF_WORDS 254
#define SPACE_OF_POSTINGS 255
#define TYPE_INDEXES_MAX 253

struct type_plan;

struct index_plan {
    const struct index *index;
    const struct type_plan *type;
    const struct field *fields[INDEX_FIELDS_MAX];
    size_t count;
};

/* Filters are packed as an index's key is, without what comes behind its fields. */
struct search_plan {
    struct index_plan filters;
    const struct field *fields[SEARCH_FIELDS_MAX], *marks[SEARCH_FIELDS_MAX];
    size_t field_count, mark_count;
};

struct type_plan {
    const struct doc_type *type; /* NULL: no such number */
    const struct field *id, *created;
    bool is_flat; /* a row holds no lists or records */
    struct index_plan *indexes;
    struct search_plan *search; /* NULL: not searched */
};

/* By number. */
struct plan {
    struct type_plan types[TYPE_NUMBER_MAX + 1];
};

/* Also fills the descriptors' own .type and .space. */
bool schema_init(const struct schema *schema, struct plan *out, struct fault *fault) MUST_CHECK;
void plan_done(struct plan *plan);

const struct type_plan *plan_type(const struct plan *plan, const struct doc_type *type);
const struct index_plan *plan_index(const struct plan *plan, const struct index *index);

static inline uint16_t space_of_rows(const struct doc_type *type)
{
    return (uint16_t)(type->number << 8);
}

static inline uint16_t space_of_words(const struct doc_type *type)
{
    return (uint16_t)(type->number << 8 | SPACE_OF_WORDS);
}

static inline uint16_t space_of_postings(const struct doc_type *type)
{
    return (uint16_t)(type->number << 8 | SPACE_OF_POSTINGS);
}

doc_id row_id(const struct type_plan *type, const void *row);
void row_set_new(const struct type_plan *type, doc_id id, tick created, void *row);

/* The row's entry. The length of the part made of its fields is told; is_partial: one is absent. */
struct entry_key {
    struct packed_key key;
    size_t fields_len;
    bool is_partial;
};
void index_key_of_row(const struct index_plan *plan, const void *row, struct entry_key *out);

/* The parts as they are in entries of this index. */
void index_key_of_parts(const struct index_plan *plan, const struct key *key,
                        struct packed_key *out);
void index_key_add(const struct index_plan *plan, size_t which, const struct key_part *part,
                   struct packed_key *out);

/* Whether one of the fields of a stored entry is absent. */
bool index_key_is_partial(const struct index_plan *plan, bytes key);

bool search_plan_init(struct type_plan *type, struct fault *fault) MUST_CHECK;

/* The row's filters, and its words (store/words.h) in the arena. */
void search_filters_of_row(const struct search_plan *plan, const void *row, struct packed_key *out);
str search_words_of_row(struct arena *arena, const struct search_plan *plan, const void *row);

/* Whether both rows have the same, without looking for words. */
bool search_is_same(const struct search_plan *plan, const void *a, const void *b);

/* What an entry keeps of the row's body. Larger ones stay out: a list would read more than it
 * saves. */
#define ENTRY_BODY_MAX KIB(1)
str index_entry_body(const struct index *index, str body);

/* Names of the spaces to the engine. */
void space_name_of_rows(const struct doc_type *type, char out[SPACE_NAME_MAX]);
void space_name_of_index(const struct index *index, char out[SPACE_NAME_MAX]);
void space_name_of_words(const struct doc_type *type, char out[SPACE_NAME_MAX]);
void space_name_of_postings(const struct doc_type *type, char out[SPACE_NAME_MAX]);
