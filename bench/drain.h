/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting until a server has no jobs of a kind left, seen in its database.
 *
 * Owns:     a connection to the database.
 * Threads:  one.
 * Time:     the system's.
 * Fails:    by fault, also when they have not ended after a minute.
 */
#pragma once

#include "bench.h"

#include <sqlite3.h>

struct drain {
    sqlite3 *db;
    sqlite3_stmt *left;
};

/* data: the server's folder; action: of the jobs. */
bool drain_open(const char *data, const char *action, struct drain *out, struct fault *fault)
    MUST_CHECK;
/* Looks as often as that. */
bool drain_wait(struct drain *drain, unsigned every_us, struct fault *fault) MUST_CHECK;
/* The number that a SELECT answers; -1: none. */
int64_t drain_number(struct drain *drain, const char *sql);
void drain_close(struct drain *drain); /* does no harm twice */
