/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Document types, and a store of them on either engine, for the store's tests.
 *
 * Owns:     struct place owns the store, the file's folder and one arena.
 * Threads:  one.
 * Time:     place.now, set by the test.
 * Fails:    by failing the test.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "store/store.h"

enum rank {
    RANK_NONE,
    RANK_GUEST,
    RANK_MEMBER,
};

struct person {
    doc_id id;
    tick created;
    str email;
    credits balance;
    enum rank rank;
    struct maybe_instant seen_at;
    str nickname;
};
extern const struct doc_type person_type;
enum person_index {
    PERSON_BY_EMAIL,    /* unique */
    PERSON_BY_NICKNAME, /* unique, optional */
    PERSON_BY_RANK,     /* rank, balance */
    PERSON_BY_CREATION,
};

struct task {
    doc_id id;
    tick created;
    doc_id owner;
    str text;
    struct maybe_int size;
    bool is_done;
};
extern const struct doc_type task_type;
enum task_index {
    TASK_BY_OWNER, /* holds the body */
    TASK_BY_OWNER_SIZE,
    TASK_BY_DONE,
};

extern const struct schema people_schema;

struct place {
    enum store_engine engine;
    struct store *store;
    struct arena arena;
    instant now;
    size_t search_tail;
    char folder[64], path[80];
    /* of the last commit */
    commit_ts announced;
    size_t write_count;
    struct write_key *writes;
};

/* For cmocka: *state is the place; initial_state is an enum store_engine by pointer. */
extern enum store_engine on_memory, on_sqlite;
int place_setup(void **state);
int place_teardown(void **state);

bool place_open(struct place *place, const struct schema *schema, struct fault *fault);
void place_reopen(struct place *place); /* SQLite only */

struct batch *place_begin(struct place *place);
commit_ts place_commit(struct batch *batch);

struct view place_look(struct place *place);
/* The ids that a scan gives: "3 1 2". */
str view_ids(struct view *view, const struct index *index, struct bounds bounds, enum order order);
void expect_text(str got, const char *wanted);

/* Each in a batch of its own. */
struct person person_add(struct place *place, const char *email, int64_t balance);
struct task task_add(struct place *place, doc_id owner, const char *text, int64_t size);
void person_put(struct place *place, const struct person *person);
bool write_set_has(const struct place *place, const struct index *index, doc_id id);
bool write_set_has_row(const struct place *place, const struct doc_type *type, doc_id id);

bool read_set_is_hit(struct read_set reads, const struct write_key *writes, size_t count);

#define index_at(type, which) (&(type).indexes[which])
