/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of making, for the files that make it up: making.c (which step comes next, and what
 * came of it), making_provider.c (asking providers: attempts, polls, stand-ins), making_asset.c
 * (from what was made to a work in the library).
 *
 * Owns:     rows in the calls' changes.
 * Threads:  the writer's.
 * Time:     call->now.
 * Fails:    through the call.
 */
#pragma once

#include "studio/attempts.h"
#include "studio/making.h"

#define MAKING_RETRIES_MAX 3

struct outputs {
    struct output items[OUTPUTS_MAX];
    size_t count;
};

struct output *outputs_first(struct outputs *outputs, enum output_state state);
size_t outputs_in(const struct outputs *outputs, enum output_state state);

/* How much of all is done, 0 to 1, when the next one is this far. */
double outputs_part(const struct outputs *outputs, double next);
void output_give_up(struct call *call, struct output *output, str why);

/* Gives up all that no provider made. */
void outputs_give_up(struct call *call, struct outputs *outputs, str why);

/* What the provider sent for the first so many that wait: bytes or an address each; missing ones
 * are given up. */
void outputs_take(struct call *call, struct outputs *outputs, const struct work_result *came,
                  size_t asked);
void output_take(struct call *call, struct output *output, const struct work_output *from);

struct work *work_new(struct call *call, enum work_kind kind, const struct output *output,
                      const struct provider_config *provider);

/* ---- making_provider.c ---- */

/* The model that makes it: the one asked for or the one that stands in. NULL: it left the
 * configuration. */
const struct model_config *making_model(struct call *call, const struct generation *g);

/* What to ask of a provider next; NULL: the job was put off, moved to another provider's lane, or
 * everything that was missing has been given up. */
const struct work *making_ask_provider(struct call *call, struct job *job, struct generation *g,
                                       struct outputs *outputs);

/* What came of it. */
void making_take_provider(struct call *call, struct job *job, struct generation *g,
                          struct outputs *outputs, const struct work *work,
                          const struct work_result *came);

/* The operator vouched for the engine's own host, not for wherever else its answers point. */
bool making_is_vouched(const struct provider_config *provider, str url);

/* ---- making_asset.c ---- */

/* A made output was looked into: it becomes a work, unless it is something else. */
void making_take_asset(struct call *call, struct generation *g, struct outputs *outputs,
                       struct output *output, const struct work_result *came);
