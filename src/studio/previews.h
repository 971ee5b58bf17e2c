/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What makes a film pleasant to meet: a short loop that is shown in lists, and a copy that begins
 * to play at once where the original would not. Both come after the work is there, are renditions,
 * and a work without them is whole.
 *
 * Owns:     rows in the call's change.
 * Threads:  the call's.
 * Time:     call->now.
 * Fails:    through the call.
 */
#pragma once

#include "studio/assets.h"

#define PREVIEWS_LANE "previews"
#define PREVIEWS_AT_ONCE 1 /* thumbnails of others come first */

extern const struct job_action preview_action;

/* Once the work's row is put and its file looked into; frames as the helper told. Does nothing for
 * what does not move. */
void preview_queue(struct call *call, const struct asset *asset, int64_t frames);
