/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/range.h"

/* Decimal digits; too large a number is as good as the largest. */
static bool read_digits(str text, int64_t *out)
{
    const int64_t most = INT64_MAX / 16;
    *out = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        *out = MIN_OF(*out * 10 + (text.at[i] - '0'), most);
    }
    return text.len != 0;
}

static int read_suffix(str digits, int64_t size, int64_t *from, int64_t *to)
{
    int64_t last;
    if (!read_digits(digits, &last))
        return 0;
    if (last == 0 || size == 0)
        return 416;
    *from = MAX_OF(size - last, (int64_t)0);
    *to = size - 1;
    return 206;
}

int range_read(str header, int64_t size, int64_t *from, int64_t *to)
{
    str unit = STR("bytes=");
    if (!str_equal_nocase(str_slice(header, 0, unit.len), unit))
        return 0;
    str range = str_trim(str_slice(header, unit.len, header.len));
    ptrdiff_t dash = str_find(range, '-');
    if (dash < 0)
        return 0;
    str first = str_slice(range, 0, (size_t)dash);
    str last = str_slice(range, (size_t)dash + 1, range.len);
    if (first.len == 0)
        return read_suffix(last, size, from, to);
    int64_t begin, end = size - 1;
    if (!read_digits(first, &begin) || (last.len != 0 && !read_digits(last, &end)))
        return 0;
    if (last.len != 0 && end < begin)
        return 0;
    if (begin >= size)
        return 416;
    *from = begin;
    *to = MIN_OF(end, size - 1);
    return 206;
}

bool etag_is_listed(str header, str etag)
{
    str weak = STR("W/");
    str rest = str_trim(header);
    if (str_equal(rest, STR("*")))
        return true;
    while (rest.len != 0) {
        if (str_starts(rest, weak))
            rest = str_slice(rest, weak.len, rest.len);
        if (str_starts(rest, etag))
            return true;
        /* A tag may hold commas, but no quotes. */
        str tag = str_slice(rest, 1, rest.len);
        ptrdiff_t end = str_starts(rest, STR("\"")) ? str_find(tag, '"') : -1;
        if (end < 0)
            return false;
        rest = str_trim(str_slice(tag, (size_t)end + 1, tag.len));
        if (str_starts(rest, STR(",")))
            rest = str_trim(str_slice(rest, 1, rest.len));
    }
    return false;
}
