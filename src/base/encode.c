/* SPDX-License-Identifier: Apache-2.0 */
#include "base/encode.h"

#include <endian.h>
#include <sodium.h>
#include <string.h>

/* By sums and no table: how long it takes says nothing of a secret. */
static char hex_digit(unsigned int four_bits)
{
    return (char)('0' + four_bits + ((9 - four_bits) >> 8 & ('a' - '9' - 1)));
}

str hex_write(struct arena *arena, bytes from)
{
    char *text = arena_alloc(arena, from.len * 2 + 1);
    for (size_t i = 0; i < from.len; i++) {
        text[2 * i] = hex_digit(from.at[i] >> 4);
        text[2 * i + 1] = hex_digit(from.at[i] & 15);
    }
    return (str){text, from.len * 2};
}

bool hex_read(struct arena *arena, str from, bytes *out)
{
    size_t len = 0;
    uint8_t *to = arena_alloc(arena, from.len / 2 + 1);
    if (from.len % 2 != 0 ||
        sodium_hex2bin(to, from.len / 2, from.at, from.len, NULL, &len, NULL) != 0)
        return false;
    *out = (bytes){to, len};
    return len * 2 == from.len;
}

int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

void percent_append(struct buffer *to, str text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
        if (is_plain) {
            buffer_char(to, (char)c);
        } else {
            buffer_char(to, '%');
            buffer_char(to, digits[c >> 4]);
            buffer_char(to, digits[c & 15]);
        }
    }
}

bool percent_read(struct arena *arena, str from, bool plus_is_space, str *out)
{
    char *to = arena_alloc(arena, from.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < from.len; i++) {
        char c = from.at[i];
        if (c == '%') {
            int high = from.len - i > 2 ? hex_value(from.at[i + 1]) : -1;
            int low = from.len - i > 2 ? hex_value(from.at[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        to[len++] = c;
    }
    *out = (str){to, len};
    return true;
}

static str write_as(struct arena *arena, bytes from, int variant)
{
    size_t size = sodium_base64_encoded_len(from.len, variant);
    char *text = arena_alloc(arena, size);
    sodium_bin2base64(text, size, from.at, from.len, variant);
    return (str){text, size - 1};
}

/* libsodium takes some bytes above 127 for '-' or '+' (its character is signed). */
static bool is_ascii(str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if ((uint8_t)s.at[i] > 127)
            return false;
    }
    return true;
}

static bool read_as(struct arena *arena, str from, int variant, bytes *out)
{
    size_t room = from.len / 4 * 3 + 3;
    size_t len = 0;
    uint8_t *to = arena_alloc(arena, room);
    const char *end = NULL;
    if (!is_ascii(from))
        return false;
    if (from.len != 0 &&
        sodium_base642bin(to, room, from.at, from.len, NULL, &len, &end, variant) != 0)
        return false;
    if (from.len != 0 && end != from.at + from.len)
        return false;
    *out = (bytes){to, len};
    return true;
}

str base64_write(struct arena *arena, bytes from)
{
    return write_as(arena, from, sodium_base64_VARIANT_ORIGINAL);
}

void base64_append(struct buffer *to, bytes from)
{
    size_t size = sodium_base64_encoded_len(from.len, sodium_base64_VARIANT_ORIGINAL);
    char *text = buffer_reserve(to, size);
    if (text == NULL)
        return;
    sodium_bin2base64(text, size, from.at, from.len, sodium_base64_VARIANT_ORIGINAL);
    to->len += size - 1;
}

bool base64_read(struct arena *arena, str from, bytes *out)
{
    return read_as(arena, from, sodium_base64_VARIANT_ORIGINAL, out);
}

str base64url_write(struct arena *arena, bytes from)
{
    return write_as(arena, from, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

bool base64url_read(struct arena *arena, str from, bytes *out)
{
    return read_as(arena, from, sodium_base64_VARIANT_URLSAFE_NO_PADDING, out);
}

str u64_base64_write(struct arena *arena, uint64_t value)
{
    uint64_t little = htole64(value);
    return base64_write(arena, (bytes){(const uint8_t *)&little, sizeof(little)});
}

bool u64_base64_read(str from, uint64_t *out)
{
    uint64_t little;
    size_t len = 0;
    if (from.len != 12 || !is_ascii(from))
        return false;
    if (sodium_base642bin((uint8_t *)&little, sizeof(little), from.at, from.len, NULL, &len, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0)
        return false;
    *out = le64toh(little);
    return len == sizeof(little);
}
