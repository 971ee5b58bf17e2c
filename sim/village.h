/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small program for the oracle: people, their tasks, and notes on these, with every kind of index
 * there is, and the queries and the mutation that ask and change them by the public call API.
 * sim/plain.h says what they must answer, without using any of it.
 *
 * Owns:     nothing; the tables are constant.
 * Threads:  any; village_config's own members say more.
 * Time:     call->now.
 * Fails:    through the call.
 */
#pragma once

#include "call/call.h"

/* Texts are chosen from a list, so that the plain side keeps a number. Some start others, some hold
 * the lowest characters, one is too long for an entry to keep a row that has it. */
struct word {
    str text;
    const char *json; /* NULL: the text in quotes */
};
extern const struct word words[];
#define WORD_COUNT 20
#define WORD_LONG 19 /* only ever the text of a note */
#define VILLAGE_LIGHT 17

enum table {
    TABLE_NONE,
    TABLE_PEOPLE,
    TABLE_TASKS,
    TABLE_NOTES,
};

enum task_state {
    TASK_NONE,
    TASK_OPEN,
    TASK_BUSY,
    TASK_DONE,
};

struct person {
    doc_id id;
    tick created;
    str name, nick;
    int64_t age;
    doc_id boss;
};
extern const struct doc_type person_type;
enum person_index {
    PERSON_BY_NAME, /* unique */
    PERSON_BY_NICK, /* unique, optional */
    PERSON_BY_AGE,  /* holds the body */
    PERSON_BY_BOSS, /* optional */
};

struct task {
    doc_id id;
    tick created;
    doc_id owner;
    enum task_state state;
    struct maybe_int rank, slot;
    str title;
    struct maybe_instant due;
    bool is_urgent;
};
extern const char *const task_state_names[4];
extern const struct doc_type task_type;
enum task_index {
    TASK_BY_OWNER,      /* holds the body */
    TASK_BY_OWNER_RANK, /* optional second field */
    TASK_BY_STATE_DUE,  /* three fields */
    TASK_BY_URGENT,     /* and title */
    TASK_BY_OWNER_SLOT, /* unique, optional */
};

struct note {
    doc_id id;
    tick created;
    doc_id task;
    double weight;
    str body;
};
extern const struct doc_type note_type;
enum note_index {
    NOTE_BY_TASK, /* optional */
    NOTE_BY_WEIGHT,
    NOTE_BY_CREATION, /* holds the body, unless that is long */
};

extern const struct schema village_schema;

/* program->config */
struct village_config {
    /* A query with this number is evaluated; may be NULL. In the thread that evaluates. */
    void (*on_evaluation)(void *context, const struct call *call, int64_t query);
    void *context;
    bool is_busy; /* queries end with TRANSIENT, after what they read */
};

/* The queries and the mutation; the resolver finds the person of the identity's subject's name. */
void village_program(struct program *program, const struct village_config *config);

/* ---- arguments, the same record for all queries ---- */

struct ask_args {
    int64_t query;  /* told to on_evaluation */
    int64_t burden; /* so many reads of nothing more, a sixteenth while VILLAGE_LIGHT is nobody */
    int64_t id, limit;
    str text, more;
    struct maybe_int from, to;
    bool is_down, from_is_open, to_is_open;
    struct page_options *pagination_opts;
};
extern const struct shape ask_shape;

extern const struct function village_queries[];
extern const size_t village_query_count;

/* One mutation: a list of small errands, carried out in turn; the reply is a list of numbers. */
enum errand_kind {
    ERRAND_NOTHING,
    ERRAND_ADD,       /* id and tick */
    ERRAND_SET,       /* one field; NOT_FOUND without the row */
    ERRAND_REMOVE,    /* 1 if it was there */
    ERRAND_TOUCH,     /* puts the row as it is */
    ERRAND_RESTORE,   /* removes it and puts it back */
    ERRAND_THERE,     /* sets a field and sets it back */
    ERRAND_BUMP,      /* raises the rank of an owner's first tasks while scanning them by rank */
    ERRAND_CLEAR,     /* removes an owner's newest tasks while scanning them; how many */
    ERRAND_HAND_OVER, /* gives the first task of one name to another; its id */
    ERRAND_COUNT,     /* of a state */
    ERRAND_REQUIRE,   /* fails with STATE unless a state counts that few */
    ERRAND_FAIL,      /* with NOT_FOUND */
    ERRAND_TRY,       /* the next few in a nested change: 1 and their numbers, or 0 */
};
extern const struct function village_errands[];
extern const size_t village_errand_count;
