/* SPDX-License-Identifier: Apache-2.0 */
#include "store/database.h"

#include "base/str.h"

#include <fcntl.h>
#include <sqlite3.h>

#define BUSY_MS 5000

static void database_close(sqlite3 **database)
{
    sqlite3_close(*database);
}

static void statement_close(sqlite3_stmt **statement)
{
    sqlite3_finalize(*statement);
}

static bool refuse(sqlite3 *database, const char *path, struct fault *fault)
{
    int code = database == NULL ? SQLITE_NOMEM : sqlite3_errcode(database);
    enum fault_kind kind = FAULT_SYSTEM;
    if (code == SQLITE_FULL)
        kind = FAULT_FULL;
    else if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
        kind = FAULT_TRANSIENT;
    else if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT)
        kind = FAULT_INPUT;
    return fault_set(fault, kind, "%s: %s", path,
                     database == NULL ? "out of memory" : sqlite3_errmsg(database));
}

/* Writable, as after a kill -9 the first reader brings the log's commits in. */
static bool database_open(const char *path, int flags, sqlite3 **out, struct fault *fault)
{
    int code = sqlite3_open_v2(path, out, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (code != SQLITE_OK)
        return refuse(*out, path, fault);
    sqlite3_busy_timeout(*out, BUSY_MS);
    return true;
}

static bool file_make(const char *path, struct fault *fault)
{
    AUTO(fd_close) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    return fd >= 0 || fault_os(fault, path);
}

static bool file_sync(const char *path, struct fault *fault)
{
    AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    return (fd >= 0 && fsync(fd) == 0) || fault_os(fault, path);
}

bool database_copy(const char *path, const char *to, struct fault *fault)
{
    AUTO(database_close) sqlite3 *from = NULL;
    AUTO(database_close) sqlite3 *copy = NULL;
    if (!database_open(path, SQLITE_OPEN_READWRITE, &from, fault) || !file_make(to, fault) ||
        !database_open(to, SQLITE_OPEN_READWRITE, &copy, fault))
        return false;

    /* All pages in one step: one read transaction, so that no commit comes in between. */
    sqlite3_backup *backup = sqlite3_backup_init(copy, "main", from, "main");
    if (backup == NULL)
        return refuse(copy, to, fault);
    int code;
    do {
        code = sqlite3_backup_step(backup, -1);
    } while (code == SQLITE_OK);
    if (sqlite3_backup_finish(backup) != SQLITE_OK || code != SQLITE_DONE)
        return refuse(copy, to, fault);
    return file_sync(to, fault);
}

bool database_check(const char *path, struct fault *fault)
{
    AUTO(database_close) sqlite3 *database = NULL;
    AUTO(statement_close) sqlite3_stmt *check = NULL;
    if (!database_open(path, SQLITE_OPEN_READWRITE, &database, fault))
        return false;
    if (sqlite3_prepare_v2(database, "PRAGMA quick_check(1)", -1, &check, NULL) != SQLITE_OK ||
        sqlite3_step(check) != SQLITE_ROW)
        return refuse(database, path, fault);

    const char *said = (const char *)sqlite3_column_text(check, 0);
    str text = str_of(said);
    if (!str_equal(text, STR("ok")))
        return fault_set(fault, FAULT_INPUT, "%s is damaged: %.*s", path, STR_ARG(text));
    return true;
}
