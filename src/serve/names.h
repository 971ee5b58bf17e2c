/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of files as others' systems take them: what a name must not hold is replaced, its ending
 * is that of what it is, and no two in one archive are the same.
 *
 * Owns:     results are in the arena given.
 * Threads:  any.
 * Time:     none.
 * Fails:    never.
 */
#pragma once

#include "base/str.h"

#define NAME_BYTES_MAX 200

/* The ending of a type that is shown in a page as it is, "png"; NULL: it is only to be saved. */
const char *type_ending(str content_type);

/* Without what separates folders, commands a terminal or turns the direction of writing; with the
 * ending of the type. Never empty, at most NAME_BYTES_MAX bytes of UTF-8. */
str name_clean(struct arena *arena, str name, str content_type);

/* Content-Disposition of a clean name: RFC 6266, with an ASCII one for old clients beside the true
 * one. */
str name_disposition(struct arena *arena, str name);

/* "a kite.png", "a kite (2).png": unlike all that were taken before, whatever their case. */
struct name_set {
    struct arena *arena;
    struct name_slot *slots;
    size_t count, room;
};
str name_take(struct name_set *set, str name);
