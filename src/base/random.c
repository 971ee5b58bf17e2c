/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

#include <sodium.h>
#include <string.h>

void random_init(struct random *random)
{
    if (sodium_init() < 0)
        abort();
    *random = (struct random){0};
    randombytes_buf(random->key, sizeof(random->key));
}

void random_init_seeded(struct random *random, uint64_t seed)
{
    if (sodium_init() < 0)
        abort();
    *random = (struct random){0};
    crypto_generichash(random->key, sizeof(random->key), (const uint8_t *)&seed, sizeof(seed), NULL,
                       0);
}

void random_fill(struct random *random, void *to, size_t size)
{
    uint8_t nonce[crypto_stream_chacha20_NONCEBYTES] = {0};
    memcpy(nonce, &random->counter, sizeof(random->counter));
    random->counter++;
    crypto_stream_chacha20(to, size, nonce, random->key);
}

uint64_t random_u64(struct random *random)
{
    uint64_t value;
    random_fill(random, &value, sizeof(value));
    return value;
}

uint64_t random_below(struct random *random, uint64_t bound)
{
    assert(bound > 0);
    uint64_t least = -bound % bound;
    uint64_t value = random_u64(random);
    while (value < least)
        value = random_u64(random);
    return value % bound;
}

void random_token(struct random *random, char out[33])
{
    uint8_t raw[16];
    random_fill(random, raw, sizeof(raw));
    sodium_bin2hex(out, 33, raw, sizeof(raw));
}
