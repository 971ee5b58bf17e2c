/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The leaves of the JSON grammar, for the reader only: a text, a number, keys that repeat.
 *
 * Owns:     as json/json.h.
 * Threads:  any.
 * Time:     none.
 * Fails:    answers false, with what is wrong in *why and the place in *at.
 */
#pragma once

#include "json/json.h"

/* *at is behind the opening quote, and afterwards behind the closing one. */
bool scan_text(struct arena *arena, const char **at, const char *end, bool takes_zero, str *out,
               const char **why);

/* *at is where a number should begin, and afterwards behind it. */
bool scan_number(struct arena *arena, const char **at, const char *end, struct json *out,
                 const char **why);

/* Whether two members have one key. */
bool keys_repeat(const struct json *members, size_t count, str *twice);
