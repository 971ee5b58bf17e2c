/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool fault_set(struct fault *fault, enum fault_kind kind, const char *format, ...)
{
    if (fault == NULL)
        return false;
    fault->kind = kind;
    fault->os_error = 0;
    va_list args;
    va_start(args, format);
    vsnprintf(fault->text, sizeof(fault->text), format, args);
    va_end(args);
    return false;
}

bool fault_os(struct fault *fault, const char *what)
{
    int number = errno;
    char why[128];
    const char *text = strerror_r(number, why, sizeof(why));
    bool full = number == ENOSPC || number == EDQUOT;

    fault_set(fault, full ? FAULT_FULL : FAULT_SYSTEM, "%s: %s", what, text);
    if (fault != NULL)
        fault->os_error = number;
    return false;
}
