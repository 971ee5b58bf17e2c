/* SPDX-License-Identifier: Apache-2.0 */
#include "media/worker/png_read.h"

#include <libdeflate.h>
#include <stdlib.h>

#include "media/worker/octets.h"

#define SIGNATURE "\x89PNG\r\n\x1a\n"
#define CHUNK_AROUND 12 /* length and name before what a chunk holds, and its sum after it */
#define HEAD_LEN 13
#define CHUNKS_MAX 100000
#define INLINE static inline __attribute__((always_inline))

struct chunk {
    str name;
    bytes body;
    size_t next; /* where the one after it begins */
};

/* What the chunks say, before anything is unpacked. */
struct plan {
    int width, height, bands;
    size_t stride;         /* of a row, without its filter */
    size_t packed_len;     /* of all IDATs */
    size_t first, count;   /* of the IDATs, which are side by side */
    const uint8_t *packed; /* the only one's bytes */
};

static bool chunk_at(bytes file, size_t at, struct chunk *out)
{
    if (at > file.len || file.len - at < CHUNK_AROUND)
        return false;
    size_t len = big32(file.at + at);
    if (len > file.len - at - CHUNK_AROUND)
        return false;
    *out = (struct chunk){.name = {(const char *)file.at + at + 4, 4},
                          .body = bytes_part(file, at + 8, len),
                          .next = at + CHUNK_AROUND + len};
    return true;
}

static bool chunk_is_sound(const struct chunk *chunk)
{
    return libdeflate_crc32(0, chunk->name.at, 4 + chunk->body.len) ==
           big32(chunk->body.at + chunk->body.len);
}

/* Samples of a pixel, by the kind of picture; 0: not ours. */
static int bands_of(uint8_t kind)
{
    static const uint8_t bands[] = {[0] = 1, [2] = 3, [4] = 2, [6] = 4};
    return kind < ARRAY_LEN(bands) ? bands[kind] : 0;
}

static bool read_head(const struct chunk *chunk, struct plan *plan)
{
    const uint8_t *at = chunk->body.at;
    if (!str_equal(chunk->name, STR("IHDR")) || chunk->body.len != HEAD_LEN ||
        !chunk_is_sound(chunk))
        return false;
    uint64_t width = big32(at), height = big32(at + 4);
    uint64_t bands = (uint64_t)bands_of(at[9]);
    /* eight bits, no unknown ways of packing and filtering, not interlaced */
    if (at[8] != 8 || bands == 0 || at[10] != 0 || at[11] != 0 || at[12] != 0)
        return false;
    if (width == 0 || height == 0 || width > PNG_RAW_MAX || height > PNG_RAW_MAX ||
        (width * bands + 1) > PNG_RAW_MAX / height)
        return false;
    plan->width = (int)width;
    plan->height = (int)height;
    plan->bands = (int)bands;
    plan->stride = (size_t)(width * bands);
    return true;
}

static bool note_pixels(const struct chunk *chunk, size_t at, struct plan *plan)
{
    if (plan->count == 0)
        plan->first = at;
    plan->count++;
    plan->packed = chunk->body.at;
    plan->packed_len += chunk->body.len;
    return plan->packed_len <= PNG_RAW_MAX && chunk_is_sound(chunk);
}

/* Of the chunks that have to be understood only these are; those that change colours are not. */
static bool is_passed_over(str name)
{
    bool is_palette = str_equal(name, STR("PLTE")); /* a proposal, beside whole colours */
    bool is_optional = (name.at[0] & 0x20) != 0;
    return is_palette || (is_optional && !str_equal(name, STR("tRNS")) &&
                          !str_equal(name, STR("iCCP")) && !str_equal(name, STR("cICP")));
}

/* All chunks up to the end, which has to be there. */
static bool read_chunks(bytes file, struct plan *plan)
{
    struct chunk chunk;
    size_t at = sizeof(SIGNATURE) - 1;
    bool is_over = false; /* with the pixels */
    if (!bytes_start(file, SIGNATURE, at) || !chunk_at(file, at, &chunk) ||
        !read_head(&chunk, plan))
        return false;
    for (int i = 0; i < CHUNKS_MAX; i++) {
        at = chunk.next;
        if (!chunk_at(file, at, &chunk))
            return false;
        if (str_equal(chunk.name, STR("IEND")))
            return plan->count > 0;
        if (str_equal(chunk.name, STR("IDAT"))) {
            if (is_over || !note_pixels(&chunk, at, plan))
                return false;
        } else {
            is_over = plan->count > 0;
            if (!is_passed_over(chunk.name))
                return false;
        }
    }
    return false;
}

static void gather(bytes file, const struct plan *plan, uint8_t *to)
{
    struct chunk chunk = {.next = plan->first};
    for (size_t i = 0; i < plan->count && chunk_at(file, chunk.next, &chunk); i++) {
        memcpy(to, chunk.body.at, chunk.body.len);
        to += chunk.body.len;
    }
}

static void unpacker_done(struct libdeflate_decompressor **unpacker)
{
    if (*unpacker != NULL)
        libdeflate_free_decompressor(*unpacker);
}

/* Exactly as many bytes as the head says: less and more are damage. */
static uint8_t *unpacked(bytes file, const struct plan *plan)
{
    size_t len = (plan->stride + 1) * (size_t)plan->height;
    AUTO(unpacker_done)
    struct libdeflate_decompressor *unpacker = libdeflate_alloc_decompressor();
    AUTO(memory_free) uint8_t *joined = plan->count > 1 ? malloc(plan->packed_len + 1) : NULL;
    AUTO(memory_free) uint8_t *raw = malloc(len);
    if (unpacker == NULL || raw == NULL || (plan->count > 1 && joined == NULL))
        return NULL;
    if (joined != NULL)
        gather(file, plan, joined);
    if (libdeflate_zlib_decompress(unpacker, joined != NULL ? joined : plan->packed,
                                   plan->packed_len, raw, len, NULL) != LIBDEFLATE_SUCCESS)
        return NULL;
    return take_pointer(&raw);
}

/* ---- filters ---- */

/* What PNG calls a, b and c are the samples to the left, above, and above that on the left. */
INLINE int nearest(int a, int b, int c)
{
    int to_a = abs(b - c), to_b = abs(a - c), to_c = abs(a + b - 2 * c);
    int of_two = to_b <= to_c ? b : c;
    return to_a <= MIN_OF(to_b, to_c) ? a : of_two;
}

/* The bands are constants in each of the callers, so that each has its samples in registers. */
INLINE void add_left(uint8_t *row, size_t len, size_t bands)
{
    uint8_t left[4] = {0};
    for (size_t i = 0; i < len; i += bands)
        for (size_t band = 0; band < bands; band++)
            row[i + band] = left[band] = (uint8_t)(row[i + band] + left[band]);
}

INLINE void add_mean(uint8_t *restrict row, const uint8_t *restrict above, size_t len, size_t bands)
{
    uint8_t left[4] = {0};
    for (size_t i = 0; i < len; i += bands)
        for (size_t band = 0; band < bands; band++)
            row[i + band] = left[band] =
                (uint8_t)(row[i + band] + (left[band] + above[i + band]) / 2);
}

INLINE void add_nearest(uint8_t *restrict row, const uint8_t *restrict above, size_t len,
                        size_t bands)
{
    int left[4] = {0}, corner[4] = {0};
    for (size_t i = 0; i < len; i += bands)
        for (size_t band = 0; band < bands; band++) {
            int up = above[i + band];
            left[band] = (row[i + band] + nearest(left[band], up, corner[band])) & 0xff;
            corner[band] = up;
            row[i + band] = (uint8_t)left[band];
        }
}

static void add_above(uint8_t *restrict row, const uint8_t *restrict above, size_t len)
{
    for (size_t i = 0; i < len; i++)
        row[i] = (uint8_t)(row[i] + above[i]);
}

/* False: there is no such filter. */
INLINE bool undo(int filter, uint8_t *row, const uint8_t *above, size_t len, size_t bands)
{
    switch (filter) {
    case 0:
        return true;
    case 1:
        add_left(row, len, bands);
        return true;
    case 2:
        add_above(row, above, len);
        return true;
    case 3:
        add_mean(row, above, len, bands);
        return true;
    case 4:
        add_nearest(row, above, len, bands);
        return true;
    default:
        return false;
    }
}

static bool undo_of(int filter, uint8_t *row, const uint8_t *above, size_t len, int bands)
{
    switch (bands) {
    case 1:
        return undo(filter, row, above, len, 1);
    case 2:
        return undo(filter, row, above, len, 2);
    case 3:
        return undo(filter, row, above, len, 3);
    default:
        return undo(filter, row, above, len, 4);
    }
}

/* In place; each row then moves up to the one above it, over what said how it was filtered. */
static bool unfilter(const struct plan *plan, uint8_t *raw)
{
    size_t stride = plan->stride;
    AUTO(memory_free) uint8_t *nothing = calloc(1, stride);
    const uint8_t *above = nothing;
    if (nothing == NULL)
        return false;
    for (int y = 0; y < plan->height; y++) {
        uint8_t *from = raw + (size_t)y * (stride + 1), *to = raw + (size_t)y * stride;
        if (!undo_of(from[0], from + 1, above, stride, plan->bands))
            return false;
        memmove(to, from + 1, stride);
        above = to;
    }
    return true;
}

bool png_read(bytes file, struct pixels *out)
{
    struct plan plan = {0};
    if (!read_chunks(file, &plan))
        return false;
    AUTO(memory_free) uint8_t *raw = unpacked(file, &plan);
    if (raw == NULL || !unfilter(&plan, raw))
        return false;
    *out = (struct pixels){take_pointer(&raw), plan.width, plan.height, plan.bands};
    return true;
}
