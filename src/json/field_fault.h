/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the reader of fields says when a value is wrong: the texts of convex-protocol.md section 10.
 *
 * Owns:     nothing.
 * Threads:  any.
 * Time:     none.
 * Fails:    each fills the field_error (NULL is accepted) and returns false, to be returned.
 */
#pragma once

#include "json/fields.h"

struct reading {
    struct arena *arena;
    struct field_error *error;
    bool take_extra;
};

/* Where a value is: a chain up the stack, made into a path only for an error. */
struct place {
    const struct place *up;
    const struct field *field; /* NULL: the whole, described by the shape */
    const struct shape *shape; /* that holds the field */
    size_t index;              /* of an item: its field has no name */
};

/* The table that an id is of: FIELD_ID stands only in the shape of a doc_type. */
const struct doc_type *field_table(const struct field *field, const struct shape *shape);

/* "v.string()" and so on, up to the buffer's limit. */
void validator_write(struct buffer *to, const struct field *field, const struct shape *shape);
void shape_validator_write(struct buffer *to, const struct shape *shape);

bool field_refuse(struct reading *reading, const struct place *place, const struct json *value);
bool field_refuse_because(struct reading *reading, const struct place *place,
                          const struct json *value, const char *why);

/* "<what> <got> <compared> <limit>.", as in "Text of 2,001 characters is longer than 2,000." */
bool field_refuse_limit(struct reading *reading, const struct place *place,
                        const struct json *value, const char *what, int64_t got,
                        const char *compared, int64_t limit);
bool field_refuse_number(struct reading *reading, const struct place *place,
                         const struct json *value, double got, const char *compared, double limit);
bool field_refuse_missing(struct reading *reading, const struct place *place,
                          const struct place *member, const struct json *object);
bool field_refuse_extra(struct reading *reading, const struct place *place,
                        const struct shape *shape, const struct json *object,
                        const struct json *member);
