/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include "base/random.h"

#include <pthread.h>
#include <sodium.h>
#include <string.h>

static uint8_t process_key[crypto_shorthash_KEYBYTES];
static pthread_once_t key_made = PTHREAD_ONCE_INIT;

static void make_key(void)
{
    struct random random;
    random_init(&random);
    random_fill(&random, process_key, sizeof(process_key));
}

void hash_set_key(const uint8_t key[16])
{
    pthread_once(&key_made, make_key);
    memcpy(process_key, key, sizeof(process_key));
}

uint64_t hash_bytes(const void *at, size_t len)
{
    pthread_once(&key_made, make_key);
    uint64_t value;
    crypto_shorthash((uint8_t *)&value, at, len, process_key);
    return value;
}

struct hash128 hash128_bytes(const void *at, size_t len)
{
    struct hash128 value;
    crypto_generichash((uint8_t *)&value, sizeof(value), at, len, NULL, 0);
    return value;
}

void hash256_bytes(bytes from, uint8_t out[32])
{
    crypto_generichash(out, 32, from.at, from.len, NULL, 0);
}

void sha256(bytes from, uint8_t out[32])
{
    crypto_hash_sha256(out, from.at, from.len);
}

void hmac_sha256(bytes key, bytes from, uint8_t out[32])
{
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, key.at, key.len);
    crypto_auth_hmacsha256_update(&state, from.at, from.len);
    crypto_auth_hmacsha256_final(&state, out);
    sodium_memzero(&state, sizeof(state));
}

bool bytes_are_same(bytes a, bytes b)
{
    return a.len == b.len && (a.len == 0 || sodium_memcmp(a.at, b.at, a.len) == 0);
}
