/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define FORMAT_ROOM 256 /* what is longer is laid out twice */

str str_of(const char *zero_ended)
{
    return zero_ended == NULL ? (str){0} : (str){zero_ended, strlen(zero_ended)};
}

bool str_equal(str a, str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

bool str_equal_nocase(str a, str b)
{
    return a.len == b.len && (a.len == 0 || strncasecmp(a.at, b.at, a.len) == 0);
}

int bytes_compare(bytes a, bytes b)
{
    size_t shared = MIN_OF(a.len, b.len);
    int order = shared == 0 ? 0 : memcmp(a.at, b.at, shared);
    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

int str_compare(str a, str b)
{
    return bytes_compare(bytes_of(a), bytes_of(b));
}

bool str_starts(str s, str prefix)
{
    return s.len >= prefix.len && str_equal(str_slice(s, 0, prefix.len), prefix);
}

bool str_ends(str s, str suffix)
{
    return s.len >= suffix.len && str_equal(str_slice(s, s.len - suffix.len, s.len), suffix);
}

bool str_contains(str s, str part)
{
    return part.len == 0 || (s.len != 0 && memmem(s.at, s.len, part.at, part.len) != NULL);
}

bool str_contains_nocase(str s, str part)
{
    for (size_t i = 0; i + part.len <= s.len; i++)
        if (str_equal_nocase(str_slice(s, i, i + part.len), part))
            return true;
    return false;
}

str str_slice(str s, size_t from, size_t to)
{
    to = MIN_OF(to, s.len);
    from = MIN_OF(from, to);
    return s.at == NULL ? s : (str){s.at + from, to - from};
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

str str_trim(str s)
{
    while (s.len > 0 && is_space(s.at[0]))
        s = str_slice(s, 1, s.len);
    while (s.len > 0 && is_space(s.at[s.len - 1]))
        s.len--;
    return s;
}

ptrdiff_t str_find(str s, char byte)
{
    const char *found = s.len == 0 ? NULL : memchr(s.at, byte, s.len);
    return found == NULL ? -1 : found - s.at;
}

ptrdiff_t str_find_last(str s, char byte)
{
    const char *found = s.len == 0 ? NULL : memrchr(s.at, byte, s.len);
    return found == NULL ? -1 : found - s.at;
}

bool str_split(str *s, char separator, str *head)
{
    if (s->len == 0)
        return false;
    ptrdiff_t at = str_find(*s, separator);
    if (at < 0) {
        *head = *s;
        *s = (str){0};
    } else {
        *head = str_slice(*s, 0, (size_t)at);
        *s = str_slice(*s, (size_t)at + 1, s->len);
    }
    return true;
}

str str_copy(struct arena *arena, str s)
{
    return (str){arena_copy(arena, s.at, s.len), s.len};
}

str str_without_port(str address)
{
    ptrdiff_t first = str_find(address, ':'), last = str_find_last(address, ':');
    ptrdiff_t bracket = str_find(address, ']');
    if (str_starts(address, STR("[")) && bracket > 0)
        return str_slice(address, 1, (size_t)bracket);
    return first >= 0 && first == last ? str_slice(address, 0, (size_t)first) : address;
}

char *str_zero_ended(struct arena *arena, str s)
{
    char *copy = arena_alloc(arena, s.len + 1);
    if (s.len != 0)
        memcpy(copy, s.at, s.len);
    return copy;
}

str str_format(struct arena *arena, const char *format, ...)
{
    char room[FORMAT_ROOM];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(room, sizeof(room), format, args);
    va_end(args);
    assert(len >= 0);

    char *text = arena_alloc(arena, (size_t)len + 1);
    if ((size_t)len < sizeof(room)) {
        memcpy(text, room, (size_t)len + 1);
        return (str){text, (size_t)len};
    }
    va_start(args, format);
    vsnprintf(text, (size_t)len + 1, format, args);
    va_end(args);
    return (str){text, (size_t)len};
}

bool str_to_int(str s, int64_t *out)
{
    bool negative = s.len > 0 && s.at[0] == '-';
    if (negative)
        s = str_slice(s, 1, s.len);
    if (s.len == 0)
        return false;

    int64_t value = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
        int digit = s.at[i] - '0';
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, digit, &value))
            return false;
    }
    if (!negative && value == INT64_MIN)
        return false;
    *out = negative ? value : -value;
    return true;
}
