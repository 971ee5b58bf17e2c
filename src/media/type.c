/* SPDX-License-Identifier: Apache-2.0 */
#include "media/type.h"

#include <string.h>

static const char *const type_mimes[MEDIA_TYPE_COUNT] = {
    [MEDIA_PNG] = "image/png", [MEDIA_JPEG] = "image/jpeg", [MEDIA_WEBP] = "image/webp",
    [MEDIA_MP4] = "video/mp4", [MEDIA_AVIF] = "image/avif", [MEDIA_HEIC] = "image/heic",
    [MEDIA_GIF] = "image/gif", [MEDIA_WEBM] = "video/webm", [MEDIA_MOV] = "video/quicktime",
};

const char *media_type_mime(enum media_type type)
{
    return type > MEDIA_TYPE_NONE && type < MEDIA_TYPE_COUNT ? type_mimes[type]
                                                             : "application/octet-stream";
}

/* ---- by the first bytes ---- */

struct sign {
    size_t at;
    str bytes;
    struct media_found found;
};

#define NO MEDIA_TYPE_NONE

/* The first that fits. */
static const struct sign signs[] = {
    {0, STR("\x89PNG\r\n\x1a\n"), {MEDIA_PNG, "a PNG picture"}},
    {0, STR("\xff\xd8\xff"), {MEDIA_JPEG, "a JPEG picture"}},
    {0, STR("GIF87a"), {MEDIA_GIF, "a GIF picture"}},
    {0, STR("GIF89a"), {MEDIA_GIF, "a GIF picture"}},
    /* QuickTime from before there was a head */
    {4, STR("moov"), {MEDIA_MOV, "a MOV film"}},
    {4, STR("mdat"), {MEDIA_MOV, "a MOV film"}},
    {4, STR("wide"), {MEDIA_MOV, "a MOV film"}},
    {0, STR("BM"), {NO, "a BMP picture"}},
    {0, STR("II*\0"), {NO, "a TIFF picture"}},
    {0, STR("MM\0*"), {NO, "a TIFF picture"}},
    {0, STR("8BPS"), {NO, "a Photoshop document"}},
    {0, STR("\0\0\1\0"), {NO, "an icon"}},
    {0, STR("\xff\x0a"), {NO, "a JPEG XL picture"}},
    {0, STR("\0\0\0\x0cJXL "), {NO, "a JPEG XL picture"}},
    {0, STR("\0\0\0\x0cjP  "), {NO, "a JPEG 2000 picture"}},
    {0, STR("\x76\x2f\x31\x01"), {NO, "an OpenEXR picture"}},
    {0, STR("\0\0\1\xba"), {NO, "an MPEG film"}},
    {0, STR("\0\0\1\xb3"), {NO, "an MPEG film"}},
    {0, STR("FLV\1"), {NO, "a Flash film"}},
    {0, STR("\x30\x26\xb2\x75"), {NO, "a WMV film"}},
    {0, STR("OggS"), {NO, "an Ogg file"}},
    {0, STR("ID3"), {NO, "an MP3 sound"}},
    {0, STR("\xff\xfb"), {NO, "an MP3 sound"}},
    {0, STR("fLaC"), {NO, "a FLAC sound"}},
    {0, STR("%PDF"), {NO, "a PDF"}},
    {0, STR("%!PS"), {NO, "a PostScript document"}},
    {0, STR("PK\3\4"), {NO, "a ZIP archive or a document"}},
    {0, STR("\xd0\xcf\x11\xe0"), {NO, "an office document"}},
    {0, STR("Rar!"), {NO, "a RAR archive"}},
    {0, STR("7z\xbc\xaf"), {NO, "a 7-Zip archive"}},
    {0, STR("\x1f\x8b"), {NO, "a gzip archive"}},
    {0, STR("MZ"), {NO, "a program"}},
    {0, STR("\x7f\x45LF"), {NO, "a program"}},
    {0, STR("#!"), {NO, "a program"}},
};

/* Of RIFF, behind its length. */
static const struct sign riffs[] = {
    {8, STR("WEBP"), {MEDIA_WEBP, "a WebP picture"}},
    {8, STR("AVI "), {NO, "an AVI film"}},
    {8, STR("WAVE"), {NO, "a WAV sound"}},
};

/* Of ISO files: the first brand that stands in the head, its main one before the others, says what
 * it is. A head without any of these is an MP4's. */
static const struct sign brands[] = {
    {0, STR("avif"), {MEDIA_AVIF, "an AVIF picture"}},
    {0, STR("avis"), {MEDIA_AVIF, "an AVIF picture"}},
    {0, STR("heic"), {MEDIA_HEIC, "a HEIC picture"}},
    {0, STR("heix"), {MEDIA_HEIC, "a HEIC picture"}},
    {0, STR("heim"), {MEDIA_HEIC, "a HEIC picture"}},
    {0, STR("heis"), {MEDIA_HEIC, "a HEIC picture"}},
    {0, STR("hevc"), {MEDIA_HEIC, "a HEIC picture"}},
    {0, STR("hevx"), {MEDIA_HEIC, "a HEIC picture"}},
    {0, STR("qt  "), {MEDIA_MOV, "a MOV film"}},
    {0, STR("M4A "), {NO, "an M4A sound"}},
    {0, STR("M4B "), {NO, "an M4A sound"}},
    {0, STR("crx "), {NO, "a camera's raw picture"}},
};

/* Words of markup; they may stand behind others. */
static const struct {
    str word;
    const char *name;
} marks[] = {
    {STR("<svg"), "an SVG drawing"}, {STR("<!doctype html"), "a web page"},
    {STR("<html"), "a web page"},    {STR("<script"), "a web page"},
    {STR("<"), "an XML document"},
};

static bool has_at(str first, size_t at, str what)
{
    return first.len >= at + what.len && memcmp(first.at + at, what.at, what.len) == 0;
}

/* at: of the file, beyond that of the sign. NULL: none fits. */
static const struct media_found *find_sign(const struct sign *list, size_t count, str first,
                                           size_t at)
{
    for (size_t i = 0; i < count; i++)
        if (has_at(first, at + list[i].at, list[i].bytes))
            return &list[i].found;
    return NULL;
}

/* "ftyp", the main brand, a version, and those that it is compatible with. A picture in HEIF's own
 * brand says only there how it is coded; a film may name QuickTime there and is an MP4 still. */
static struct media_found iso_file(str first)
{
    const unsigned char *head = (const unsigned char *)first.at;
    size_t size = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
    const struct media_found *found = find_sign(brands, ARRAY_LEN(brands), first, 8);
    bool is_heif = has_at(first, 8, STR("mif1")) || has_at(first, 8, STR("msf1"));
    for (size_t at = 16; found == NULL && is_heif && at + 4 <= MIN_OF(size, first.len); at += 4)
        found = find_sign(brands, ARRAY_LEN(brands), first, at);
    if (found != NULL)
        return *found;
    return is_heif ? (struct media_found){NO, "a HEIF picture"}
                   : (struct media_found){MEDIA_MP4, "an MP4 film"};
}

/* EBML: the kind stands in an element 0x4282 of the head. */
static struct media_found matroska(str first)
{
    return memmem(first.at, first.len, "\x42\x82\x84webm", 7) != NULL
               ? (struct media_found){MEDIA_WEBM, "a WebM film"}
               : (struct media_found){NO, "a Matroska film"};
}

static bool is_text(str first)
{
    if (first.len == MEDIA_TYPE_BYTES)
        first = utf8_cut(first, first.len - 4); /* its last letter may be cut */
    for (size_t i = 0; i < first.len; i++)
        if ((unsigned char)first.at[i] < ' ' && str_find(STR("\t\n\f\r"), first.at[i]) < 0)
            return false;
    return first.len > 0 && utf8_is_valid(first);
}

static struct media_found words(str first)
{
    str start = str_starts(first, STR("\xef\xbb\xbf")) ? str_slice(first, 3, first.len) : first;
    bool is_markup = str_starts(str_trim(start), STR("<"));
    for (size_t i = 0; is_markup && i < ARRAY_LEN(marks); i++)
        if (str_contains_nocase(start, marks[i].word))
            return (struct media_found){NO, marks[i].name};
    return (struct media_found){NO,
                                is_text(first) ? "text" : "a file of a kind that is unknown here"};
}

struct media_found media_type_of(str first)
{
    const struct media_found *found;
    first = str_slice(first, 0, MEDIA_TYPE_BYTES);
    if (first.len >= 12 && has_at(first, 4, STR("ftyp")))
        return iso_file(first);
    if (has_at(first, 0, STR("\x1a\x45\xdf\xa3")))
        return matroska(first);
    found = has_at(first, 0, STR("RIFF")) ? find_sign(riffs, ARRAY_LEN(riffs), first, 0)
                                          : find_sign(signs, ARRAY_LEN(signs), first, 0);
    return found != NULL ? *found : words(first);
}
