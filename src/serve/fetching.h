/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetching what providers made: at most FETCHES_AT_ONCE together, of those that wait first what
 * expires first, whosever it is; what is cut off goes on where it stopped as long as the other
 * side still has the same file (Range, If-Range) and more came each time.
 *
 * Owns:     its temporary files, until a result hands one over.
 * Threads:  the runner's.
 * Time:     none; each request has the time limit of its work.
 * Fails:    into the result of the last request.
 */
#pragma once

#include "net/outside.h"
#include "studio/work.h"

#define FETCHES_AT_ONCE 12
#define FETCH_PARTS_MAX 20

struct fetches;

struct fetches_options {
    struct outside *outside;
    struct queue *answers;
    const char *temp_dir;
};

struct fetches *fetches_new(const struct fetches_options *options);
void fetches_free(struct fetches *fetches);

/* Now or when its turn comes; false: the outside takes no more. The work lives until its end. */
bool fetches_start(struct fetches *fetches, uint64_t run, const struct work *work) MUST_CHECK;

/* What came for a run. True: it goes on, and the rest will come; false: this is the end of it. */
bool fetches_go_on(struct fetches *fetches, struct outside_result *answer) MUST_CHECK;

/* True: it was waiting, and nothing will come. */
bool fetches_cancel(struct fetches *fetches, uint64_t run);

/* Begins what may begin; answers a run that cannot be begun, or 0. */
uint64_t fetches_begin(struct fetches *fetches);
