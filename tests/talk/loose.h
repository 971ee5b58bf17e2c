/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON as one writes it in a talk: keys without quotes, the names of earlier results in place of
 * values (g.jobId, page.page[0]._id), text(2001) for a text of that many letters, code(7) for the
 * number as a text of 64 digits.
 *
 * Owns:     values are in the arena given.
 * Threads:  one.
 * Time:     none.
 * Fails:    by fault.
 */
#pragma once

#include "json/json.h"

#define NAMED_MAX 64

struct named {
    char name[40];
    struct json value;
};

struct names {
    struct arena *arena;
    struct named all[NAMED_MAX];
    size_t count;
};

bool names_put(struct names *names, str name, struct json value);
const struct json *names_find(const struct names *names, str name); /* or NULL */

/* One value from the front of *rest. */
bool loose_read(struct names *names, str *rest, struct json *out, struct fault *fault);

/* A path from the front of *rest: its value, JSON_NONE when a member is not there. */
bool loose_path(struct names *names, str *rest, struct json *out, struct fault *fault);

/* Every member of wanted is in got; lists have the same length; numbers are equal as numbers. */
bool json_fits(const struct json *wanted, const struct json *got);
