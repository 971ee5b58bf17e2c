/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folders by descriptor: made 0700 when missing, opened without following links (but to the data
 * folder itself, at AT_FDCWD), and durable.
 *
 * Owns:     nothing; descriptors given out are the caller's.
 * Threads:  any.
 * Time:     none.
 * Fails:    by fault, with the name.
 */
#pragma once

#include "base/fault.h"

/* Makes it if make is set and it is missing; the parent is synced then. at may be AT_FDCWD. */
bool folder_open(int at, const char *name, bool make, int *out, struct fault *fault) MUST_CHECK;
bool folder_sync(int folder, const char *name, struct fault *fault) MUST_CHECK;

/* Calls visit for each name but "." and "..". visit answers false to stop; then so does this,
 * without a fault. */
bool folder_visit(int folder, bool (*visit)(void *context, int folder, const char *name),
                  void *context, struct fault *fault) MUST_CHECK;

/* A file, or a folder with all that is in it, links not followed; what cannot be removed stays. */
void folder_remove(int at, const char *name);
