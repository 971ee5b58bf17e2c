/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The helper's loop: takes requests from the server, gives each to a child of its own, forked
 * before it is wanted and sandboxed before it reads, passes on what the child says, and kills those
 * that take too long.
 *
 * Owns:     the children. When the server's end closes they are killed and helper_run returns.
 * Threads:  one; nothing else may run in the helper, because it forks.
 * Time:     the monotonic clock, for deadlines.
 * Fails:    a request at most; never the loop.
 */
#pragma once

#include "base/base.h"

#define HELPER_CHILDREN_MAX 64

/* Serves until the server is gone, or the deputy: another helper, on whose socket it gets what no
 * child here knows or what one passed on; -1: none. */
void helper_run(int server, int children_max, int deputy);

/* Opens files and reads the environment, once, before any child is forked; may start a deputy. */
typedef bool helper_warm_up(const char *name, int children, int *deputy);

/* The whole program: what its main answers. */
int helper_main(int count, char **args, helper_warm_up *warm_up);
