/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger, derived once more: from the journal alone every balance, hold and lot, held against
 * the rows that are kept beside it, and each user's history against both. It only reads, a few
 * hundred rows at a time; what it keeps meanwhile is some numbers for each person, lot and hold.
 *
 * Movements from before they named their lots are taken as they are: lots of people who have such
 * are compared in sum only.
 *
 * Owns:     nothing that outlives the call.
 * Threads:  one.
 * Time:     none.
 * Fails:    by fault, when rows cannot be read. What differs is no failure: it is told.
 */
#pragma once

#include "base/fault.h"
#include "base/str.h"
#include "store/store.h"

struct ledger_sums {
    int64_t movements, people, lots, holds;
    int64_t revenue, granted; /* credits */
    int64_t outlay;           /* millionths of a US dollar */
    int64_t differences;
};

bool ledger_verify(struct store *store, void (*differs)(void *context, str what), void *context,
                   struct ledger_sums *out, struct fault *fault) MUST_CHECK;
