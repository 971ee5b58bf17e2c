/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the servers and workers of the three studios called behind their pages. Here a job moves by
 * its own lease and the ledger alone, so none of these carries one along: those that told of a
 * provider's news make us look at once, those that ended a job end it as it always ends, and those
 * that counted answer what is counted. Each may be sent twice. backstage.c has those about pictures
 * and jobs, backstage_films.c those about films.
 *
 * Owns:     rows in the call's change.
 * Threads:  the call's.
 * Time:     call->now.
 * Fails:    through the call.
 */
#pragma once

#include "studio/videos.h"

/* How a job stands after what was told. */
struct standing {
    doc_id job_id;
    enum generation_status status;
    credits credits_used, credits_refunded;
};
extern const struct shape standing_shape;
#define RETURNS_STANDING RETURNS_RECORD(&standing_shape, struct standing)

/* Where a job is said to be; it gets there by its own steps, or ends as jobs end. */
void backstage_bring(struct call *call, doc_id id, enum generation_status status, str error,
                     struct standing *result);
