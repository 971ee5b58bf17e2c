/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor --deep: every row of a file held against its bytes, every blob against the rows, every
 * meter against the works. The database is read as a copy of one moment, and no blob is removed
 * meanwhile (blobs_pin), so a server may go on serving.
 *
 * Owns:     a list of damages; deep_done frees it.
 * Threads:  the main thread.
 * Time:     by base/clock.h: what is younger than an hour may be on its way.
 * Fails:    never; what cannot be looked at is a problem.
 */
#pragma once

#include "base/buffer.h"
#include "base/fault.h"
#include "cli/doctor.h"
#include "json/fields.h"

enum damage_kind {
    DAMAGE_NONE,
    DAMAGE_MISSING, /* a row without bytes */
    DAMAGE_WRONG,   /* bytes that are not what the row says */
    DAMAGE_UNUSED,  /* a row that no work names */
    DAMAGE_UNNAMED, /* bytes without a row */
    DAMAGE_AWAY,    /* the bucket lacks what is still at hand here, or has something else */
    DAMAGE_UNREAD,  /* whether the bytes are there cannot be told */
    DAMAGE_METER,   /* what a user has stored is not what their meter says */
    DAMAGES,
};

struct damage {
    enum damage_kind kind;
    char blob[33];
    uint8_t sha256[32]; /* of a DAMAGE_AWAY, as its row says */
    bool is_original;   /* the work stands and falls with it */
    doc_id asset, user;
};

struct damages {
    struct buffer list; /* struct damage */
    int counts[DAMAGES];
    int64_t files; /* rows that were looked at */
};

struct blobs;

/* Wherever the configuration says that they are. Older leavings are swept only as of now. */
bool deep_blobs_open(const struct report *report, instant now, struct blobs **out,
                     struct fault *fault) MUST_CHECK;

/* False: something could not be looked at, which the report says. */
bool deep_check(struct report *report, struct damages *out);

/* Does what the report proposed; answers how many are mended. */
int deep_mend(struct report *report, const struct damages *damages);
void deep_done(struct damages *damages);
