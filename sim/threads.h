/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same oracle with threads as the server has them: the writer on one, two readers for what is
 * large, and the oracle itself as the loop. Nobody knows here when a query was run, so only the
 * answers are compared, and that whatever says that it is current is.
 *
 * Owns:     the threads.
 * Threads:  all of these are the loop's.
 * Time:     readers get the oracle's; the writer has its own, which only grows.
 * Fails:    threads_start answers NULL.
 */
#pragma once

#include "oracle.h"

struct threads;

struct threads *threads_start(struct oracle *oracle);
void threads_stop(struct threads *threads); /* NULL is accepted */

/* Until something was committed, or a few milliseconds. */
void threads_wait(struct threads *threads);

/* Hands what is too large to a reader, with the round's snapshot. */
void threads_send_job(struct oracle *oracle, struct view *view);

/* Settles the job if it has come back. */
void threads_deliver(struct oracle *oracle);
