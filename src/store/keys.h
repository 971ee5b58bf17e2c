/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys as byte strings whose memcmp order is the order of the values.
 *
 *     absent   01
 *     false    02            true  03
 *     number   04 + 8 bytes: the double's bits, turned so that they sort
 *     text     05 + the bytes, 00 written 00 ff, ended by 00 00; long text: its first
 *              KEY_TEXT_MAX bytes, 00 01 and 16 bytes of its SHA-256, so that unlike stays unlike
 *     id       06 + 8 bytes big endian
 *     then, in entries of an index: creation tick, id, 8 bytes big endian each
 *
 * Owns:     nothing; a packed key is the caller's storage.
 * Threads:  any.
 * Time:     none.
 * Fails:    never: every key fits STORE_KEY_MAX.
 */
#pragma once

#include "store/store.h"

/* Longer text is cut; four of them fit one key. */
#define KEY_TEXT_MAX 480

struct packed_key {
    size_t len;
    uint8_t at[STORE_KEY_MAX];
};

void packed_add(struct packed_key *key, const struct key_part *part);
void packed_add_u64(struct packed_key *key, uint64_t value);

/* The first key behind everything that starts with this one. */
void packed_skip(struct packed_key *key);

/* Bytes of the first part of a key; 0 when it is none. */
size_t packed_part_len(bytes key);

uint64_t u64_read(const uint8_t *at); /* big endian */
void u64_write(uint8_t *at, uint64_t value);

static inline bytes packed_bytes(const struct packed_key *key)
{
    return (bytes){key->at, key->len};
}
