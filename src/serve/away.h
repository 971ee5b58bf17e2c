/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that are in a bucket which browsers cannot reach: a keeper fetches each, then the exchange
 * that waits for it goes on in the loop. Nothing of this exists until the first is asked for.
 *
 * Owns:     what waits, until its exchange is answered.
 * Threads:  the loop's.
 * Time:     the bucket's time-outs.
 * Fails:    with 503 when AWAY_MAX wait already, 404 when the bucket does not have it.
 */
#pragma once

#include "serve/files.h"

#define AWAY_MAX 256

struct away;

/* Answers later, by files_send or with a failure. */
void away_fetch(struct front *front, struct exchange *exchange, const struct delivery *delivery);
void away_free(struct away *away); /* after http_close; NULL is accepted */
