/* SPDX-License-Identifier: Apache-2.0 */
/* The headers of resumable uploads, and what files are by their first bytes: each is given the
 * whole input. */
#include "fuzz.h"

#include "media/type.h"
#include "serve/tus.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_done) struct arena arena = {0};
    struct tus_checksum checksum;
    int64_t number;
    str text = {(const char *)data, size}, value;
    if (tus_read_number(text, &number))
        assert(number >= 0 && number <= INT64_C(1) << 53);
    if (tus_read_metadata(&arena, text, STR("filename"), &value)) {
        assert(utf8_is_valid(value));
        assert(value.len <= size);
        for (size_t i = 0; i < value.len; i++)
            assert((unsigned char)value.at[i] >= ' ');
    }
    if (tus_read_checksum(&arena, text, &checksum) && checksum.hash != TUS_HASH_NONE)
        assert(checksum.len == (checksum.hash == TUS_HASH_SHA1 ? 20 : 32));
    struct media_found found = media_type_of(text);
    assert(found.name != NULL);
    return 0;
}
