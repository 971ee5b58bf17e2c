/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stamped copy of a blob: what the media helper said is to be put in and left out, done. The
 * copy goes through a small buffer, so a film of half a gigabyte takes no memory.
 *
 * Owns:     nothing.
 * Threads:  a keeper's: it waits for the disk, and for the bucket.
 * Time:     none.
 * Fails:    by fault: FAULT_INPUT when the edits do not fit the blob.
 */
#pragma once

#include "blob/blob.h"

bool stamping_copy(struct blobs *blobs, struct random *random, str blob, int edits, size_t len,
                   struct blob_info *out, struct fault *fault) MUST_CHECK;
