/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a file is, by its first bytes alone: names and headers may say anything. This only sorts
 * what may be a picture or a film from what is neither; the media helper has the last word.
 *
 * Owns:     nothing.
 * Threads:  any.
 * Time:     none.
 * Fails:    never.
 */
#pragma once

#include "base/str.h"

/* So many bytes are enough to tell, unless the file has fewer. */
#define UPLOAD_TYPE_BYTES 512

struct upload_found {
    const char *mime; /* "image/png"; NULL: it cannot be kept */
    const char *name; /* "a PDF" */
    bool is_film;
};

struct upload_found upload_type_of(str first);
