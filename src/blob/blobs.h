/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What blob.c (writing, removing, pinning) and reading.c (opening, finding, listing) share.
 *
 * Owns:     nothing by itself.
 * Threads:  any; the mutex guards pin_count and the lock of pin.
 * Time:     none.
 * Fails:    blob_name by fault.
 */
#pragma once

#include "blob/bucket.h"
#include "blob/cdn.h"
#include "blob/keep.h"

#include <pthread.h>

/*
 * blobs/pin is locked shared by who pins and exclusively for the moment of a removal. A lock
 * belongs to the open file, which the threads of a process share, hence the mutex around it.
 */
struct blobs {
    int root, temp, pin;
    pthread_mutex_t pin_mutex;
    int pin_count; /* of this process */
    struct keep keep;
    struct bucket *bucket; /* NULL: none */
    struct cdn *cdn;       /* NULL: none */
    bool is_remote;
    atomic_ulong fetches; /* for the names of files on their way here */
};

/* A file in tmp/ while it comes from the bucket; done removes it unless fd was closed before. */
struct blob_fetch {
    struct blobs *blobs;
    char name[BLOB_ID_LEN + 64];
    int fd;
};
bool blob_fetch_begin(struct blob_fetch *fetch, const char *id, struct fault *fault) MUST_CHECK;
void blob_fetch_done(struct blob_fetch *fetch);

/* *is_gone: nobody pins, so they are removed. */
enum blob_files {
    BLOB_FILES_NONE,
    BLOB_FILES_OWN,
    BLOB_FILES_ALL, /* the copies, too */
};
bool blob_files_remove(struct blobs *blobs, const char *id, enum blob_files which, bool *is_gone,
                       struct fault *fault) MUST_CHECK;

/* An id that came from outside, ended by zero. */
bool blob_name(str id, char name[BLOB_ID_LEN + 1], struct fault *fault) MUST_CHECK;
