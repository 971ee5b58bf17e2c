/* SPDX-License-Identifier: Apache-2.0 */
#include "call/identity.h"

struct identity *identity_keep(const struct identity *identity)
{
    struct identity *kept = (struct identity *)(uintptr_t)identity;
    if (kept != NULL)
        atomic_fetch_add_explicit(&kept->count, 1, memory_order_relaxed);
    return kept;
}

void identity_drop(const struct identity *identity)
{
    struct identity *dropped = (struct identity *)(uintptr_t)identity;
    if (dropped != NULL && atomic_fetch_sub_explicit(&dropped->count, 1, memory_order_acq_rel) == 1)
        free(dropped);
}

bool identity_is_same(const struct identity *a, const struct identity *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return a->hash.a == b->hash.a && a->hash.b == b->hash.b;
}
