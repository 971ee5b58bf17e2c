/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may not be asked for or shown (MOD-01): flags that people or a check put on works and
 * prompts, for the operator to look at.
 *
 * Owns:     rows in the call's change.
 * Threads:  the call's.
 * Time:     call->now.
 * Fails:    through the call.
 */
#pragma once

#include "job/job.h"
#include "studio/generations.h"

enum flag_source {
    FLAG_SOURCE_NONE,
    FLAG_BY_USER,   /* somebody reported a work */
    FLAG_BY_PROMPT, /* a check refused what was asked for */
    FLAG_BY_IMAGE,  /* a check refused what came of it */
    FLAG_SOURCES,
};

enum flag_state {
    FLAG_STATE_NONE,
    FLAG_OPEN,
    FLAG_UPHELD,
    FLAG_DISMISSED,
    FLAG_STATES,
};

struct flag {
    doc_id id;
    tick created;
    enum flag_source source;
    enum flag_state state;
    doc_id asset_id, generation_id; /* what it is about */
    doc_id reporter_id;
    str reason;
    doc_id resolved_by;
    instant created_at;
};
extern const struct doc_type flag_type;

/*
 * The check of what is asked for, when the configuration names a service for it. A job that is to
 * be checked is queued here instead of in its provider's line, with its price held; whoever passes
 * goes into the line, who does not ends at once and has everything back (docs/decisions).
 *
 *   held -> checked -> in line …        or failed, with the words of the content rules
 */
#define CHECKS_LANE "checks"
#define CHECKS_AT_ONCE 8
extern const struct job_action checking_action;
bool moderation_is_asked(struct call *call);

/* Puts an open flag; one of the same person on the same thing takes its new reason. */
void flag_put(struct call *call, const struct flag *flag);
