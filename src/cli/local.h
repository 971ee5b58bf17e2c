/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One function called from the command line: by HTTP with the admin key when a server has the data
 * folder, else right here on the store.
 *
 * Owns:     the answer is in the arena.
 * Threads:  the main thread.
 * Time:     the system's.
 * Fails:    by fault, ready to be shown.
 */
#pragma once

#include "call/execute.h"

/* args: a JSON object. *value: the result's JSON. Internal functions may be called. */
bool local_call(struct arena *arena, const char *data_dir, enum function_kind kind,
                const char *path, str args, str *value, struct fault *fault) MUST_CHECK;
