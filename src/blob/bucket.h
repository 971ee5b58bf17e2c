/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bucket of S3, asked by signed requests over net/outside. Bodies are signed whole; what is
 * larger than BUCKET_ONE_PUT goes in parts, each held in memory while it is sent. A request that
 * failed for a passing reason is tried again, BUCKET_TRIES in all.
 *
 * Owns:     the thread of its net/outside, and copies of its options.
 * Threads:  any, all of which wait but bucket_link's and bucket_stop's.
 * Time:     the system's: the other side compares it with its own.
 * Fails:    by fault: FAULT_ABSENT for an object that is not there, FAULT_TRANSIENT for what may
 *           work later, FAULT_SYSTEM with the bucket's own words for what it refuses.
 */
#pragma once

#include "blob/blob.h"
#include "blob/sign.h"

#include <stdatomic.h>

#define BUCKET_ONE_PUT ((int64_t)16 << 20)
#define BUCKET_PART ((int64_t)8 << 20)
#define BUCKET_PARTS_MAX 10000
#define BUCKET_TRIES 4
#define BUCKET_OWN_CLOCK MINUTES(15) /* so far may the other side's clock be from ours */

struct bucket;

bool bucket_open(const struct blob_bucket *options, struct bucket **out, struct fault *fault)
    MUST_CHECK;
void bucket_close(struct bucket *bucket);
void bucket_stop(struct bucket *bucket); /* who waits is told FAULT_TRANSIENT */

/* The first size bytes of a file; they hash to sha256. */
bool bucket_put(struct bucket *bucket, str id, int fd, int64_t size, const uint8_t sha256[32],
                struct fault *fault) MUST_CHECK;

/* Into a file, from its start. FAULT_SYSTEM when it is not what was put. It ends soon after
 * *is_unwanted is set, which may be NULL. */
bool bucket_get(struct bucket *bucket, str id, const atomic_bool *is_unwanted, int fd,
                int64_t *size, uint8_t sha256[32], struct fault *fault) MUST_CHECK;

/* The same, but what it is instead will do. */
bool bucket_get_any(struct bucket *bucket, str id, const atomic_bool *is_unwanted, int fd,
                    int64_t *size, uint8_t sha256[32], bool *is_as_put, struct fault *fault)
    MUST_CHECK;

/* Every version of it. Absent is as good as removed. */
bool bucket_remove(struct bucket *bucket, str id, struct fault *fault) MUST_CHECK;

/* All below the prefix that are named as blobs are. visit answers false to stop. */
bool bucket_list(struct bucket *bucket,
                 bool (*visit)(void *context, const struct blob_entry *entry), void *context,
                 struct fault *fault) MUST_CHECK;

bool bucket_has(struct bucket *bucket, str id, bool *has, struct fault *fault) MUST_CHECK;

str bucket_key(const struct bucket *bucket, struct arena *arena, str id);
str bucket_origin(const struct bucket *bucket, struct arena *arena);
bool bucket_is_private(const struct bucket *bucket);

/* An address that anybody may GET or PUT until it expires. */
str bucket_link(const struct bucket *bucket, struct arena *arena, str method, str id,
                const struct sign_pair *query, size_t query_count, instant now, span lifetime);

/* ---- names.c: without a bucket ---- */

/* "studio/" of "studio", with it "studio/ab/cd/abcd…", and that as a path, encoded. */
str bucket_prefix(struct arena *arena, str prefix);
str bucket_key_of(struct arena *arena, str prefix, str id);
str bucket_path(struct arena *arena, str key);
