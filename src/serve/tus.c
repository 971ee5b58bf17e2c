/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/tus.h"

#include "base/encode.h"

#include <string.h>

#define NUMBER_MAX (INT64_C(1) << 53)

bool tus_read_number(str text, int64_t *out)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
    return str_to_int(text, out) && *out <= NUMBER_MAX;
}

/* As one can show it. */
static bool is_plain(str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] < ' ' || text.at[i] == 0x7f)
            return false;
    return utf8_is_valid(text);
}

bool tus_read_metadata(struct arena *arena, str header, str key, str *value)
{
    str pair;
    *value = (str){0};
    while (str_split(&header, ',', &pair)) {
        str name;
        bytes decoded;
        pair = str_trim(pair);
        if (pair.len == 0)
            return false;
        str_split(&pair, ' ', &name);
        if (!base64_read(arena, str_trim(pair), &decoded))
            return false;
        if (!str_equal(name, key))
            continue;
        if (!is_plain(str_from(decoded)))
            return false;
        *value = str_from(decoded);
    }
    return true;
}

bool tus_read_checksum(struct arena *arena, str header, struct tus_checksum *out)
{
    str name;
    bytes digest;
    *out = (struct tus_checksum){0};
    header = str_trim(header);
    if (header.len == 0)
        return true;
    if (!str_split(&header, ' ', &name) || !base64_read(arena, str_trim(header), &digest))
        return false;
    if (str_equal(name, STR("sha1")) && digest.len == 20)
        out->hash = TUS_HASH_SHA1;
    else if (str_equal(name, STR("sha256")) && digest.len == 32)
        out->hash = TUS_HASH_SHA256;
    else
        return false;
    memcpy(out->digest, digest.at, digest.len);
    out->len = digest.len;
    return true;
}
