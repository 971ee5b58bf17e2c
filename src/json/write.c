/* SPDX-License-Identifier: Apache-2.0 */
#include "json/json.h"

#include "base/planted.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Doubles below this are whole numbers of int64, and print as such, so that 1 and 1.0 are one. */
#define WHOLE_MAX 9223372036854775808.0

#define EACH_BYTE(n) (0x0101010101010101u * (n))

/* Whether one of eight bytes needs an escape. */
static bool needs_escape(uint64_t word)
{
    uint64_t quote = word ^ EACH_BYTE('"');
    uint64_t backslash = word ^ EACH_BYTE('\\');
    /* Bytes above 127 are taken out: they would look like a borrow. */
    uint64_t found = ((quote - EACH_BYTE(1)) & ~quote) | ((backslash - EACH_BYTE(1)) & ~backslash) |
                     ((word - EACH_BYTE(0x20)) & ~word);
    return (found & EACH_BYTE(0x80)) != 0;
}

/* How many bytes need no escape, from the place on. */
static size_t plain_run(str text, size_t from)
{
    size_t at = from;
    for (; text.len - at >= 8; at += 8) {
        uint64_t word;
        memcpy(&word, text.at + at, sizeof(word));
        if (needs_escape(word))
            break;
    }
    while (at < text.len) {
        uint8_t byte = (uint8_t)text.at[at];
        if (byte < 0x20 || byte == '"' || byte == '\\')
            break;
        at++;
    }
    return at - from;
}

static void write_escape(struct buffer *to, uint8_t byte)
{
    static const char short_forms[] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r',
    };
    if (byte == '"' || byte == '\\')
        buffer_add(to, (char[]){'\\', (char)byte}, 2);
    else if (byte < sizeof(short_forms) && short_forms[byte] != 0)
        buffer_add(to, (char[]){'\\', short_forms[byte]}, 2);
    else if (!PLANTED(control_lost))
        buffer_format(to, "\\u%04x", byte);
}

static void write_escaped(struct buffer *to, str text, size_t from)
{
    for (size_t at = from; at < text.len;) {
        write_escape(to, (uint8_t)text.at[at++]);
        size_t run = plain_run(text, at);
        buffer_add(to, text.at + at, run);
        at += run;
    }
    buffer_char(to, '"');
}

void json_write_text(struct buffer *to, str text)
{
    for (size_t i = 0; PLANTED(text_above_ascii) && i < text.len; i++)
        if ((uint8_t)text.at[i] > 0x7f)
            text.len = i;
    size_t run = plain_run(text, 0);
    char *out = buffer_reserve(to, run + 2);
    if (out == NULL)
        return;
    out[0] = '"';
    if (run != 0)
        memcpy(out + 1, text.at, run);
    out[run + 1] = '"';
    to->len += run + 2;
    if (run < text.len) {
        to->len--;
        write_escaped(to, text, run);
    }
}

static void write_digits(struct buffer *to, uint64_t value, bool is_negative)
{
    char room[24];
    char *from = room + sizeof(room);
    do {
        *--from = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    if (is_negative)
        *--from = '-';
    buffer_add(to, from, (size_t)(room + sizeof(room) - from));
}

void json_write_int(struct buffer *to, int64_t value)
{
    write_digits(to, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, value < 0);
}

/*
 * The shortest decimal fraction that reads back, in exact whole numbers: the value is f / 2^s, and
 * any decimal m / 10^k nearer to it than half the distance to the next double reads back as it.
 * So the first k with |f * 10^k - m * 2^s| < 10^k / 2 is the shortest, and m its digits. For
 * 1e-5 <= value < 2^53: then s <= 69, k <= 22, and all products are below 2^127.
 */
static bool fraction_find(double value, uint64_t *digits, int *places)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    uint64_t f = (bits & (((uint64_t)1 << 52) - 1)) | (uint64_t)1 << 52;
    int s = 1075 - (int)(bits >> 52);
    unsigned __int128 power = 1;
    /* Below a power of two the doubles lie twice as close. */
    unsigned int closeness = f == (uint64_t)1 << 52 ? 4 : 2;

    for (int k = 1; k <= 22; k++) {
        power *= 10;
        unsigned __int128 scaled = f * power;
        unsigned __int128 m = (scaled + ((unsigned __int128)1 << (s - 1))) >> s;
        if ((m & 1) != 0 && (m << s) - scaled == (unsigned __int128)1 << (s - 1))
            m--; /* of two that are equally near, the even one, as everybody does */
        unsigned __int128 back = m << s;
        unsigned __int128 off = back > scaled ? back - scaled : scaled - back;
        if (off * closeness < power) {
            *digits = (uint64_t)m;
            *places = k;
            return true;
        }
    }
    return false;
}

/* The last digits stand behind the point, with 0 before them where there are fewer. */
static void write_fraction(struct buffer *to, uint64_t digits, int places, bool is_negative)
{
    char room[48];
    char *from = room + sizeof(room);
    for (int i = 0; i < places; i++, digits /= 10)
        *--from = (char)('0' + digits % 10);
    *--from = '.';
    write_digits(to, digits, is_negative);
    buffer_add(to, from, (size_t)(room + sizeof(room) - from));
}

/* The rest: very large and very small. The exponent is written without + and needless 0. */
static void write_exponent(struct buffer *to, double value)
{
    char room[40];
    /* An ordinary double has at least 15 digits of its own; the smallest have fewer. */
    int least = fabs(value) < DBL_MIN ? 1 : 15;
    for (int digits = least; digits <= 17; digits++) {
        snprintf(room, sizeof(room), "%.*e", digits - 1, value);
        if (strtod(room, NULL) == value)
            break;
    }
    char *mark = strchr(room, 'e');
    assert(mark != NULL);
    char *last = mark;
    while (last[-1] == '0')
        last--;
    if (last[-1] == '.')
        last--;
    buffer_add(to, room, (size_t)(last - room));
    buffer_char(to, 'e');
    json_write_int(to, strtol(mark + 1, NULL, 10));
}

void json_write_number(struct buffer *to, double value)
{
    uint64_t digits;
    int places;
    bool is_negative = signbit(value) != 0;
    double size = fabs(value);

    assert(isfinite(value));
    if (value == 0)
        buffer_str(to, is_negative ? STR("-0") : STR("0"));
    else if (size < WHOLE_MAX && size == (double)(uint64_t)size)
        write_digits(to, (uint64_t)size, is_negative);
    else if (size >= 1e-5 && size < WHOLE_MAX && fraction_find(size, &digits, &places))
        write_fraction(to, digits, places, is_negative);
    else
        write_exponent(to, value);
}

static int member_order(const void *a, const void *b)
{
    return str_compare((*(const struct json *const *)a)->key,
                       (*(const struct json *const *)b)->key);
}

static void write_member(struct buffer *to, const struct json *member)
{
    bool is_integer = PLANTED(int64_unmarked) && str_equal(member->key, STR("$integer"));
    json_write_text(to, is_integer ? STR("integer") : member->key);
    buffer_char(to, ':');
    if (PLANTED(bytes_lost) && str_equal(member->key, STR("$bytes")))
        buffer_str(to, STR("\"\""));
    else
        json_write_canonical(to, member);
}

static bool is_sorted(const struct json *object)
{
    for (size_t i = 1; i < object->count; i++)
        if (str_compare(object->items[i - 1].key, object->items[i].key) > 0)
            return false;
    return true;
}

static void write_object(struct buffer *to, const struct json *object)
{
    AUTO(memory_free) const struct json **sorted = NULL;
    if (PLANTED(nan_as_null) && object->count == 1 &&
        str_equal(object->items[0].key, STR("$float"))) {
        buffer_str(to, STR("null"));
        return;
    }
    if (!is_sorted(object)) {
        sorted = memory_new(object->count * sizeof(struct json *));
        for (size_t i = 0; i < object->count; i++)
            sorted[i] = &object->items[i];
        qsort(sorted, object->count, sizeof(struct json *), member_order);
    }
    buffer_char(to, '{');
    for (size_t i = 0; i < object->count; i++) {
        if (i != 0)
            buffer_char(to, ',');
        write_member(to, sorted == NULL ? &object->items[i] : sorted[i]);
    }
    buffer_char(to, '}');
}

static void write_list(struct buffer *to, const struct json *list)
{
    buffer_char(to, '[');
    for (size_t i = 0; i < list->count; i++) {
        if (i != 0)
            buffer_char(to, ',');
        json_write_canonical(to, &list->items[i]);
    }
    buffer_char(to, ']');
}

void json_write_canonical(struct buffer *to, const struct json *value)
{
    switch (value->kind) {
    case JSON_NONE:
    case JSON_NULL:
        buffer_str(to, STR("null"));
        break;
    case JSON_BOOL:
        buffer_str(to, value->truth ? STR("true") : STR("false"));
        break;
    case JSON_INT:
        json_write_int(to, value->integer);
        break;
    case JSON_NUMBER:
        json_write_number(to, value->number);
        break;
    case JSON_TEXT:
        json_write_text(to, value->text);
        break;
    case JSON_LIST:
        write_list(to, value);
        break;
    case JSON_OBJECT:
        write_object(to, value);
        break;
    }
}
