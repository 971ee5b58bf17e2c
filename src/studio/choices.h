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

#define DOLLAR_CREDITS 85 /* what a second's price in US dollars is sold for */
#define PRICED_PIXELS (1024 * 1024)
#define FILM_CREDITS_MAX 5000 /* no film costs more */

/* Checks what was chosen and puts it into the generation, defaults for what was not. */
void choices_fill(struct call *call, const struct model_config *model,
                  const struct generation_wish *wish, struct generation *g);

/* What a price depends on; what is empty or 0 is the model's default. */
struct choice {
    str quality, resolution;
    int64_t duration;      /* s; films */
    int64_t width, height; /* px */
};

/* Of one picture or film: the resolution's own price or by the second, times the quality's, times
 * its pixels where the model is priced so (CRED-12). Whatever tells a price asks here. */
credits choices_price(const struct model_config *model, const struct choice *choice);

/* What was chosen for a generation. */
struct choice choices_of(const struct generation *g);

/* The model can do with what was chosen for the one that was asked for, for no more than it costs
 * there. */
bool choices_fit(const struct model_config *asked, const struct model_config *model,
                 const struct generation *g);

/* What the model calls it: that name if it has it, or its default; empty if it has none. */
str choices_name(const struct list *tiers, str name);

/* By its name; NULL: there is none. The first is the default. */
const struct tier_config *choices_tier(const struct list *tiers, str name);
