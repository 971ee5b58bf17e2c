/* SPDX-License-Identifier: Apache-2.0 */
#include "net/ws_pack.h"

#include <string.h>
#include <zlib.h>

#define CODE_BAD_DATA 1007
#define CODE_TOO_BIG 1009

#define RAW_WINDOW (-15) /* raw deflate, 32 KiB */
#define LEVEL 1
#define MEMORY 8
#define TAIL_LEN 4 /* of a flushed run: 00 00 ff ff */
#define DEFLATED_FROM 256
#define KEPT_MAX 16
#define KEPT_LEN_MAX KIB(256)
#define CHUNK KIB(16)
#define SLICE KIB(64)

struct ws_packer {
    z_stream out, in;
    bool has_out, has_in;
    struct {
        struct shared *plain, *run;
    } kept[KEPT_MAX];
    size_t kept_next;
    bool is_keeping;
    char chunk[CHUNK];
};

struct ws_packer *ws_packer_new(void)
{
    return memory_zeroed(sizeof(struct ws_packer));
}

void ws_packer_free(struct ws_packer *packer)
{
    if (packer == NULL)
        return;
    ws_packer_forget(packer);
    if (packer->has_out)
        deflateEnd(&packer->out);
    if (packer->has_in)
        inflateEnd(&packer->in);
    free(packer);
}

bool ws_packer_is_keeping(const struct ws_packer *packer)
{
    return packer->is_keeping;
}

void ws_packer_forget(struct ws_packer *packer)
{
    for (size_t i = 0; i < KEPT_MAX; i++) {
        shared_drop(packer->kept[i].plain);
        shared_drop(packer->kept[i].run);
        packer->kept[i].plain = packer->kept[i].run = NULL;
    }
    packer->is_keeping = false;
}

/* ---- the offer ---- */

enum {
    SERVER_ALONE = 1,
    CLIENT_ALONE = 2,
    CLIENT_WINDOW = 4,
};

static bool is_window(str value)
{
    int64_t bits;
    if (value.len >= 2 && value.at[0] == '"' && value.at[value.len - 1] == '"')
        value = str_slice(value, 1, value.len - 1);
    return str_to_int(value, &bits) && bits >= 8 && bits <= 15;
}

/* One parameter; false when it is unknown, given twice or asks for a smaller window of ours. */
static bool take_parameter(str parameter, unsigned *seen)
{
    str value = parameter, name = {0};
    bool has_value = str_find(parameter, '=') >= 0;
    str_split(&value, '=', &name);
    name = str_trim(name);
    unsigned which = 0;
    if (str_equal_nocase(name, STR("server_no_context_takeover")) && !has_value)
        which = SERVER_ALONE;
    else if (str_equal_nocase(name, STR("client_no_context_takeover")) && !has_value)
        which = CLIENT_ALONE;
    else if (str_equal_nocase(name, STR("client_max_window_bits")) &&
             (!has_value || is_window(str_trim(value))))
        which = CLIENT_WINDOW;
    bool is_good = which != 0 && (*seen & which) == 0;
    *seen |= which;
    return is_good;
}

static bool is_acceptable(str offer)
{
    str parameter;
    unsigned seen = 0;
    if (!str_split(&offer, ';', &parameter) ||
        !str_equal_nocase(str_trim(parameter), STR("permessage-deflate")))
        return false;
    while (str_split(&offer, ';', &parameter))
        if (!take_parameter(parameter, &seen))
            return false;
    return true;
}

bool ws_pack_is_offered(str offers)
{
    str offer;
    while (str_split(&offers, ',', &offer))
        if (is_acceptable(offer))
            return true;
    return false;
}

/* ---- packing ---- */

static bool begin_out(struct ws_packer *packer)
{
    if (packer->has_out)
        return deflateReset(&packer->out) == Z_OK;
    packer->has_out = deflateInit2(&packer->out, LEVEL, Z_DEFLATED, RAW_WINDOW, MEMORY,
                                   Z_DEFAULT_STRATEGY) == Z_OK;
    return packer->has_out;
}

/* What is short is not worth the reset of a stream, which clears 64 KiB: kept as it is, in a block
 * that says so, and then the empty block that a flush makes. */
static struct shared *store_run(struct shared *const *parts, size_t count, size_t len)
{
    static const char tail[1 + TAIL_LEN] = {0, 0, 0, '\xff', '\xff'};
    struct shared *run = shared_new(5 + len + sizeof(tail));
    char *at = run->at;
    *at++ = 0;
    *at++ = (char)(len & 0xff);
    *at++ = (char)(len >> 8);
    *at++ = (char)(~len & 0xff);
    *at++ = (char)(~len >> 8 & 0xff);
    for (size_t i = 0; i < count; i++) {
        if (parts[i]->len != 0)
            memcpy(at, parts[i]->at, parts[i]->len);
        at += parts[i]->len;
    }
    memcpy(at, tail, sizeof(tail));
    return run;
}

/* The parts deflated for themselves, flushed to a whole byte; NULL: no memory. */
static struct shared *make_run(struct ws_packer *packer, struct shared *const *parts, size_t count)
{
    z_stream *z = &packer->out;
    size_t len = 0;
    for (size_t i = 0; i < count; i++)
        len += parts[i]->len;
    if (len < DEFLATED_FROM)
        return store_run(parts, count, len);
    if (!begin_out(packer))
        return NULL;
    size_t room = deflateBound(z, (uLong)len) + 16; /* more than a flush adds to an end */
    AUTO(memory_free) char *at = memory_new(room);
    z->next_out = (Bytef *)at;
    z->avail_out = (uInt)room;
    for (size_t i = 0; i < count; i++) {
        z->next_in = (Bytef *)(uintptr_t)parts[i]->at;
        z->avail_in = (uInt)parts[i]->len;
        int result = deflate(z, i + 1 == count ? Z_SYNC_FLUSH : Z_NO_FLUSH);
        /* Z_BUF_ERROR: an empty part had nothing to do. */
        if ((result != Z_OK && result != Z_BUF_ERROR) || z->avail_in != 0 || z->avail_out == 0)
            return NULL;
    }
    return shared_copy((str){at, room - z->avail_out});
}

/* Of a part that others hold too, and so may be sent to them as well. */
static struct shared *shared_run(struct ws_packer *packer, struct shared *part)
{
    for (size_t i = 0; i < KEPT_MAX; i++)
        if (packer->kept[i].plain == part)
            return shared_keep(packer->kept[i].run);
    struct shared *run = make_run(packer, &part, 1);
    if (run == NULL || part->len > KEPT_LEN_MAX)
        return run;
    size_t place = packer->kept_next++ % KEPT_MAX;
    shared_drop(packer->kept[place].plain);
    shared_drop(packer->kept[place].run);
    packer->kept[place].plain = shared_keep(part);
    packer->kept[place].run = shared_keep(run);
    packer->is_keeping = true;
    return run;
}

static bool stands_alone(struct shared *part)
{
    return part->len >= WS_PACK_FROM && atomic_load(&part->count) > 1;
}

static size_t make_runs(struct ws_packer *packer, struct shared *const *parts, size_t count,
                        struct stream_part *out, bool *is_whole)
{
    size_t runs = 0;
    *is_whole = true;
    for (size_t i = 0, next; i < count && *is_whole; i = next) {
        bool is_alone = stands_alone(parts[i]);
        next = i + 1;
        while (!is_alone && next < count && !stands_alone(parts[next]))
            next++;
        struct shared *run =
            is_alone ? shared_run(packer, parts[i]) : make_run(packer, parts + i, next - i);
        *is_whole = run != NULL;
        if (run != NULL)
            out[runs++] = (struct stream_part){run->at, run->len, run};
    }
    return runs;
}

size_t ws_pack(struct ws_packer *packer, struct shared *const *parts, size_t count,
               struct stream_part *out, size_t *len)
{
    size_t plain = 0, packed = 0;
    bool is_whole;
    *len = 0;
    for (size_t i = 0; i < count; i++)
        plain += parts[i]->len;
    if (plain < WS_PACK_FROM || plain > WS_PACK_MOST)
        return 0;
    size_t runs = make_runs(packer, parts, count, out, &is_whole);
    for (size_t i = 0; i < runs; i++)
        packed += out[i].len;
    if (is_whole && packed - TAIL_LEN < plain) {
        out[runs - 1].len -= TAIL_LEN;
        *len = packed - TAIL_LEN;
        return runs;
    }
    for (size_t i = 0; i < runs; i++)
        shared_drop(out[i].shared);
    return 0;
}

/* ---- unpacking ---- */

static bool begin_in(struct ws_packer *packer)
{
    if (packer->has_in)
        return inflateReset(&packer->in) == Z_OK;
    packer->has_in = inflateInit2(&packer->in, RAW_WINDOW) == Z_OK;
    return packer->has_in;
}

/* All of the bytes; 0 or the code to close with. */
static uint16_t inflate_some(struct ws_packer *packer, const char *at, size_t len, int flush,
                             struct buffer *out)
{
    z_stream *z = &packer->in;
    z->next_in = (Bytef *)(uintptr_t)at;
    z->avail_in = (uInt)len;
    do {
        z->next_out = (Bytef *)packer->chunk;
        z->avail_out = CHUNK;
        int result = inflate(z, flush);
        buffer_add(out, packer->chunk, CHUNK - z->avail_out);
        if (out->is_over)
            return CODE_TOO_BIG;
        if (result == Z_STREAM_END)
            result = inflateReset(z); /* allowed in the middle: what follows begins anew */
        if (result != Z_OK && result != Z_BUF_ERROR)
            return CODE_BAD_DATA;
    } while (z->avail_in != 0 || z->avail_out == 0);
    return 0;
}

uint16_t ws_unpack(struct ws_packer *packer, str packed, struct buffer *out)
{
    static const char tail[TAIL_LEN] = {0, 0, '\xff', '\xff'};
    uint16_t code = begin_in(packer) ? 0 : CODE_TOO_BIG;
    for (size_t from = 0; from < packed.len && code == 0; from += SLICE) {
        size_t len = MIN_OF(packed.len - from, (size_t)SLICE);
        code = inflate_some(packer, packed.at + from, len, Z_SYNC_FLUSH, out);
        /* Blocks that say nothing would keep us busy for little: nobody packs to make it longer. */
        if (code == 0 && from > out->len + from / 8 + SLICE)
            code = CODE_BAD_DATA;
    }
    if (code == 0)
        code = inflate_some(packer, tail, sizeof(tail), Z_BLOCK, out);
    if (code != 0)
        return code;
    bool is_between_blocks = (packer->in.data_type & 128) != 0 || packer->in.total_in == 0;
    return is_between_blocks ? 0 : CODE_BAD_DATA;
}
