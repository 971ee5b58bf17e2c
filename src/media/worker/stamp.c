/* SPDX-License-Identifier: Apache-2.0 */
#include "media/worker/stamp.h"

#include <zlib.h>

#include "media/worker/octets.h"

#define PNG_AFTER_HEADER 33 /* signature 8, IHDR 25 */
#define JPEG_SEGMENT_MAX 65533
#define XMP_HEAD "http://ns.adobe.com/xap/1.0/"
#define XMP_MAX KIB(600)
#define WEBP_FLAG_XMP 0x04
#define WEBP_FLAG_ALPHA 0x10
#define WEBP_EXTENDED 18 /* the VP8X chunk */
#define PARTS_MAX 100000

static const uint8_t xmp_box[16] = {0xbe, 0x7a, 0xcf, 0xcb, 0x97, 0xa9, 0x42, 0xe8,
                                    0x9c, 0x71, 0x99, 0x94, 0x91, 0xe3, 0xaf, 0xac};

struct stamping {
    struct arena *arena;
    bytes file;
    const struct stamp *stamp;
    struct metadata metadata;
    struct buffer *to;
};

static str new_xmp(struct stamping *s, size_t max)
{
    str old = metadata_text(&s->metadata, METADATA_XMP);
    if (s->metadata.xmp.is_found && old.len == 0)
        return (str){0}; /* too long to be read, and so to be added to */
    return stamp_xmp(s->arena, s->stamp, old, max);
}

static bytes written(const struct buffer *buffer)
{
    return bytes_of(buffer_text(buffer));
}

/* ---- PNG ---- */

/* iTXt: keyword 0 is_packed method language 0 translated 0 text. */
static void add_chunk(struct buffer *to, str keyword, str text)
{
    uint8_t four[4];
    size_t len = keyword.len + 5 + text.len;
    put_big32(four, (uint32_t)len);
    buffer_add(to, four, 4);
    size_t from = to->len;
    buffer_str(to, STR("iTXt"));
    buffer_str(to, keyword);
    buffer_add(to, "\0\0\0\0\0", 5);
    buffer_str(to, text);
    if (to->is_over)
        return;
    put_big32(four, (uint32_t)crc32(0, (const Bytef *)to->at + from, (uInt)(to->len - from)));
    buffer_add(to, four, 4);
}

static bool stamp_png(struct stamping *s)
{
    AUTO(buffer_done) struct buffer first = buffer_with_max(EDITS_BYTES_MAX);
    AUTO(buffer_done) struct buffer second = buffer_with_max(EDITS_BYTES_MAX);
    const struct metadata_place *old = &s->metadata.xmp;
    if (s->file.len < PNG_AFTER_HEADER || big32(s->file.at + 8) != 13)
        return false;
    str xmp = new_xmp(s, XMP_MAX);
    if (metadata_text(&s->metadata, "parameters").len == 0)
        add_chunk(&first, STR("parameters"), stamp_plain(s->arena, s->stamp));
    if (xmp.len > 0)
        add_chunk(old->is_found ? &second : &first, STR(METADATA_XMP), xmp);
    if (first.len > 0)
        edits_add(s->to, PNG_AFTER_HEADER, 0, written(&first));
    if (second.len > 0)
        edits_add(s->to, old->at, (uint32_t)old->len, written(&second));
    return true;
}

/* ---- JPEG ---- */

/* Behind JFIF's and Exif's segments, which want to be first. */
static size_t jpeg_place(bytes file)
{
    size_t at = 2;
    while (file.len - at >= 4 && file.at[at] == 0xff &&
           (file.at[at + 1] == 0xe0 || file.at[at + 1] == 0xe1)) {
        size_t len = big16(file.at + at + 2);
        if (len < 2 || len > file.len - at - 2)
            break;
        at += 2 + len;
    }
    return at;
}

static bool stamp_jpeg(struct stamping *s)
{
    const struct metadata_place *old = &s->metadata.xmp;
    AUTO(buffer_done) struct buffer segment = buffer_with_max(KIB(70));
    str xmp = new_xmp(s, JPEG_SEGMENT_MAX - sizeof(XMP_HEAD));
    if (xmp.len == 0)
        return true;
    size_t len = 2 + sizeof(XMP_HEAD) + xmp.len;
    uint8_t head[] = {0xff, 0xe1, (uint8_t)(len >> 8), (uint8_t)len};
    buffer_add(&segment, head, sizeof(head));
    buffer_add(&segment, XMP_HEAD, sizeof(XMP_HEAD));
    buffer_str(&segment, xmp);
    size_t at = old->is_found ? old->at : jpeg_place(s->file);
    edits_add(s->to, at, old->is_found ? (uint32_t)old->len : 0, written(&segment));
    return true;
}

/* ---- WebP ---- */

/* What VP8X must say of a picture that had none: its sides and whether it is see-through. */
static bool webp_extended(bytes file, uint8_t chunk[WEBP_EXTENDED])
{
    uint32_t width, height, flags = WEBP_FLAG_XMP;
    const uint8_t *body = file.at + 20;
    if (file.len < 30)
        return false;
    if (memcmp(file.at + 12, "VP8 ", 4) == 0) {
        if (memcmp(body + 3, "\x9d\x01\x2a", 3) != 0)
            return false;
        width = little16(body + 6) & 0x3fff;
        height = little16(body + 8) & 0x3fff;
    } else if (memcmp(file.at + 12, "VP8L", 4) == 0 && body[0] == 0x2f) {
        uint32_t bits = little32(body + 1);
        width = (bits & 0x3fff) + 1;
        height = (bits >> 14 & 0x3fff) + 1;
        flags |= bits >> 28 & 1 ? WEBP_FLAG_ALPHA : 0;
    } else {
        return false;
    }
    if (width == 0 || height == 0)
        return false;
    memcpy(chunk, "VP8X\x0a\0\0\0", 8);
    put_little32(chunk + 8, flags);
    put_little32(chunk + 12, (width - 1) | (height - 1) << 24);
    put_little32(chunk + 14, (width - 1) >> 16 | (height - 1) << 8);
    return true;
}

/* In front, what says that there is XMP; answers by how much that makes the file longer. */
static bool edit_webp_head(struct stamping *s, size_t *longer)
{
    uint8_t chunk[WEBP_EXTENDED];
    *longer = 0;
    if (s->file.len >= 30 && memcmp(s->file.at + 12, "VP8X", 4) == 0) {
        uint8_t flags = s->file.at[20] | WEBP_FLAG_XMP;
        edits_add(s->to, 20, 1, (bytes){&flags, 1});
        return true;
    }
    if (!webp_extended(s->file, chunk))
        return false;
    edits_add(s->to, 12, 0, (bytes){chunk, sizeof(chunk)});
    *longer = sizeof(chunk);
    return true;
}

static bool stamp_webp(struct stamping *s)
{
    AUTO(buffer_done) struct buffer chunk = buffer_with_max(EDITS_BYTES_MAX);
    AUTO(buffer_done) struct buffer head = buffer_with_max(256);
    const struct metadata_place *old = &s->metadata.xmp;
    uint64_t end = 8 + (uint64_t)little32(s->file.at + 4);
    str xmp = new_xmp(s, XMP_MAX);
    size_t longer;
    uint8_t four[4];
    if (end < 20 || end > s->file.len || (old->is_found && old->at + old->len > end))
        return false;
    if (xmp.len == 0)
        return true;
    put_little32(four, (uint32_t)xmp.len);
    buffer_str(&chunk, STR("XMP "));
    buffer_add(&chunk, four, 4);
    buffer_str(&chunk, xmp);
    if (xmp.len & 1)
        buffer_char(&chunk, 0);

    struct buffer *whole = s->to; /* the length in front of the rest needs to be known first */
    s->to = &head;
    bool is_well = edit_webp_head(s, &longer);
    s->to = whole;
    end += end & 1 && end < s->file.len ? 1 : 0;
    uint64_t len = end - 8 + longer + chunk.len - (old->is_found ? old->len : 0);
    if (!is_well || len > UINT32_MAX)
        return false;
    put_little32(four, (uint32_t)len);
    edits_add(s->to, 4, 4, (bytes){four, 4});
    buffer_str(s->to, buffer_text(&head));
    edits_add(s->to, old->is_found ? old->at : end, old->is_found ? (uint32_t)old->len : 0,
              written(&chunk));
    return true;
}

/* ---- MP4 ---- */

/* Whether the boxes fill the file; *open is the last one if it says no length, else the end. */
static bool walk_boxes(bytes file, size_t *open)
{
    size_t at = 0;
    *open = file.len;
    for (int i = 0; at < file.len && i < PARTS_MAX; i++) {
        size_t left = file.len - at;
        uint64_t size = left < 8 ? 0 : big32(file.at + at);
        if (left >= 8 && size == 0) {
            *open = at;
            size = left;
        } else if (size == 1 && left >= 16) {
            size = big64(file.at + at + 8);
        }
        if (size < 8 || size > left)
            return false;
        at += (size_t)size;
    }
    return at == file.len && file.len - *open <= UINT32_MAX;
}

/* At the end, where nothing moves that the index points to. A last box that is as long as the file
 * is told its length; XMP that was there becomes free space. */
static bool stamp_mp4(struct stamping *s)
{
    AUTO(buffer_done) struct buffer box = buffer_with_max(EDITS_BYTES_MAX);
    const struct metadata_place *old = &s->metadata.xmp;
    size_t open;
    uint8_t head[8] = {0, 0, 0, 0, 'f', 'r', 'e', 'e'};
    if (!walk_boxes(s->file, &open))
        return false;
    str xmp = new_xmp(s, XMP_MAX);
    if (xmp.len == 0)
        return true;
    bool is_old_open = old->is_found && old->at == open;
    if (old->is_found && !is_old_open)
        edits_add(s->to, old->at + 4, 4, (bytes){head + 4, 4});
    if (open < s->file.len) {
        put_big32(head, (uint32_t)(s->file.len - open));
        edits_add(s->to, open, is_old_open ? 8 : 4, (bytes){head, is_old_open ? 8 : 4});
    }
    put_big32(head, (uint32_t)(8 + sizeof(xmp_box) + xmp.len));
    buffer_add(&box, head, 4);
    buffer_str(&box, STR("uuid"));
    buffer_add(&box, xmp_box, sizeof(xmp_box));
    buffer_str(&box, xmp);
    edits_add(s->to, s->file.len, 0, written(&box));
    return true;
}

bool stamp_edits(struct arena *arena, enum media_type type, bytes file, const struct stamp *stamp,
                 struct buffer *to)
{
    struct stamping s = {.arena = arena, .file = file, .stamp = stamp, .to = to};
    if (file.len < 20)
        return false;
    metadata_read(arena, type, file, &s.metadata);
    bool is_well = false;
    if (type == MEDIA_PNG)
        is_well = stamp_png(&s);
    else if (type == MEDIA_JPEG)
        is_well = stamp_jpeg(&s);
    else if (type == MEDIA_WEBP)
        is_well = stamp_webp(&s);
    else if (type == MEDIA_MP4 || type == MEDIA_MOV)
        is_well = stamp_mp4(&s);
    return is_well && !to->is_over;
}
