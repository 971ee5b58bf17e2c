/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Billing periods, and how many pictures and films a plan makes in one (QUOT-01, CRON-05). A period
 * is that of the subscription that gives the plan; without one, a month since the account was made.
 * Nothing has to be reset: what was counted in another period does not count in this one.
 *
 * Frontends that make works by themselves set them aside here before, and give back what failed: so
 * much of it as they set aside in the last hour, and no more.
 *
 * Owns:     rows in the call's change.
 * Threads:  the call's.
 * Time:     call->now.
 * Fails:    QUOTA, telling the limit and what is used of it.
 */
#pragma once

#include "call/call.h"
#include "studio/config.h"
#include "studio/users.h"

/* From start to before end. */
struct period {
    instant start, end;
};

/* The user's period that it is now. In a query the answer is good until its end. */
struct period period_of(struct call *call, const struct user *user);

/* What is counted in a period; zeroed, but for whose it is, when nothing was yet. */
struct period_usage {
    doc_id id;
    tick created;
    doc_id user_id;
    instant start;
    int64_t images, videos;
    credits used_before; /* total of the user's when the period's first work was asked for */
};
struct period_usage period_usage_of(struct call *call, doc_id user, const struct period *period);
credits period_credits(struct call *call, doc_id user, const struct period *period);

/* Counts what is asked for, or fails the call. */
void quota_take(struct call *call, doc_id user, enum media_kind kind, int64_t count);

/* What was not made of it does not count, if it was asked for in this period. */
void quota_return(struct call *call, doc_id user, enum media_kind kind, int64_t count,
                  instant asked_at);

/* For its cron: old reservations, and plans cancelled for the end of a period that is over. */
int64_t quota_clean(struct call *call, str *cursor, bool *has_more);

extern const struct doc_type period_usage_type, reservation_type;
extern const struct function quota_functions[];
extern const size_t quota_function_count;
