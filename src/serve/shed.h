/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When memory runs out: who has to go. Budgets say no to what is new; here sessions are closed,
 * with a reason for which their clients wait before they come back. First those of a peer that has
 * more than its quarter, then strangers', then whoever holds most. The process's real size is
 * looked at, too: near the limit strangers are refused everything, at the limit everybody.
 *
 * Owns:     nothing.
 * Threads:  the loop's.
 * Time:     given, monotonic.
 * Fails:    never.
 */
#pragma once

#include "serve/front.h"

/* Once a turn, after the round. */
void shed_turn(struct front *front, instant monotonic);

/* For live_options.on_starved; context is the front. */
void shed_starved(void *context, struct subscription *subscription);

/* Nothing new may be begun by somebody signed in, or by strangers. */
bool shed_is_short(const struct front *front, bool is_known);
