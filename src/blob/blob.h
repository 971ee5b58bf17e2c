/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where bytes live: files in the data folder, objects in a bucket of S3, or both while they move.
 * Each is named by a random id that is a capability, its SHA-256 recorded by whoever keeps the row.
 * A blob is written to tmp/, synced, renamed to blobs/ab/cd/<id> and its folder synced (or sent to
 * the bucket), so that a row naming it may commit after blob_finish. What no row names is an
 * orphan; the collector finds it by blob_list and removes it.
 *
 * Owns:     a writer its file in tmp/ until finish or abort; descriptors given are the caller's.
 * Threads:  the blobs any; a writer one at a time. With a bucket, blob_finish, _put_fd, _open,
 *           _remove and _list wait for the network, and without one for the disk: never in a loop.
 *           blob_find waits for neither; create, write and abort only write to tmp/.
 * Time:     blobs_open is given the time, for what was left in tmp/; requests to a bucket are
 *           signed with the system's.
 * Fails:    by fault, and nothing is left behind: FAULT_FULL when the disk is full, FAULT_INPUT for
 *           an id that is not 32 lower-case hex digits, FAULT_ABSENT for one that is not there,
 *           FAULT_TRANSIENT when the bucket does not answer.
 */
#pragma once

#include "base/fault.h"
#include "base/random.h"
#include "base/str.h"

#include <stdatomic.h>

struct blobs;

#define BLOB_ID_LEN 32

/* One blob at most. */
#define BLOB_SIZE_MAX ((int64_t)8 << 30)

/* Files that a crash left in tmp/ are removed by blobs_open once they are this old. */
#define BLOB_TEMP_GRACE HOURS(1)

/* While the program runs, those of blobs alone, by blobs_sweep: one may be sent for hours. */
#define BLOB_TEMP_LONG DAYS(1)

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

/* A bucket of S3, or of what speaks like it. */
struct blob_bucket {
    str endpoint; /* "https://minio.example:9000"; empty: Amazon's of the region */
    str region, name;
    str prefix; /* before every key; empty, or "studio" */
    str key_id, secret, session;
    bool is_path_style;  /* https://endpoint/name/key; else the name is part of the host */
    bool is_unencrypted; /* it knows no AES256 at rest */
    bool is_private;     /* browsers cannot reach it: everything goes through us */
};

/* CloudFront before the bucket. With a key pair its addresses are signed and expire. */
struct blob_cdn {
    str url; /* "https://d111111abcdef8.cloudfront.net" */
    str key_pair_id, private_key;
};

struct blobs_options {
    const char *folder; /* the data folder; blobs/ and tmp/ in it are made when they are missing */
    instant now;
    const struct blob_bucket *bucket; /* NULL: none */
    const struct blob_cdn *cdn;       /* NULL: none */
    bool is_remote;                   /* new blobs go to the bucket; else it is only read */
    bool keeps_copies;                /* of all that goes there, in copies/ (STOR-10) */
    int64_t cache_max;                /* else so many bytes of it in cache/; 0: BLOB_CACHE_MAX */
};

#define BLOB_CACHE_MAX ((int64_t)1 << 30)

/* Files of the data folder only, with the copies of a bucket's objects. */
bool blobs_open(const char *folder, instant now, struct blobs **out, struct fault *fault)
    MUST_CHECK;

/* All texts are copied. FAULT_INPUT when the private key is none. */
bool blobs_open_with(const struct blobs_options *options, struct blobs **out, struct fault *fault)
    MUST_CHECK;
void blobs_close(struct blobs *blobs);

/* What a crash left in tmp/ just before this program began, when it runs for long. */
bool blobs_sweep(struct blobs *blobs, instant now, struct fault *fault) MUST_CHECK;

/* From now on nothing waits for the network: what waits there fails at once. For the end. */
void blobs_stop(struct blobs *blobs);

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

/* For reading; the descriptor is the caller's and outlives a removal. What is in the bucket only is
 * fetched first, and checked. */
bool blob_open(struct blobs *blobs, str id, int *fd, int64_t *size, struct fault *fault) MUST_CHECK;

/* The same, but fetching ends soon after *is_unwanted was set: FAULT_TRANSIENT. */
bool blob_open_unless(struct blobs *blobs, str id, const atomic_bool *is_unwanted, int *fd,
                      int64_t *size, struct fault *fault) MUST_CHECK;

/* The same for what is at hand, and without waiting for the network; else FAULT_ABSENT. */
bool blob_open_here(struct blobs *blobs, str id, int *fd, int64_t *size, struct fault *fault)
    MUST_CHECK;

/* As it is where it lives, for who checks: what is at hand of a bucket does not count, and what the
 * bucket has is not compared with what was put there. */
bool blob_open_as_is(struct blobs *blobs, str id, int *fd, int64_t *size, struct fault *fault)
    MUST_CHECK;

/* There was a bucket when this folder was opened once, and now none is configured. */
bool blobs_lack_bucket(const struct blobs *blobs);

/* Of an address for a browser. What is empty is left to the bucket. */
struct blob_link {
    instant now;
    span lifetime; /* at least so long, a quarter more at most; 0: BLOB_LINK_LIFE */
    str content_type, disposition;
};

#define BLOB_LINK_LIFE HOURS(1)

/* How the bytes of a blob can be had, in the loop's thread. */
struct blob_place {
    int fd; /* the caller's, and size; -1: not here */
    int64_t size;
    str url;            /* redirect to it; empty: not so */
    instant expires_at; /* of the url; unset: it does not */
    bool is_away;       /* neither: a worker must blob_open it */
};

/* Never waits. Whether the bucket has it is not asked: FAULT_ABSENT only when there is no bucket.
 */
bool blob_find(struct blobs *blobs, struct arena *arena, str id, const struct blob_link *link,
               struct blob_place *out, struct fault *fault) MUST_CHECK;

/* Where blob_find's addresses lead, as in "https://d1.example"; empty: nowhere else. */
str blobs_origin(struct blobs *blobs, struct arena *arena);

/* Where new blobs go, and the names of one there, for who looks into the bucket himself; all texts
 * are empty for the disk, cdn_url without a CDN. It is unsigned. */
struct blob_home {
    str bucket, prefix, cdn_url;
};
struct blob_names {
    str bucket, object_key, cdn_url;
};
struct blob_names blob_names(struct arena *arena, const struct blob_home *home, str id);

/* In the bucket every version goes. Absent is as good as removed. While anybody pins, the file
 * stays, as an orphan for the collector; *is_gone (may be NULL) says which. */
bool blob_remove(struct blobs *blobs, str id, bool *is_gone, struct fault *fault) MUST_CHECK;

/* Every blob once, in no order, and what the bucket has as if it were a quarter of an hour younger:
 * its clock is not ours; those that come or go meanwhile perhaps. visit answers false to
 * stop. It may remove what it is shown. */
bool blob_list(struct blobs *blobs, bool (*visit)(void *context, const struct blob_entry *entry),
               void *context, struct fault *fault) MUST_CHECK;

/*
 * From here to the unpin no process removes a blob of this folder, so that all which a copy of the
 * database names can be copied after it. A crash unpins. For the backup; several may pin at once.
 */
bool blobs_pin(struct blobs *blobs, struct fault *fault) MUST_CHECK;
void blobs_unpin(struct blobs *blobs);
