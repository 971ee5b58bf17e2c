/* SPDX-License-Identifier: Apache-2.0 */
#include <zlib.h>

#include "media/worker/metadata.h"
#include "media/worker/octets.h"

#define CHUNKS_MAX 100000
#define KEYWORD_MAX 79

/* What a packed text holds; empty if it is broken or holds more than a text may. */
static bytes unpacked(struct arena *arena, bytes packed)
{
    AUTO(memory_free) uint8_t *room = malloc(METADATA_TEXT_MAX);
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)packed.at,
                       .avail_in = (uInt)MIN_OF(packed.len, METADATA_TEXT_MAX),
                       .next_out = room,
                       .avail_out = (uInt)METADATA_TEXT_MAX};
    if (room == NULL || inflateInit(&stream) != Z_OK)
        return (bytes){0};
    int ended = inflate(&stream, Z_FINISH);
    size_t len = METADATA_TEXT_MAX - stream.avail_out;
    inflateEnd(&stream);
    if (ended != Z_STREAM_END)
        return (bytes){0};
    return (bytes){arena_copy(arena, room, len), len};
}

/* What is in front of the next zero, which is dropped. */
static bool take_word(bytes *rest, str *word)
{
    const uint8_t *end = rest->len == 0 ? NULL : memchr(rest->at, 0, rest->len);
    if (end == NULL)
        return false;
    size_t len = (size_t)(end - rest->at);
    *word = (str){(const char *)rest->at, len};
    *rest = bytes_part(*rest, len + 1, rest->len - len - 1);
    return true;
}

/* tEXt: keyword 0 text.  zTXt: keyword 0 method packed.
 * iTXt: keyword 0 is_packed method language 0 translated 0 text. */
static bool read_text(struct arena *arena, bytes name, bytes body, str *key, bytes *text)
{
    bool is_packed = bytes_start(name, "zTXt", 4);
    bool is_international = bytes_start(name, "iTXt", 4);
    size_t flags = is_packed ? 1 : is_international ? 2 : 0;
    str language, translated;
    if (!take_word(&body, key) || key->len == 0 || key->len > KEYWORD_MAX || body.len < flags)
        return false;
    if (is_international)
        is_packed = body.at[0] == 1;
    body = bytes_part(body, flags, body.len - flags);
    if (is_international && (!take_word(&body, &language) || !take_word(&body, &translated)))
        return false;
    *text = is_packed ? unpacked(arena, body) : body;
    return true;
}

void metadata_png(struct arena *arena, bytes file, struct metadata *out)
{
    size_t at = 8;
    for (int i = 0; i < CHUNKS_MAX && file.len - at >= 12; i++) {
        size_t len = big32(file.at + at);
        bytes name = bytes_part(file, at + 4, 4);
        if (len > file.len - at - 12 || bytes_start(name, "IEND", 4))
            return;
        bytes body = bytes_part(file, at + 8, len), text;
        str key;
        if (bytes_start(name, "eXIf", 4))
            metadata_exif(arena, body, out);
        else if (bytes_start(name, "caBX", 4))
            out->has_c2pa = true;
        else if (memcmp(name.at + 1, "TXt", 3) == 0 || bytes_start(name, "tEXt", 4)) {
            if (read_text(arena, name, body, &key, &text)) {
                if (str_equal(key, STR(METADATA_XMP)))
                    metadata_add_xmp(arena, out, (struct metadata_place){at, len + 12, true}, text);
                else
                    metadata_add(arena, out, key, text);
            }
        }
        at += 12 + len;
    }
}
