/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of the simulated outside, for the files that make it up: studio_outside.c (dice,
 * blobs, and what the runner asks for), studio_orders.c (what providers were asked),
 * studio_answers.c (what they and the helper answer).
 *
 * Owns:     as studio_outside.h says.
 * Threads:  one.
 * Time:     given.
 * Fails:    by its own dice.
 */
#pragma once

#include "base/random.h"
#include "studio_outside.h"

struct under_way {
    struct under_way *next;
    uint64_t run;
    const struct work *work; /* in the run's arena until it is finished */
    enum mishap mishap;
    instant due;
    bool is_canceled;
};

struct blob {
    int64_t order; /* number of; 0: a rendition, or of the sketcher */
    int64_t output;
    bool is_film, is_there;
};

#define RESTS_MAX 64

struct rest {
    int64_t generation;
    size_t site; /* how long its address is: which of a kind */
    const struct provider *provider;
    instant from, until;
};

struct pretend {
    const struct provider *sick;
    struct rest rests[RESTS_MAX];
    size_t rest_count;
    struct runner *runner;
    struct random random;
    uint64_t one_in;
    instant now;
    struct under_way *first;
    struct commission *orders;
    struct blob *blobs;
    size_t order_count, order_room, blob_count, blob_room;
    size_t mishaps[MISHAPS];
    const char *wrong;
};

uint64_t outside_below(struct pretend *outside, uint64_t bound);

bool blob_number(const struct pretend *outside, str id, size_t *number);
struct stored_file blob_store(struct pretend *outside, struct arena *arena, struct blob blob);

/* ---- studio_orders.c ---- */

/* Takes an order, whatever comes of it. */
struct commission *order_take(struct pretend *outside, const struct work *work, enum mishap mishap);

/* It must be there. Named "order-N", or "order-N app", or "order-N-again". */
struct commission *order_get(struct pretend *outside, int64_t number);
struct commission *order_named(struct pretend *outside, str name);

/* Who was told to wait, and that they do. */
void rest_put(struct pretend *outside, const struct work *work, span wait);
void rest_check(struct pretend *outside, const struct work *work);

/* ---- studio_answers.c ---- */

void outside_answer(struct pretend *outside, const struct under_way *under_way,
                    struct work_result *result);
