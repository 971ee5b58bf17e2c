/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Actions that talk to the outside (DESIGN section 8): the first half runs as a mutation and wishes
 * for a request, which is sent once that is committed; what came of it, also nothing, goes to the
 * second half, a mutation again. An action whose process ends in between has had its first half
 * only: whatever the outside did then is told by its webhooks.
 *
 *   caller --> ask (writer) --> request (outside) --> answer (writer) --> caller
 *
 * Owns:     actions under way, at most ACTIONS_MAX, and ACTIONS_OF_ONE in anybody's name.
 * Threads:  the loop's.
 * Time:     ACTION_TIME for the request.
 * Fails:    into the reply: OVERLOAD when there are too many.
 */
#pragma once

#include "serve/front.h"

#define ACTIONS_MAX 256
#define ACTIONS_OF_ONE 16
#define ACTION_TIME SECONDS(30)

/* Runs it and answers true, if it is an action with two halves; asked->then is called once. */
bool actions_take(struct front *front, const struct front_asked *asked);

/* Takes what the outside answered; a handler of the loop. */
void actions_on_told(void *context, uint32_t events);

/* Refuses what is still under way. The outside and the writer have ended. */
void actions_close(struct front *front);
