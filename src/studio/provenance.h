/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a work is from: what an uploaded file says of its making is kept with the work, for a new
 * picture to start from; and a work that was made here can be had with its making written into a
 * copy (MOD-04, MOD-05). Nothing is claimed of what was uploaded.
 *
 * Owns:     nothing; the texts are the call's.
 * Threads:  the call's.
 * Time:     call->now.
 * Fails:    never by itself.
 */
#pragma once

#include "studio/assets.h"
#include "studio/work.h"

#define EMBEDDED_PROMPT_MAX 8000 /* bytes; longer ones are cut */
#define EMBEDDED_NEGATIVE_MAX 2000

/* What looking into an uploaded file found is set in the row of its work. */
void provenance_take(struct call *call, struct asset *asset, const struct work_result *found);

/* It was made here, and its file has a place for words. */
bool provenance_is_stampable(const struct asset *asset);

/* The work that makes the stamped copy of such a one. */
void provenance_work(const struct asset *asset, struct work *out);
