/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must be true of a store at any moment, whatever was said before: the books balance, each
 * job belongs to work under way, and files are where rows say they are.
 *
 * Owns:     nothing; answers are in the arena given.
 * Threads:  one.
 * Time:     none.
 * Fails:    with a sentence that says what is wrong; .at NULL when nothing is.
 */
#pragma once

#include "house.h"

str check_ledger(struct house *house, struct arena *arena);

/* Each file that is not doomed has its blob. */
str check_files(struct house *house, struct arena *arena);

/* The rows of a table as a JSON list. */
struct json rows_of(struct house *house, struct arena *arena, const struct doc_type *type);
size_t rows_count(struct house *house, const struct doc_type *type);

/* Jobs that are there to end: the crons' never do. */
size_t house_jobs_left(struct house *house);
