/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files named by ids in two levels of folders below one: ab/cd/abcd…, each folder of 65,536 at
 * most. blobs/, copies/ and cache/ are such.
 *
 * Owns:     nothing; descriptors given out are the caller's.
 * Threads:  any.
 * Time:     none.
 * Fails:    by fault; FAULT_ABSENT for a file that is not there.
 */
#pragma once

#include "blob/blob.h"

/* For reading. */
bool home_file_open(int root, const char *id, int *fd, int64_t *size, struct fault *fault)
    MUST_CHECK;

/* A file of another folder becomes the id's; durable when it is synced. */
bool home_file_take(int root, const char *id, int from, const char *name, bool is_synced,
                    struct fault *fault) MUST_CHECK;

/* Absent is as good as removed. Not synced, a crash may bring it back: as an orphan, where the
 * collector looks. */
bool home_file_remove(int root, const char *id, bool is_synced, struct fault *fault) MUST_CHECK;

/* As blob_list. */
bool home_list(int root, bool (*visit)(void *context, const struct blob_entry *entry),
               void *context, struct fault *fault) MUST_CHECK;
