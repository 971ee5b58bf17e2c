/* SPDX-License-Identifier: Apache-2.0 */
#include "store/gather.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

struct gather {
    sqlite3_vfs vfs;
    sqlite3_vfs *below;
    char name[40];
};

/* The log. The file of the layer below lies behind it, where SQLite made room for both. */
struct log_file {
    sqlite3_file file;
    char *room;
    size_t len;
    int64_t from; /* of what waits, in the file */
    _Alignas(8) char below[];
};

static struct log_file *log_of(sqlite3_file *file)
{
    return (struct log_file *)(void *)file;
}

static sqlite3_file *below_of(struct log_file *log)
{
    return (sqlite3_file *)(void *)log->below;
}

static int flush(struct log_file *log)
{
    sqlite3_file *below = below_of(log);
    size_t len = log->len;
    log->len = 0; /* also when it fails: SQLite then takes the whole transaction back */
    return len == 0 ? SQLITE_OK
                    : below->pMethods->xWrite(below, log->room, (int)len, (sqlite3_int64)log->from);
}

/* ---- the log's methods: each but writing writes first ---- */

static int log_close(sqlite3_file *file)
{
    struct log_file *log = log_of(file);
    int result = flush(log);
    int closed = below_of(log)->pMethods->xClose(below_of(log));
    free(log->room);
    return result != SQLITE_OK ? result : closed;
}

static int log_read(sqlite3_file *file, void *to, int len, sqlite3_int64 at)
{
    sqlite3_file *below = below_of(log_of(file));
    int result = flush(log_of(file));
    return result != SQLITE_OK ? result : below->pMethods->xRead(below, to, len, at);
}

static int log_write(sqlite3_file *file, const void *from, int len, sqlite3_int64 at)
{
    struct log_file *log = log_of(file);
    sqlite3_file *below = below_of(log);
    bool is_next = log->len == 0 || (int64_t)at == log->from + (int64_t)log->len;
    if (!is_next || (size_t)len > GATHER_ROOM - log->len) {
        int result = flush(log);
        if (result != SQLITE_OK)
            return result;
    }
    if ((size_t)len > GATHER_ROOM)
        return below->pMethods->xWrite(below, from, len, at);
    if (log->len == 0)
        log->from = at;
    memcpy(log->room + log->len, from, (size_t)len);
    log->len += (size_t)len;
    return SQLITE_OK;
}

static int log_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    sqlite3_file *below = below_of(log_of(file));
    int result = flush(log_of(file));
    return result != SQLITE_OK ? result : below->pMethods->xTruncate(below, size);
}

static int log_sync(sqlite3_file *file, int flags)
{
    sqlite3_file *below = below_of(log_of(file));
    int result = flush(log_of(file));
    return result != SQLITE_OK ? result : below->pMethods->xSync(below, flags);
}

static int log_size(sqlite3_file *file, sqlite3_int64 *size)
{
    sqlite3_file *below = below_of(log_of(file));
    int result = flush(log_of(file));
    return result != SQLITE_OK ? result : below->pMethods->xFileSize(below, size);
}

static int log_lock(sqlite3_file *file, int level)
{
    sqlite3_file *below = below_of(log_of(file));
    return below->pMethods->xLock(below, level);
}

static int log_unlock(sqlite3_file *file, int level)
{
    sqlite3_file *below = below_of(log_of(file));
    return below->pMethods->xUnlock(below, level);
}

static int log_check_lock(sqlite3_file *file, int *is_reserved)
{
    sqlite3_file *below = below_of(log_of(file));
    return below->pMethods->xCheckReservedLock(below, is_reserved);
}

static int log_control(sqlite3_file *file, int verb, void *argument)
{
    sqlite3_file *below = below_of(log_of(file));
    int result = flush(log_of(file));
    return result != SQLITE_OK ? result : below->pMethods->xFileControl(below, verb, argument);
}

static int log_sector(sqlite3_file *file)
{
    sqlite3_file *below = below_of(log_of(file));
    return below->pMethods->xSectorSize(below);
}

static int log_traits(sqlite3_file *file)
{
    sqlite3_file *below = below_of(log_of(file));
    return below->pMethods->xDeviceCharacteristics(below);
}

/* Version 1: a log is neither mapped nor has shared memory of its own. */
static const sqlite3_io_methods log_methods = {
    .iVersion = 1,
    .xClose = log_close,
    .xRead = log_read,
    .xWrite = log_write,
    .xTruncate = log_truncate,
    .xSync = log_sync,
    .xFileSize = log_size,
    .xLock = log_lock,
    .xUnlock = log_unlock,
    .xCheckReservedLock = log_check_lock,
    .xFileControl = log_control,
    .xSectorSize = log_sector,
    .xDeviceCharacteristics = log_traits,
};

/* ---- the layer's methods ---- */

static sqlite3_vfs *layer_below(sqlite3_vfs *vfs)
{
    return ((struct gather *)(void *)vfs)->below;
}

static int layer_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags,
                      int *out_flags)
{
    sqlite3_vfs *below = layer_below(vfs);
    if ((flags & SQLITE_OPEN_WAL) == 0)
        return below->xOpen(below, name, file, flags, out_flags);
    struct log_file *log = log_of(file);
    *log = (struct log_file){0}; /* without methods it is not closed */
    int result = below->xOpen(below, name, below_of(log), flags, out_flags);
    if (result != SQLITE_OK) {
        if (below_of(log)->pMethods != NULL)
            below_of(log)->pMethods->xClose(below_of(log));
        return result;
    }
    log->room = memory_new(GATHER_ROOM);
    log->file.pMethods = &log_methods;
    return SQLITE_OK;
}

static int layer_delete(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
    return layer_below(vfs)->xDelete(layer_below(vfs), name, sync_folder);
}

static int layer_access(sqlite3_vfs *vfs, const char *name, int flags, int *is_there)
{
    return layer_below(vfs)->xAccess(layer_below(vfs), name, flags, is_there);
}

static int layer_full_name(sqlite3_vfs *vfs, const char *name, int room, char *out)
{
    return layer_below(vfs)->xFullPathname(layer_below(vfs), name, room, out);
}

static int layer_random(sqlite3_vfs *vfs, int len, char *out)
{
    return layer_below(vfs)->xRandomness(layer_below(vfs), len, out);
}

static int layer_sleep(sqlite3_vfs *vfs, int us)
{
    return layer_below(vfs)->xSleep(layer_below(vfs), us);
}

static int layer_time(sqlite3_vfs *vfs, double *out)
{
    return layer_below(vfs)->xCurrentTime(layer_below(vfs), out);
}

static int layer_last_error(sqlite3_vfs *vfs, int len, char *out)
{
    return layer_below(vfs)->xGetLastError(layer_below(vfs), len, out);
}

bool gather_new(struct gather **out, struct fault *fault)
{
    sqlite3_initialize();
    sqlite3_vfs *below = sqlite3_vfs_find(NULL);
    if (below == NULL)
        return fault_set(fault, FAULT_SYSTEM, "SQLite knows no file system.");
    struct gather *gather = memory_zeroed(sizeof(*gather));
    snprintf(gather->name, sizeof(gather->name), "gather-%p", (void *)gather);
    gather->below = below;
    gather->vfs = (sqlite3_vfs){
        .iVersion = 1,
        .szOsFile = (int)sizeof(struct log_file) + below->szOsFile,
        .mxPathname = below->mxPathname,
        .zName = gather->name,
        .xOpen = layer_open,
        .xDelete = layer_delete,
        .xAccess = layer_access,
        .xFullPathname = layer_full_name,
        .xRandomness = layer_random,
        .xSleep = layer_sleep,
        .xCurrentTime = layer_time,
        .xGetLastError = layer_last_error,
    };
    sqlite3_vfs_register(&gather->vfs, 0);
    *out = gather;
    return true;
}

void gather_free(struct gather *gather)
{
    if (gather == NULL)
        return;
    sqlite3_vfs_unregister(&gather->vfs);
    free(gather);
}

const char *gather_name(const struct gather *gather)
{
    return gather->name;
}
