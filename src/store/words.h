/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words of a text, as they are searched: runs of letters and digits, case folded. Scripts that put
 * no space between words (Chinese, Japanese, Korean, Thai …) give each two neighbours, and the last
 * character alone. Longer words count by their first WORD_MAX bytes.
 *
 * The words of a document are one text, sorted, each once, each behind a space, and a space at the
 * end: " kite red ". The terms of a question are the same, but one that only has to start a word
 * ends in a star: " ki* red ". A mark ("=type:image") is a word that no text has.
 *
 * Owns:     the texts made are in the arena given.
 * Threads:  any.
 * Time:     none.
 * Fails:    never: what is not valid UTF-8 separates words.
 */
#pragma once

#include "base/buffer.h"

/* Raised when the same text gives other words than before: then all are made anew. */
#define WORDS_VERSION 2

#define WORD_MAX 48   /* bytes, without a prefix's star */
#define WORDS_MAX 800 /* of one document: the first ones of its text */
#define TERMS_MAX 48  /* of one question: the first ones */

/* Words on their way into one text. */
struct words {
    struct arena *arena;
    str *items;
    size_t count, room, max;
};

/* The words of a text join those before; at most words->max in all. */
void words_add(struct words *words, str text);
/* The same for what somebody looks for: the last word only has to start one. */
void words_add_terms(struct words *words, str text);
void words_add_mark(struct words *words, str name, str value);
str words_join(struct words *words);

/* Splits off the first; false: there is none. */
bool words_next(str *words, str *word);

static inline bool term_is_prefix(str term)
{
    return term.len != 0 && term.at[term.len - 1] == '*';
}

/* Whether a document of these words has that term; all of the terms. */
bool words_have(str words, str term);
bool words_match(str words, str terms);
