/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors as TypeScript types, for the generated client files (convex-protocol.md section 15).
 * The writer of those files supplies what surrounds them: Id is the generic id type.
 *
 * Owns:     nothing.
 * Threads:  any.
 * Time:     none.
 * Fails:    never.
 */
#pragma once

#include "json/fields.h"

/* One value, for example `Array<Id<"users">>`. Not for a FIELD_ID alone: only its shape knows of
 * which table it is. As an argument an optional nullable field takes null or nothing; in a result
 * it is always there. */
void typescript_of_field(struct buffer *to, const struct field *field, bool is_argument);

/* A member's name, in quotes where it has to be. */
void typescript_of_name(struct buffer *to, str name);

/* An object on one line: `{ a: string; b?: number }`. */
void typescript_of_shape(struct buffer *to, const struct shape *shape, bool is_argument);

/* A document: `_id` and `_creationTime` come first, whether or not the table has rows for them. */
void typescript_of_doc(struct buffer *to, const struct doc_type *type);

/* The union of the field paths of a document, quoted, dotted for nested records:
 * `"_id" | "size" | "size.width"`. */
void typescript_of_paths(struct buffer *to, const struct doc_type *type);
