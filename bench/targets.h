/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each figure must reach (its floor) and what it should reach (its goal), as they were set
 * before anything was measured; and what is to be said of a figure beside them.
 *
 * Owns:     constant tables.
 * Threads:  any.
 * Time:     none.
 * Fails:    cannot.
 */
#pragma once

#include "bench.h"

enum verdict {
    VERDICT_NONE, /* nothing was set for this figure */
    VERDICT_MET,
    VERDICT_GOAL_MISSED,
    VERDICT_FLOOR_MISSED,
};

enum measure {
    MEASURE_NONE,
    MEASURE_VALUE,
    MEASURE_RATIO,
    MEASURE_FLATNESS, /* how far the flatness is from 1 */
};

struct target {
    const char *name;
    enum measure measure;
    bool is_most;       /* no more than these; else no less */
    double floor, goal; /* NAN: none */
};

/* The figure's targets, one after another; NULL behind the last. before NULL: the first. */
const struct target *target_next(const char *name, const struct target *before);
enum verdict target_verdict(const struct row *row); /* the worst of its targets */
extern const char *const verdict_names[];
