/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How figures are told: a table for the terminal, a file for programs (an array with one object a
 * figure), and notes in Markdown with the same table and how each figure was measured.
 *
 * Owns:     nothing.
 * Threads:  one.
 * Time:     none.
 * Fails:    by fault when a file cannot be written.
 */
#pragma once

#include "bench.h"

void report_head(const struct bench *bench);
void report_row(const struct row *row); /* a line of the table */
void report_methods(const struct row *rows, size_t count);

bool report_write(const char *path, const struct row *rows, size_t count, struct fault *fault)
    MUST_CHECK;
bool report_notes(const char *path, const struct bench *bench, const struct row *rows, size_t count,
                  struct fault *fault) MUST_CHECK;
