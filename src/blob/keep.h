/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of what is in the bucket as well: all of it in copies/, which is the backup (STOR-10), or
 * what was used last in cache/, up to a number of bytes. Losing them loses nothing.
 *
 * Owns:     its folder's descriptor.
 * Threads:  any.
 * Time:     a file's time is the system's of its last use.
 * Fails:    by fault; FAULT_ABSENT for what is not kept.
 */
#pragma once

#include "blob/blob.h"

#include <stdatomic.h>

struct keep {
    int root;    /* -1: nothing is kept */
    int64_t max; /* bytes; 0: all stays */
    bool is_durable;
    atomic_llong added; /* bytes since it was last looked through */
};

/* The folder is made where it is missing, unless it must be there. A zeroed keep with root -1 may
 * be closed. */
bool keep_open(struct keep *keep, int data, const char *name, int64_t max, struct fault *fault)
    MUST_CHECK;
void keep_close(struct keep *keep);

bool keep_find(struct keep *keep, const char *id, int *fd, int64_t *size, struct fault *fault)
    MUST_CHECK;

/* A file of another folder, synced where all stays; the longest unused go when it becomes too much.
 */
bool keep_take(struct keep *keep, const char *id, int from, const char *name, int64_t size,
               struct fault *fault) MUST_CHECK;
bool keep_remove(struct keep *keep, const char *id, struct fault *fault) MUST_CHECK;
bool keep_has(struct keep *keep, const char *id);
