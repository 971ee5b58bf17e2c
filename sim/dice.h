/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Choices of one step. Each step has dice of its own, made from the seed and the step's number, so
 * that leaving a step out does not change the others: that is how a failing run is made shorter.
 *
 * Owns:     its state, inline.
 * Threads:  one.
 * Time:     none.
 * Fails:    never.
 */
#pragma once

#include "base/random.h"

struct dice {
    struct random random;
    uint8_t pool[512];
    size_t at;
};

static inline void dice_init(struct dice *dice, uint64_t seed, uint64_t step)
{
    random_init_seeded(&dice->random, seed * UINT64_C(0x9e3779b97f4a7c15) + step);
    dice->at = sizeof(dice->pool);
}

/* One of bound values; bound is small. */
static inline size_t roll(struct dice *dice, size_t bound)
{
    if (dice->at + 2 > sizeof(dice->pool)) {
        random_fill(&dice->random, dice->pool, sizeof(dice->pool));
        dice->at = 0;
    }
    size_t value = (size_t)dice->pool[dice->at] << 8 | dice->pool[dice->at + 1];
    dice->at += 2;
    return value % bound;
}

/* One time in so many. */
static inline bool roll_one_in(struct dice *dice, size_t bound)
{
    return roll(dice, bound) == 0;
}
