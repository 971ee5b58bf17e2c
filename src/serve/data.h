/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data folder: made, locked for one process, and its keys (DESIGN section 11).
 *
 *   atelier.db  lock  VERSION  keys/  blobs/  tmp/
 *
 * Owns:     the lock, by its open descriptor.
 * Threads:  the main thread, before others start.
 * Time:     none.
 * Fails:    by fault; a folder in use names who uses it.
 */
#pragma once

#include "base/fault.h"
#include "base/str.h"

/* Makes the folder and what is missing in it (0700, 0600). */
bool data_prepare(const char *data_dir, struct fault *fault) MUST_CHECK;

/* Locks it and takes back where the last holder listened. FAULT_TRANSIENT when another has it. */
bool data_lock(const char *data_dir, int *lock, struct fault *fault) MUST_CHECK;

/* Tells other processes where this one listens and what its tokens' issuer is. */
bool data_tell(int lock, const char *address, const char *public_url, struct fault *fault)
    MUST_CHECK;

/* What the last process to hold the lock told; is_held: it still holds it. */
struct data_holder {
    bool is_held;
    str address, public_url; /* empty: not told, or it does not listen (yet) */
};
struct data_holder data_holder(const char *data_dir, struct arena *arena);

/* Bytes kept in keys/<name>, random ones made at first; and as hex text. */
bool data_key(const char *data_dir, const char *name, uint8_t *key, size_t size,
              struct fault *fault) MUST_CHECK;
