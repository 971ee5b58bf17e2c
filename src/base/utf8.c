/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

/* How many bytes follow this first byte, and the least and greatest second byte; -1 if it is none.
 */
static int tail_of(uint8_t first, uint8_t *least, uint8_t *most)
{
    *least = 0x80;
    *most = 0xBF;
    if (first < 0x80)
        return 0;
    if (first < 0xC2 || first > 0xF4)
        return -1;
    if (first < 0xE0)
        return 1;
    if (first < 0xF0) {
        if (first == 0xE0)
            *least = 0xA0;
        if (first == 0xED)
            *most = 0x9F; /* surrogates */
        return 2;
    }
    if (first == 0xF0)
        *least = 0x90;
    if (first == 0xF4)
        *most = 0x8F;
    return 3;
}

bool utf8_is_valid(str s)
{
    if (s.len == 0)
        return true; /* s.at may be NULL, to which not even nothing may be added */
    const uint8_t *at = (const uint8_t *)s.at;
    const uint8_t *end = at + s.len;

    while (at < end) {
        uint8_t least, most;
        int tail = tail_of(*at++, &least, &most);
        if (tail == 0)
            continue;
        if (tail < 0 || end - at < tail || *at < least || *at > most)
            return false;
        for (int i = 1; i < tail; i++)
            if ((at[i] & 0xC0) != 0x80)
                return false;
        at += tail;
    }
    return true;
}

size_t utf8_length(str s)
{
    size_t count = 0;
    for (size_t i = 0; i < s.len; i++)
        count += ((uint8_t)s.at[i] & 0xC0) != 0x80;
    return count;
}

str utf8_cut(str s, size_t max)
{
    if (s.len <= max)
        return s;
    while (max > 0 && ((uint8_t)s.at[max] & 0xC0) == 0x80)
        max--;
    return str_slice(s, 0, max);
}
