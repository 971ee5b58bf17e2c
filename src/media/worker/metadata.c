/* SPDX-License-Identifier: Apache-2.0 */
#include "media/worker/metadata.h"

#include "media/worker/octets.h"

#define PARTS_MAX 100000 /* chunks, segments or boxes that are walked over */
#define XMP_HEAD "http://ns.adobe.com/xap/1.0/"

static const uint8_t xmp_box[16] = {0xbe, 0x7a, 0xcf, 0xcb, 0x97, 0xa9, 0x42, 0xe8,
                                    0x9c, 0x71, 0x99, 0x94, 0x91, 0xe3, 0xaf, 0xac};
static const uint8_t c2pa_box[16] = {0xd8, 0xfe, 0xc3, 0xd6, 0x1b, 0x0e, 0x48, 0x3c,
                                     0x92, 0x97, 0x58, 0x28, 0x87, 0x7e, 0xc4, 0x81};

static str from_latin(struct arena *arena, bytes text)
{
    char *to = arena_alloc(arena, 2 * text.len);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];
        if (c >= 0x80)
            to[len++] = (char)(0xc0 | c >> 6);
        to[len++] = (char)(c < 0x80 ? c : 0x80 | (c & 0x3f));
    }
    return (str){to, len};
}

void metadata_add(struct arena *arena, struct metadata *metadata, str key, bytes text)
{
    if (metadata->count == METADATA_TEXTS_MAX || text.len > METADATA_TEXT_MAX || text.len == 0 ||
        !utf8_is_valid(key))
        return;
    str read =
        utf8_is_valid(str_from(text)) ? str_copy(arena, str_from(text)) : from_latin(arena, text);
    char *at = (char *)(uintptr_t)read.at; /* both are ours */
    for (size_t i = 0; i < read.len; i++)
        if ((at[i] >= 0 && at[i] < ' ' && at[i] != '\n' && at[i] != '\t') || at[i] == 0x7f)
            at[i] = ' ';
    metadata->texts[metadata->count++] = (struct metadata_text){key, str_trim(read)};
}

void metadata_add_xmp(struct arena *arena, struct metadata *metadata, struct metadata_place place,
                      bytes text)
{
    if (metadata->xmp.is_found)
        return;
    metadata->xmp = place;
    metadata_add(arena, metadata, STR(METADATA_XMP), text);
}

str metadata_text(const struct metadata *metadata, const char *key)
{
    for (size_t i = 0; i < metadata->count; i++)
        if (str_equal(metadata->texts[i].key, str_of(key)))
            return metadata->texts[i].text;
    return (str){0};
}

/* ---- JPEG ---- */

static void read_segment(struct arena *arena, uint8_t marker, bytes body,
                         struct metadata_place place, struct metadata *out)
{
    if (marker == 0xe1 && bytes_start(body, "Exif\0", 6)) {
        metadata_exif(arena, bytes_part(body, 6, body.len - 6), out);
    } else if (marker == 0xe1 && bytes_start(body, XMP_HEAD, sizeof(XMP_HEAD))) {
        metadata_add_xmp(arena, out, place,
                         bytes_part(body, sizeof(XMP_HEAD), body.len - sizeof(XMP_HEAD)));
    } else if (marker == 0xeb && bytes_start(body, "JP", 2)) {
        out->has_c2pa |= memmem(body.at, body.len, "c2pa", 4) != NULL;
    } else if (marker == 0xfe) {
        metadata_add(arena, out, STR(METADATA_COMMENT), body);
    }
}

static void read_jpeg(struct arena *arena, bytes file, struct metadata *out)
{
    size_t at = 2;
    for (int i = 0; i < PARTS_MAX && file.len - at >= 4 && file.at[at] == 0xff; i++) {
        uint8_t marker = file.at[at + 1];
        size_t len = big16(file.at + at + 2);
        if (marker == 0xff) { /* filling */
            at++;
            continue;
        }
        if (marker == 0xda || len < 2 || len > file.len - at - 2)
            return;
        read_segment(arena, marker, bytes_part(file, at + 4, len - 2),
                     (struct metadata_place){at, len + 2, true}, out);
        at += 2 + len;
    }
}

/* ---- WebP ---- */

static void read_webp(struct arena *arena, bytes file, struct metadata *out)
{
    size_t at = 12;
    for (int i = 0; i < PARTS_MAX && file.len >= at && file.len - at >= 8; i++) {
        size_t len = little32(file.at + at + 4);
        if (len > file.len - at - 8)
            return;
        bytes name = bytes_part(file, at, 4), body = bytes_part(file, at + 8, len);
        size_t whole = MIN_OF(8 + len + (len & 1), file.len - at);
        if (bytes_start(name, "XMP ", 4)) {
            metadata_add_xmp(arena, out, (struct metadata_place){at, whole, true}, body);
        } else if (bytes_start(name, "EXIF", 4)) {
            bool has_head = bytes_start(body, "Exif\0", 6); /* some write JPEG's head too */
            metadata_exif(arena, has_head ? bytes_part(body, 6, len - 6) : body, out);
        } else if (bytes_start(name, "C2PA", 4)) {
            out->has_c2pa = true;
        }
        at += whole;
    }
}

/* ---- MP4 ---- */

/* The length of a box with its head and what the head takes; false when it cannot be. */
static bool read_box(bytes file, size_t at, size_t *len, size_t *head)
{
    size_t left = file.len - at;
    if (left < 8)
        return false;
    uint64_t size = big32(file.at + at);
    *head = 8;
    if (size == 1 && left >= 16) {
        size = big64(file.at + at + 8);
        *head = 16;
    } else if (size == 0) {
        size = left; /* to the end */
    }
    *len = (size_t)size;
    return size >= *head && size <= left;
}

static void read_mp4(struct arena *arena, bytes file, struct metadata *out)
{
    size_t at = 0, len, head;
    for (int i = 0; i < PARTS_MAX && read_box(file, at, &len, &head); i++, at += len) {
        if (memcmp(file.at + at + 4, "uuid", 4) != 0 || len < head + 16)
            continue;
        bytes body = bytes_part(file, at + head + 16, len - head - 16);
        if (memcmp(file.at + at + head, c2pa_box, 16) == 0)
            out->has_c2pa = true;
        if (memcmp(file.at + at + head, xmp_box, 16) != 0)
            continue;
        metadata_add_xmp(arena, out, (struct metadata_place){at, len, true}, body);
    }
}

void metadata_read(struct arena *arena, enum media_type type, bytes file, struct metadata *out)
{
    *out = (struct metadata){0};
    if (file.len < 16)
        return;
    switch (type) {
    case MEDIA_PNG:
        metadata_png(arena, file, out);
        break;
    case MEDIA_JPEG:
        read_jpeg(arena, file, out);
        break;
    case MEDIA_WEBP:
        read_webp(arena, file, out);
        break;
    case MEDIA_MP4:
    case MEDIA_MOV:
        read_mp4(arena, file, out);
        break;
    default:
        break;
    }
}
