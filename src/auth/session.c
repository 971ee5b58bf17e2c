/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/session.h"

#include "base/encode.h"
#include "base/hash.h"

#define SESSION_TOKEN_BYTES 24

str session_token_make(struct arena *arena, struct random *random)
{
    uint8_t raw[SESSION_TOKEN_BYTES];
    random_fill(random, raw, sizeof(raw));
    return base64url_write(arena, (bytes){raw, sizeof(raw)});
}

str session_token_hash(struct arena *arena, str token)
{
    bytes raw;
    if (token.len != SESSION_TOKEN_LEN || !base64url_read(arena, token, &raw))
        return STR("");
    uint8_t hash[32];
    sha256(raw, hash);
    return hex_write(arena, (bytes){hash, sizeof(hash)});
}
