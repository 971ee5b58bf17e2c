/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hex, base64 and base64url: what a strict reader takes, its writer must give back letter for
 * letter (hex: in lower case).
 */
#include <assert.h>

#include "base/encode.h"

#include "fuzz.h"

typedef bool reader(struct arena *arena, str from, bytes *out);
typedef str writer(struct arena *arena, bytes from);

static void check(str text, reader *read, writer *write, bool any_case)
{
    AUTO(arena_done) struct arena arena = {0};
    bytes value = {0};
    if (!read(&arena, text, &value))
        return;
    str again = write(&arena, value);
    assert(any_case ? str_equal_nocase(again, text) : str_equal(again, text));
}

int fuzz_one(const uint8_t *data, size_t size)
{
    str text = {(const char *)data, size};
    uint64_t number;

    check(text, hex_read, hex_write, true);
    check(text, base64_read, base64_write, false);
    check(text, base64url_read, base64url_write, false);
    if (u64_base64_read(text, &number)) {
        AUTO(arena_done) struct arena arena = {0};
        assert(str_equal(u64_base64_write(&arena, number), text));
    }
    return 0;
}
