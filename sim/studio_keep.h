/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the simulator remembers of rows, by a number: a table that only grows.
 *
 * Owns:     its items; each begins with its key and moves when another is added.
 * Threads:  one.
 * Time:     none.
 * Fails:    never.
 */
#pragma once

#include "base/base.h"

struct keep {
    size_t size; /* of an item, whose first member is its key, a uint64_t */
    char *items;
    size_t count, room;
    uint32_t *slots; /* a place in items and one; 0: free */
    size_t slot_count;
};

void keep_init(struct keep *keep, size_t size);
void keep_done(struct keep *keep);

void *keep_find(const struct keep *keep, uint64_t key); /* NULL: it is not there */
void *keep_get(struct keep *keep, uint64_t key);        /* zeroed when it was not */
void *keep_at(const struct keep *keep, size_t place);
