/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The database as it is at one moment: a copy of it, opened, so that a server may go on writing
 * while a command reads.
 *
 * Owns:     the copy in the data folder's tmp, until moment_close.
 * Threads:  the main thread.
 * Time:     as long as copying takes.
 * Fails:    by fault, ready to be shown.
 */
#pragma once

#include "store/store.h"

#include <limits.h>

struct moment {
    struct store *store;
    char copy[PATH_MAX];
};

/* name: of the command, for its file. */
bool moment_open(const char *data, const char *name, struct moment *out, struct fault *fault)
    MUST_CHECK;
void moment_close(struct moment *moment);
