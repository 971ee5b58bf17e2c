/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many works at once, as one archive: a list of works behind a capability that is good for an hour.
 * What is in the archive is decided when it is fetched, so a work deleted meanwhile is not.
 *
 * Owns:     rows in the call's change.
 * Threads:  the call's.
 * Time:     call->now.
 * Fails:    through the call.
 */
#pragma once

#include "studio/assets.h"

#define DOWNLOAD_WORKS_MAX 1000

/* Of one person; the oldest goes for a new one. */
#define DOWNLOADS_KEPT 10

extern const struct doc_type download_type;
extern const struct function download_functions[];
extern const size_t download_function_count;

/* One file of the archive; on the wire of assets:openDownload and assets:listDownload too. */
struct download_file {
    str storage_id, name, content_type;
    int64_t size_bytes;
    instant created_at;
};
extern const struct shape download_files_shape; /* struct download_files */
struct download_files {
    struct list files; /* struct download_file */
};

/* For the cron: those whose hour is over. */
int64_t downloads_clean(struct call *call, str *cursor, bool *has_more);
