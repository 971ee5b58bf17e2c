/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/pack.h"

#include <zlib.h>

#define WORTH_FROM 1024
#define GZIP_WINDOW (15 + 16)

struct shared *pack_gzip(str from)
{
    z_stream stream = {0};
    if (from.len < WORTH_FROM || deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP_WINDOW,
                                              8, Z_DEFAULT_STRATEGY) != Z_OK)
        return NULL;

    AUTO(memory_free) char *packed = memory_new(from.len);
    stream.next_in = (Bytef *)(uintptr_t)from.at;
    stream.avail_in = (uInt)from.len;
    stream.next_out = (Bytef *)packed;
    stream.avail_out = (uInt)from.len;
    int result = deflate(&stream, Z_FINISH);
    size_t size = from.len - stream.avail_out;
    deflateEnd(&stream);
    bool is_worth = result == Z_STREAM_END && size < from.len - from.len / 8;
    return is_worth ? shared_copy((str){packed, size}) : NULL;
}
