/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An id on the wire, 80 bits big endian: table number (8), the number through a keyed permutation
 * (64), a check byte (8). The permutation is the block cipher Speck64/128, chosen because it has
 * this size of block and key and is eight lines; it hides count and order, it protects nothing.
 */
#include "json/fields.h"

#include <endian.h>
#include <string.h>

#define ROUNDS 27

static uint32_t round_keys[ROUNDS];

static uint32_t turn_right(uint32_t word, int by)
{
    return word >> by | word << (32 - by);
}

static uint32_t turn_left(uint32_t word, int by)
{
    return word << by | word >> (32 - by);
}

static void mix(uint32_t *x, uint32_t *y, uint32_t key)
{
    *x = (turn_right(*x, 8) + *y) ^ key;
    *y = turn_left(*y, 3) ^ *x;
}

static void unmix(uint32_t *x, uint32_t *y, uint32_t key)
{
    *y = turn_right(*y ^ *x, 3);
    *x = turn_left((*x ^ key) - *y, 8);
}

void doc_id_set_key(const uint8_t key[16])
{
    uint32_t words[4];
    memcpy(words, key, sizeof(words));
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        words[i] = le32toh(words[i]);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        round_keys[i] = words[0];
        mix(&words[1 + i % 3], &words[0], i);
    }
}

static uint64_t permute(uint64_t plain)
{
    uint32_t x = (uint32_t)(plain >> 32), y = (uint32_t)plain;
    for (int i = 0; i < ROUNDS; i++)
        mix(&x, &y, round_keys[i]);
    return (uint64_t)x << 32 | y;
}

static uint64_t permute_back(uint64_t hidden)
{
    uint32_t x = (uint32_t)(hidden >> 32), y = (uint32_t)hidden;
    for (int i = ROUNDS; i-- > 0;)
        unmix(&x, &y, round_keys[i]);
    return (uint64_t)x << 32 | y;
}

/* What four bits that are shifted out of the sum do to it: the polynomial 0x07, four times. */
static const uint8_t shifted_out[16] = {0x00, 0x07, 0x0e, 0x09, 0x1c, 0x1b, 0x12, 0x15,
                                        0x38, 0x3f, 0x36, 0x31, 0x24, 0x23, 0x2a, 0x2d};

/* CRC-8: sees every change within 8 neighbouring bits, so every single wrong character. */
static uint8_t check_byte(const uint8_t *from, size_t len)
{
    unsigned int sum = 0xA5;
    for (size_t i = 0; i < len; i++) {
        sum ^= from[i];
        sum = (sum << 4 & 0xFF) ^ shifted_out[sum >> 4];
        sum = (sum << 4 & 0xFF) ^ shifted_out[sum >> 4];
    }
    return (uint8_t)sum;
}

static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

/* A character's five bits and one, by its place behind '0'; 0: it is none of the alphabet. */
static const uint8_t places[] = {
    ['0' - '0'] = 1,  ['1' - '0'] = 2,  ['2' - '0'] = 3,  ['3' - '0'] = 4,  ['4' - '0'] = 5,
    ['5' - '0'] = 6,  ['6' - '0'] = 7,  ['7' - '0'] = 8,  ['8' - '0'] = 9,  ['9' - '0'] = 10,
    ['a' - '0'] = 11, ['b' - '0'] = 12, ['c' - '0'] = 13, ['d' - '0'] = 14, ['e' - '0'] = 15,
    ['f' - '0'] = 16, ['g' - '0'] = 17, ['h' - '0'] = 18, ['j' - '0'] = 19, ['k' - '0'] = 20,
    ['m' - '0'] = 21, ['n' - '0'] = 22, ['p' - '0'] = 23, ['q' - '0'] = 24, ['r' - '0'] = 25,
    ['s' - '0'] = 26, ['t' - '0'] = 27, ['v' - '0'] = 28, ['w' - '0'] = 29, ['x' - '0'] = 30,
    ['y' - '0'] = 31, ['z' - '0'] = 32,
};

void doc_id_write(const struct doc_type *type, doc_id id, char out[DOC_ID_TEXT])
{
    /* The table takes part, so that neighbours in number have nothing in common. */
    uint64_t hidden = htobe64(permute((uint64_t)id.n ^ (uint64_t)type->number << 56));
    uint8_t raw[10] = {type->number};
    memcpy(raw + 1, &hidden, sizeof(hidden));
    raw[9] = check_byte(raw, 9);

    /* Five bytes are eight characters. */
    for (size_t half = 0; half < 2; half++) {
        uint64_t bits = 0;
        for (size_t i = 0; i < 5; i++)
            bits = bits << 8 | raw[half * 5 + i];
        for (size_t i = 0; i < 8; i++)
            out[half * 8 + i] = alphabet[bits >> (35 - 5 * i) & 31];
    }
}

static bool raw_read(str text, uint8_t raw[10])
{
    if (text.len != DOC_ID_TEXT)
        return false;
    for (size_t half = 0; half < 2; half++) {
        uint64_t bits = 0;
        for (size_t i = 0; i < 8; i++) {
            size_t behind = (uint8_t)text.at[half * 8 + i] - (size_t)'0';
            if (behind >= sizeof(places) || places[behind] == 0)
                return false;
            bits = bits << 5 | (uint64_t)(places[behind] - 1);
        }
        for (size_t i = 0; i < 5; i++)
            raw[half * 5 + i] = (uint8_t)(bits >> (32 - 8 * i));
    }
    return true;
}

bool doc_id_read(const struct doc_type *type, str text, doc_id *out)
{
    uint8_t raw[10];
    uint64_t hidden;
    if (!raw_read(text, raw) || raw[0] != type->number || raw[9] != check_byte(raw, 9))
        return false;
    memcpy(&hidden, raw + 1, sizeof(hidden));
    out->n = (int64_t)(permute_back(be64toh(hidden)) ^ (uint64_t)type->number << 56);
    return out->n > 0;
}
