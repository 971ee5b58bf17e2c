/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a file is, by its first bytes alone: its name and declared type may say anything. The server
 * refuses by it what is neither picture nor film as it comes, the helper before anything is
 * decoded.
 *
 * Owns:     nothing.
 * Threads:  any.
 * Time:     none.
 * Fails:    never.
 */
#pragma once

#include "base/str.h"
#include "media/protocol.h"

/* So many bytes are enough to tell, unless the file has fewer. */
#define MEDIA_TYPE_BYTES 512

struct media_found {
    enum media_type type; /* none: it is not accepted */
    const char *name;     /* "a PDF"; never NULL of one that was looked at */
};

struct media_found media_type_of(str first);

const char *media_type_mime(enum media_type type); /* "image/png" */
