/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hashes: a keyed 64-bit one for tables fed by strangers (SipHash of libsodium, key of this
 * process), BLAKE2b, SHA-256, and HMAC with it.
 *
 * Owns:     nothing.
 * Threads:  any.
 * Time:     none.
 * Fails:    never.
 */
#pragma once

#include "base/str.h"

uint64_t hash_bytes(const void *at, size_t len);

/* For the simulator, before threads start: tables then have the same order in every process. */
void hash_set_key(const uint8_t key[16]);

/* 128 bits, not keyed: the same in every process. For comparing results. */
struct hash128 {
    uint64_t a, b;
};
struct hash128 hash128_bytes(const void *at, size_t len);

/* 256 bits that nobody can make collide, for what stays in this process (BLAKE2b: a fifth of the
 * work of SHA-256 without the processor's help). */
void hash256_bytes(bytes from, uint8_t out[32]);

void sha256(bytes from, uint8_t out[32]);

/* What webhooks are signed with. Compare such sums with bytes_are_same. */
void hmac_sha256(bytes key, bytes from, uint8_t out[32]);

/* Takes as long wherever they differ. */
bool bytes_are_same(bytes a, bytes b);
