/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a ZIP archive whose files are stored as they are (APPNOTE 6.3.10). As their sizes
 * are known before, so is the archive's, and every header is complete where it stands: nothing has
 * to be read backwards. Names are UTF-8; what is beyond 4 GiB or 65,535 files is Zip64's.
 *
 *   for each file: local header, bytes;  then for each file: central header;  then the end
 *
 * Owns:     nothing.
 * Threads:  any.
 * Time:     of files, in seconds since 1970, between 1980 and 2107.
 * Fails:    never.
 */
#pragma once

#include "base/buffer.h"

struct zip_file {
    str name;
    int64_t size;
    int64_t modified; /* s */
    int64_t at;       /* of its local header; set by zip_layout */
    uint32_t crc;     /* of its bytes; wanted from the local header on */
};

struct zip_end {
    int64_t count;
    int64_t at, size; /* of the central headers; set by zip_layout */
};

/* Where all will stand; answers the size of the archive. */
int64_t zip_layout(struct zip_file *files, size_t count, struct zip_end *end);

void zip_write_local(struct buffer *to, const struct zip_file *file);
void zip_write_central(struct buffer *to, const struct zip_file *file);
void zip_write_end(struct buffer *to, const struct zip_end *end);
