/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same statements by SQLite alone: what statement_log.c wrote down of a server that did its
 * mutations one by one is asked again of a copy of its database as it was before, by one thread,
 * with as many mutations in a commit as the server had when it was measured.
 *
 *   replay_copy (before) ── the log is written ── replay_open ── replay_run … ── replay_close
 *
 * Owns:     the log, in memory; the copy is the caller's folder's.
 * Threads:  one.
 * Time:     the system's.
 * Fails:    by fault.
 */
#pragma once

#include "bench.h"

struct replay;

/* The database as it is now; nothing is being written. */
bool replay_copy(const char *from, const char *to, struct fault *fault) MUST_CHECK;

/* before: that copy; scratch: where each run makes one of its own. */
bool replay_open(const char *log, const char *before, const char *scratch, struct replay **out,
                 struct fault *fault) MUST_CHECK;

/* All of the log, in commits of so many of its mutations on average. */
bool replay_run(struct replay *replay, double group, span *took, struct fault *fault) MUST_CHECK;

double replay_mutations(const struct replay *replay);               /* in the log */
double replay_statements(const struct replay *replay, bool writes); /* steps that are asked again */
const char *replay_settings(const struct replay *replay);           /* of the last run */
void replay_close(struct replay *replay);
