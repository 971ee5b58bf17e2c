/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Days as people count them: the Gregorian calendar, in UTC.
 *
 * Owns:     nothing.
 * Threads:  any.
 * Time:     given.
 * Fails:    never; days before 1970 and after the year 9999 are not asked for.
 */
#pragma once

#include "base/base.h"

struct date {
    int64_t year;
    int month, day; /* from 1 */
};

/* days: since 1970-01-01. */
struct date date_of_day(int64_t days);
