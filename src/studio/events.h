/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of others (payment services, sign-in services) that were taken, so that each is taken once
 * however often it is sent (IN-04). Forgotten after 30 days; what is sent again later than that is
 * refused by its signature's age.
 *
 * Owns:     rows in the call's change.
 * Threads:  the call's.
 * Time:     call->now.
 * Fails:    through the call.
 */
#pragma once

#include "call/call.h"

struct webhook_event {
    doc_id id;
    tick created;
    str source, event_id, event_type;
    instant processed_at;
};

/* Marks it as taken. False: it was before, or the call has failed. */
bool webhook_event_take(struct call *call, str source, str id, str type);

/* For its cron. */
int64_t webhook_events_clean(struct call *call, str *cursor, bool *has_more);

extern const struct doc_type webhook_event_type;
extern const struct function event_functions[];
extern const size_t event_function_count;
