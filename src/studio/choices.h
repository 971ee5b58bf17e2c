/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a model offers beside words, shape and numbers (GEN-15, GEN-19): a quality, a resolution, a
 * picture to start from. Each is taken only as the model declares it; and what it all costs.
 *
 * Owns:     nothing.
 * Threads:  the call's.
 * Time:     none.
 * Fails:    through the call, by argument.
 */
#pragma once

#include "studio/generations.h"

#define DOLLAR_CREDITS 85     /* what a second's price in US dollars is sold for */
#define FILM_CREDITS_MAX 5000 /* no film costs more */

/* Checks what was chosen and puts it into the generation, defaults for what was not. */
void choices_fill(struct call *call, const struct model_config *model,
                  const struct generation_wish *wish, struct generation *g);

/* Of one picture or film: the resolution's own price or by the second, times the quality's. */
credits choices_price(const struct model_config *model, str quality, str resolution,
                      int64_t duration);

/* The model can do with what was chosen for the one that was asked for, for no more than it costs
 * there. */
bool choices_fit(const struct model_config *asked, const struct model_config *model,
                 const struct generation *g);

/* What the model calls it: that name if it has it, or its default; empty if it has none. */
str choices_name(const struct list *tiers, str name);

/* By its name; NULL: there is none. The first is the default. */
const struct tier_config *choices_tier(const struct list *tiers, str name);
