/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A copy of a file with a few bytes more: what the helper answers when a file is to be stamped. It
 * says where what is put in, and where how much is left out; everything else is copied by the
 * server, so that a film of half a gigabyte is in nobody's memory and no pixel passes the helper.
 *
 *   for each place, in the order of the file:
 *     at (8) | removed (4) | added (4) | the bytes that are added        numbers little endian
 *
 * Owns:     nothing.
 * Threads:  any.
 * Time:     none.
 * Fails:    edits_check by false; edits_copy by a fault.
 */
#pragma once

#include "base/buffer.h"
#include "base/fault.h"

#define EDITS_MAX 16
#define EDITS_BYTES_MAX MIB(1)
#define EDITS_REMOVED_MAX MIB(1) /* in all */
#define EDIT_HEAD 16

void edits_add(struct buffer *to, uint64_t at, uint32_t removed, bytes added);

/* Whether they fit a file of this length; *len_out is that of the copy. */
bool edits_check(bytes edits, uint64_t file_len, uint64_t *len_out) MUST_CHECK;

/* Takes the next part of the copy: stretches of the file and of the edits, in order. False: no
 * more. The edits have been checked. */
struct edits_part {
    bool is_file; /* from the file: at, len; otherwise `added` */
    uint64_t at, len;
    bytes added;
};
struct edits_walk {
    bytes edits;
    uint64_t file_len, at;
    bool has_added; /* what comes next are the bytes of the edit in front */
};
bool edits_next(struct edits_walk *walk, struct edits_part *out);
