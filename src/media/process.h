/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The helper as a process: started with one end of a socket pair as descriptor 3, an empty
 * environment and no other descriptor; ended by closing our end.
 *
 * Owns:     nothing; the caller keeps pid and socket.
 * Threads:  any.
 * Time:     none.
 * Fails:    by fault.
 */
#pragma once

#include <sys/types.h>

#include "base/fault.h"

struct helper_process {
    pid_t pid; /* 0: not running */
    int socket;
};

/* path NULL means `atelier-media` in the folder of this program. */
bool helper_path_find(const char *path, char **out, struct fault *fault) MUST_CHECK;

bool helper_process_start(const char *path, int children, struct helper_process *out,
                          struct fault *fault) MUST_CHECK;

/* Kills and reaps; takes a stopped one too. */
void helper_process_stop(struct helper_process *process);
