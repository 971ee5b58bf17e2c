/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the plain answers share: the imprint of what they read, and JSON written by hand.
 *
 * Owns:     nothing.
 * Threads:  one.
 * Time:     none.
 * Fails:    never.
 */
#pragma once

#include "plain.h"

struct ask {
    const struct plain *plain;
    const struct asking *asking;
    const struct question *question;
    struct answer *out;
};

/* ---- the imprint ---- */

enum read_mark {
    READ_END = 1001,
    READ_ABSENT,
    READ_ROW,
};

void mix(struct ask *ask, int64_t value);
void mix_maybe(struct ask *ask, struct maybe_int value);
const struct plain_person *read_person(struct ask *ask, int64_t id);
void read_task(struct ask *ask, const struct plain_task *task);
int64_t read_name(struct ask *ask, int name); /* by a unique index: the id, or 0 */
int64_t read_caller(struct ask *ask);         /* 0: nobody */

/* How many of those found are read, and whether the end is. */
size_t read_until_limit(struct ask *ask, size_t count);

/* ---- JSON ---- */

void put(struct ask *ask, const char *text);
void put_comma(struct ask *ask); /* unless this is the first of the list */
void put_int(struct ask *ask, int64_t value);
void put_member(struct ask *ask, const char *name, int64_t value);
void put_word(struct ask *ask, int word);
void answer_fail(struct ask *ask, enum error_code error, const char *message);

int compare_ints(int64_t a, int64_t b);

/* ---- who answers what ---- */

void answer_about_tasks(struct ask *ask);
int64_t count_notes(struct ask *ask, int64_t task, int64_t max);
