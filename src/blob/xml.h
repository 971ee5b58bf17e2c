/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answers of a bucket, which are XML of the plainest kind: elements with text, walked through
 * one tag after another. What is no element (declarations, comments) is passed over.
 *
 * Owns:     names point into the text; texts are in the arena.
 * Threads:  one at a time.
 * Time:     none.
 * Fails:    xml_next answers false at the end, and at what is no XML.
 */
#pragma once

#include "base/str.h"

struct xml {
    str rest;
};

struct xml_tag {
    str name;
    bool is_end; /* "</name>"; "<name/>" counts as begun only */
    str text;    /* behind it, up to the next tag, as it stands there */
};

bool xml_next(struct xml *xml, struct xml_tag *out) MUST_CHECK;

/* With its entities resolved; unknown ones stay. */
str xml_text(struct arena *arena, str raw);

/* The text of the first element of that name; empty: there is none. */
str xml_find(struct arena *arena, str text, const char *name);
