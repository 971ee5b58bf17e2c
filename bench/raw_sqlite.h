/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What SQLite alone can do: the statements of one transfer and its outcome row, in groups, on a
 * copy of the server's own database and with its settings; no server, no sockets, no JSON reader.
 *
 *   for each of a group: 2 x key by index, 2 x row by id, 2 x update of a row, 1 x outcome row;
 *   then the counters' row and COMMIT.
 *
 * Owns:     its connection.
 * Threads:  one.
 * Time:     the system's.
 * Fails:    by fault.
 */
#pragma once

#include "bench.h"

struct raw_sqlite;

/* from: a database that may be in use; to: the copy, in the same file system. */
bool raw_sqlite_open(const char *from, const char *to, struct raw_sqlite **out, struct fault *fault)
    MUST_CHECK;
/* Groups of `group` transfers on average; *transfers: how many in this time. */
bool raw_sqlite_run(struct raw_sqlite *raw, span time, double group, uint64_t *transfers,
                    struct fault *fault) MUST_CHECK;
/* The checkpoint that the server makes when it has nothing to do. */
void raw_sqlite_idle(struct raw_sqlite *raw);
const char *raw_sqlite_settings(const struct raw_sqlite *raw); /* as read back */
void raw_sqlite_close(struct raw_sqlite *raw);

/* What a server's database says of itself, between its commits. */
struct audit {
    double balances; /* all of them together */
    uint64_t outcomes;
    int64_t page_size;
    bool is_wal;
};
bool raw_sqlite_audit(const char *path, struct audit *out, struct fault *fault) MUST_CHECK;
