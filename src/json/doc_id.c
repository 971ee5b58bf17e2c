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

/* CRC-8: sees every change within 8 neighbouring bits, so every single wrong character. */
static uint8_t check_byte(const uint8_t *from, size_t len)
{
    unsigned int sum = 0xA5;
    for (size_t i = 0; i < len; i++) {
        sum ^= from[i];
        for (int bit = 0; bit < 8; bit++)
            sum = (sum & 0x80) != 0 ? (sum << 1 ^ 0x07) & 0xFF : sum << 1;
    }
    return (uint8_t)sum;
}

static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

void doc_id_write(const struct doc_type *type, doc_id id, char out[DOC_ID_TEXT])
{
    /* The table takes part, so that neighbours in number have nothing in common. */
    uint64_t hidden = htobe64(permute((uint64_t)id.n ^ (uint64_t)type->number << 56));
    uint8_t raw[10] = {type->number};
    memcpy(raw + 1, &hidden, sizeof(hidden));
    raw[9] = check_byte(raw, 9);

    for (size_t i = 0; i < DOC_ID_TEXT; i++) {
        size_t bit = i * 5;
        unsigned int pair = (unsigned int)raw[bit / 8] << 8;
        if (bit / 8 + 1 < sizeof(raw))
            pair |= raw[bit / 8 + 1];
        out[i] = alphabet[pair >> (11 - bit % 8) & 31];
    }
}

static bool raw_read(str text, uint8_t raw[10])
{
    unsigned int held = 0;
    int bits = 0;
    size_t at = 0;
    if (text.len != DOC_ID_TEXT)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        const char *found = text.at[i] == '\0' ? NULL : strchr(alphabet, text.at[i]);
        if (found == NULL)
            return false;
        held = (held << 5 | (unsigned int)(found - alphabet)) & 0xFFFF;
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            raw[at++] = (uint8_t)(held >> bits & 0xFF);
        }
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
