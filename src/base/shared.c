/* SPDX-License-Identifier: Apache-2.0 */
#include "base/shared.h"

#include <string.h>

struct shared *shared_new(size_t len)
{
    struct shared *shared = memory_new(sizeof(*shared) + len);
    atomic_init(&shared->count, 1);
    shared->len = len;
    return shared;
}

struct shared *shared_copy(str from)
{
    struct shared *shared = shared_new(from.len);
    if (from.len != 0)
        memcpy(shared->at, from.at, from.len);
    return shared;
}

struct shared *shared_keep(struct shared *shared)
{
    if (shared != NULL)
        atomic_fetch_add_explicit(&shared->count, 1, memory_order_relaxed);
    return shared;
}

void shared_drop(struct shared *shared)
{
    if (shared != NULL && atomic_fetch_sub_explicit(&shared->count, 1, memory_order_acq_rel) == 1)
        free(shared);
}
