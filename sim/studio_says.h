/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the simulated providers write: how an order stands, in the words of the service that it is
 * with, for the real translators to read.
 *
 * Owns:     what was said, until said_done.
 * Threads:  any.
 * Time:     given.
 * Fails:    never.
 */
#pragma once

#include "base/buffer.h"
#include "studio_outside.h"

struct said {
    int status;
    struct buffer body;
};
void said_done(struct said *said);

void says_refusal(struct said *said, int status, const char *words);

/* renamed: its job has another name from now on. */
void says_standing(instant now, const struct work *work, const struct commission *order,
                   bool is_renamed, struct said *said);
