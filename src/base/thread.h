/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting threads. Signals are for the main thread: a thread begins with all of them blocked.
 *
 * Owns:     nothing; the caller joins what it started.
 * Threads:  any.
 * Time:     none.
 * Fails:    by fault.
 */
#pragma once

#include "base/fault.h"

#include <pthread.h>

/* The name, at most 15 bytes, is what the system lists the thread as. */
bool thread_start(pthread_t *out, const char *name, void *(*run)(void *context), void *context,
                  struct fault *fault) MUST_CHECK;
