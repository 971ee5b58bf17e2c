/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that are in a bucket which browsers cannot reach: a keeper fetches each, then the exchange
 * that waits for it goes on in the loop.
 *
 * Owns:     nothing past the answer.
 * Threads:  the loop's; the fetching is a chore.
 * Time:     none; how long a bucket may take is the bucket's.
 * Fails:    with 503 when AWAY_MAX wait already, 404 when the bucket does not have it.
 */
#pragma once

#include "serve/files.h"

#define AWAY_MAX 256

/* Answers later, by files_send or with a failure. */
void away_fetch(struct front *front, struct exchange *exchange, const struct delivery *delivery);
