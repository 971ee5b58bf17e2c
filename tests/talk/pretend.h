/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pretend outside: it does what jobs ask of providers, helper and disk, in the way a talk says:
 * well, badly, late, or never. What it stored outlives a crash of the house; what was under way
 * does not.
 *
 * Owns:     what is under way, and the list of blobs.
 * Threads:  one.
 * Time:     given; each piece of work takes what pretend_take says, a second at first.
 * Fails:    as told.
 */
#pragma once

#include "job/runner.h"
#include "studio/work.h"

enum pretend_way {
    PRETEND_WELL,
    PRETEND_FAILS,     /* may work later */
    PRETEND_LOSES,     /* the provider's job failed there; another one may work */
    PRETEND_REFUSES,   /* never will */
    PRETEND_BREAKS,    /* what came is no picture */
    PRETEND_CRASHES,   /* the helper died of it */
    PRETEND_HANGS,     /* until the time limit of the work */
    PRETEND_IS_SILENT, /* until pretend_answer_late */
    PRETEND_LIES,      /* a film for a picture, a picture for a film */
};

/* How work of one kind (WORK_NONE: of any) is done from now on. */
struct pretend_manner {
    enum pretend_way way;
    int64_t times;    /* then well again; 0: for good */
    str text;         /* of a failure; must outlive the manner */
    span retry_after; /* what a failing provider asks for; 0: nothing */
};

struct pretend;

struct pretend *pretend_new(void);
void pretend_free(struct pretend *pretend);
struct world pretend_world(struct pretend *pretend);
void pretend_attach(struct pretend *pretend, struct runner *runner);

/* A crash: nothing is under way any more. */
void pretend_forget(struct pretend *pretend);

void pretend_behave(struct pretend *pretend, enum work_kind kind, struct pretend_manner manner);
void pretend_weigh(struct pretend *pretend, int64_t size); /* each file from now on */
void pretend_take(struct pretend *pretend, span takes);    /* each piece from now on */

/* An HTTP provider's answers: status and body, or (status 0) that many pictures in a good one. */
void pretend_answer(struct pretend *pretend, int status, str body);
void pretend_send(struct pretend *pretend, int64_t pictures, bool as_addresses);

/* It answers with a job of its own from now on, which is done at that poll; 0: at once. */
void pretend_take_polls(struct pretend *pretend, int64_t polls);

/* Bytes that somebody sent are on the disk; marked ones say how they were made. */
struct stored_file pretend_receive(struct pretend *pretend, struct arena *arena,
                                   enum media_kind media, bool is_marked);

/* Everything that keeps silent answers now, well. */
void pretend_answer_late(struct pretend *pretend);
void pretend_tell_progress(struct pretend *pretend, double part);

/* Ends one piece of work that is due; false when none is. Also says what time it is. */
bool pretend_step(struct pretend *pretend, instant now);
void pretend_set_now(struct pretend *pretend, instant now);
instant pretend_next(const struct pretend *pretend); /* 0: nothing will end by itself */

/* ---- for expectations ---- */

size_t pretend_started(const struct pretend *pretend, enum work_kind kind);
size_t pretend_canceled(const struct pretend *pretend);
size_t pretend_keys(const struct pretend *pretend);  /* different ones, of all requests */
size_t pretend_seeds(const struct pretend *pretend); /* the same of seeds */
size_t pretend_under_way(const struct pretend *pretend);
size_t pretend_blobs(const struct pretend *pretend);
bool pretend_has_blob(const struct pretend *pretend, str id);

/* The work begun last, as it was asked; texts are cut at 300 bytes. NULL: none yet. */
struct pretend_seen {
    enum work_kind kind;
    int64_t seed, number, width, height, steps, duration;
    double guidance;
    char prompt[300], negative[300], url[300], body[600];
};
const struct pretend_seen *pretend_last(const struct pretend *pretend);
