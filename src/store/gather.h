/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file layer for SQLite's writer that gathers what goes into the write-ahead log. SQLite writes a
 * commit there as two calls for each page, one behind the other; here they become one call for
 * GATHER_ROOM bytes, which is half of what the system does for a commit. All other files are left
 * to the layer below, which is the default one at the time.
 *
 * Nothing waits here longer than until SQLite's next sync, read or any other question about the
 * log. So what is durable stays what SQLite says is durable: it tells nobody of a commit that it
 * has not synced.
 *
 * Owns:     its name at SQLite, until gather_free; databases that use it are closed before.
 * Threads:  one makes and frees; each database one at a time.
 * Time:     none.
 * Fails:    a write's failure is the answer to the sync behind it, or to what else came next.
 */
#pragma once

#include "base/base.h"
#include "base/fault.h"

#define GATHER_ROOM KIB(128)

struct gather;

bool gather_new(struct gather **out, struct fault *fault) MUST_CHECK;
void gather_free(struct gather *gather);

/* For sqlite3_open_v2. */
const char *gather_name(const struct gather *gather);
