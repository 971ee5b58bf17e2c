/* SPDX-License-Identifier: Apache-2.0 */
/* Exif is a TIFF without pixels: a head that tells the byte order, then folders of numbered values.
 */
#include "media/worker/metadata.h"
#include "media/worker/octets.h"

#define FOLDERS_MAX 3 /* the first one, its Exif folder, and one for luck */
#define ENTRIES_MAX 512
#define TAG_DESCRIPTION 0x010e
#define TAG_MAKE 0x010f
#define TAG_MODEL 0x0110
#define TAG_ORIENTATION 0x0112
#define TAG_EXIF_FOLDER 0x8769
#define TAG_USER_COMMENT 0x9286
#define KIND_TEXT 2
#define KIND_SHORT 3
#define KIND_LONG 4
#define KIND_ANYTHING 7

struct tiff {
    struct arena *arena;
    bytes all;
    bool is_big;
    uint32_t folders[FOLDERS_MAX];
    size_t folder_count;
    struct metadata *out;
};

static uint32_t get16(const struct tiff *tiff, size_t at)
{
    return tiff->is_big ? big16(tiff->all.at + at) : little16(tiff->all.at + at);
}

static uint32_t get32(const struct tiff *tiff, size_t at)
{
    return tiff->is_big ? big32(tiff->all.at + at) : little32(tiff->all.at + at);
}

static size_t put_utf8(char *to, uint32_t c)
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        to[0] = (char)(0xc0 | c >> 6);
        to[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        to[0] = (char)(0xe0 | c >> 12);
        to[1] = (char)(0x80 | (c >> 6 & 0x3f));
        to[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    to[0] = (char)(0xf0 | c >> 18);
    to[1] = (char)(0x80 | (c >> 12 & 0x3f));
    to[2] = (char)(0x80 | (c >> 6 & 0x3f));
    to[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

/* Writers disagree on the order: prompts are mostly ASCII, so the zeros tell. */
static bool is_big_utf16(bytes text)
{
    size_t even = 0, odd = 0;
    for (size_t i = 0; i + 1 < text.len; i += 2) {
        even += text.at[i] == 0;
        odd += text.at[i + 1] == 0;
    }
    return even >= odd;
}

static bytes from_utf16(struct arena *arena, bytes text)
{
    bool is_big = is_big_utf16(text);
    char *to = arena_alloc(arena, text.len * 2 + 4);
    size_t len = 0;
    uint32_t high = 0;
    for (size_t i = 0; i + 1 < text.len; i += 2) {
        uint32_t c = is_big ? big16(text.at + i) : little16(text.at + i);
        bool is_low = c >= 0xdc00 && c < 0xe000;
        if (high != 0 && is_low)
            len += put_utf8(to + len, 0x10000 + ((high - 0xd800) << 10) + (c - 0xdc00));
        high = c >= 0xd800 && c < 0xdc00 ? c : 0;
        if (high == 0 && !is_low)
            len += put_utf8(to + len, c);
    }
    return (bytes){(const uint8_t *)to, len};
}

/* Eight bytes say which letters follow. */
static void add_comment(const struct tiff *tiff, bytes value)
{
    if (value.len <= 8 || value.len > METADATA_TEXT_MAX)
        return;
    bytes text = bytes_part(value, 8, value.len - 8);
    if (bytes_start(value, "UNICODE", 7))
        text = from_utf16(tiff->arena, text);
    else if (!bytes_start(value, "ASCII", 5) && !bytes_start(value, "\0\0\0", 3))
        text = value;
    metadata_add(tiff->arena, tiff->out, STR(METADATA_USER_COMMENT), text);
}

static void add_text(const struct tiff *tiff, str key, bytes value)
{
    while (value.len > 0 && value.at[value.len - 1] == 0)
        value.len--;
    metadata_add(tiff->arena, tiff->out, key, value);
}

static void add_value(const struct tiff *tiff, uint32_t tag, bytes value)
{
    if (tag == TAG_USER_COMMENT)
        add_comment(tiff, value);
    else if (tag == TAG_DESCRIPTION)
        add_text(tiff, STR(METADATA_DESCRIPTION), value);
    else if (tag == TAG_MAKE)
        add_text(tiff, STR(METADATA_MAKE), value);
    else if (tag == TAG_MODEL)
        add_text(tiff, STR(METADATA_CAMERA), value);
}

static void note_orientation(struct tiff *tiff, uint32_t value)
{
    if (tiff->out->orientation == 0 && value >= 1 && value <= 8)
        tiff->out->orientation = (int)value;
}

static void read_entry(struct tiff *tiff, size_t at)
{
    uint32_t tag = get16(tiff, at), kind = get16(tiff, at + 2);
    if (tag == TAG_ORIENTATION && kind == KIND_SHORT) {
        note_orientation(tiff, get16(tiff, at + 8));
        return;
    }
    size_t len = get32(tiff, at + 4);
    size_t from = len <= 4 ? at + 8 : get32(tiff, at + 8);
    if (tag == TAG_EXIF_FOLDER && kind == KIND_LONG && tiff->folder_count < FOLDERS_MAX) {
        tiff->folders[tiff->folder_count++] = get32(tiff, at + 8);
        return;
    }
    if ((kind != KIND_TEXT && kind != KIND_ANYTHING && kind != 1) || from > tiff->all.len ||
        len > tiff->all.len - from)
        return;
    add_value(tiff, tag, bytes_part(tiff->all, from, len));
}

static void read_folder(struct tiff *tiff, size_t at)
{
    if (at < 8 || at > tiff->all.len || tiff->all.len - at < 2)
        return;
    size_t count = MIN_OF(get16(tiff, at), ENTRIES_MAX);
    for (size_t i = 0; i < count && tiff->all.len - at - 2 >= 12 * (i + 1); i++)
        read_entry(tiff, at + 2 + 12 * i);
}

void metadata_exif(struct arena *arena, bytes all, struct metadata *out)
{
    struct tiff tiff = {.arena = arena, .all = all, .out = out};
    tiff.is_big = bytes_start(all, "MM\0*", 4);
    if (all.len < 16 || (!tiff.is_big && !bytes_start(all, "II*\0", 4)))
        return;
    tiff.folders[tiff.folder_count++] = get32(&tiff, 4);
    for (size_t i = 0; i < tiff.folder_count; i++)
        read_folder(&tiff, tiff.folders[i]);
}
