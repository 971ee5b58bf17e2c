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

/* An id that came from outside, ended by zero. */
bool blob_name(str id, char name[BLOB_ID_LEN + 1], struct fault *fault) MUST_CHECK;
