/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tar archives, as far as a backup needs them: regular files only, ustar heads, and a pax record
 * for a size beyond 8 GiB. What it writes any tar reads; it reads only what it wrote, so a link,
 * a folder, a device, a long name or a damaged head is refused.
 *
 *   head (512 bytes)  file, filled up with zeros to 512  head  file  …  1024 zeros
 *
 * Owns:     nothing; descriptors are the caller's and may be pipes.
 * Threads:  one at a time.
 * Time:     none.
 * Fails:    by fault; FAULT_INPUT for an archive that is not as it should be.
 */
#pragma once

#include "base/fault.h"
#include "base/str.h"

#define TAR_BLOCK 512
#define TAR_NAME_MAX 99

struct tar_entry {
    char name[TAR_NAME_MAX + 1];
    int64_t size;
    int64_t modified; /* seconds since the epoch */
};

struct tar_writer {
    int fd;
};

/* Appends size bytes of file from its start; sha256 is of these. FAULT_INPUT if there are fewer. */
bool tar_put(struct tar_writer *writer, const struct tar_entry *entry, int file, uint8_t sha256[32],
             struct fault *fault) MUST_CHECK;
bool tar_finish(struct tar_writer *writer, struct fault *fault) MUST_CHECK;

struct tar_reader {
    int fd;
    int64_t left;   /* of the entry */
    size_t padding; /* after it */
};

/* The next entry; what was not read of the last one is skipped. At the end *is_end is true. */
bool tar_next(struct tar_reader *reader, struct tar_entry *out, bool *is_end, struct fault *fault)
    MUST_CHECK;

/* Up to size bytes of the entry; *got is 0 only at its end. */
bool tar_read(struct tar_reader *reader, void *to, size_t size, size_t *got, struct fault *fault)
    MUST_CHECK;
