/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lives of a studio: people who ask, cancel, delete and are given credits, providers that do every
 * wrong, a clock that jumps, a store that fails, and a process that is killed between any two
 * steps. All of it is chosen by the seed: the same seed, the same trace.
 *
 * Owns:     the house, and what it knows of the people.
 * Threads:  one.
 * Time:     the house's.
 * Fails:    by the sentence in wrong.
 */
#pragma once

#include "house.h"
#include "studio_outside.h"
#include "studio_till.h"

#define LIFE_PEOPLE 4

struct life_counts {
    uint64_t lives, lives_on_disk, power_cuts, steps, jobs, made, failed, canceled, crashes,
        store_faults, calls, refused;
    uint64_t postings, jumps_forward, jumps_back, grants, grants_again, commissions;
    uint64_t mishaps[MISHAPS];
    uint64_t checks, whole_checks, violations;
    uint64_t events, events_again, refunds, adjustments;
    int64_t virtual_us;
};

struct shadow;

struct life {
    struct house *house;
    struct shadow *shadow; /* what it knows of the rows */
    struct random random;
    struct identity *people[LIFE_PEOPLE];
    uint64_t seed, house_steps;
    uint64_t hash; /* of all that happened */
    instant begun_at;
    char user_ids[LIFE_PEOPLE][40];
    uint64_t payments;
    struct till till;
    size_t missing_providers; /* that the configuration had at first */
    bool had_missing;
    int64_t adjusted[LIFE_PEOPLE]; /* credits, by hand: added and taken */
    char said[300];                /* the answer to what was called last */
    struct mutation *back;         /* the answer to what was called last */
    uint64_t planned_at;           /* the disk fails at that call; 0: it does not */
    bool is_on_disk;               /* SQLite on a disk that fails; else in memory */
    bool is_calm;                  /* the store does not fail */
    bool is_over;                  /* calm days have passed */
    bool is_loud;
    char wrong[300];
    struct life_counts *counts;
};

/* Lives so many deeds from a seed, then calm days until all is over; true: nothing was wrong. */
struct life_options {
    uint64_t seed, deeds;
    const char *config;
    bool is_loud;
};
bool life_run(const struct life_options *options, struct life_counts *counts, uint64_t *hash);

void life_wrong(struct life *life, const char *format, ...) PRINTF_LIKE(2, 3);
void life_tell(struct life *life, const char *what, str more);
uint64_t life_below(struct life *life, uint64_t bound);

/* Time passes until there is nothing to do now, or so long. */
void life_settle(struct life *life);
void life_pass(struct life *life, span time);
void life_crash(struct life *life);
void life_look(struct life *life); /* what the last step touched */

/* True: it worked, and said is what it answered. */
bool life_call(struct life *life, size_t person, bool is_internal, const char *path, str args);

/* ---- studio_deeds.c ---- */

/* One thing that somebody does, or that befalls them. */
void life_deed(struct life *life);

/* What others owe us: events that were never taken. */
void life_last_deeds(struct life *life);

/* ---- studio_check.c ---- */

/* When nobody has anything to do now. */
void check_quiet(struct life *life);

/* Now and then: rows that are few. */
void check_step(struct life *life);

/* Now and then: all there is. */
void check_whole(struct life *life);

/* When everything is over. */
void check_rest(struct life *life);

/* ---- studio_check_books.c ---- */

/* At the very end: what the payment service did, and what was counted by day. */
void check_books(struct life *life);
