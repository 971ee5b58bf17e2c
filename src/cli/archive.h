/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a backup holds, for its writer and its reader: the names that may be in it, and the list of
 * sums that is its last file, in the form that sha256sum -c reads.
 *
 *   VERSION  atelier.db  keys/…  blobs/ab/cd/<id>…  SHA256SUMS
 *
 * Owns:     a struct sums its open file, which has no name and so leaves nothing behind.
 * Threads:  one at a time.
 * Time:     none.
 * Fails:    by fault.
 */
#pragma once

#include "base/fault.h"

#include <stdio.h>

#define ARCHIVE_VERSION "VERSION"
#define ARCHIVE_DATABASE "atelier.db"
#define ARCHIVE_KEYS "keys"
#define ARCHIVE_BLOBS "blobs"
#define ARCHIVE_SUMS "SHA256SUMS"

/* One part of a path: letters, digits, dot, dash and underline, not beginning with a dot. */
bool archive_part_is_plain(const char *part, size_t length);

/* A file that a backup may hold, but for the sums. No path that leads out of the folder is. */
bool archive_name_is_ours(const char *name);

struct sums {
    FILE *file;
};

/* In the folder given, which must be writable. */
bool sums_open(int folder, struct sums *out, struct fault *fault) MUST_CHECK;
bool sums_add(struct sums *sums, const char *name, const uint8_t sha256[32], struct fault *fault)
    MUST_CHECK;

/* Everything added so far, for reading from its start; the descriptor stays the sums'. */
bool sums_text(struct sums *sums, int *fd, int64_t *size, struct fault *fault) MUST_CHECK;
void sums_close(struct sums *sums);
