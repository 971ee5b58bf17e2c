/* SPDX-License-Identifier: Apache-2.0 */
#include "store/search.h"

#include "store/postings.h"
#include "store/words.h"

#include <string.h>

/* Candidates without a word that begins so, until the words that do are looked for. */
#define CHECKS_MAX 200

/* The postings of one word, from its newest on. */
struct posting_list {
    str word;
    int64_t *ids; /* of the block that is loaded */
    size_t count, room;
    int64_t low; /* of its key: blocks below it have lower ids */
    bool is_end;
};

struct term {
    str text; /* without a star */
    bool is_prefix, is_open;
    struct posting_list *lists; /* of a prefix all of its words', once it is open */
    size_t count, room;
};

struct searching {
    struct search_for what;
    struct packed_key filters;
    struct term terms[TERMS_MAX];
    size_t term_count;
    uint16_t words, postings; /* spaces */
    int64_t next;             /* nothing above it is left */
    size_t looks, checks;     /* checks: in vain */
    bool is_tired, is_end;
    int64_t last;  /* gathered by word; newer ones are in the tail */
    int64_t *tail; /* those of them that have all terms, falling */
    size_t tail_count, tail_room, tail_at;
    size_t range; /* of the view's searches */
    doc_id position;
    struct found found;
    int64_t block[POSTINGS_MAX];
};

str search_terms(struct arena *arena, str text, const struct search_mark *marks, size_t count)
{
    struct words words = {.arena = arena, .max = TERMS_MAX - count};
    words_add_terms(&words, text);
    words.max = TERMS_MAX;
    for (size_t i = 0; i < count; i++)
        if (marks[i].value.len != 0)
            words_add_mark(&words, str_of(marks[i].field), marks[i].value);
    return words_join(&words);
}

bool text_matches(struct arena *arena, str text, str terms)
{
    struct words words = {.arena = arena, .max = WORDS_MAX};
    words_add(&words, text);
    return words_match(words_join(&words), terms);
}

/* ---- what is read ---- */

static bytes words_key(const struct search *search, int64_t id)
{
    struct packed_key key = search->inside->filters;
    packed_add_u64(&key, (uint64_t)id);
    return (bytes){arena_copy(search->view->arena, key.at, key.len), key.len};
}

static void record(struct search *search, int64_t from)
{
    struct view *view = search->view;
    if (view->records_reads && search->inside->range < view->search_count)
        view->searches[search->inside->range].from = words_key(search, from);
}

static void record_begin(struct search *search)
{
    struct searching *in = search->inside;
    bytes to = words_key(search, in->next + 1);
    struct read_search read = {in->words, to, to, in->what.terms};
    in->range = view_record_search(search->view, &read);
}

/* One entry more is read; false: the search has failed. */
static bool look(struct search *search, uint16_t space, const struct packed_key *from,
                 const struct packed_key *to, enum order order)
{
    struct searching *in = search->inside;
    in->looks++;
    return view_seek(search->view, space, packed_bytes(from), packed_bytes(to), order,
                     &in->found) &&
           view_count(search->view, in->found.key.len + in->found.body.len);
}

/* ---- postings of one word ---- */

/* The newest block that begins at the id or below. */
static bool load(struct search *search, struct posting_list *list, int64_t id)
{
    struct searching *in = search->inside;
    struct packed_key from, to;
    postings_key(&in->filters, list->word, &from);
    to = from;
    packed_add_u64(&from, 0);
    packed_add_u64(&to, (uint64_t)id + 1);
    list->count = 0;
    if (!look(search, in->postings, &from, &to, ORDER_DOWN) || in->found.key.at == NULL) {
        list->is_end = true;
        return false;
    }
    list->low = (int64_t)u64_read(in->found.key.at + in->found.key.len - 8);
    list->count = postings_read(in->found.body, in->block);
    if (list->count > list->room) {
        list->room = list->count;
        list->ids = arena_array(search->view->arena, int64_t, list->room);
    }
    if (list->count != 0)
        memcpy(list->ids, in->block, list->count * sizeof(*list->ids));
    return true;
}

/* The greatest id up to this one, 0: there is none. Asked in falling order. */
static int64_t list_seek(struct search *search, struct posting_list *list, int64_t id)
{
    while (!list->is_end) {
        while (list->count != 0 && list->ids[list->count - 1] > id) {
            size_t half = list->count / 2;
            list->count = list->ids[half] > id ? half : list->count - 1;
        }
        if (list->count != 0)
            return list->ids[list->count - 1];
        int64_t below = MIN_OF(id, list->low - 1);
        if (below <= 0 || !load(search, list, below))
            list->is_end = true;
    }
    return 0;
}

/* ---- terms ---- */

static struct posting_list *add_list(struct search *search, struct term *term, str word)
{
    if (term->count == term->room) {
        size_t room = MAX_OF(term->room * 4, (size_t)1);
        struct posting_list *larger = arena_array(search->view->arena, struct posting_list, room);
        if (term->count != 0)
            memcpy(larger, term->lists, term->count * sizeof(*larger));
        term->lists = larger;
        term->room = room;
    }
    struct posting_list *list = &term->lists[term->count++];
    *list = (struct posting_list){.word = word, .low = INT64_MAX};
    return list;
}

/* All words that begin so; those without a document from here on are of no more use. */
static void open_prefix(struct search *search, struct term *term)
{
    struct searching *in = search->inside;
    struct packed_key at, end;
    postings_key(&in->filters, term->text, &at);
    at.len -= 2; /* the text's end */
    end = at;
    packed_skip(&end);
    term->is_open = true;
    while (look(search, in->postings, &at, &end, ORDER_UP) && in->found.key.at != NULL) {
        str word = str_copy(search->view->arena, postings_word(in->found.key, in->filters.len));
        struct posting_list *list = add_list(search, term, word);
        if (list_seek(search, list, in->next) == 0)
            term->count--;
        postings_key(&in->filters, word, &at);
        packed_skip(&at);
    }
}

/* That may be many entries, and is not done by halves. */
static void open_prefixes(struct search *search)
{
    struct searching *in = search->inside;
    size_t looks = in->looks;
    for (size_t i = 0; i < in->term_count && !search->view->is_failed; i++)
        if (!in->terms[i].is_open)
            open_prefix(search, &in->terms[i]);
    in->looks = looks;
}

static int64_t term_seek(struct search *search, struct term *term, int64_t id)
{
    int64_t found = 0;
    for (size_t i = 0; i < term->count; i++) {
        int64_t here = list_seek(search, &term->lists[i], id);
        found = MAX_OF(found, here);
        if (found == id)
            break;
    }
    return found;
}

/* ---- candidates ---- */

static bool is_tired(struct search *search)
{
    struct searching *in = search->inside;
    in->is_tired |= in->looks > in->what.looks_max;
    return in->is_tired;
}

/* By documents, when no term has postings to go by. */
static int64_t next_document(struct search *search, str *words)
{
    struct searching *in = search->inside;
    struct packed_key from = in->filters, to = in->filters;
    packed_add_u64(&from, 0);
    packed_add_u64(&to, (uint64_t)in->next + 1);
    if (!look(search, in->words, &from, &to, ORDER_DOWN) || in->found.key.at == NULL)
        return 0;
    *words = in->found.body;
    return (int64_t)u64_read(in->found.key.at + in->found.key.len - 8);
}

/* The newest document, from in->next on, that all open terms have; 0: there is none, or the search
 * is tired: then in->next says how far it came. */
static int64_t next_candidate(struct search *search, str *words)
{
    struct searching *in = search->inside;
    int64_t id = in->next;
    size_t agreed = 0, open = 0;
    for (size_t i = 0; i < in->term_count; i++)
        open += in->terms[i].is_open;
    if (open == 0)
        return next_document(search, words);
    for (size_t i = 0; agreed < open; i = (i + 1) % in->term_count) {
        if (!in->terms[i].is_open)
            continue;
        int64_t here = term_seek(search, &in->terms[i], id);
        if (here == 0 || search->view->is_failed)
            return 0;
        agreed = here == id ? agreed + 1 : 1;
        id = here;
        in->next = id;
        if (is_tired(search))
            return 0;
    }
    return id;
}

static bool has_unopened(const struct searching *in)
{
    for (size_t i = 0; i < in->term_count; i++)
        if (!in->terms[i].is_open)
            return true;
    return false;
}

/* Whether the candidate has words that begin as they should. */
static bool check(struct search *search, int64_t id, str words)
{
    struct searching *in = search->inside;
    if (!has_unopened(in))
        return true;
    if (words.at == NULL) {
        struct packed_key from = in->filters, to = in->filters;
        packed_add_u64(&from, (uint64_t)id);
        packed_add_u64(&to, (uint64_t)id + 1);
        if (!look(search, in->words, &from, &to, ORDER_UP))
            return false;
        words = in->found.body;
    }
    if (words_match(words, in->what.terms))
        return true;
    if (++in->checks == CHECKS_MAX)
        open_prefixes(search);
    return false;
}

/* ---- the newest ones, which no word leads to yet ---- */

static bool take_newest(void *context, const struct entry *entry)
{
    struct search *search = context;
    struct searching *in = search->inside;
    if (!view_count(search->view, entry->key.len + entry->body.len))
        return false;
    if (!words_match(entry->body, in->what.terms))
        return true;
    if (in->tail_count == in->tail_room) {
        in->tail_room = MAX_OF(in->tail_room * 2, (size_t)32);
        int64_t *larger = arena_array(search->view->arena, int64_t, in->tail_room);
        if (in->tail_count != 0)
            memcpy(larger, in->tail, in->tail_count * sizeof(*larger));
        in->tail = larger;
    }
    in->tail[in->tail_count++] = (int64_t)u64_read(entry->key.at + entry->key.len - 8);
    return true;
}

static void find_tail(struct search *search)
{
    struct searching *in = search->inside;
    struct packed_key from = in->filters, to = in->filters;
    in->last = postings_last(search->view, search->type, &in->filters);
    packed_add_u64(&from, (uint64_t)MAX_OF(in->last + 1, in->what.until.n));
    packed_add_u64(&to, (uint64_t)in->next + 1);
    if (bytes_compare(packed_bytes(&from), packed_bytes(&to)) < 0)
        view_walk(search->view, in->words, packed_bytes(&from), packed_bytes(&to), ORDER_DOWN,
                  take_newest, search);
}

static int64_t find(struct search *search)
{
    struct searching *in = search->inside;
    if (in->tail_at < in->tail_count) {
        in->next = in->tail[in->tail_at] - 1;
        return in->tail[in->tail_at++];
    }
    in->next = MIN_OF(in->next, in->last);
    if (in->next <= 0)
        return 0;
    while (!is_tired(search)) {
        str words = {0};
        int64_t id = next_candidate(search, &words);
        if (id == 0 || id < in->what.until.n || search->view->is_failed)
            return 0;
        bool is_found = check(search, id, words);
        in->next = id - 1;
        if (is_found)
            return search->view->is_failed ? 0 : id;
        if (in->next == 0)
            return 0;
    }
    return 0;
}

/* ---- the search ---- */

static void add_terms(struct search *search)
{
    struct searching *in = search->inside;
    str terms = in->what.terms, word;
    while (in->term_count < TERMS_MAX && words_next(&terms, &word)) {
        struct term *term = &in->terms[in->term_count++];
        *term = (struct term){.is_prefix = term_is_prefix(word)};
        term->is_open = !term->is_prefix;
        term->text = str_slice(word, 0, word.len - (term->is_prefix ? 1 : 0));
        if (term->is_open)
            add_list(search, term, term->text);
    }
}

void view_search(struct view *view, const struct search_for *what, struct search *out)
{
    const struct type_plan *type = plan_type(&view->store->plan, what->type);
    struct searching *in = arena_new(view->arena, struct searching);
    assert(type->search != NULL && what->filters.count == type->search->filters.count);
    *out = (struct search){.view = view, .type = what->type, .inside = in};
    in->what = *what;
    in->words = space_of_words(what->type);
    in->postings = space_of_postings(what->type);
    if (what->looks_max == 0)
        in->what.looks_max = SEARCH_LOOKS_MAX;
    index_key_of_parts(&type->search->filters, &what->filters, &in->filters);
    in->next = doc_id_is_set(what->after) ? what->after.n - 1 : INT64_MAX - 1;
    in->is_end = in->next <= 0 || view->is_failed;
    if (in->is_end)
        return;
    record_begin(out);
    add_terms(out);
    find_tail(out);
}

bool search_next_id(struct search *search, doc_id *id)
{
    struct searching *in = search->inside;
    *id = (doc_id){0};
    if (in->is_end || search->view->is_failed || !view_ask(search->view))
        return false;
    id->n = find(search);
    if (search->view->is_failed) {
        *id = (doc_id){0};
        return false;
    }
    if (id->n != 0) {
        in->position = *id;
        record(search, id->n);
        bytes key = words_key(search, id->n);
        view_record(search->view, in->words, key, words_key(search, id->n + 1));
        return true;
    }
    in->is_end = true;
    search->has_more = in->is_tired && in->next >= in->what.until.n;
    if (search->has_more)
        in->position = (doc_id){in->next + 1};
    record(search, search->has_more ? in->next + 1 : in->what.until.n);
    return false;
}

bool search_next(struct search *search, void *row)
{
    doc_id id;
    struct view *view = search->view;
    memset(row, 0, search->type->size);
    if (!search_next_id(search, &id) || view_row(view, search->type, id, row))
        return doc_id_is_set(id);
    if (!view->is_failed)
        view_fail(view, FAULT_SYSTEM, "The search of %s names a document that is not there.",
                  search->type->name);
    return false;
}

doc_id search_position(const struct search *search)
{
    return search->inside->position;
}
