/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uploads: files on their way from a person's disk into their library (STOR-01 … STOR-03, QUOT-03,
 * CRON-05). Bytes are stored first, then a row is made; a row that no work came of within its time
 * goes with its file. What is on its way counts against the storage like what is there.
 *
 *   open --(bytes stored)--> stored --(a work was made)--> used        any of them: expired
 *
 * A work made of an upload is there at once; a job looks into its file and adds thumbnail, size and
 * blur, or ends it with a reason and removes the bytes.
 *
 * Owns:     rows in the call's change.
 * Threads:  the call's.
 * Time:     call->now.
 * Fails:    through the call: RATE_LIMIT, QUOTA with numbers, NOT_FOUND, ARGUMENT.
 */
#pragma once

#include "studio/assets.h"
#include "studio/storage.h"
#include "studio/users.h"

#define UPLOAD_BYTES_DEFAULT ((int64_t)MIB(25))
#define UPLOAD_TICKET_TIME HOURS(1)
#define UPLOAD_TIME HOURS(24) /* of one that goes on, and of a stored file that nobody uses */
#define UPLOADS_LANE "uploads"
#define UPLOADS_AT_ONCE 4

enum upload_state {
    UPLOAD_NONE,
    UPLOAD_OPEN,
    UPLOAD_STORED,
    UPLOAD_USED,
    UPLOAD_STATES,
};

struct upload {
    doc_id id;
    tick created;
    str token; /* 32 hex digits: the capability in its address */
    doc_id owner_id;
    enum upload_state state;
    bool is_resumable;
    bool wants_asset; /* a work is made as soon as the bytes are there */
    int64_t length;   /* bytes; 0: not known yet */
    str name;         /* the file's, on the person's disk */
    str storage_id;   /* once stored */
    doc_id asset_id;  /* once used */
    instant expires_at;
};

extern const struct doc_type upload_type;
extern const struct job_action looking_action;
extern const struct function upload_functions[], upload_asset_functions[];
extern const size_t upload_function_count, upload_asset_function_count;

/* Of one file, by the user's plan. */
struct upload_limits {
    int64_t image_max, video_max; /* bytes */
    doc_id user;
};
struct upload_limits upload_limits_of(struct call *call, doc_id user);

/* Whether the caller may begin to send so many bytes: fails the call if not. Nothing is counted. */
void upload_admit(struct call *call, int64_t length, struct upload_limits *out);

/* One that goes on and has not expired. */
bool upload_find(struct call *call, str token, struct upload *out);

/* The room that a user's uploads keep. */
struct storage_need upload_reserved(struct call *call, doc_id user);

/* For its cron: what has expired. */
int64_t uploads_clean(struct call *call, str *cursor, bool *has_more);

/* All of a user's, whose account goes; at most 200 at once. The files go with the account's. */
void uploads_forget(struct call *call, doc_id owner, bool *has_more);

/* ---- between uploads.c and uploads_asset.c ---- */

/* What the caller says of a work; all of it may be missing. */
struct upload_said {
    int64_t width, height;
    struct maybe_number duration;
    str metadata; /* JSON object, or empty */
    str thumbnail_storage_id;
};

/* Makes a work of a file of its owner, and the job that looks into it. */
doc_id upload_make_asset(struct call *call, const struct file *file,
                         const struct upload_said *said);

/* Gives back the room that it kept. */
void upload_release(struct call *call, const struct upload *upload);
