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

/* ---- many at once ---- */

/* How many bytes it takes. */
size_t mention(struct mentions *mentions, const struct packed_key *filters, str word, int64_t id)
{
    struct packed_key key;
    postings_key(filters, word, &key);
    if (mentions->count == mentions->room) {
        mentions->room = MAX_OF(mentions->room * 2, (size_t)1024);
        mentions->items = memory_resize(mentions->items, mentions->room * sizeof(*mentions->items));
    }
    bytes copy = {arena_copy(mentions->arena, key.at, key.len), key.len};
    mentions->items[mentions->count++] = (struct mention){copy, id};
    return key.len + sizeof(struct mention);
}

static int compare_mentions(const void *a, const void *b)
{
    const struct mention *left = a, *right = b;
    int side = bytes_compare(left->key, right->key);
    return side != 0 ? side : left->id < right->id ? -1 : left->id > right->id;
}

void mentions_append(struct mentions *mentions, struct change *change, const struct type_plan *type)
{
    const struct mention *items = mentions->items;
    int64_t *ids = memory_new((mentions->count + 1) * sizeof(*ids));
    if (mentions->count != 0)
        qsort(mentions->items, mentions->count, sizeof(*items), compare_mentions);
    for (size_t i = 0, end; i < mentions->count && !change->view.is_failed; i = end) {
        for (end = i; end < mentions->count && bytes_compare(items[end].key, items[i].key) == 0;
             end++)
            ids[end - i] = items[end].id;
        postings_append(change, type, items[i].key, ids, end - i);
    }
    free(ids);
}

void mentions_done(struct mentions *mentions)
{
    free(mentions->items);
    mentions->items = NULL;
}

/* ---- the last ones ---- */

static void last_key(const struct packed_key *filters, struct packed_key *out)
{
    struct key_part no_word = key_null();
    out->len = filters->len;
    memcpy(out->at, filters->at, filters->len);
    packed_add(out, &no_word);
}

int64_t postings_last(struct view *view, const struct doc_type *type,
                      const struct packed_key *filters)
{
    struct packed_key key;
    int64_t last = 0;
    str body;
    last_key(filters, &key);
    if (view_read(view, space_of_postings(type), packed_bytes(&key), &body) && body.at != NULL &&
        !str_to_int(body, &last))
        view_fail(view, FAULT_SYSTEM, "The words of %s are damaged.", type->name);
    return last;
}

void postings_put_last(struct tree *writes, const struct doc_type *type,
                       const struct packed_key *filters, int64_t last)
{
    AUTO(buffer_done) struct buffer body = {0};
    struct packed_key key;
    last_key(filters, &key);
    json_write_int(&body, last);
    tree_replace(writes, space_of_postings(type), packed_bytes(&key), buffer_text(&body));
}

struct tail {
    struct change *change;
    const struct type_plan *type;
    const struct packed_key *filters;
    struct mentions mentions;
    size_t count;
    int64_t last;
};

static bool take_words(void *context, const struct entry *entry)
{
    struct tail *tail = context;
    str words = entry->body, word;
    tail->count++;
    tail->last = (int64_t)u64_read(entry->key.at + entry->key.len - 8);
    while (words_next(&words, &word))
        mention(&tail->mentions, tail->filters, word, tail->last);
    return true;
}

static bool count_words(void *context, const struct entry *entry)
{
    struct tail *tail = context;
    return ++tail->count < tail->change->view.store->search_tail;
}

/* Now and then, by the new document's id, it is looked whether they have become too many. */
static void gather_tail(struct change *change, const struct type_plan *type,
                        const struct packed_key *filters, int64_t last, doc_id id)
{
    size_t most = change->view.store->search_tail;
    uint64_t some = (uint64_t)id.n * 0x9e3779b97f4a7c15u >> 40;
    if (some % MAX_OF(most / 8, (size_t)1) != 0)
        return;
    struct packed_key from = *filters, to = *filters;
    packed_add_u64(&from, (uint64_t)last + 1);
    packed_add_u64(&to, INT64_MAX);
    struct tail tail = {.change = change, .type = type, .filters = filters};
    tail.mentions.arena = change->view.arena;
    uint16_t space = space_of_words(type->type);
    if (!view_walk(&change->view, space, packed_bytes(&from), packed_bytes(&to), ORDER_UP,
                   count_words, &tail) ||
        tail.count < most)
        return;
    if (view_walk(&change->view, space, packed_bytes(&from), packed_bytes(&to), ORDER_UP,
                  take_words, &tail)) {
        mentions_append(&tail.mentions, change, type);
        postings_put_last(change->writes, type->type, filters, tail.last);
    }
    mentions_done(&tail.mentions);
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

/* Postings of a document that is gathered: what it has no more goes, what is new comes. */
static void write_postings(struct change *change, const struct type_plan *type, doc_id id,
                           const struct side *from, const struct side *to, bool is_removal)
{
    struct posting posting;
    posting_begin(&posting, change, type);
    posting.id = id;
    if (is_removal)
        for_others(&posting, &from->filters, from->words, to->words, take);
    else
        for_others(&posting, &to->filters, to->words, from->words, add);
}

static bool is_gathered(struct change *change, const struct type_plan *type, doc_id id,
                        const struct side *side, int64_t *last)
{
    *last = postings_last(&change->view, type->type, &side->filters);
    return id.n <= *last;
}

/* It had these words with these filters. */
static void write_off(struct change *change, const struct type_plan *type, doc_id id,
                      const struct side *old)
{
    static const struct side nothing = {.words = {NULL, 0}};
    int64_t last;
    if (is_gathered(change, type, id, old, &last))
        write_postings(change, type, id, old, &nothing, true);
    write_words(change, type, id, &old->filters, (str){0}, false);
}

static void write_new(struct change *change, const struct type_plan *type, doc_id id,
                      const struct side *new)
{
    static const struct side nothing = {.words = {NULL, 0}};
    int64_t last;
    bool is_old = is_gathered(change, type, id, new, &last);
    if (is_old)
        write_postings(change, type, id, &nothing, new, false);
    write_words(change, type, id, &new->filters, new->words, true);
    if (!is_old)
        gather_tail(change, type, &new->filters, last, id);
}

static void write_other(struct change *change, const struct type_plan *type, doc_id id,
                        const struct side *old, const struct side *new)
{
    int64_t last;
    if (is_gathered(change, type, id, new, &last)) {
        write_postings(change, type, id, old, new, true);
        write_postings(change, type, id, old, new, false);
    }
    write_words(change, type, id, &new->filters, new->words, false);
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
    if (stays && !str_equal(old.words, new.words))
        write_other(change, type, id, &old, &new);
    if (old_row != NULL && !stays)
        write_off(change, type, id, &old);
    if (new_row != NULL && !stays)
        write_new(change, type, id, &new);
}
