/* SPDX-License-Identifier: Apache-2.0 */
/*
 * search_1m: the newest 20 of one owner's 1,000,000 works that have two words, the second perhaps
 * only begun; in this process, from the question's text to the rows. Beside it SQLite's own text
 * index asked the same.
 */
#include "bench.h"

#include "program.h"

#include "base/random.h"
#include "store/search.h"

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#define WORKS 1000000
#define STEP 500 /* a change */
#define VOCABULARY 30000
#define WORDS_LEAST 4
#define WORDS_MOST 24
#define SHOWN 20
#define ASKED_MAX 200000
#define OWNER 1

struct work {
    doc_id id;
    tick created;
    doc_id owner;
    str prompt;
};
static const struct doc_type owner_type = {.name = "owners", .number = 2};
#define ROW struct work
static const struct field work_fields[] = {ID(id), CREATED(created), REF(owner, &owner_type),
                                           TEXT(prompt)};
#undef ROW
#define WORK_TYPE .name = "works", .size = sizeof(struct work), .number = 1, FIELDS(work_fields)
static const struct doc_type plain_type = {WORK_TYPE};
static const struct doc_type work_type = {WORK_TYPE,
                                          SEARCH(.fields = {"prompt"}, .filters = {"owner"})};

struct measuring {
    const struct bench *bench;
    struct random random;
    double *shares; /* of the vocabulary's words up to each */
    struct store *store;
    sqlite3 *other;
    sqlite3_stmt *add, *ask;
    char data[500];
    double ms[ASKED_MAX];
    uint64_t found, asked, empty;
    span filled;
};

/* ---- words: some are very common, most are rare ---- */

static void shares_make(struct measuring *m)
{
    double sum = 0;
    m->shares = memory_new(VOCABULARY * sizeof(double));
    for (size_t i = 0; i < VOCABULARY; i++)
        m->shares[i] = sum += 1.0 / (double)(i + 2);
    for (size_t i = 0; i < VOCABULARY; i++)
        m->shares[i] /= sum;
}

static size_t word_draw(struct measuring *m)
{
    double at = (double)(random_u64(&m->random) >> 11) * 0x1p-53;
    size_t low = 0, high = VOCABULARY - 1;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (m->shares[middle] < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* As words are: many begin alike. */
static size_t word_write(size_t word, char *to)
{
    static const char *const syllables[] = {"ka",  "lo", "mi", "ser", "tan", "u",   "vel", "ro",
                                            "pin", "es", "da", "gor", "hi",  "ban", "no",  "stu"};
    size_t len = 0, number = (word + 17) * 2654435761u % 1048573;
    for (int i = 0; i < 4 || (i < 5 && number != 0); i++, number /= 16)
        len += (size_t)snprintf(to + len, 8, "%s", syllables[number % 16]);
    return len;
}

static str prompt_make(struct measuring *m, struct arena *arena)
{
    char text[WORDS_MOST * 24];
    size_t len = 0;
    uint64_t count = WORDS_LEAST + random_below(&m->random, WORDS_MOST - WORDS_LEAST + 1);
    for (uint64_t i = 0; i < count; i++) {
        len += word_write(word_draw(m), text + len);
        text[len++] = i % 5 == 4 ? ',' : ' ';
    }
    return str_copy(arena, (str){text, len - 1});
}

/* ---- both indexes ---- */

static bool other_fault(struct measuring *m, struct fault *fault)
{
    return fault_set(fault, FAULT_SYSTEM, "SQLite: %s", sqlite3_errmsg(m->other));
}

static bool other_open(struct measuring *m, struct fault *fault)
{
    char path[600];
    snprintf(path, sizeof(path), "%s/other.db", m->data);
    bool is_well =
        sqlite3_open(path, &m->other) == SQLITE_OK &&
        sqlite3_exec(m->other,
                     "PRAGMA journal_mode=WAL; PRAGMA cache_size=-8192; CREATE VIRTUAL TABLE w "
                     "USING fts5(words, content='', detail=none); BEGIN",
                     NULL, NULL, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(m->other, "INSERT INTO w(rowid, words) VALUES(?1,?2)", -1, &m->add,
                           NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(m->other,
                           "SELECT rowid FROM w WHERE w MATCH ?1 ORDER BY rowid DESC LIMIT 20", -1,
                           &m->ask, NULL) == SQLITE_OK;
    return is_well || other_fault(m, fault);
}

static bool other_add(struct measuring *m, const struct work *work, struct fault *fault)
{
    sqlite3_bind_int64(m->add, 1, work->id.n);
    sqlite3_bind_text(m->add, 2, work->prompt.at, (int)work->prompt.len, SQLITE_STATIC);
    int code = sqlite3_step(m->add);
    sqlite3_reset(m->add);
    return code == SQLITE_DONE || other_fault(m, fault);
}

static bool open_as(struct measuring *m, const struct doc_type *type, struct fault *fault)
{
    char path[600];
    const struct doc_type *const types[] = {type};
    const struct schema schema = {types, 1, 0};
    snprintf(path, sizeof(path), "%s/works.db", m->data);
    struct store_options options = {
        .engine = STORE_SQLITE, .path = path, .schema = &schema, .now = clock_now()};
    store_close(m->store);
    m->store = NULL;
    return store_open(&options, &m->store, fault);
}

static bool add_some(struct measuring *m, struct fault *fault)
{
    AUTO(arena_done) struct arena arena = {0};
    struct batch *batch;
    struct change change;
    commit_ts ts;
    bool is_well = true;
    if (!batch_begin(m->store, clock_now(), &batch, fault))
        return false;
    change_begin(batch, &arena, &change);
    for (int i = 0; i < STEP && is_well; i++) {
        struct work work = {.owner = {OWNER}, .prompt = prompt_make(m, &arena)};
        change_new(&change, &plain_type, &work);
        change_put(&change, &plain_type, &work);
        is_well = other_add(m, &work, fault);
    }
    is_well = change_accept(&change) && is_well;
    return batch_commit(batch, &ts, fault) && is_well;
}

static bool fill(struct measuring *m, struct fault *fault)
{
    shares_make(m);
    if (!folder_make(m->bench, "search", m->data, fault) || !other_open(m, fault) ||
        !open_as(m, &plain_type, fault))
        return false;
    for (int i = 0; i < WORKS; i += STEP)
        if (!add_some(m, fault))
            return false;
    if (sqlite3_exec(m->other, "COMMIT; INSERT INTO w(w) VALUES('optimize')", NULL, NULL, NULL) !=
        SQLITE_OK)
        return other_fault(m, fault);
    instant start = clock_monotonic();
    if (!open_as(m, &work_type, fault))
        return false;
    m->filled = instant_since(clock_monotonic(), start);
    return true;
}

/* ---- asking ---- */

struct question {
    char words[80], match[80];
};

/* Half of them two words of one work, the others any two; half with a second one only begun. */
static void question_make(struct measuring *m, const struct work *work, struct question *out)
{
    char first[32], second[32];
    size_t len = word_write(word_draw(m), second);
    first[word_write(word_draw(m), first)] = 0;
    if (work != NULL) {
        str words = work->prompt, word;
        uint64_t a = random_below(&m->random, WORDS_LEAST);
        for (uint64_t i = 0; str_split(&words, ' ', &word) && i <= a; i++)
            if (word.len < sizeof(first) && str_find(word, ',') < 0)
                snprintf(i == a ? first : second, sizeof(first), "%.*s", STR_ARG(word));
        len = strlen(second);
    }
    if (random_below(&m->random, 2) == 0 && len > 3)
        len = 3 + random_below(&m->random, len - 3);
    snprintf(out->words, sizeof(out->words), "%s %.*s", first, (int)len, second);
    snprintf(out->match, sizeof(out->match), "%s AND %.*s*", first, (int)len, second);
}

static bool ask_ours(struct measuring *m, const struct question *question, size_t *count,
                     struct fault *fault)
{
    AUTO(arena_done) struct arena arena = {0};
    struct view view;
    struct search search;
    struct work work;
    struct search_for what = {.type = &work_type, .filters = KEY(key_id((doc_id){OWNER}))};
    if (!view_begin(m->store, &arena, &view, fault))
        return false;
    what.terms = search_terms(&arena, str_of(question->words), NULL, 0);
    do {
        view_search(&view, &what, &search);
        while (*count < SHOWN && search_next(&search, &work))
            ++*count;
        what.after = search_position(&search);
    } while (*count < SHOWN && search.has_more);
    bool is_well = !view.is_failed || fault_set(fault, FAULT_SYSTEM, "%s", view.fault.text);
    view_end(&view);
    return is_well;
}

static bool ask_other(struct measuring *m, const struct question *question, size_t *count,
                      struct fault *fault)
{
    int code;
    sqlite3_bind_text(m->ask, 1, question->match, -1, SQLITE_STATIC);
    while ((code = sqlite3_step(m->ask)) == SQLITE_ROW)
        ++*count;
    sqlite3_reset(m->ask);
    return code == SQLITE_DONE || other_fault(m, fault);
}

static bool draw(struct measuring *m, struct question *out, struct fault *fault)
{
    AUTO(arena_done) struct arena arena = {0};
    struct view view;
    struct work work;
    if (!view_begin(m->store, &arena, &view, fault))
        return false;
    bool is_drawn =
        random_below(&m->random, 2) == 0 &&
        view_row(&view, &work_type, (doc_id){1 + (int64_t)random_below(&m->random, WORKS)}, &work);
    question_make(m, is_drawn ? &work : NULL, out);
    view_end(&view);
    return true;
}

static bool run_one(struct measuring *m, bool is_ours, double *p99, struct fault *fault)
{
    instant end = instant_add(clock_monotonic(), m->bench->time);
    size_t count = 0;
    while (count < ASKED_MAX && instant_is_before(clock_monotonic(), end)) {
        struct question question;
        size_t found = 0;
        if (!draw(m, &question, fault))
            return false;
        instant start = clock_monotonic();
        if (!(is_ours ? ask_ours(m, &question, &found, fault)
                      : ask_other(m, &question, &found, fault)))
            return false;
        m->ms[count++] = (double)instant_since(clock_monotonic(), start).us / 1000;
        m->found += is_ours ? found : 0;
        m->asked += is_ours;
        m->empty += is_ours && found == 0;
    }
    *p99 = part_of(m->ms, count, 0.99);
    return true;
}

static void close_all(struct measuring *m)
{
    store_close(m->store);
    sqlite3_finalize(m->add);
    sqlite3_finalize(m->ask);
    sqlite3_close(m->other);
    folder_remove(m->data);
    free(m->shares);
    free(m);
}

bool bench_search(const struct bench *bench, struct row *row, struct fault *fault)
{
    struct measuring *m = memory_zeroed(sizeof(*m));
    m->bench = bench;
    random_init_seeded(&m->random, 1);
    *row = (struct row){
        .name = "search_1m", .unit = "ms", .is_lower_better = true, .has_baseline = true};
    bool is_well = fill(m, fault);
    for (size_t i = 0; i < bench->runs && is_well; i++) {
        double ours, other;
        is_well = run_one(m, true, &ours, fault) && run_one(m, false, &other, fault);
        if (is_well)
            samples_add(&row->samples, ours, other, ours / other);
    }
    double asked = (double)MAX_OF(m->asked, (uint64_t)1);
    snprintf(
        row->method, sizeof(row->method),
        "p99 of a search of two words in %d works of one owner, %d to %d words each of %d (the "
        "n-th "
        "drawn as 1/(n+1)), on SQLite in this process, from the text asked to the newest %d rows "
        "read, one after another. Half of the questions are two words of one work, half any two; "
        "of half the second is only begun. On average %.1f were found, nothing by %.0f %% of them. "
        "The words of all works were gathered at opening in %.0f s. Baseline: p99 of SQLite's own "
        "text index (FTS5, contentless, detail=none, optimised), asked for the ids alone.",
        WORKS, WORDS_LEAST, WORDS_MOST, VOCABULARY, SHOWN, (double)m->found / asked,
        100 * (double)m->empty / asked, (double)m->filled.us / 1e6);
    close_all(m);
    return is_well;
}
