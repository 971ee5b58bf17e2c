/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs from the disk to the bucket, or back, one by one. A blob is copied, read back, compared by
 * its SHA-256, and only then removed where it was; so a move that was broken off goes on where it
 * was, and at any moment each blob is whole on one side at least.
 *
 * Owns:     nothing.
 * Threads:  any, several at once for different blobs; all wait for the network.
 * Time:     the system's.
 * Fails:    by fault; the blob is then where it was. FAULT_INPUT when it is not what its row says.
 */
#pragma once

#include "blob/blob.h"

enum blob_side {
    BLOB_SIDE_NONE,
    BLOB_SIDE_DISK,
    BLOB_SIDE_BUCKET,
};

enum blob_moved {
    BLOB_MOVED,
    BLOB_MOVED_GONE, /* removed meanwhile: nothing to do */
    BLOB_MOVED_HELD, /* it is there; what was here is held by a backup, and goes next time */
};

/* From here to blobs_close no other process moves what is in this folder: two that met could each
 * remove what the other brought. */
bool blob_moves_begin(struct blobs *blobs, struct fault *fault) MUST_CHECK;

/* The blobs there must have been opened with a bucket. sha256: as its row says; NULL: none does. */
bool blob_move(struct blobs *blobs, str id, enum blob_side to, const uint8_t *sha256,
               enum blob_moved *out, struct fault *fault) MUST_CHECK;

/* What is at hand of an object becomes the object again, which was lost or changed. */
bool blob_send_again(struct blobs *blobs, str id, const uint8_t sha256[32], struct fault *fault)
    MUST_CHECK;

/* As blob_list, of one side alone; copies and what is merely at hand do not count. */
bool blob_list_side(struct blobs *blobs, enum blob_side side,
                    bool (*visit)(void *context, const struct blob_entry *entry), void *context,
                    struct fault *fault) MUST_CHECK;
