/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plain PNGs. The sums of chunks are set right first, else nothing invented would get past them.
 * What is read has as many pixels as it says.
 */
#include <assert.h>
#include <libdeflate.h>
#include <string.h>

#include "media/worker/octets.h"
#include "media/worker/png_read.h"

#include "fuzz.h"

#define SIZE_MAX_TRIED 4096 /* bytes unpacked, by the head: larger ones only take time */

static void set_sums(uint8_t *file, size_t size)
{
    size_t at = 8;
    while (size > at && size - at >= 12) {
        size_t len = big32(file + at);
        if (len > size - at - 12)
            return;
        put_big32(file + at + 8 + len, libdeflate_crc32(0, file + at + 4, len + 4));
        at += 12 + len;
    }
}

int fuzz_one(const uint8_t *data, size_t size)
{
    AUTO(memory_free) uint8_t *file = malloc(size + 1);
    AUTO(memory_free) uint8_t *at = NULL;
    struct pixels out = {0};
    memcpy(file, data, size);
    set_sums(file, size);
    if (size > 24 && (uint64_t)big32(file + 16) * big32(file + 20) > SIZE_MAX_TRIED)
        return 0;
    if (!png_read((bytes){file, size}, &out))
        return 0;
    at = out.at;
    unsigned sum = 0;
    for (size_t i = 0; i < (size_t)out.width * (size_t)out.height * (size_t)out.bands; i++)
        sum += at[i];
    assert(out.bands >= 1 && out.bands <= 4 && sum < 4U * 255U * SIZE_MAX_TRIED + 1);
    return 0;
}
