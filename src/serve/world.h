/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outside, for the runner: HTTP requests by net/outside, pictures and films by the media
 * helper, blobs on disk. Everything that comes back is stored before the runner hears of it.
 *
 * Owns:     what is under way; results until the runner releases them.
 * Threads:  the runner's, but for what outside and helper do themselves; answers of the network are
 *           read and stored by keepers.
 * Time:     given.
 * Fails:    into the work's result.
 */
#pragma once

#include "blob/blob.h"
#include "job/runner.h"
#include "media/media.h"
#include "net/outside.h"

struct outer;

struct outer_options {
    struct blobs *blobs;
    struct outside *outside;
    struct media *media;
    const char *temp_dir;
};

struct outer *outer_new(const struct outer_options *options, struct fault *fault);
void outer_free(struct outer *outer);

/* The runner it works for, and the runner's view of it. */
void outer_attach(struct outer *outer, struct runner *runner);
struct world outer_world(struct outer *outer);

/* Readable when an answer from the network waits. */
int outer_fd(const struct outer *outer);

/* Takes what came. */
void outer_step(struct outer *outer, instant now);
