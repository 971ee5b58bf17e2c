/* SPDX-License-Identifier: Apache-2.0 */
/* What a file is, by its first bytes; its name and declared type are not believed. */
#include <stdio.h>
#include <string.h>

#include "media/worker/job.h"

#define ACCEPTED "Send a PNG, JPEG, WebP or MP4."

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
    SIGNATURE("WEBP", 8, MEDIA_WEBP, "a WebP"),
    SIGNATURE("ftypavif", 4, MEDIA_TYPE_NONE, "an AVIF"),
    SIGNATURE("ftypavis", 4, MEDIA_TYPE_NONE, "an AVIF"),
    SIGNATURE("ftyphei", 4, MEDIA_TYPE_NONE, "a HEIC"),
    SIGNATURE("ftypmif1", 4, MEDIA_TYPE_NONE, "a HEIF"),
    SIGNATURE("ftypmsf1", 4, MEDIA_TYPE_NONE, "a HEIF"),
    SIGNATURE("ftypqt  ", 4, MEDIA_TYPE_NONE, "a QuickTime film"),
    SIGNATURE("ftypM4A", 4, MEDIA_TYPE_NONE, "an M4A sound"),
    SIGNATURE("ftyp", 4, MEDIA_MP4, "an MP4"),
    SIGNATURE("GIF8", 0, MEDIA_TYPE_NONE, "a GIF"),
    SIGNATURE("BM", 0, MEDIA_TYPE_NONE, "a BMP"),
    SIGNATURE("II*\0", 0, MEDIA_TYPE_NONE, "a TIFF"),
    SIGNATURE("MM\0*", 0, MEDIA_TYPE_NONE, "a TIFF"),
    SIGNATURE("8BPS", 0, MEDIA_TYPE_NONE, "a Photoshop file"),
    SIGNATURE("\0\0\1\0", 0, MEDIA_TYPE_NONE, "an icon file"),
    SIGNATURE("\xff\x0a", 0, MEDIA_TYPE_NONE, "a JPEG XL"),
    SIGNATURE("\0\0\0\x0cJXL ", 0, MEDIA_TYPE_NONE, "a JPEG XL"),
    SIGNATURE("\0\0\0\x0cjP  ", 0, MEDIA_TYPE_NONE, "a JPEG 2000"),
    SIGNATURE("\x1a\x45\xdf\xa3", 0, MEDIA_TYPE_NONE, "a WebM or Matroska film"),
    SIGNATURE("AVI ", 8, MEDIA_TYPE_NONE, "an AVI film"),
    SIGNATURE("WAVE", 8, MEDIA_TYPE_NONE, "a WAV sound"),
    SIGNATURE("OggS", 0, MEDIA_TYPE_NONE, "an Ogg file"),
    SIGNATURE("ID3", 0, MEDIA_TYPE_NONE, "an MP3 sound"),
    SIGNATURE("fLaC", 0, MEDIA_TYPE_NONE, "a FLAC sound"),
    SIGNATURE("%PDF", 0, MEDIA_TYPE_NONE, "a PDF"),
    SIGNATURE("<svg", 0, MEDIA_TYPE_NONE, "an SVG"),
    SIGNATURE("<?xml", 0, MEDIA_TYPE_NONE, "an SVG or other XML file"),
    SIGNATURE("<!DOCTYPE", 0, MEDIA_TYPE_NONE, "a web page"),
    SIGNATURE("<html", 0, MEDIA_TYPE_NONE, "a web page"),
    SIGNATURE("PK\3\4", 0, MEDIA_TYPE_NONE, "a ZIP archive"),
    SIGNATURE("\x1f\x8b", 0, MEDIA_TYPE_NONE, "a gzip archive"),
    SIGNATURE("\x7f"
              "ELF",
              0, MEDIA_TYPE_NONE, "a program"),
};

static bool matches(const struct job *job, const struct signature *signature)
{
    return job->input_len >= signature->at + signature->len &&
           memcmp(job->input + signature->at, signature->bytes, signature->len) == 0;
}

bool job_sniff(struct job *job, enum media_type *out)
{
    if (job->input == NULL)
        return job_fail(job, MEDIA_BROKEN, "There is no file to look at.");
    for (size_t i = 0; i < ARRAY_LEN(signatures); i++) {
        const struct signature *signature = &signatures[i];
        if (!matches(job, signature))
            continue;
        if (signature->type == MEDIA_TYPE_NONE)
            return job_fail(job, MEDIA_REFUSED, "This file is %s, which is not accepted. " ACCEPTED,
                            signature->name);
        job->reply.facts.type = (uint32_t)signature->type;
        *out = signature->type;
        return true;
    }
    return job_fail(job, MEDIA_REFUSED, "This file is not a picture or film we know. " ACCEPTED);
}
