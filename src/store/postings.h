/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which documents have a word: ids in rising order, in blocks. A block is one entry of the type's
 * space of postings:
 *
 *     key    the filters, the word as text, an id that no id of the block is below
 *     body   the first id, then differences, each in characters of 5 bits, the lowest first; all
 *            but the last of a number have the 32 set; '0' is nothing set
 *
 * The newest documents of the same filters, up to some SEARCH_TAIL, are not gathered by word yet:
 * they are searched one by one, and gathered all at once when they have become more. An entry with
 * no word has the id of the last that is gathered. So who has few works costs an entry for each.
 *
 * Owns:     nothing.
 * Threads:  any; writing only the writer.
 * Time:     none.
 * Fails:    through the view; what cannot be read as a block ends it.
 */
#pragma once

#include "store/state.h"

/* A block's body stays on its page of the file; the ids in it are fewer. */
#define POSTINGS_BODY_MAX 800
#define POSTINGS_MAX POSTINGS_BODY_MAX

#define SEARCH_TAIL 128

/* The last document that is gathered by word; 0: none is. */
int64_t postings_last(struct view *view, const struct doc_type *type,
                      const struct packed_key *filters);
void postings_put_last(struct tree *writes, const struct doc_type *type,
                       const struct packed_key *filters, int64_t last);

/* How many ids; rising. */
size_t postings_read(str body, int64_t ids[POSTINGS_MAX]);
void postings_write(const int64_t *ids, size_t count, struct buffer *to);

/* filters, then the word. */
void postings_key(const struct packed_key *filters, str word, struct packed_key *out);

/* The word in the key of a block; and the last 8 bytes. */
str postings_word(bytes key, size_t filters_len);

/* Ids that are higher than all of the word's, in rising order; key as postings_key gives it. */
void postings_append(struct change *change, const struct type_plan *type, bytes key,
                     const int64_t *ids, size_t count);

/* Many at once: which documents have which words, in rising order of ids for each. */
struct mention {
    bytes key; /* filters and word */
    int64_t id;
};
struct mentions {
    struct arena *arena;
    struct mention *items;
    size_t count, room;
};
size_t mention(struct mentions *mentions, const struct packed_key *filters, str word, int64_t id);
void mentions_append(struct mentions *mentions, struct change *change,
                     const struct type_plan *type);
void mentions_done(struct mentions *mentions);

/* At opening: the words of the next documents behind *last, as writes to be committed; is_done when
 * there are no more. */
bool search_fill(struct store *store, const struct type_plan *type, doc_id *last, bool *is_done,
                 struct tree *writes, struct fault *fault) MUST_CHECK;

/* Index entries follow a row: called with what it was and what it is, either may be NULL. */
void search_write(struct change *change, const struct type_plan *type, doc_id id,
                  const void *old_row, const void *new_row);
