/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a user has stored, and whether there is room for more (QUOT-01 … QUOT-07). The meter moves
 * in the very mutation that makes or removes a work. What is being made has its place kept: so much
 * as is expected, from the asking to the end, so that many at once cannot end over the limit.
 *
 * Only what makes something asks for room. Nothing else looks at the limit: whoever is over it
 * reads, downloads, edits and deletes as ever (QUOT-06).
 *
 * Owns:     rows in the call's change.
 * Threads:  the call's.
 * Time:     none.
 * Fails:    QUOTA, telling what is used, what this needs and the limit.
 */
#pragma once

#include "call/call.h"
#include "studio/config.h"

struct asset;
struct user;

/* Works and their bytes: original, thumbnail and display. Renditions made later count for nobody.
 */
struct storage_sums {
    int64_t bytes, images, videos;
    /* of these: what is marked, what the user brought, what is both */
    int64_t favorite_images, favorite_videos;
    int64_t uploaded_images, uploaded_videos;
    int64_t favorite_uploaded_images, favorite_uploaded_videos;
    int64_t video_bytes, uploaded_bytes;
};

/* A count of all works, a part at a time; works that come and go meanwhile are in it. */
struct storage_count {
    int64_t upto; /* works made till then are in the sums; ticks */
    struct storage_sums sums;
};

/* One row a user, apart from theirs because it changes with every work. */
struct storage_meter {
    doc_id id;
    tick created;
    doc_id user_id;
    struct storage_sums sums;
    int64_t reserved_bytes, reserved_images, reserved_videos; /* for what is being made */
    bool has_marks;              /* false: from before marks were counted, and not counted since */
    struct storage_count *count; /* under way; or NULL */
};

extern const struct doc_type storage_meter_type;

/* Zeroed, but for whose it is, when they have stored nothing yet. */
struct storage_meter storage_meter_of(struct call *call, doc_id user);

/* A work that comes (and back: goes). What its owner marks makes it go and come. */
void storage_take(struct call *call, const struct asset *asset);
void storage_give_back(struct call *call, const struct asset *asset);

/* ---- room ---- */

struct storage_need {
    int64_t bytes, images, videos;
};

/* Of the user's plan; 0: as much as they like. */
struct storage_need storage_limit(struct call *call, const struct user *user);

/* Fails the call unless so much can come. */
void storage_check(struct call *call, doc_id user, const struct storage_need *need);

/* The same, and keeps the place. */
void storage_reserve(struct call *call, doc_id user, const struct storage_need *need);
void storage_release(struct call *call, doc_id user, const struct storage_need *need);

/* What one work of a model is expected to take; the configuration's, or as such works are. */
int64_t storage_expected(const struct model_config *model, int64_t width, int64_t height,
                         int64_t seconds);

/* "45.2 MB": MB is MiB here, as in all that users see. */
str storage_words(struct arena *arena, int64_t size);

/* ---- telling (QUOT-04) ---- */

struct storage_counts {
    int64_t images, videos;
};
extern const struct shape storage_counts_shape;

extern const struct function storage_functions[];
extern const size_t storage_function_count;

/* ---- counting again (QUOT-07) ---- */

/* Counts on; true: all are counted, and the meter is right. A meter that was wrong is set right,
 * which the log and the audit tell. */
bool storage_recount(struct call *call, doc_id user, size_t works_max, bool *was_wrong);

/* For its cron: every user's. Answers how many meters were wrong. */
int64_t storage_recount_all(struct call *call, str *cursor, bool *has_more);
