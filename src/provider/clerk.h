/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Clerk's webhooks tell of people (IN-01). Their signature is that of provider/hook.h; the
 * order of what they tell is when their subject was updated, for postings come in any order.
 *
 * Owns:     results borrow from the arena given and from the body, which is valid UTF-8.
 * Threads:  any.
 * Time:     none.
 * Fails:    false.
 */
#pragma once

#include "base/arena.h"
#include "base/str.h"

enum clerk_kind {
    CLERK_NONE, /* nothing to us */
    CLERK_USER,
    CLERK_USER_GONE,
};

/* Names that are not there are empty, not absent: they may have been taken away. */
struct clerk_event {
    enum clerk_kind kind;
    str type, user;
    str email, first_name, last_name, username, image;
    instant updated_at;
};

bool clerk_event_read(struct arena *arena, str body, struct clerk_event *out) MUST_CHECK;
