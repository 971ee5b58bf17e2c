/* SPDX-License-Identifier: Apache-2.0 */
#include "base/seal.h"

#include "base/encode.h"

#include <sodium.h>
#include <string.h>

/* The tag is also the nonce, so that no randomness is needed and equal inputs look equal. */
#define TAG_SIZE crypto_stream_xchacha20_NONCEBYTES

static void make_tag(const uint8_t *key, bytes context, bytes plain, uint8_t tag[TAG_SIZE])
{
    crypto_generichash_state state;
    uint64_t context_len = context.len;

    crypto_generichash_init(&state, key, SEAL_KEY_SIZE, TAG_SIZE);
    crypto_generichash_update(&state, (const uint8_t *)&context_len, sizeof(context_len));
    crypto_generichash_update(&state, context.at, context.len);
    crypto_generichash_update(&state, plain.at, plain.len);
    crypto_generichash_final(&state, tag, TAG_SIZE);
}

str seal_make(struct arena *arena, const uint8_t key[SEAL_KEY_SIZE], bytes context, bytes plain)
{
    uint8_t *sealed = arena_alloc(arena, TAG_SIZE + plain.len);
    make_tag(key, context, plain, sealed);
    if (plain.len != 0)
        crypto_stream_xchacha20_xor(sealed + TAG_SIZE, plain.at, plain.len, sealed, key);
    return base64url_write(arena, (bytes){sealed, TAG_SIZE + plain.len});
}

bool seal_open(struct arena *arena, const uint8_t key[SEAL_KEY_SIZE], bytes context, str sealed,
               bytes *plain)
{
    bytes raw;
    if (!base64url_read(arena, sealed, &raw) || raw.len < TAG_SIZE)
        return false;

    size_t len = raw.len - TAG_SIZE;
    uint8_t *opened = arena_alloc(arena, len);
    crypto_stream_xchacha20_xor(opened, raw.at + TAG_SIZE, len, raw.at, key);
    uint8_t tag[TAG_SIZE];
    make_tag(key, context, (bytes){opened, len}, tag);
    if (sodium_memcmp(tag, raw.at, TAG_SIZE) != 0)
        return false;
    *plain = (bytes){opened, len};
    return true;
}
