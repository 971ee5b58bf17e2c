/* SPDX-License-Identifier: Apache-2.0 */
#include "store/keys.h"

#include "base/hash.h"

#include <endian.h>
#include <math.h>
#include <string.h>

enum tag {
    TAG_NONE,
    TAG_NULL = 0x01,
    TAG_FALSE = 0x02,
    TAG_TRUE = 0x03,
    TAG_NUMBER = 0x04,
    TAG_TEXT = 0x05,
    TAG_ID = 0x06,
};

uint64_t u64_read(const uint8_t *at)
{
    uint64_t big;
    memcpy(&big, at, sizeof(big));
    return be64toh(big);
}

void u64_write(uint8_t *at, uint64_t value)
{
    uint64_t big = htobe64(value);
    memcpy(at, &big, sizeof(big));
}

static void add_byte(struct packed_key *key, uint8_t byte)
{
    assert(key->len < sizeof(key->at));
    key->at[key->len++] = byte;
}

void packed_add_u64(struct packed_key *key, uint64_t value)
{
    assert(key->len + 8 <= sizeof(key->at));
    u64_write(key->at + key->len, value);
    key->len += 8;
}

/* The sign is turned around, and below zero all bits are: then larger numbers are larger bytes. */
static uint64_t number_bits(double number)
{
    if (isnan(number))
        number = (double)NAN;
    if (number == 0)
        number = 0; /* -0 is 0 */
    uint64_t bits;
    memcpy(&bits, &number, sizeof(bits));
    return bits >> 63 != 0 ? ~bits : bits | (uint64_t)1 << 63;
}

static void add_text(struct packed_key *key, str text)
{
    add_byte(key, TAG_TEXT);
    size_t start = key->len;
    bool is_cut = false;
    for (size_t i = 0; i < text.len && !is_cut; i++) {
        if (key->len - start + 2 > KEY_TEXT_MAX) {
            is_cut = true;
            break;
        }
        add_byte(key, (uint8_t)text.at[i]);
        if (text.at[i] == 0)
            add_byte(key, 0xff);
    }
    add_byte(key, 0);
    add_byte(key, is_cut ? 1 : 0);
    if (is_cut) {
        uint8_t hash[32];
        sha256(bytes_of(text), hash);
        for (int i = 0; i < 16; i++)
            add_byte(key, hash[i]);
    }
}

void packed_add(struct packed_key *key, const struct key_part *part)
{
    switch (part->kind) {
    case KEY_NUMBER:
        add_byte(key, TAG_NUMBER);
        packed_add_u64(key, number_bits(part->number));
        return;
    case KEY_TEXT:
        if (part->text.at != NULL)
            add_text(key, part->text);
        else
            add_byte(key, TAG_NULL);
        return;
    case KEY_ID:
        add_byte(key, doc_id_is_set(part->id) ? TAG_ID : TAG_NULL);
        if (doc_id_is_set(part->id))
            packed_add_u64(key, (uint64_t)part->id.n);
        return;
    case KEY_BOOL:
        add_byte(key, part->truth ? TAG_TRUE : TAG_FALSE);
        return;
    case KEY_NONE:
    case KEY_NULL:
        add_byte(key, TAG_NULL);
        return;
    }
}

size_t packed_part_len(bytes key)
{
    if (key.len == 0)
        return 0;
    if (key.at[0] != TAG_TEXT)
        return MIN_OF(key.len, (size_t)(key.at[0] >= TAG_NUMBER ? 9 : 1));
    for (size_t i = 1; i + 1 < key.len; i++) {
        if (key.at[i] != 0)
            continue;
        if (key.at[i + 1] != 0xff)
            return MIN_OF(key.len, i + (key.at[i + 1] == 0 ? 2 : 18));
        i++;
    }
    return 0;
}

void packed_skip(struct packed_key *key)
{
    while (key->len > 0 && key->at[key->len - 1] == 0xff)
        key->len--;
    if (key->len == 0)
        add_byte(key, 0xff); /* no key starts with it */
    else
        key->at[key->len - 1]++;
}
