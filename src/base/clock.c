/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <time.h>

static int64_t read_us(clockid_t which)
{
    struct timespec at = {0};
    clock_gettime(which, &at);
    return (int64_t)at.tv_sec * 1000000 + at.tv_nsec / 1000;
}

instant clock_now(void)
{
    return (instant){read_us(CLOCK_REALTIME)};
}

instant clock_monotonic(void)
{
    return (instant){read_us(CLOCK_MONOTONIC)};
}

span clock_cpu(void)
{
    return (span){read_us(CLOCK_PROCESS_CPUTIME_ID)};
}
