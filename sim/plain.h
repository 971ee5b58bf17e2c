/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The village once more, as plainly as can be: arrays, linear scans, sorting by insertion. No
 * cache, no keys made of bytes, no read sets, nothing of src/store, src/call or src/live. What it
 * answers is what the real one must answer.
 *
 * Texts are numbers of words[]; -1 is absent.
 *
 * Owns:     nothing; struct plain may be copied with =.
 * Threads:  one each.
 * Time:     given.
 * Fails:    never; answers say how the real one must fail.
 */
#pragma once

#include "base/buffer.h"
#include "village.h"

#define PLAIN_PEOPLE_MAX 40
#define PLAIN_TASKS_MAX 160
#define PLAIN_NOTES_MAX 100

struct plain_person {
    int64_t id, created, age, boss;
    int name, nick;
};

struct plain_task {
    int64_t id, created, owner;
    int64_t due; /* in ms; 0: none */
    struct maybe_int rank, slot;
    enum task_state state;
    int title;
    bool is_urgent;
};

struct plain_note {
    int64_t id, created, task, weight; /* in halves */
    int body;
};

struct plain {
    size_t person_count, task_count, note_count;
    int64_t last_id, last_tick;
    struct plain_person people[PLAIN_PEOPLE_MAX];
    struct plain_task tasks[PLAIN_TASKS_MAX];
    struct plain_note notes[PLAIN_NOTES_MAX];
};

const struct plain_person *plain_person(const struct plain *plain, int64_t id); /* or NULL */
const struct plain_person *plain_person_named(const struct plain *plain, int name);
const struct plain_task *plain_task(const struct plain *plain, int64_t id);

/* As memcmp has it, the shorter first. */
int word_compare(int a, int b);

/* ---- changing ---- */

struct errand {
    enum errand_kind kind;
    enum table table;
    int64_t id, ref, which, number, due, slot;
    int text, more;
    bool has_number, flag;
};

/* What carrying out the errands must give, given what the real one said: the new ids and ticks are
 * its to choose, but must grow. */
struct plain_run {
    const struct errand *errands;
    size_t count;
    const int64_t *numbers; /* of the reply, when that is no failure */
    size_t number_count;
    bool may_fail_inside; /* a nested change may have failed by a fault put there */

    enum error_code error; /* what must have happened; the plain village is changed by success */
    bool is_wrong;         /* the numbers are not what they must be */
};
void plain_carry_out(struct plain *plain, struct plain_run *run);

/* ---- asking ---- */

enum question_kind {
    ASK_NONE,
    ASK_PERSON,
    ASK_PERSON_BY_NAME,
    ASK_ID_BY_NAME,
    ASK_ID_BY_NICK,
    ASK_TOP,
    ASK_STAFF,
    ASK_CHAIN,
    ASK_ME,
    ASK_MY_TASKS,
    ASK_MY_PAGE,
    ASK_TASKS_OF,
    ASK_RANKS,
    ASK_DUE,
    ASK_TITLES,
    ASK_COUNT,
    ASK_FREE_SLOT,
    ASK_MUST_HAVE,
    ASK_JOIN,
    ASK_SEARCH,
    ASK_PAGE,
    ASK_HEAVIEST,
    ASK_NOTES_OF,
    ASK_LATEST,
    ASK_MINUTE,
    ASK_KIND_COUNT,
};

/* Where a page ends: behind this entry, or at the end of all. */
struct mark {
    bool is_mine, is_down, is_end; /* of me:page or of tasks:page */
    int64_t owner;
    struct maybe_int rank;
    int64_t created, id;
    char text[240]; /* the real one's cursor */
    size_t len;
};

struct question {
    enum question_kind kind;
    int64_t burden, id, limit;
    int text, more;
    struct maybe_int from, to;
    bool is_down, from_is_open, to_is_open;
    int cursor, end_cursor; /* of a page: numbers of marks; -1: none */
};

/* A question as it is asked: by whom, when, and with which marks. */
struct asking {
    const struct question *question;
    int who; /* the word that is the caller's name; -1: nobody */
    instant now;
    const struct mark *cursor, *end; /* NULL: none */
    const struct mark *pin;          /* where the page ended the first time */
};

struct answer {
    struct buffer text; /* JSON; of a page, all before its cursor */
    enum error_code error;
    char message[64];
    bool is_page;
    struct mark mark;    /* of a page: where it ends; without its text */
    bool has_split;      /* it has grown beyond its size */
    struct mark split;   /* in its middle */
    instant valid_until; /* 0: for ever */
    uint64_t imprint;    /* of all that was read, and of nothing else */
};

/* The buffer is used again. */
void plain_answer(const struct plain *plain, const struct asking *asking, struct answer *out);

bool mark_is_same(const struct mark *a, const struct mark *b);
bool mark_is_of(const struct mark *mark, const struct mark *other); /* the same list, read so */
