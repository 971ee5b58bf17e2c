/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether talks and specification name one another: each numbered sentence of docs/spec is cited
 * by a talk ("# Specification: Making, sentences 4 and 9"), and each citation is of a sentence.
 *
 * Owns:     nothing.
 * Threads:  one.
 * Time:     none.
 * Fails:    with a list of what is missing; empty when nothing is.
 */
#pragma once

#include "base/str.h"

/* All that talks cite, collected file by file. */
struct citations {
    struct citation {
        char subject[20];
        int number;
    } all[1000];
    size_t count;
};

void citations_add(struct citations *citations, str talk);

/* Against the files of the folder. */
str citations_judge(struct arena *arena, const struct citations *citations, const char *folder);
