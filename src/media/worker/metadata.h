/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a file says about itself: the texts that programs write into pictures and films, each under
 * the name that its format gives it, and whether it carries content credentials. The pixels are
 * not looked at.
 *
 *   PNG    tEXt, zTXt and iTXt by their keyword; eXIf; caBX
 *   JPEG   Exif and XMP in APP1; comments; JUMBF in APP11
 *   WebP   EXIF, XMP and C2PA chunks
 *   MP4, MOV   uuid boxes of XMP and C2PA
 *
 * Owns:     the texts are the arena's, or in the file.
 * Threads:  any.
 * Time:     none.
 * Fails:    never: what is broken, too long or one too many is left out.
 */
#pragma once

#include "base/str.h"
#include "media/protocol.h"

#define METADATA_TEXTS_MAX 24
#define METADATA_TEXT_MAX KIB(512) /* of each, also when it was packed */

/* Keys that are ours, where the format has no keyword. */
#define METADATA_XMP "XML:com.adobe.xmp" /* PNG's keyword for it */
#define METADATA_USER_COMMENT "UserComment"
#define METADATA_COMMENT "Comment"
#define METADATA_DESCRIPTION "ImageDescription"
#define METADATA_MAKE "Make"    /* ComfyUI writes into the camera's maker */
#define METADATA_CAMERA "Model" /* and name */

/* Of XMP: its chunk, segment or box with all its framing. */
struct metadata_place {
    size_t at, len;
    bool is_found;
};

struct metadata_text {
    str key, text; /* UTF-8 without control characters but line ends and tabs */
};

struct metadata {
    struct metadata_text texts[METADATA_TEXTS_MAX];
    size_t count;
    bool has_c2pa;
    int orientation;           /* 1..8 as Exif numbers them; 0: it does not say */
    struct metadata_place xmp; /* the first one, whether its text was kept or not */
};

void metadata_read(struct arena *arena, enum media_type type, bytes file, struct metadata *out);

/* The first text of this key; empty when there is none. */
str metadata_text(const struct metadata *metadata, const char *key);

/* For the readers of single formats: keeps a text as UTF-8, from Latin-1 if it is none. */
void metadata_add(struct arena *arena, struct metadata *metadata, str key, bytes text);
void metadata_add_xmp(struct arena *arena, struct metadata *metadata, struct metadata_place place,
                      bytes text);

/* metadata_png.c, metadata_exif.c */
void metadata_png(struct arena *arena, bytes file, struct metadata *out);
void metadata_exif(struct arena *arena, bytes tiff, struct metadata *out);
