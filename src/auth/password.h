/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passwords: argon2id, about 72 ms and 64 MiB each, so in one thread of their own with a short
 * queue. The answer comes as a struct hash_result in the queue that the caller named and polls.
 * Checking against no hash costs the same as against one: strangers cannot probe for accounts.
 *
 * Owns:     a copy of each password until it is hashed, then wiped. Results are the receiver's.
 * Threads:  hasher_make and hasher_check in any; password_* in any, and they block.
 * Time:     none.
 * Fails:    hasher_* answer false when HASHER_QUEUE_MAX wait: OVERLOAD. Every accepted one gets
 *           exactly one result, except those under way at hasher_free.
 */
#pragma once

#include "base/queue.h"
#include "base/str.h"

#define PASSWORD_MIN 8   /* bytes of UTF-8 */
#define PASSWORD_MAX 256 /* bytes of UTF-8 */
#define PASSWORD_HASH_MAX 128
#define HASHER_QUEUE_MAX 64

enum hash_outcome {
    HASH_NONE,
    HASH_MADE,     /* hash is set */
    HASH_MATCHES,  /* the password is right; hash is set when it should be stored anew */
    HASH_DIFFERS,  /* it is wrong, or there was nothing to compare with */
    HASH_NO_MEMORY /* transient */
};

struct hash_result {
    enum hash_outcome outcome;
    char hash[PASSWORD_HASH_MAX]; /* zero ended text to store */
    void *context;                /* the caller's */
};

struct hasher;

struct hasher *hasher_new(struct fault *fault);
void hasher_free(struct hasher *hasher); /* waits for the one under way; the rest is dropped */

/* What is wrong with it as a sentence for the user, or true. */
bool password_is_fit(str password, struct fault *fault) MUST_CHECK;

/* For a password that is fit. The results go to deliver_to; it needs room for what the caller has
 * under way. */
bool hasher_make(struct hasher *hasher, str password, struct queue *deliver_to, void *context)
    MUST_CHECK;

/* stored is empty when there is no such account: same cost, HASH_DIFFERS. */
bool hasher_check(struct hasher *hasher, str password, str stored, struct queue *deliver_to,
                  void *context) MUST_CHECK;
void hash_result_free(struct hash_result *result); /* wipes it */

/* The same here and now, for the command line. */
bool password_hash(str password, char out[PASSWORD_HASH_MAX], struct fault *fault) MUST_CHECK;
bool password_matches(str password, str stored);
