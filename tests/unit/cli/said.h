/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command says on standard output and standard error, caught for a test.
 *
 * Owns:     two nameless files between begin and end.
 * Threads:  one; the descriptors are the process's.
 * Time:     none.
 * Fails:    the test.
 */
#pragma once

#include "base/base.h"

struct said {
    int out, error; /* what the descriptors were before */
    size_t out_size, error_size;
    char text[16384]; /* standard output, then standard error */
};

void said_begin(struct said *said);
void said_end(struct said *said);
