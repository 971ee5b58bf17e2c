/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/keep.h"

#include "base/buffer.h"
#include "base/log.h"
#include "blob/folder.h"
#include "blob/home.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LOOK_EVERY 8 /* through all of it, when an eighth of what may be kept came */
#define FILES_MAX MIB(64)

bool keep_open(struct keep *keep, int data, const char *name, int64_t max, struct fault *fault)
{
    *keep = (struct keep){.root = -1, .max = max, .is_durable = max == 0};
    atomic_store(&keep->added, max); /* what is there from before is looked through soon */
    return folder_open(data, name, true, &keep->root, fault);
}

void keep_close(struct keep *keep)
{
    fd_close(&keep->root);
}

bool keep_find(struct keep *keep, const char *id, int *fd, int64_t *size, struct fault *fault)
{
    if (keep->root < 0)
        return fault_set(fault, FAULT_ABSENT, "there is no file %s", id);
    if (!home_file_open(keep->root, id, fd, size, fault))
        return false;
    if (keep->max != 0)
        futimens(*fd, NULL); /* used now */
    return true;
}

bool keep_has(struct keep *keep, const char *id)
{
    AUTO(fd_close) int fd = -1;
    int64_t size;
    return keep->root >= 0 && home_file_open(keep->root, id, &fd, &size, NULL);
}

bool keep_remove(struct keep *keep, const char *id, struct fault *fault)
{
    /* The collector does not look into a cache. */
    return keep->root < 0 || home_file_remove(keep->root, id, true, fault);
}

/* ---- what was not used for long goes ---- */

struct kept_file {
    char id[BLOB_ID_LEN + 1];
    int64_t size;
    instant used;
};

struct files {
    struct buffer all; /* struct kept_file */
    int64_t bytes;
};

static void files_done(struct files *files)
{
    buffer_done(&files->all);
}

static bool file_add(void *context, const struct blob_entry *entry)
{
    struct files *files = context;
    struct kept_file file = {.size = entry->size, .used = entry->modified};
    memcpy(file.id, entry->id, sizeof(file.id));
    buffer_add(&files->all, &file, sizeof(file));
    files->bytes += entry->size;
    return !files->all.is_over;
}

static int oldest_first(const void *a, const void *b)
{
    const struct kept_file *left = a, *right = b;
    return left->used.us < right->used.us ? -1 : left->used.us > right->used.us;
}

/* Down to seven eighths, so that it is not needed at each file. */
static void trim(struct keep *keep)
{
    struct fault fault;
    AUTO(files_done) struct files files = {.all = buffer_with_max(FILES_MAX)};
    if (!home_list(keep->root, file_add, &files, &fault)) {
        log_event(LOG_WARN, "cache_unreadable", "%s", fault.text);
        return;
    }
    if (files.bytes <= keep->max && !files.all.is_over)
        return;
    struct kept_file *at = (struct kept_file *)(void *)files.all.at;
    size_t count = files.all.len / sizeof(*at);
    qsort(at, count, sizeof(*at), oldest_first);
    for (size_t i = 0; i < count && files.bytes > keep->max - keep->max / LOOK_EVERY; i++)
        if (home_file_remove(keep->root, at[i].id, false, &fault))
            files.bytes -= at[i].size;
}

bool keep_take(struct keep *keep, const char *id, int from, const char *name, int64_t size,
               struct fault *fault)
{
    if (!home_file_take(keep->root, id, from, name, keep->is_durable, fault))
        return false;
    /* Who crosses the line looks; the others go on. */
    if (keep->max != 0 && atomic_fetch_add(&keep->added, size) + size > keep->max / LOOK_EVERY) {
        atomic_store(&keep->added, 0);
        trim(keep);
    }
    return true;
}
