/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Usage: what each user did on each day (UTC), counted when a generation ends, and reports of whole
 * weeks made of that (USE-01, CRON-04).
 *
 * Owns:     rows in the call's change.
 * Threads:  the call's.
 * Time:     call->now.
 * Fails:    through the call.
 */
#pragma once

#include "studio/generations.h"

extern const struct doc_type usage_type, usage_report_type;

/* It has just ended, with its attempts. */
void usage_count(struct call *call, const struct generation *generation);

/* Its owner deleted a work. */
void usage_count_deleted(struct call *call, doc_id user);

/* Adds days that are over to the reports of their weeks, a part at a time; answers how many rows.
 */
int64_t usage_report(struct call *call, str *cursor, bool *has_more);
