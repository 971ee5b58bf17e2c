/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/work.h"

#include <stdarg.h>
#include <stdio.h>

struct work_result *work_result_new(void)
{
    return memory_zeroed(sizeof(struct work_result));
}

void work_result_free(struct work_result *result)
{
    if (result == NULL)
        return;
    arena_done(&result->arena);
    free(result);
}

void work_fail(struct work_result *result, enum work_failure failure, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    result->failure = failure;
    result->text = str_copy(&result->arena, str_of(text));
}
