/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"

static void *checked(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

void *memory_new(size_t size)
{
    return checked(malloc(size == 0 ? 1 : size));
}

void *memory_zeroed(size_t size)
{
    return checked(calloc(1, size == 0 ? 1 : size));
}

void *memory_resize(void *old, size_t size)
{
    return checked(realloc(old, size == 0 ? 1 : size));
}
