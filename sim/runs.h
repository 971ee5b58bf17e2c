/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs of the oracle: one seed, many seeds in processes of their own, and a run that failed made
 * shorter, by leaving out whatever it fails without.
 *
 * Owns:     a database's scratch folder, for the length of a run.
 * Threads:  one; many_run forks.
 * Time:     the clock, for how long was shortened.
 * Fails:    by what they answer; the reason is on stderr.
 */
#pragma once

#include "oracle.h"

#define RUNS_JOBS_MAX 16

/* Every tenth seed is run on SQLite. */
enum store_engine seed_engine(uint64_t seed);

/* In this process. */
bool seed_run(const struct oracle_options *options, struct oracle_counts *counts);

/* In a child, so that it may also crash; *at is the step it came to. */
bool seed_fails(const struct oracle_options *options, bool is_quiet, uint64_t *at);

/* How many steps are left of those of a run that fails; which, and why, is told on stderr. */
uint64_t seed_shorten(const struct oracle_options *options, span time);

struct many {
    uint64_t first, seeds, steps; /* steps of each */
    enum store_engine engine;     /* STORE_NONE: seed_engine */
    enum plant plant;
    size_t jobs;
};

/* False: a seed failed; *failed is which. The counts are of all seeds that were run. */
bool many_run(const struct many *many, struct oracle_counts *counts, uint64_t *failed);

void counts_add(struct oracle_counts *to, const struct oracle_counts *from);

/* What is promised of the counts of a long run. */
#define UNTOLD_MIN 0.80          /* of (live query, commit): not run again */
#define WASTED_MAX 0.08          /* of runs: for nothing, with mutations that write back */
#define STRAIGHT_WASTED_MAX 0.01 /* the same without such mutations */
bool counts_are_good(const struct oracle_counts *counts);
void counts_print(const struct oracle_counts *counts);
