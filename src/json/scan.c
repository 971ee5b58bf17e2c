/* SPDX-License-Identifier: Apache-2.0 */
#include "json/scan.h"

#include "base/encode.h"
#include "base/hash.h"

#include <math.h>
#include <string.h>

#define EACH_BYTE(n) (0x0101010101010101u * (n))

/* Members up to this many are compared with each other; more are hashed. */
#define COMPARED_MAX 16

/* Not zero when one of the eight bytes ends an ordinary run: a quote, a backslash, a control
 * character, or the first byte of a longer code point. */
static uint64_t special_bytes(uint64_t word)
{
    uint64_t quote = word ^ EACH_BYTE('"');
    uint64_t backslash = word ^ EACH_BYTE('\\');
    uint64_t found = (quote - EACH_BYTE(1)) | (backslash - EACH_BYTE(1)) | (word - EACH_BYTE(0x20));
    return (found | word) & EACH_BYTE(0x80);
}

/* Keys are short: most bytes are looked at one by one. */
static const bool is_plain[256] = {
    [0x20 ... '"' - 1] = true,
    ['"' + 1 ... '\\' - 1] = true,
    ['\\' + 1 ... 0x7f] = true,
};

/* The first byte that is not plain ASCII text, or end. */
static const char *skip_plain(const char *at, const char *end)
{
    while (end - at >= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof(word));
        if (special_bytes(word) != 0)
            break;
        at += 8;
    }
    while (at < end && is_plain[(uint8_t)*at])
        at++;
    return at;
}

/* Four hex digits at the place, or -1. */
static int32_t unit_read(const char *at, const char *end)
{
    int32_t unit = 0;
    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_value(at[i]);
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

static char *utf8_put(char *to, uint32_t point)
{
    if (point < 0x80) {
        *to++ = (char)point;
    } else if (point < 0x800) {
        *to++ = (char)(0xC0 | point >> 6);
        *to++ = (char)(0x80 | (point & 0x3F));
    } else if (point < 0x10000) {
        *to++ = (char)(0xE0 | point >> 12);
        *to++ = (char)(0x80 | (point >> 6 & 0x3F));
        *to++ = (char)(0x80 | (point & 0x3F));
    } else {
        *to++ = (char)(0xF0 | point >> 18);
        *to++ = (char)(0x80 | (point >> 12 & 0x3F));
        *to++ = (char)(0x80 | (point >> 6 & 0x3F));
        *to++ = (char)(0x80 | (point & 0x3F));
    }
    return to;
}

/* *at is behind "\u". */
static bool point_read(const char **at, const char *end, bool takes_zero, uint32_t *out,
                       const char **why)
{
    int32_t unit = unit_read(*at, end);
    if (unit < 0) {
        *why = "four hex digits were expected after \\u";
        return false;
    }
    if (unit == 0 && !takes_zero) {
        *why = "the character U+0000 is not allowed";
        return false;
    }
    *at += 4;
    *out = (uint32_t)unit;
    if (unit < 0xD800 || unit > 0xDFFF)
        return true;

    int32_t low = -1;
    if (unit < 0xDC00 && end - *at >= 2 && (*at)[0] == '\\' && (*at)[1] == 'u')
        low = unit_read(*at + 2, end);
    if (low < 0xDC00 || low > 0xDFFF) {
        *why = "half of a surrogate pair stands alone";
        return false;
    }
    *at += 6;
    *out = 0x10000 + (((uint32_t)unit - 0xD800) << 10) + ((uint32_t)low - 0xDC00);
    return true;
}

/* *at is at a backslash. */
static bool escape_read(const char **at, const char *end, bool takes_zero, char **to,
                        const char **why)
{
    static const char from[] = "\"\\/bfnrt";
    static const char into[] = "\"\\/\b\f\n\r\t";
    char letter = end - *at >= 2 ? (*at)[1] : '\0';

    if (letter == 'u') {
        uint32_t point;
        *at += 2;
        if (!point_read(at, end, takes_zero, &point, why))
            return false;
        *to = utf8_put(*to, point);
        return true;
    }
    const char *found = letter == '\0' ? NULL : strchr(from, letter);
    if (found == NULL) {
        *why = "a backslash is followed by what is no escape";
        return false;
    }
    *(*to)++ = into[found - from];
    *at += 2;
    return true;
}

/* The end of the text as written: its closing quote, with escapes skipped over; NULL if none. */
static const char *closing_quote(const char *at, const char *end, bool *has_escape)
{
    for (;;) {
        at = skip_plain(at, end);
        if (at == end || (uint8_t)*at < 0x20)
            return at;
        if (*at == '"')
            return at;
        if (*at == '\\') {
            *has_escape = true;
            if (end - at < 2)
                return end;
            at += 2;
        }
        while (at < end && (uint8_t)*at >= 0x80)
            at++;
    }
}

static bool unescape(struct arena *arena, const char **at, const char *quote, bool takes_zero,
                     str *out, const char **why)
{
    char *text = arena_alloc(arena, (size_t)(quote - *at) + 1);
    char *to = text;
    while (*at < quote) {
        if (**at == '\\') {
            if (!escape_read(at, quote, takes_zero, &to, why))
                return false;
            continue;
        }
        const char *next = memchr(*at, '\\', (size_t)(quote - *at));
        size_t len = (size_t)((next == NULL ? quote : next) - *at);
        memcpy(to, *at, len);
        to += len;
        *at += len;
    }
    *out = (str){text, (size_t)(to - text)};
    return true;
}

bool scan_text(struct arena *arena, const char **at, const char *end, bool takes_zero, str *out,
               const char **why)
{
    const char *from = *at;
    const char *quote = skip_plain(from, end);
    bool has_escape = false;

    *out = (str){from, (size_t)(quote - from)};
    if (quote < end && *quote == '"') {
        *at = quote + 1;
        return true;
    }
    quote = closing_quote(quote, end, &has_escape);
    if (quote == end || *quote != '"') {
        *at = quote;
        *why = quote == end ? "the text has no end" : "a control character stands in a text";
        return false;
    }
    *out = (str){from, (size_t)(quote - from)};
    if (!utf8_is_valid(*out)) {
        *why = "the text is not valid UTF-8";
        return false;
    }
    if (has_escape && !unescape(arena, at, quote, takes_zero, out, why))
        return false;
    *at = quote + 1;
    return true;
}

struct numeral {
    const char *from;
    uint64_t digits;  /* all digits as one whole number, if there are at most 19 */
    size_t count;     /* of digits, from the first that is not 0 */
    int64_t fraction; /* how many stand behind the point */
    int64_t exponent; /* saturating far above any fraction */
    bool is_negative;
    bool is_whole; /* written without fraction and exponent */
};

#define EXPONENT_MAX 1000000000000

static const char *digits_read(const char *at, const char *end, struct numeral *number)
{
    while (at < end && *at >= '0' && *at <= '9') {
        if (number->count < 19)
            number->digits = number->digits * 10 + (uint64_t)(*at - '0');
        if (number->digits != 0)
            number->count++;
        at++;
    }
    return at;
}

static const char *exponent_read(const char *at, const char *end, struct numeral *number)
{
    bool is_negative = false;
    if (at < end && (*at == '+' || *at == '-'))
        is_negative = *at++ == '-';
    const char *from = at;
    while (at < end && *at >= '0' && *at <= '9') {
        if (number->exponent < EXPONENT_MAX)
            number->exponent = number->exponent * 10 + (*at - '0');
        at++;
    }
    if (is_negative)
        number->exponent = -number->exponent;
    return at == from ? NULL : at;
}

/* The end of the numeral, or NULL with the reason. */
static const char *numeral_read(const char *at, const char *end, struct numeral *number,
                                const char **why)
{
    number->from = at;
    number->is_whole = true;
    if (at < end && *at == '-') {
        number->is_negative = true;
        at++;
    }
    const char *from = at;
    at = digits_read(at, end, number);
    *why = number->is_negative ? "a digit was expected" : "a value was expected";
    if (at == from)
        return NULL;
    *why = "a number begins with a needless 0";
    if (*from == '0' && at - from > 1)
        return NULL;
    *why = "a digit was expected";
    if (at < end && *at == '.') {
        const char *point = at + 1;
        number->is_whole = false;
        at = digits_read(point, end, number);
        if (at == point)
            return NULL;
        number->fraction = at - point;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        number->is_whole = false;
        at = exponent_read(at + 1, end, number);
    }
    return at;
}

static bool whole_make(const struct numeral *number, struct json *out)
{
    uint64_t most = (uint64_t)INT64_MAX + number->is_negative;
    if (number->count > 19 || number->digits > most)
        return false;
    if (number->is_negative && number->digits == 0)
        return false; /* -0 has a sign only as a double */
    out->kind = JSON_INT;
    out->integer = (int64_t)(number->is_negative ? 0 - number->digits : number->digits);
    return true;
}

/* Right to the last bit: both factors are exact, and there is one rounding. */
static bool small_make(const struct numeral *number, double *out)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    int64_t power = number->exponent - number->fraction;
    if (number->count > 19 || number->digits > (uint64_t)1 << 53 || power < -22 || power > 22)
        return false;
    double value = (double)number->digits;
    value = power < 0 ? value / powers[-power] : value * powers[power];
    *out = number->is_negative ? -value : value;
    return true;
}

/* Up to 19 digits with some of them behind the point, such as moments have: also right to the last
 * bit. The quotient has 62 bits or more; those below the 53 of a double, and whether anything was
 * left over, decide the rounding. */
static bool fraction_make(const struct numeral *number, double *out)
{
    int64_t places = number->fraction - number->exponent;
    if (number->count > 19 || number->digits == 0 || places < 1 || places > 19)
        return false;
    uint64_t power = 1;
    for (int64_t i = 0; i < places; i++)
        power *= 10;
    int up = 63 + __builtin_clzll(number->digits);
    unsigned __int128 scaled = (unsigned __int128)number->digits << up;
    unsigned __int128 quotient = scaled / power;
    int bits = 128 - (quotient >> 64 != 0 ? __builtin_clzll((uint64_t)(quotient >> 64))
                                          : 64 + __builtin_clzll((uint64_t)quotient));
    int down = bits - 53;
    unsigned __int128 half = (unsigned __int128)1 << (down - 1);
    unsigned __int128 below = quotient & (half * 2 - 1);
    uint64_t whole = (uint64_t)(quotient >> down);
    bool is_half = below == half && scaled % power == 0;
    whole += below > half || (below == half && (!is_half || (whole & 1) != 0));
    double value = ldexp((double)whole, down - up);
    *out = number->is_negative ? -value : value;
    return true;
}

bool scan_number(struct arena *arena, const char **at, const char *end, struct json *out,
                 const char **why)
{
    struct numeral number = {0};
    const char *behind = numeral_read(*at, end, &number, why);
    if (behind == NULL)
        return false;

    if (!number.is_whole || !whole_make(&number, out)) {
        out->kind = JSON_NUMBER;
        if (!small_make(&number, &out->number) && !fraction_make(&number, &out->number)) {
            char room[64];
            size_t len = (size_t)(behind - *at);
            char *text = len < sizeof(room) ? room : arena_alloc(arena, len + 1);
            memcpy(text, *at, len);
            text[len] = '\0';
            out->number = strtod(text, NULL);
        }
        if (!isfinite(out->number)) {
            *why = "the number is too large";
            return false;
        }
    }
    *at = behind;
    return true;
}

static bool keys_repeat_compared(const struct json *members, size_t count, str *twice)
{
    for (size_t i = 1; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (members[i].key.len == members[j].key.len &&
                str_equal(members[i].key, members[j].key)) {
                *twice = members[i].key;
                return true;
            }
        }
    }
    return false;
}

bool keys_repeat(const struct json *members, size_t count, str *twice)
{
    if (count <= COMPARED_MAX)
        return keys_repeat_compared(members, count, twice);

    size_t room = 64;
    while (room < count * 2)
        room *= 2;
    AUTO(memory_free) uint32_t *table = memory_zeroed(room * sizeof(*table));
    for (size_t i = 0; i < count; i++) {
        str key = members[i].key;
        size_t at = (size_t)hash_bytes(key.at, key.len) & (room - 1);
        for (; table[at] != 0; at = (at + 1) & (room - 1)) {
            if (str_equal(members[table[at] - 1].key, key)) {
                *twice = key;
                return true;
            }
        }
        table[at] = (uint32_t)i + 1;
    }
    return false;
}
