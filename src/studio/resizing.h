/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Smaller pictures of works, and originals with their making written in, made the first time that
 * somebody asks for one by a signed address, and kept (renditions.h). One job makes one, however
 * many wait for it.
 *
 * Owns:     rows in the call's change.
 * Threads:  the call's.
 * Time:     call->now.
 * Fails:    through the call.
 */
#pragma once

#include "studio/links.h"

/* Pictures of one person's works that may be under way. */
#define RESIZINGS_MAX 64

/* A picture that could not be made is not tried again for so long. */
#define RESIZING_REST HOURS(1)

/* What is to be made: never larger than the work, so that there are not several of the same. Width
 * 0: the stamped original (provenance.h), whatever else is said. */
struct resize {
    int64_t width;
    enum link_fit fit;
    enum link_format format; /* never auto */
};
struct resize resize_of(const struct asset *asset, int64_t width, enum link_fit fit,
                        enum link_format format);

enum resize_state {
    RESIZE_NONE, /* nobody asked yet */
    RESIZE_READY,
    RESIZE_UNDER_WAY,
    RESIZE_FAILED,
    RESIZE_STATES,
};

/* READY: *out is the file. FAILED: *why says why, to the user. */
enum resize_state resize_find(struct call *call, const struct asset *asset,
                              const struct resize *resize, struct file *out, str *why);

/* The work is removed: what is under way for it ends of itself. */
void resizings_forget(struct call *call, doc_id asset);

extern const struct doc_type resizing_type;
extern const struct job_action resizing_action;
extern const struct function resizing_functions[];
extern const size_t resizing_function_count;
