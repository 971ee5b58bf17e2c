/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The child's cage: no files, no network, no programs, no other processes, and limits.
 *
 * Owns:     the compiled system call filter, for the life of the helper.
 * Threads:  one.
 * Time:     none.
 * Fails:    sandbox_enter answers false when the kernel refuses what is not optional. Landlock is
 *           optional: the filter alone already refuses to open anything.
 */
#pragma once

#include "base/base.h"

/* Builds the filter once, in the helper, so that each child only loads it. */
bool sandbox_prepare(void) MUST_CHECK;

/* In the child, last of all. cpu: most processor seconds it may use. */
bool sandbox_enter(unsigned cpu_seconds) MUST_CHECK;
