/* SPDX-License-Identifier: Apache-2.0 */
#include "call/mutation.h"

struct mutation *mutation_new(void)
{
    return memory_zeroed(sizeof(struct mutation));
}

void mutation_free(struct mutation *mutation)
{
    if (mutation == NULL)
        return;
    identity_drop(mutation->request.identity);
    arena_done(&mutation->arena);
    free(mutation);
}
