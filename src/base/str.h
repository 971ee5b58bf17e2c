/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text and bytes with a length, borrowed or in an arena; never ended by zero unless said.
 *
 * Owns:     nothing; a str is a view. str_copy and str_format put the bytes into an arena.
 * Threads:  any.
 * Time:     none.
 * Fails:    parsing answers false; nothing else fails.
 */
#pragma once

#include "base/arena.h"

typedef struct {
    const char *at;
    size_t len;
} str;

typedef struct {
    const uint8_t *at;
    size_t len;
} bytes;

#define STR(literal) ((str){"" literal, sizeof(literal) - 1})

/* For printf: "%.*s", STR_ARG(s). */
#define STR_ARG(s) (int)(s).len, (s).at == NULL ? "" : (s).at

str str_of(const char *zero_ended); /* NULL is the empty str */
bool str_equal(str a, str b);
bool str_equal_nocase(str a, str b); /* ASCII letters only */
int str_compare(str a, str b);       /* by bytes, as memcmp */
bool str_starts(str s, str prefix);
bool str_ends(str s, str suffix);
bool str_contains(str s, str part);
bool str_contains_nocase(str s, str part);    /* ASCII letters only */
str str_slice(str s, size_t from, size_t to); /* clamped to s */
str str_trim(str s);                          /* ASCII white space */

/* Splits at the first separator: *head before it, *s after it. False when s was empty. */
bool str_split(str *s, char separator, str *head);

/* The address in "203.0.113.9:4711", "[2001:db8::9]:4711", or either without its port. */
str str_without_port(str address);

/* Index of the byte, or -1. */
ptrdiff_t str_find(str s, char byte);
ptrdiff_t str_find_last(str s, char byte);

str str_copy(struct arena *arena, str s);
char *str_zero_ended(struct arena *arena, str s); /* for the system's functions */
str str_format(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);

/* Decimal digits with an optional minus sign, whole text, no overflow. */
bool str_to_int(str s, int64_t *out) MUST_CHECK;

static inline bytes bytes_of(str s)
{
    return (bytes){(const uint8_t *)s.at, s.len};
}
static inline str str_from(bytes b)
{
    return (str){(const char *)b.at, b.len};
}

/* memcmp order, the shorter first when one starts the other. */
int bytes_compare(bytes a, bytes b);

/* Well-formed UTF-8 without surrogates and beyond U+10FFFF. */
bool utf8_is_valid(str s);

/* Number of code points; s is valid UTF-8. */
size_t utf8_length(str s);

/* The longest prefix of at most max bytes that ends between code points. */
str utf8_cut(str s, size_t max);
