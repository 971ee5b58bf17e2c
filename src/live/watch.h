/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which queries read what: ranges of keys, found by the hash of the longest prefix of 8 to 128
 * bytes that all of a range has (a row, one owner's part of an index, one address), and in a list
 * of its space when it has none. A search is hit only by documents that have its terms.
 *
 * Owns:     the table and copies of the ranges.
 * Threads:  one loop's.
 * Time:     none.
 * Fails:    never.
 */
#pragma once

#include "store/store.h"

struct watch_table;

/* One query's ranges. */
struct watches {
    struct watch *items;
    size_t count;
    char *keys;  /* memory of the ranges' bytes */
    size_t size; /* of all that, in bytes */
};

struct watch_table *watch_table_new(void);
void watch_table_free(struct watch_table *table);

/* Replaces what the query watches; query is handed to hit(). */
void watch_set(struct watch_table *table, struct watches *watches, struct read_set reads,
               void *query);
void watch_clear(struct watch_table *table, struct watches *watches);

/* Calls hit(context, query) for each range that holds the key; a query may be hit repeatedly. */
void watch_find(struct watch_table *table, const struct write_key *key,
                void (*hit)(void *context, void *query), void *context);
size_t watch_count(const struct watch_table *table);
