/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What blob.c (writing, removing, pinning) and reading.c (opening, finding, listing) share.
 *
 * Owns:     nothing by itself.
 * Threads:  any; the mutex guards pin_count, the lock of pin and the list of fetches.
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
    int pin_count;          /* of this process */
    struct keep keep, idle; /* idle: of another configuration, from which files only go */
    struct bucket *bucket;  /* NULL: none */
    struct cdn *cdn;        /* NULL: none */
    bool is_remote;
    struct blob_fetch *fetches; /* on their way here */
    atomic_ulong last_fetch;    /* for their names */
};

#define BLOB_FETCH_PREFIX "get-"

/* A file in tmp/ while it comes from the bucket; done removes it unless it was kept. */
struct blob_fetch {
    struct blobs *blobs;
    struct blob_fetch *next; /* under the mutex, and is_removed */
    bool is_removed;         /* the blob was, meanwhile */
    char id[BLOB_ID_LEN + 1];
    char name[BLOB_ID_LEN + 64];
    int fd; /* -1: it has another name now */
};
bool blob_fetch_begin(struct blob_fetch *fetch, const char *id, struct fault *fault) MUST_CHECK;
void blob_fetch_done(struct blob_fetch *fetch);

/* To those at hand, of which a removal knows; else it is lost again. */
bool blob_fetch_keep(struct blob_fetch *fetch, int64_t size, struct fault *fault) MUST_CHECK;

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
