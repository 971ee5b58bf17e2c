/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans, packages, models and their prices as they are now: the configuration file, and over it
 * the rows that administrators wrote (seed-contracts.md section c). Both may change while the
 * program runs; a call sees one state of them from its beginning to its end.
 *
 *   file (SIGHUP puts another in its place) + override rows (as the call's view has them)
 *     -> one studio_config, kept by the edition of the rows, so that calls seldom build it
 *
 * Owns:     the files given to it, and what it builds; both stay for CATALOGUE_KEPT after they were
 *           used last, because calls and requests under way hold their texts.
 * Threads:  any.
 * Time:     the monotonic clock, for CATALOGUE_KEPT.
 * Fails:    never; rows that no longer fit the file are left out, and that is logged.
 */
#pragma once

#include "call/call.h"
#include "studio/config.h"

/* Longer than the longest request to a provider (timeoutSeconds). */
#define CATALOGUE_KEPT HOURS(2)

struct catalogue;

/* The file is lent until catalogue_free. */
struct catalogue *catalogue_new(const struct studio_config *file);
void catalogue_free(struct catalogue *catalogue);

/* Another file in its place; takes the arena that holds it. Who watches hears of it by the internal
 * mutation catalogue:reload. */
void catalogue_replace(struct catalogue *catalogue, struct arena *arena,
                       const struct studio_config *file);

/* The file alone: providers, secrets and payments are never overridden. */
const struct studio_config *catalogue_file(struct catalogue *catalogue);

/* As this call sees it. */
const struct studio_config *catalogue_of(struct call *call);
