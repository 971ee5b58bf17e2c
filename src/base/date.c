/* SPDX-License-Identifier: Apache-2.0 */
#include "base/date.h"

/* Counted in eras of 400 years that begin in March, so that leap days are at the end of a year;
 * after Howard Hinnant's description. */
struct date date_of_day(int64_t days)
{
    int64_t from_march = days + 719468;
    int64_t era = from_march / 146097, of_era = from_march % 146097;
    int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * of_year + 2) / 153;
    struct date date = {
        .day = (int)(of_year - (153 * shifted + 2) / 5 + 1),
        .month = (int)(shifted < 10 ? shifted + 3 : shifted - 9),
    };
    date.year = year_of_era + era * 400 + (date.month <= 2);
    return date;
}
