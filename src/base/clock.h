/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system's clocks. Only drivers (threads, the command line) ask here and hand the answer on;
 * store, call, live, job, provider and studio are given the time.
 *
 * Owns:     nothing.
 * Threads:  any.
 * Time:     this is it.
 * Fails:    never.
 */
#pragma once

#include "base/base.h"

instant clock_now(void);       /* wall clock, may jump */
instant clock_monotonic(void); /* since some fixed moment, never back; for deadlines */

/* Processor time of this process so far; for measuring. */
span clock_cpu(void);
