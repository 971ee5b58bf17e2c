/* SPDX-License-Identifier: Apache-2.0 */
#include "base/planted.h"

#ifdef ATELIER_PLANTED
#include <stdlib.h>
#include <string.h>

static const char *awake;

__attribute__((constructor)) static void wake(void)
{
    awake = getenv("ATELIER_PLANTED_FAULT");
}

bool planted_is(const char *fault)
{
    return awake != NULL && strcmp(fault + strlen("planted:"), awake) == 0;
}
#endif
