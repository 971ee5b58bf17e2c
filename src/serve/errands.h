/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errands: what the runner's world has keepers do, because it waits for the disk or for a bucket.
 * Bringing the blob that a work begins with, storing what came of it, removing one. Only
 * serve/world.c uses it.
 *
 *   runner: errand_new -> errand_put -> keeper: run -> runner: errands_take -> then, freed
 *
 * Owns:     an errand all that is in it, until then takes it over.
 * Threads:  run is on a keeper; all else on the runner's.
 * Time:     none.
 * Fails:    into the result.
 */
#pragma once

#include "media/media.h"
#include "net/outside.h"
#include "serve/keepers.h"
#include "serve/world.h"
#include "studio/work.h"

struct errand {
    struct keeping keeping; /* first */
    void (*then)(struct outer *outer, struct errand *errand);
    struct outer *outer;
    struct blobs *blobs;
    uint64_t run;
    const struct work *work;
    struct work_result *result;
    struct outside_result *answer;                   /* of the network; may be large */
    struct media_output outputs[MEDIA_OUTPUT_COUNT]; /* of the helper */
    const char *mime;                                /* of what the helper looked into */
    int fd;                                          /* of the blob */
    bool is_passing;                                 /* it may be brought later */
    bool uploads;
    atomic_bool is_unwanted; /* cancelled: the blob need not be brought any more */
};

typedef void errand_run(struct keeping *errand, struct random *random);
typedef void errand_then(struct outer *outer, struct errand *errand);

struct errand *errand_new(struct outer *outer, struct blobs *blobs, uint64_t run,
                          const struct work *work);
void errand_put(struct keepers *keepers, struct errand *errand, errand_run *run, errand_then *then);

/* Calls the then of each that was run. */
void errands_take(struct keepers *keepers);

/* ---- what keepers do ---- */

void errand_bring(struct keeping *errand, struct random *random);  /* fd; -1: it is lost */
void errand_remove(struct keeping *errand, struct random *random); /* the work's blob */
void errand_store(struct keeping *errand, struct random *random);  /* outputs, as the work wants */

/* Takes the helper's outputs and facts out of an event. */
void errand_take_event(struct errand *errand, struct media_event *event);

/* ---- storing one ---- */

struct sink {
    struct blobs *blobs;
    struct random *random;
    struct arena *arena;
};

bool sink_store(void *sink, bytes content, struct stored_file *out, struct fault *fault);

/* An output that was not made is well stored. */
bool output_store(struct blobs *blobs, struct random *random, struct work_result *result,
                  const struct media_output *output, struct stored_file *out);
