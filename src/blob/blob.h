/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where bytes live: files in the data folder, each named by a random id that is a capability, its
 * SHA-256 recorded by whoever keeps the row. A blob is written to tmp/, synced, renamed to
 * blobs/ab/cd/<id> and its folder synced, so that a row naming it may commit after blob_finish.
 * What no row names is an orphan; the collector finds it by blob_list and removes it.
 *
 * Owns:     a writer its file in tmp/ until finish or abort; descriptors given are the caller's.
 * Threads:  the blobs any; a writer one at a time.
 * Time:     blobs_open is given the time, for what was left in tmp/.
 * Fails:    by fault, and nothing is left behind: FAULT_FULL when the disk is full, FAULT_INPUT for
 *           an id that is not 32 lower-case hex digits, FAULT_ABSENT for one that is not there.
 */
#pragma once

#include "base/fault.h"
#include "base/random.h"
#include "base/str.h"

struct blobs;

#define BLOB_ID_LEN 32

/* One blob at most. */
#define BLOB_SIZE_MAX ((int64_t)8 << 30)

/* Files that a crash left in tmp/ are removed by blobs_open once they are this old. */
#define BLOB_TEMP_GRACE HOURS(1)

struct blob_info {
    char id[BLOB_ID_LEN + 1];
    uint8_t sha256[32];
    int64_t size;
};

struct blob_entry {
    const char *id; /* lives as long as the visit */
    int64_t size;
    instant modified;
};

/* The caller's; its members are the module's. A zeroed writer may be aborted. */
struct blob_writer {
    struct blobs *blobs;
    void *hash;
    int fd;
    int64_t size;
    char id[BLOB_ID_LEN + 1];
};

/* 32 lower-case hex digits. */
bool blob_id_is_valid(str id);

/* folder is the data folder; blobs/ and tmp/ in it are made when they are missing. */
bool blobs_open(const char *folder, instant now, struct blobs **out, struct fault *fault)
    MUST_CHECK;
void blobs_close(struct blobs *blobs);

bool blob_create(struct blobs *blobs, struct random *random, struct blob_writer *out,
                 struct fault *fault) MUST_CHECK;

/* After a failure the writer is aborted already; aborting it again does nothing. */
bool blob_write(struct blob_writer *writer, bytes part, struct fault *fault) MUST_CHECK;

/* True: the blob is durable under info.id. False: nothing of it is left. */
bool blob_finish(struct blob_writer *writer, struct blob_info *out, struct fault *fault) MUST_CHECK;
void blob_abort(struct blob_writer *writer);

/* A whole blob from the first size bytes of a file or memfd. Its offset is neither used nor moved.
 * FAULT_INPUT when there are fewer bytes. */
bool blob_put_fd(struct blobs *blobs, struct random *random, int fd, int64_t size,
                 struct blob_info *out, struct fault *fault) MUST_CHECK;

/* For reading; the descriptor is the caller's and outlives a removal. */
bool blob_open(struct blobs *blobs, str id, int *fd, int64_t *size, struct fault *fault) MUST_CHECK;

/* Absent is as good as removed. While anybody pins, the file stays, as an orphan for the collector;
 * *is_gone (may be NULL) says which. */
bool blob_remove(struct blobs *blobs, str id, bool *is_gone, struct fault *fault) MUST_CHECK;

/* Every blob once, in no order; those that come or go meanwhile perhaps. visit answers false to
 * stop. It may remove what it is shown. */
bool blob_list(struct blobs *blobs, bool (*visit)(void *context, const struct blob_entry *entry),
               void *context, struct fault *fault) MUST_CHECK;

/*
 * From here to the unpin no process removes a blob of this folder, so that all which a copy of the
 * database names can be copied after it. A crash unpins. For the backup; several may pin at once.
 */
bool blobs_pin(struct blobs *blobs, struct fault *fault) MUST_CHECK;
void blobs_unpin(struct blobs *blobs);
