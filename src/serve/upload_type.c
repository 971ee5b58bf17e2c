/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/upload_type.h"

#include <string.h>

struct sign {
    size_t at;
    str bytes;
    struct upload_found found;
};

/* The first that fits. */
static const struct sign signs[] = {
    {0, STR("\x89PNG\r\n\x1a\n"), {"image/png", "a PNG picture", false}},
    {0, STR("\xff\xd8\xff"), {"image/jpeg", "a JPEG picture", false}},
    {0, STR("GIF87a"), {"image/gif", "a GIF picture", false}},
    {0, STR("GIF89a"), {"image/gif", "a GIF picture", false}},
    {8, STR("WEBP"), {"image/webp", "a WebP picture", false}},
    {0, STR("\x1a\x45\xdf\xa3"), {"video/webm", "a WebM film", true}},
    {0, STR("%PDF-"), {NULL, "a PDF", false}},
    {0, STR("PK\x03\x04"), {NULL, "a ZIP archive or a document", false}},
    {0, STR("BM"), {NULL, "a BMP picture", false}},
    {0, STR("II*\0"), {NULL, "a TIFF picture", false}},
    {0, STR("MM\0*"), {NULL, "a TIFF picture", false}},
    {0, STR("8BPS"), {NULL, "a Photoshop document", false}},
    {0,
     STR("\x7f"
         "ELF"),
     {NULL, "a program", false}},
    {0, STR("MZ"), {NULL, "a program", false}},
    {0, STR("#!"), {NULL, "a program", false}},
    {0, STR("ID3"), {NULL, "sound without pictures", false}},
    {0, STR("fLaC"), {NULL, "sound without pictures", false}},
    {0, STR("OggS"), {NULL, "an Ogg file", false}},
    {8, STR("WAVE"), {NULL, "sound without pictures", false}},
    {8, STR("AVI "), {NULL, "an AVI film", true}},
    {0, STR("\x30\x26\xb2\x75"), {NULL, "a WMV film", true}},
    {0, STR("FLV"), {NULL, "a Flash film", true}},
    {0, STR("\x1f\x8b"), {NULL, "a gzip archive", false}},
    {0, STR("7z\xbc\xaf"), {NULL, "a 7-Zip archive", false}},
    {0, STR("Rar!"), {NULL, "a RAR archive", false}},
};

/* Brands of ISO media files; what is not listed is taken for MP4. */
static const struct sign brands[] = {
    {8, STR("avif"), {"image/avif", "an AVIF picture", false}},
    {8, STR("avis"), {"image/avif", "an AVIF picture", false}},
    {8, STR("heic"), {"image/heic", "a HEIC picture", false}},
    {8, STR("heix"), {"image/heic", "a HEIC picture", false}},
    {8, STR("heim"), {"image/heic", "a HEIC picture", false}},
    {8, STR("heis"), {"image/heic", "a HEIC picture", false}},
    {8, STR("hevc"), {"image/heic", "a HEIC picture", false}},
    {8, STR("hevx"), {"image/heic", "a HEIC picture", false}},
    {8, STR("mif1"), {"image/heic", "a HEIC picture", false}},
    {8, STR("msf1"), {"image/heic", "a HEIC picture", false}},
    {8, STR("qt  "), {"video/quicktime", "a MOV film", true}},
    {8, STR("M4A "), {NULL, "sound without pictures", false}},
};

static bool fits(const struct sign *sign, str first)
{
    return first.len >= sign->at + sign->bytes.len &&
           memcmp(first.at + sign->at, sign->bytes.at, sign->bytes.len) == 0;
}

/* The brand "mif1" is a still of either coding: those that it is compatible with tell which. */
static bool is_avif(str first)
{
    size_t size = (size_t)(unsigned char)first.at[2] << 8 | (unsigned char)first.at[3];
    for (size_t i = 16; i + 4 <= MIN_OF(size, first.len); i += 4)
        if (memcmp(first.at + i, "avif", 4) == 0)
            return true;
    return false;
}

static struct upload_found iso_media(str first)
{
    for (size_t i = 0; i < ARRAY_LEN(brands); i++)
        if (fits(&brands[i], first))
            return str_starts(str_slice(first, 8, 12), STR("mif1")) && is_avif(first)
                       ? brands[0].found
                       : brands[i].found;
    return (struct upload_found){"video/mp4", "an MP4 film", true};
}

/* Old QuickTime files begin with another box. */
static bool is_old_quicktime(str first)
{
    static const char *const boxes[] = {"moov", "mdat", "wide", "free", "skip", "pnot"};
    for (size_t i = 0; i < ARRAY_LEN(boxes); i++)
        if (first.len >= 12 && memcmp(first.at + 4, boxes[i], 4) == 0)
            return true;
    return false;
}

static struct upload_found text_of(str first)
{
    str start = str_trim(first);
    if (str_starts(start, STR("\xef\xbb\xbf")))
        start = str_trim(str_slice(start, 3, start.len));
    if (str_contains_nocase(start, STR("<svg")))
        return (struct upload_found){NULL, "an SVG drawing", false};
    if (str_contains_nocase(start, STR("<!doctype html")) ||
        str_contains_nocase(start, STR("<html")))
        return (struct upload_found){NULL, "a web page", false};
    if (str_starts(start, STR("<")))
        return (struct upload_found){NULL, "an XML document", false};
    if (first.len > 0 &&
        utf8_is_valid(utf8_cut(first, first.len > 4 ? first.len - 4 : first.len)) &&
        str_find(first, '\0') < 0)
        return (struct upload_found){NULL, "text", false};
    return (struct upload_found){NULL, "a file of a kind that is unknown here", false};
}

struct upload_found upload_type_of(str first)
{
    if (first.len >= 12 && memcmp(first.at + 4, "ftyp", 4) == 0)
        return iso_media(first);
    for (size_t i = 0; i < ARRAY_LEN(signs); i++)
        if (fits(&signs[i], first) && (signs[i].at != 8 || str_starts(first, STR("RIFF"))))
            return signs[i].found;
    if (is_old_quicktime(first))
        return (struct upload_found){"video/quicktime", "a MOV film", true};
    return text_of(first);
}
