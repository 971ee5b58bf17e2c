/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The database as a file, for the command line: copied and checked by another process than the one
 * that has it open, without a schema and without taking part in its commits.
 *
 * Owns:     nothing.
 * Threads:  any; both block as long as they take.
 * Time:     none.
 * Fails:    by fault; FAULT_INPUT when the file is no sound database.
 */
#pragma once

#include "base/fault.h"

/* One consistent moment of the database, to a new file (0600), synced. Writers are not held up. */
bool database_copy(const char *path, const char *to, struct fault *fault) MUST_CHECK;

/* Reads every page. False with FAULT_INPUT and the first thing that is wrong. */
bool database_check(const char *path, struct fault *fault) MUST_CHECK;
