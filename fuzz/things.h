/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What fuzz_cursor.c asks about: a store of things in two indexes, bounds and positions made of an
 * input's bytes, and which rows lie between them. That is decided by a plain filter over all rows,
 * which compares values, not keys.
 *
 * Owns:     the store, for as long as the program runs.
 * Threads:  one.
 * Time:     set.
 * Fails:    by assert.
 */
#pragma once

#include "call/call.h"

#define ROWS_MAX 96

struct thing {
    doc_id id;
    tick created;
    int64_t owner, rank;
    str name;
};
extern const struct doc_type thing_type; /* its two indexes: by owner and name, by owner */

/* All rows as they are now, in the order of the index. */
struct seen_row {
    struct thing row;
    bytes key;
};

struct bench {
    struct arena arena;
    struct view *view;
    const struct index *index;
    struct seen_row rows[ROWS_MAX];
    size_t count;
    str input;
};

/* Rows in the order of a scan. */
struct wanted {
    const struct seen_row *rows[ROWS_MAX];
    size_t count;
};

struct store *things_store(void); /* opened by the first call */
void things_see(struct bench *bench);
void things_change(struct bench *bench, struct change *change); /* as the input says */

/* What the input says next; at its end all is zero. */
uint8_t take_byte(struct bench *bench);
str take_piece(struct bench *bench); /* in memory of its own */
struct bounds take_bounds(struct bench *bench);
bytes take_position(struct bench *bench); /* .at NULL: none */

struct wanted things_between(const struct bench *bench, const struct bounds *bounds,
                             enum order order);
