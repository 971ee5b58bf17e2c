/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults planted on purpose, to prove that the conformance suite notices them. They exist only in a
 * build with -Dplanted_faults=true; the environment variable ATELIER_PLANTED_FAULT wakes one. In
 * any other build PLANTED(name) is the constant false and no trace of it is compiled. What each one
 * breaks: tests/integration/convex/planted.md.
 *
 * Owns:     nothing.
 * Threads:  any; the variable is read before main begins.
 * Time:     none.
 * Fails:    never.
 */
#pragma once

#include <stdbool.h>

#ifdef ATELIER_PLANTED
bool planted_is(const char *fault);

#define PLANTED(name) planted_is("planted:" #name)
#else
#define PLANTED(name) false
#endif
