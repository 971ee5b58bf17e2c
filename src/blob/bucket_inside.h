/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of bucket*.c share: the bucket itself, and one request to it.
 *
 * Owns:     results are the caller's.
 * Threads:  any.
 * Time:     the system's.
 * Fails:    by fault.
 */
#pragma once

#include "blob/bucket.h"
#include "net/outside.h"

#include <pthread.h>
#include <stdatomic.h>

/* Where one who waits is told. Kept till the end, for who tells may still be signalling it when the
 * answer was taken already. */
struct waiter {
    struct waiter *next;
    struct queue *queue;
};

struct bucket {
    pthread_mutex_t lock;
    struct waiter *idle; /* under the lock */
    struct arena arena;
    struct outside *outside;
    struct sign_key sign;
    str name, prefix; /* prefix: empty, or ending in a slash */
    str scheme, host;
    bool is_path_style, is_encrypted, is_private;
    atomic_bool is_stopped;
    atomic_ulong last_id;
};

struct bucket_ask {
    str method, key; /* empty key: of the bucket itself */
    struct sign_pair query[SIGN_PAIRS_MAX], headers[SIGN_PAIRS_MAX];
    size_t query_count, header_count;
    struct shared *body;            /* kept, not taken */
    const uint8_t *sha256;          /* of the body, when it is known */
    const atomic_bool *is_unwanted; /* NULL: it is wanted all the time */
    bool into_file;
    int file; /* not taken */
    span timeout;
    int64_t slowest; /* bytes a second; 0: any will do */
    size_t response_max;
};

/* True: an answer came, whatever its status. The result is the caller's. */
bool bucket_ask(struct bucket *bucket, const struct bucket_ask *ask, struct outside_result **out,
                struct fault *fault) MUST_CHECK;

/* And it is a 2xx; else the fault says what the bucket said. */
bool bucket_ask_well(struct bucket *bucket, const struct bucket_ask *ask,
                     struct outside_result **out, struct fault *fault) MUST_CHECK;
bool bucket_refused(const struct outside_result *result, struct fault *fault);

void bucket_result_free(struct outside_result **result); /* for AUTO() */
