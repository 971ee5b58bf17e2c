/* SPDX-License-Identifier: Apache-2.0 */
/* What a file is, by its first bytes; its name and declared type are not believed. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "media/worker/picture.h"

#define BRANDS_MAX 64  /* looked at in the head of an MP4 and its kin */
#define EBML_LOOK 128  /* bytes, for the kind of a Matroska file */
#define TEXT_LOOK 512  /* bytes, to call a file a text */
#define BLANKS_MAX 256 /* before the first mark of a page */

struct signature {
    const char *bytes;
    size_t len, at;
    enum media_type type; /* none: known, and not accepted */
    const char *name;     /* with its article */
};

#define SIGNATURE(text, offset, what, title)                                                       \
    {                                                                                              \
        .bytes = text, .len = sizeof(text) - 1, .at = offset, .type = what, .name = title          \
    }

static const struct signature signatures[] = {
    SIGNATURE("\x89PNG\r\n\x1a\n", 0, MEDIA_PNG, "a PNG"),
    SIGNATURE("\xff\xd8\xff", 0, MEDIA_JPEG, "a JPEG"),
    SIGNATURE("GIF87a", 0, MEDIA_GIF, "a GIF"),
    SIGNATURE("GIF89a", 0, MEDIA_GIF, "a GIF"),
    /* QuickTime from before there was a head */
    SIGNATURE("moov", 4, MEDIA_MOV, "a QuickTime film"),
    SIGNATURE("mdat", 4, MEDIA_MOV, "a QuickTime film"),
    SIGNATURE("wide", 4, MEDIA_MOV, "a QuickTime film"),
    SIGNATURE("BM", 0, MEDIA_TYPE_NONE, "a BMP"),
    SIGNATURE("II*\0", 0, MEDIA_TYPE_NONE, "a TIFF"),
    SIGNATURE("MM\0*", 0, MEDIA_TYPE_NONE, "a TIFF"),
    SIGNATURE("8BPS", 0, MEDIA_TYPE_NONE, "a Photoshop file"),
    SIGNATURE("\0\0\1\0", 0, MEDIA_TYPE_NONE, "an icon file"),
    SIGNATURE("\xff\x0a", 0, MEDIA_TYPE_NONE, "a JPEG XL"),
    SIGNATURE("\0\0\0\x0cJXL ", 0, MEDIA_TYPE_NONE, "a JPEG XL"),
    SIGNATURE("\0\0\0\x0cjP  ", 0, MEDIA_TYPE_NONE, "a JPEG 2000"),
    SIGNATURE("\x76\x2f\x31\x01", 0, MEDIA_TYPE_NONE, "an OpenEXR picture"),
    SIGNATURE("\0\0\1\xba", 0, MEDIA_TYPE_NONE, "an MPEG film"),
    SIGNATURE("\0\0\1\xb3", 0, MEDIA_TYPE_NONE, "an MPEG film"),
    SIGNATURE("FLV\1", 0, MEDIA_TYPE_NONE, "a Flash film"),
    SIGNATURE("\x30\x26\xb2\x75\x8e\x66\xcf\x11", 0, MEDIA_TYPE_NONE, "a Windows Media file"),
    SIGNATURE("AVI ", 8, MEDIA_TYPE_NONE, "an AVI film"),
    SIGNATURE("WAVE", 8, MEDIA_TYPE_NONE, "a WAV sound"),
    SIGNATURE("OggS", 0, MEDIA_TYPE_NONE, "an Ogg file"),
    SIGNATURE("ID3", 0, MEDIA_TYPE_NONE, "an MP3 sound"),
    SIGNATURE("\xff\xfb", 0, MEDIA_TYPE_NONE, "an MP3 sound"),
    SIGNATURE("fLaC", 0, MEDIA_TYPE_NONE, "a FLAC sound"),
    SIGNATURE("%PDF", 0, MEDIA_TYPE_NONE, "a PDF"),
    SIGNATURE("%!PS", 0, MEDIA_TYPE_NONE, "a PostScript file"),
    SIGNATURE("PK\3\4", 0, MEDIA_TYPE_NONE, "a ZIP archive or an office document"),
    SIGNATURE("\xd0\xcf\x11\xe0", 0, MEDIA_TYPE_NONE, "an office document"),
    SIGNATURE("Rar!", 0, MEDIA_TYPE_NONE, "a RAR archive"),
    SIGNATURE("7z\xbc\xaf\x27\x1c", 0, MEDIA_TYPE_NONE, "a 7z archive"),
    SIGNATURE("\x1f\x8b", 0, MEDIA_TYPE_NONE, "a gzip archive"),
    SIGNATURE("MZ", 0, MEDIA_TYPE_NONE, "a program"),
    SIGNATURE("\x7f"
              "ELF",
              0, MEDIA_TYPE_NONE, "a program"),
};

/* Words of markup, in any case, after blanks. */
static const struct signature marks[] = {
    SIGNATURE("<svg", 0, MEDIA_TYPE_NONE, "an SVG"),
    SIGNATURE("<?xml", 0, MEDIA_TYPE_NONE, "an SVG or other XML file"),
    SIGNATURE("<!DOCTYPE svg", 0, MEDIA_TYPE_NONE, "an SVG"),
    SIGNATURE("<!DOCTYPE", 0, MEDIA_TYPE_NONE, "a web page"),
    SIGNATURE("<html", 0, MEDIA_TYPE_NONE, "a web page"),
    SIGNATURE("<script", 0, MEDIA_TYPE_NONE, "a web page"),
    SIGNATURE("<!--", 0, MEDIA_TYPE_NONE, "a web page"),
    SIGNATURE("#!", 0, MEDIA_TYPE_NONE, "a script"),
};

/* Brands of ISO files: the first that stands in the head, its main brand before the others, says
 * what it is. A head without any of them is an MP4's. */
static const struct signature brands[] = {
    SIGNATURE("avif", 0, MEDIA_AVIF, "an AVIF"),
    SIGNATURE("avis", 0, MEDIA_AVIF, "an AVIF"),
    SIGNATURE("heic", 0, MEDIA_HEIC, "a HEIC"),
    SIGNATURE("heix", 0, MEDIA_HEIC, "a HEIC"),
    SIGNATURE("heim", 0, MEDIA_HEIC, "a HEIC"),
    SIGNATURE("heis", 0, MEDIA_HEIC, "a HEIC"),
    SIGNATURE("hevc", 0, MEDIA_HEIC, "a HEIC"),
    SIGNATURE("hevx", 0, MEDIA_HEIC, "a HEIC"),
    SIGNATURE("qt  ", 0, MEDIA_MOV, "a QuickTime film"),
    SIGNATURE("M4A ", 0, MEDIA_TYPE_NONE, "an M4A sound"),
    SIGNATURE("M4B ", 0, MEDIA_TYPE_NONE, "an M4A sound"),
    SIGNATURE("crx ", 0, MEDIA_TYPE_NONE, "a camera's raw picture"),
};
static const struct signature plain_mp4 = {.type = MEDIA_MP4, .name = "an MP4"};
static const struct signature plain_heif = {.type = MEDIA_TYPE_NONE, .name = "a HEIF"};
static const struct signature plain_webp = {.type = MEDIA_WEBP, .name = "a WebP"};
static const struct signature webm = {.type = MEDIA_WEBM, .name = "a WebM"};
static const struct signature matroska = {.type = MEDIA_TYPE_NONE, .name = "a Matroska film"};
static const struct signature avif_unread = {.type = MEDIA_TYPE_NONE, .name = "an AVIF"};
static const struct signature heic_unread = {.type = MEDIA_TYPE_NONE, .name = "a HEIC"};
static const struct signature text = {.type = MEDIA_TYPE_NONE, .name = "a text"};

static bool has_at(const struct job *job, size_t at, const void *what, size_t len)
{
    return job->input_len >= at + len && memcmp(job->input + at, what, len) == 0;
}

static const struct signature *brand_at(const struct job *job, size_t at)
{
    for (size_t i = 0; i < ARRAY_LEN(brands); i++)
        if (has_at(job, at, brands[i].bytes, brands[i].len))
            return &brands[i];
    return NULL;
}

/* "ftyp", the main brand, a version, and those that it is compatible with. A picture in HEIF's own
 * brand says only there how it is coded; a film may name QuickTime there and is an MP4 still. */
static const struct signature *sniff_iso(const struct job *job)
{
    const uint8_t *head = job->input;
    size_t size = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
    const struct signature *found = brand_at(job, 8);
    bool is_heif = has_at(job, 8, "mif1", 4) || has_at(job, 8, "msf1", 4);
    size_t end = MIN_OF(MIN_OF(size, job->input_len), 16 + 4 * BRANDS_MAX);
    for (size_t at = 16; found == NULL && is_heif && at + 4 <= end; at += 4)
        found = brand_at(job, at);
    if (found == NULL)
        found = is_heif ? &plain_heif : &plain_mp4;
    if (found->type == MEDIA_HEIC && !heif_has_hevc())
        return &heic_unread;
    return found->type == MEDIA_AVIF && !heif_is_there() ? &avif_unread : found;
}

/* EBML: the kind stands in an element 0x4282 of the head. */
static const struct signature *sniff_ebml(const struct job *job)
{
    size_t look = MIN_OF(job->input_len, (size_t)EBML_LOOK);
    const uint8_t *kind = memmem(job->input, look, "\x42\x82\x84webm", 7);
    return kind != NULL ? &webm : &matroska;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static const struct signature *sniff_marks(const struct job *job)
{
    const char *at = (const char *)job->input;
    size_t left = MIN_OF(job->input_len, (size_t)TEXT_LOOK);
    if (has_at(job, 0, "\xef\xbb\xbf", 3)) {
        at += 3;
        left -= 3;
    }
    for (size_t i = 0; i < BLANKS_MAX && left > 0 && is_blank(*at); i++, at++)
        left--;
    for (size_t i = 0; i < ARRAY_LEN(marks); i++)
        if (left >= marks[i].len && strncasecmp(at, marks[i].bytes, marks[i].len) == 0)
            return &marks[i];
    for (size_t i = 0; i < left; i++)
        if ((unsigned char)at[i] < ' ' && !is_blank(at[i]))
            return NULL;
    return left > 0 && (unsigned char)*at < 0x80 ? &text : NULL;
}

static const struct signature *sniff(const struct job *job)
{
    if (has_at(job, 4, "ftyp", 4))
        return sniff_iso(job);
    if (has_at(job, 0, "RIFF", 4) && has_at(job, 8, "WEBP", 4))
        return &plain_webp;
    if (has_at(job, 0, "\x1a\x45\xdf\xa3", 4))
        return sniff_ebml(job);
    for (size_t i = 0; i < ARRAY_LEN(signatures); i++)
        if (has_at(job, signatures[i].at, signatures[i].bytes, signatures[i].len))
            return &signatures[i];
    return sniff_marks(job);
}

bool job_sniff(struct job *job, enum media_type *out)
{
    if (job->input == NULL)
        return job_fail(job, MEDIA_BROKEN, "There is no file to look at.");
    const struct signature *found = sniff(job);
    if (found == NULL)
        return job_fail(job, MEDIA_REFUSED,
                        "This is not a picture or film we know. " MEDIA_ACCEPTED);
    if (found->type == MEDIA_TYPE_NONE)
        return job_fail(job, MEDIA_REFUSED, "This is %s, which is not accepted. " MEDIA_ACCEPTED,
                        found->name);
    job->reply.facts.type = (uint32_t)found->type;
    *out = found->type;
    return true;
}
