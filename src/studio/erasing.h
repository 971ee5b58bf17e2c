/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Erasing a user (MOD-05, USER-01): at once nobody is signed in as them, their name is gone and
 * their work stops; a job removes the rest a part at a time. What is left is a row without a name,
 * the journal of money and the counts of days, which name nobody.
 *
 * Owns:     rows in the call's change.
 * Threads:  the call's.
 * Time:     call->now.
 * Fails:    through the call.
 */
#pragma once

#include "job/job.h"
#include "studio/users.h"

void user_erase(struct call *call, struct user *user);

/* A row that says that the token's subject was deleted, of whom there never was one. */
void user_put_deleted(struct call *call, str clerk_id);

extern const struct job_action erasing_action;
