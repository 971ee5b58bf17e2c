/* SPDX-License-Identifier: Apache-2.0 */
/* What a client says it has of a file: the size in a byte, then Range, a line end, If-None-Match.
 */
#include <assert.h>

#include "serve/range.h"

#include "fuzz.h"

#include <stdio.h>

static const int64_t sizes[] = {0, 1, 2, 10, 1000, INT64_C(1) << 32, INT64_MAX};

/* A range that is served, asked for again as it was understood, is the same. */
static void check_again(int64_t size, int64_t from, int64_t to)
{
    char text[80];
    int64_t same_from = -1, same_to = -1;
    assert(from >= 0 && from <= to && to < size);
    int len = snprintf(text, sizeof(text), "bytes=%lld-%lld", (long long)from, (long long)to);
    int status = range_read((str){text, (size_t)len}, size, &same_from, &same_to);
    bool is_beyond = to > INT64_MAX / 16; /* larger numbers mean the end */
    assert(is_beyond || (status == 206 && same_from == from && same_to == to));
}

static void check_range(str header, int64_t size)
{
    int64_t from = -1, to = -1;
    int status = range_read(header, size, &from, &to);
    assert(status == 0 || status == 206 || status == 416);
    if (status == 206)
        check_again(size, from, to);
    else
        assert(from == -1 && to == -1);
}

int fuzz_one(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    str rest = {(const char *)data + 1, size - 1}, range = {0};
    str_split(&rest, '\n', &range);
    check_range(range, sizes[data[0] % ARRAY_LEN(sizes)]);
    if (etag_is_listed(rest, STR("\"ab\"")))
        assert(str_contains(rest, STR("\"ab\"")) || str_contains(rest, STR("*")));
    return 0;
}
