/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/files.h"

static int read_suffix(str digits, int64_t size, int64_t *from, int64_t *to)
{
    int64_t last;
    if (!str_to_int(digits, &last) || last < 0)
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
    if (!str_starts(header, unit))
        return 0;
    str range = str_slice(header, unit.len, header.len);
    /* More than one range is not served in parts. */
    if (str_find(range, ',') >= 0)
        return 416;
    ptrdiff_t dash = str_find(range, '-');
    if (dash < 0)
        return 0;
    str first = str_trim(str_slice(range, 0, (size_t)dash));
    str last = str_trim(str_slice(range, (size_t)dash + 1, range.len));
    if (first.len == 0)
        return read_suffix(last, size, from, to);
    if (!str_to_int(first, from) || *from < 0)
        return 0;
    if (last.len == 0)
        *to = size - 1;
    else if (!str_to_int(last, to) || *to < *from)
        return 0;
    if (*from >= size)
        return 416;
    *to = MIN_OF(*to, size - 1);
    return 206;
}
