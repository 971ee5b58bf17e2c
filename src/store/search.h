/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Searching documents by words (store/words.h): all terms match, the last one also as the start of
 * a word; newest first. There is no score: it would depend on every document, so that no read set
 * could be exact. What was read is the terms, the filters and how far back was looked.
 *
 * The newest documents are looked at one by one (store/postings.h). Of the others the full terms
 * give the candidates, by their postings. Words that are only begun are looked for
 * in the candidates' own; after CHECKS_MAX in vain the postings of all such words are joined.
 *
 * Owns:     everything is in the view's arena.
 * Threads:  the view's.
 * Time:     none.
 * Fails:    through the view.
 */
#pragma once

#include "store/store.h"

/* Entries looked at until a search without a limit of its own gives up for now. */
#define SEARCH_LOOKS_MAX 4000

/* Whether a text, by itself, has such terms. */
bool text_matches(struct arena *arena, str text, str terms);

/* A field's value (fields.h, struct search_fields); an empty value: any. */
struct search_mark {
    const char *field;
    str value;
};

/* What is typed, and marks; the text for struct search_for. */
str search_terms(struct arena *arena, str text, const struct search_mark *marks, size_t count);

struct search_for {
    const struct doc_type *type;
    struct key filters; /* all of the type's */
    str terms;          /* "": all documents */
    doc_id after;       /* only older ones; 0: from the newest on */
    doc_id until;       /* down to this one; 0: all */
    size_t looks_max;   /* 0: SEARCH_LOOKS_MAX; SIZE_MAX: none */
};

struct search {
    struct view *view;
    const struct doc_type *type;
    struct searching *inside;
    bool has_more; /* gave up for now: go on behind search_position */
};

void view_search(struct view *view, const struct search_for *what, struct search *out);
bool search_next(struct search *search, void *row);
bool search_next_id(struct search *search, doc_id *id); /* row not read */

/* Of the document last found or, having given up, where: 0 before the first. */
doc_id search_position(const struct search *search);
