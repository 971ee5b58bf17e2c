/* SPDX-License-Identifier: Apache-2.0 */
/* XMP without an XML reader: one value by its usual name, as an element or as an attribute. What
 * hides behind entities, other prefixes or CDATA is not found, and nothing else goes wrong. */
#include "media/worker/parameters.h"

#include <string.h>

/* What a value may hold; also keeps the search of a hostile packet short. */
#define VALUE_MAX KIB(64)

static size_t find(str text, size_t from, str part)
{
    if (from >= text.len || part.len == 0)
        return SIZE_MAX;
    const char *at = memmem(text.at + from, text.len - from, part.at, part.len);
    return at == NULL ? SIZE_MAX : (size_t)(at - text.at);
}

static uint32_t entity(str name)
{
    static const struct {
        const char *name;
        uint32_t letter;
    } known[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (str_equal(name, str_of(known[i].name)))
            return known[i].letter;
    int64_t n = 0;
    bool is_line_end = (str_starts(name, STR("#")) && str_to_int(str_slice(name, 1, 4), &n) &&
                        (n == 9 || n == 10 || n == 13)) ||
                       str_equal_nocase(name, STR("#xA"));
    return is_line_end ? '\n' : 0;
}

/* Without tags (rdf:Alt, rdf:li) and entities. */
static str unescaped(struct arena *arena, str text)
{
    char *to = arena_alloc(arena, text.len + 1);
    size_t len = 0;
    bool is_tag = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == '<' || is_tag) {
            is_tag = c != '>';
            continue;
        }
        ptrdiff_t end = c == '&' ? str_find(str_slice(text, i, i + 10), ';') : -1;
        uint32_t letter = end > 0 ? entity(str_slice(text, i + 1, i + (size_t)end)) : 0;
        to[len++] = letter != 0 ? (char)letter : c;
        i += letter != 0 ? (size_t)end : 0;
    }
    return str_trim((str){to, len});
}

static str attribute(struct arena *arena, str xmp, str name)
{
    for (size_t at = 0; (at = find(xmp, at, name)) != SIZE_MAX; at++) {
        size_t after = at + name.len;
        if (after + 2 >= xmp.len || xmp.at[after] != '=')
            continue;
        char quote = xmp.at[after + 1];
        ptrdiff_t len = str_find(str_slice(xmp, after + 2, after + 2 + VALUE_MAX), quote);
        if ((quote == '"' || quote == '\'') && len >= 0)
            return unescaped(arena, str_slice(xmp, after + 2, after + 2 + (size_t)len));
    }
    return (str){0};
}

str xmp_value(struct arena *arena, str xmp, const char *name)
{
    str open = str_format(arena, "<%s", name);
    str close = str_format(arena, "</%s>", name);
    size_t at = find(xmp, 0, open);
    if (at == SIZE_MAX)
        return attribute(arena, xmp, str_of(name));
    size_t end = find(str_slice(xmp, 0, at + VALUE_MAX), at, close);
    ptrdiff_t inner = str_find(str_slice(xmp, at, at + VALUE_MAX), '>');
    if (end == SIZE_MAX || inner < 0 || at + (size_t)inner >= end)
        return (str){0};
    return unescaped(arena, str_slice(xmp, at + (size_t)inner + 1, end));
}
