/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results that functions of several subjects have: that it was done, and nothing at all.
 *
 * Owns:     nothing.
 * Threads:  any.
 * Time:     none.
 * Fails:    never.
 */
#pragma once

#include "call/call.h"

struct success {
    bool success;
};
extern const struct shape success_shape;

#define RETURNS_SUCCESS RETURNS_RECORD(&success_shape, struct success)

/* Of a function that returns null. */
struct nothing {
    char none;
};
