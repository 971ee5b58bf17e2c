/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The three forms of a value that JSON has no word for: an object whose only key is $integer,
 * $float or $bytes (convex-protocol.md section 9). For the readers of fields.
 *
 * Owns:     nothing.
 * Threads:  any.
 * Time:     none.
 * Fails:    readers answer false.
 */
#pragma once

#include "json/json.h"

enum convex_form {
    CONVEX_PLAIN,
    CONVEX_INTEGER,
    CONVEX_FLOAT,
    CONVEX_BYTES,
    CONVEX_UNKNOWN, /* another sole key that begins with $ */
};

enum convex_form convex_form_of(const struct json *value);

/* Only NaN, the infinities and -0: a client throws at any other number in this form. */
bool convex_float_read(const struct json *value, double *out) MUST_CHECK;
bool convex_integer_read(const struct json *value, int64_t *out) MUST_CHECK;
