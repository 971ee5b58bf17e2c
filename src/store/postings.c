/* SPDX-License-Identifier: Apache-2.0 */
#include "store/postings.h"

#include "store/words.h"

#include <string.h>

/* ---- blocks ---- */

static void write_number(uint64_t number, struct buffer *to)
{
    while (number >= 32) {
        buffer_char(to, (char)('0' + 32 + (number & 31)));
        number >>= 5;
    }
    buffer_char(to, (char)('0' + number));
}

void postings_write(const int64_t *ids, size_t count, struct buffer *to)
{
    int64_t before = 0;
    for (size_t i = 0; i < count; i++) {
        write_number((uint64_t)(ids[i] - before), to);
        before = ids[i];
    }
}

size_t postings_read(str body, int64_t ids[POSTINGS_MAX])
{
    size_t count = 0;
    uint64_t id = 0, number = 0;
    unsigned shift = 0;
    for (size_t i = 0; i < body.len && count < POSTINGS_MAX && shift < 64; i++) {
        unsigned piece = (unsigned)(unsigned char)body.at[i] - '0';
        number |= (uint64_t)(piece & 31) << shift;
        shift += 5;
        if ((piece & 32) != 0)
            continue;
        id += number;
        ids[count++] = (int64_t)id;
        number = 0;
        shift = 0;
    }
    return count;
}

void postings_key(const struct packed_key *filters, str word, struct packed_key *out)
{
    struct key_part part = key_text(word);
    out->len = filters->len;
    memcpy(out->at, filters->at, filters->len);
    packed_add(out, &part);
}

str postings_word(bytes key, size_t filters_len)
{
    if (key.len < filters_len + 11)
        return (str){0};
    return (str){(const char *)key.at + filters_len + 1, key.len - filters_len - 11};
}

/* ---- writing ---- */

struct posting {
    struct change *change;
    uint16_t space;
    doc_id id;
    struct packed_key key; /* of the word's first possible block */
    struct found found;
    int64_t ids[POSTINGS_MAX + 1];
    size_t count;
    char room[STORE_KEY_MAX + POSTINGS_BODY_MAX]; /* found's: a put takes nothing of the arena */
};

static void posting_begin(struct posting *posting, struct change *change,
                          const struct type_plan *type)
{
    posting->change = change;
    posting->space = space_of_postings(type->type);
    posting->found = (struct found){.room = posting->room, .room_len = sizeof(posting->room)};
}

/* The word's blocks with ids from..to: the last of them, or the first. */
static bool seek(struct posting *posting, uint64_t from, uint64_t to, enum order order)
{
    struct packed_key first = posting->key, behind = posting->key;
    packed_add_u64(&first, from);
    packed_add_u64(&behind, to);
    view_seek(&posting->change->view, posting->space, packed_bytes(&first), packed_bytes(&behind),
              order, &posting->found);
    posting->count = postings_read(posting->found.body, posting->ids);
    return posting->found.key.at != NULL;
}

static void put_block(struct posting *posting, bytes key, size_t from, size_t count, bool is_new)
{
    AUTO(buffer_done) struct buffer body = {0};
    postings_write(posting->ids + from, count, &body);
    struct tree *writes = posting->change->writes;
    if (is_new)
        tree_put(writes, posting->space, key, buffer_text(&body));
    else
        tree_replace(writes, posting->space, key, buffer_text(&body));
}

static size_t length_of_number(int64_t number)
{
    size_t len = 1;
    for (uint64_t rest = (uint64_t)number >> 5; rest != 0; rest >>= 5)
        len++;
    return len;
}

static size_t length_of(const struct posting *posting)
{
    size_t len = 0;
    for (size_t i = 0; i < posting->count; i++)
        len += length_of_number(posting->ids[i] - (i == 0 ? 0 : posting->ids[i - 1]));
    return len;
}

/* A block of its own for what lies from there on. */
static void put_new(struct posting *posting, size_t from)
{
    struct packed_key key = posting->key;
    packed_add_u64(&key, (uint64_t)posting->ids[from]);
    put_block(posting, packed_bytes(&key), from, posting->count - from, true);
}

/* Puts the id among the block's. False: it is there. */
static bool insert(struct posting *posting, size_t *at)
{
    *at = posting->count;
    while (*at > 0 && posting->ids[*at - 1] >= posting->id.n)
        --*at;
    if (*at < posting->count && posting->ids[*at] == posting->id.n)
        return false;
    memmove(posting->ids + *at + 1, posting->ids + *at,
            (posting->count - *at) * sizeof(posting->ids[0]));
    posting->ids[*at] = posting->id.n;
    posting->count++;
    return true;
}

/* New documents have the highest ids: a full block stays full, and the next one begins. */
static void add_to_block(struct posting *posting, bytes key)
{
    size_t at;
    if (!insert(posting, &at))
        return;
    if (posting->count <= POSTINGS_MAX && length_of(posting) <= POSTINGS_BODY_MAX) {
        put_block(posting, key, 0, posting->count, false);
        return;
    }
    size_t cut = at == posting->count - 1 ? at : posting->count / 2;
    if (cut != at)
        put_block(posting, key, 0, cut, false);
    put_new(posting, cut);
}

static void add(struct posting *posting)
{
    uint64_t id = (uint64_t)posting->id.n;
    if (seek(posting, 0, id + 1, ORDER_DOWN)) {
        add_to_block(posting, posting->found.key);
        return;
    }
    /* Before all others: the first block takes it, under a lower key. */
    if (!posting->change->view.is_failed && seek(posting, id + 1, UINT64_MAX, ORDER_UP) &&
        posting->found.body.len + 2 * 13 <= POSTINGS_BODY_MAX) {
        tree_hide(posting->change->writes, posting->space, posting->found.key);
    } else {
        posting->count = 0;
    }
    size_t at;
    if (insert(posting, &at) && !posting->change->view.is_failed)
        put_new(posting, 0);
}

static void take(struct posting *posting)
{
    if (!seek(posting, 0, (uint64_t)posting->id.n + 1, ORDER_DOWN))
        return;
    size_t at = 0;
    while (at < posting->count && posting->ids[at] != posting->id.n)
        at++;
    if (at == posting->count)
        return;
    posting->count--;
    memmove(posting->ids + at, posting->ids + at + 1,
            (posting->count - at) * sizeof(posting->ids[0]));
    if (posting->count == 0)
        tree_hide(posting->change->writes, posting->space, posting->found.key);
    else
        put_block(posting, posting->found.key, 0, posting->count, false);
}

void postings_append(struct change *change, const struct type_plan *type, bytes key,
                     const int64_t *ids, size_t count)
{
    struct posting posting;
    posting_begin(&posting, change, type);
    posting.key.len = key.len;
    memcpy(posting.key.at, key.at, key.len);
    struct packed_key last = posting.key;
    bool is_there = seek(&posting, 0, INT64_MAX, ORDER_DOWN);
    size_t len = posting.found.body.len;
    if (is_there) {
        last.len = posting.found.key.len;
        memcpy(last.at, posting.found.key.at, last.len);
    }
    for (size_t i = 0; i < count && !change->view.is_failed; i++) {
        if (posting.count == POSTINGS_MAX || len + 13 > POSTINGS_BODY_MAX) {
            put_block(&posting, packed_bytes(&last), 0, posting.count, !is_there);
            is_there = false;
            posting.count = len = 0;
        }
        if (posting.count == 0) {
            last = posting.key;
            packed_add_u64(&last, (uint64_t)ids[i]);
        }
        len += length_of_number(ids[i] - (posting.count == 0 ? 0 : posting.ids[posting.count - 1]));
        posting.ids[posting.count++] = ids[i];
    }
    if (posting.count != 0)
        put_block(&posting, packed_bytes(&last), 0, posting.count, !is_there);
}

/* Each word of the one list that the other has not. */
static void for_others(struct posting *posting, const struct packed_key *filters, str words,
                       str others, void (*act)(struct posting *posting))
{
    str word, other = {0};
    while (words_next(&words, &word) && !posting->change->view.is_failed) {
        while (other.at == NULL || str_compare(other, word) < 0)
            if (!words_next(&others, &other))
                other = STR("\xff"); /* behind all */
        if (str_equal(other, word))
            continue;
        postings_key(filters, word, &posting->key);
        act(posting);
    }
}

static void write_words(struct change *change, const struct type_plan *type, doc_id id,
                        const struct packed_key *filters, str words, bool is_new)
{
    struct packed_key key = *filters;
    packed_add_u64(&key, (uint64_t)id.n);
    if (words.at == NULL)
        tree_hide(change->writes, space_of_words(type->type), packed_bytes(&key));
    else if (is_new)
        tree_put(change->writes, space_of_words(type->type), packed_bytes(&key), words);
    else
        tree_replace(change->writes, space_of_words(type->type), packed_bytes(&key), words);
}

/* What a row is searched by; of no row: no words. */
struct side {
    struct packed_key filters;
    str words;
};

static void side_of_row(struct arena *arena, const struct search_plan *plan, const void *row,
                        struct side *out)
{
    out->filters.len = 0;
    out->words = (str){0};
    if (row == NULL)
        return;
    out->words = search_words_of_row(arena, plan, row);
    search_filters_of_row(plan, row, &out->filters);
}

void search_write(struct change *change, const struct type_plan *type, doc_id id,
                  const void *old_row, const void *new_row)
{
    bool has_both = old_row != NULL && new_row != NULL;
    if (!view_ask(&change->view) || (has_both && search_is_same(type->search, old_row, new_row)))
        return;
    struct side old, new;
    side_of_row(change->view.arena, type->search, old_row, &old);
    side_of_row(change->view.arena, type->search, new_row, &new);
    bool stays =
        has_both && bytes_compare(packed_bytes(&old.filters), packed_bytes(&new.filters)) == 0;
    if (stays && str_equal(old.words, new.words))
        return;
    struct posting posting;
    posting_begin(&posting, change, type);
    posting.id = id;
    for_others(&posting, &old.filters, old.words, stays ? new.words : (str){0}, take);
    for_others(&posting, &new.filters, new.words, stays ? old.words : (str){0}, add);
    if (old_row != NULL && !stays)
        write_words(change, type, id, &old.filters, (str){0}, false);
    if (new_row != NULL)
        write_words(change, type, id, &new.filters, new.words, !stays);
}
