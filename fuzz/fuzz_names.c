/* SPDX-License-Identifier: Apache-2.0 */
/* Names of files, as headers and archives have them; one a line. */
#include <assert.h>

#include "serve/names.h"

#include "fuzz.h"

#include <string.h>

static const char *const types[] = {"image/png", "image/jpeg", "video/mp4", "text/html"};

static void check_clean(str name)
{
    assert(name.len > 0 && name.len <= NAME_BYTES_MAX + 8);
    assert(utf8_is_valid(name));
    assert(name.at[0] != '.' && name.at[0] != ' ');
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.at[i];
        assert(c >= ' ' && c != 0x7f && strchr("/\\\":*?<>|", c) == NULL);
    }
}

static void check_disposition(struct arena *arena, str name)
{
    str header = name_disposition(arena, name);
    size_t quotes = 0;
    for (size_t i = 0; i < header.len; i++) {
        assert(header.at[i] >= ' ' && header.at[i] < 0x7f);
        quotes += header.at[i] == '"';
    }
    assert(quotes == 2);
}

int fuzz_one(const uint8_t *data, size_t size)
{
    AUTO(arena_done) struct arena arena = {0};
    str rest = {(const char *)data, size}, line, taken[16];
    struct name_set set = {.arena = &arena};
    for (size_t count = 0; count < ARRAY_LEN(taken) && str_split(&rest, '\n', &line); count++) {
        str name = STR("x");
        if (utf8_is_valid(line))
            name = name_clean(&arena, line, str_of(types[line.len % ARRAY_LEN(types)]));
        check_clean(name);
        check_disposition(&arena, name);
        taken[count] = name_take(&set, name);
        for (size_t i = 0; i < count; i++)
            assert(!str_equal_nocase(taken[i], taken[count]));
    }
    return 0;
}
