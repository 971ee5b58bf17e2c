/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Immutable, counted bytes: what threads and sessions may share by reference.
 *
 * Owns:     its bytes; freed by the last shared_drop.
 * Threads:  any; the count is atomic, the bytes never change after they were made.
 * Time:     none.
 * Fails:    never.
 */
#pragma once

#include "base/str.h"

#include <stdatomic.h>

struct shared {
    atomic_uint count;
    size_t len;
    char at[];
};

/* With one reference, the caller's. The bytes may be written until it is handed to anyone. */
struct shared *shared_new(size_t len);
struct shared *shared_copy(str from);
struct shared *shared_keep(struct shared *shared); /* NULL is accepted */
void shared_drop(struct shared *shared);           /* NULL is accepted */

static inline str shared_text(const struct shared *shared)
{
    return shared == NULL ? (str){0} : (str){shared->at, shared->len};
}
