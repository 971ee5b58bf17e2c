/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A load in a process of its own, for what must go on while something else is measured.
 *
 * Owns:     the process; background_stop ends it, and it ends with the bench.
 * Threads:  one.
 * Time:     the system's.
 * Fails:    by fault; background_stop says when the load had ended before.
 */
#pragma once

#include "load.h"

bool background_start(const struct load_options *options, pid_t *out, struct fault *fault)
    MUST_CHECK;
/* It says nothing until it goes on; what it has asked is still answered. */
void background_pause(pid_t pid);
void background_go_on(pid_t pid);
bool background_stop(pid_t *pid, struct fault *fault) MUST_CHECK;
