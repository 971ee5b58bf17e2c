/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine on SQLite: one connection writes, a pool of others reads, each reader in a transaction
 * of its own, which is its snapshot. Checkpoints happen in the writer only, when it has nothing to
 * do or the log has grown by CHECKPOINT_PAGES.
 */
#include "store/connection.h"
#include "store/database.h"
#include "store/gather.h"

#include "base/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define CHECKPOINT_PAGES 16000
#define CHECKPOINT_IDLE_PAGES 1000
#define RESTART_PAGES (CHECKPOINT_PAGES * 4) /* then readers are waited for, RESTART_MS */
#define RESTART_MS 50
#define BUSY_MS 5000

struct sqlite_engine {
    struct engine engine;
    char *path;
    struct space_list list;
    struct gather *gather; /* of the writer's log */
    struct snapshot *writer;
    int log_pages, checkpointed_pages;
    pthread_mutex_t lock; /* guards idle */
    struct snapshot *idle;
};

static struct sqlite_engine *sqlite_of(struct engine *engine)
{
    return (struct sqlite_engine *)engine;
}

/* Its counters sit behind one lock that all readers would take. Too late is no failure. */
static void configure(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static void close_engine(struct engine *engine)
{
    struct sqlite_engine *sqlite = sqlite_of(engine);
    for (struct snapshot *reader = sqlite->idle; reader != NULL;) {
        struct snapshot *next = reader->next_idle;
        connection_close(reader);
        reader = next;
    }
    connection_close(sqlite->writer); /* last, since it can checkpoint */
    gather_free(sqlite->gather);
    pthread_mutex_destroy(&sqlite->lock);
    free(sqlite->list.spaces);
    free(sqlite->list.place);
    free(sqlite->path);
    free(sqlite);
}

/* ---- spaces ---- */

static bool make_space(struct sqlite_engine *sqlite, const struct space *space, struct fault *fault)
{
    char sql[512];
    const char *columns = space->kind == SPACE_ROWS
                              ? "(id INTEGER PRIMARY KEY, body TEXT NOT NULL)"
                              : "(key BLOB PRIMARY KEY, body TEXT) WITHOUT ROWID";
    snprintf(sql, sizeof(sql), "CREATE TABLE IF NOT EXISTS \"%s\"%s", space->name, columns);
    return connection_run(sqlite->writer, sql, fault);
}

static void list_add(struct space_list *list, const struct space *added, size_t count)
{
    list->spaces = memory_resize(list->spaces, (list->count + count) * sizeof(*list->spaces));
    for (size_t i = 0; i < count; i++) {
        list->spaces[list->count++] = added[i];
        list->place[added[i].number] = (uint16_t)list->count;
    }
}

static bool make_spaces(struct engine *engine, const struct space *list, size_t count,
                        struct fault *fault)
{
    struct sqlite_engine *sqlite = sqlite_of(engine);
    if (!connection_begin(sqlite->writer, fault))
        return false;
    bool is_well = true;
    for (size_t i = 0; i < count && is_well; i++)
        is_well = make_space(sqlite, &list[i], fault);
    is_well = is_well && connection_commit(sqlite->writer, fault);
    connection_rollback(sqlite->writer);
    if (is_well)
        list_add(&sqlite->list, list, count);
    return is_well;
}

static bool drop_space(struct engine *engine, const char *name, struct fault *fault)
{
    char sql[512];
    snprintf(sql, sizeof(sql), "DROP TABLE IF EXISTS \"%s\"", name);
    return connection_run(sqlite_of(engine)->writer, sql, fault);
}

/* Answers whether the view is there just so. */
static bool has_view(struct sqlite_engine *sqlite, const char *name, str sql)
{
    sqlite3_stmt *find = NULL;
    bool is_there = false;
    if (sqlite3_prepare_v2(sqlite->writer->db,
                           "SELECT 1 FROM sqlite_schema WHERE type='view' AND name=?1 AND sql=?2",
                           -1, &find, NULL) == SQLITE_OK) {
        sqlite3_bind_text(find, 1, name, -1, SQLITE_STATIC);
        sqlite3_bind_text(find, 2, sql.at, (int)sql.len, SQLITE_STATIC);
        is_there = sqlite3_step(find) == SQLITE_ROW;
    }
    sqlite3_finalize(find);
    return is_there;
}

static bool make_view(struct engine *engine, const struct space_view *view, struct fault *fault)
{
    struct sqlite_engine *sqlite = sqlite_of(engine);
    AUTO(buffer_done) struct buffer sql = {0};
    char drop[SPACE_NAME_MAX * 2];
    buffer_format(&sql, "CREATE VIEW \"%s\" AS SELECT", view->name);
    for (size_t i = 0; i < view->member_count; i++)
        buffer_format(&sql, "%s body->>'$.\"%.*s\"' AS \"%.*s\"", i == 0 ? "" : ",",
                      STR_ARG(view->members[i]), STR_ARG(view->members[i]));
    buffer_format(&sql, " FROM \"%s\"", view->rows);
    if (has_view(sqlite, view->name, buffer_text(&sql)))
        return true;
    buffer_char(&sql, 0);
    snprintf(drop, sizeof(drop), "DROP VIEW IF EXISTS \"%s\"", view->name);
    return connection_run(sqlite->writer, drop, fault) &&
           connection_run(sqlite->writer, sql.at, fault);
}

/* ---- snapshots ---- */

static struct snapshot *take_idle(struct sqlite_engine *sqlite)
{
    pthread_mutex_lock(&sqlite->lock);
    struct snapshot *reader = sqlite->idle;
    if (reader != NULL)
        sqlite->idle = reader->next_idle;
    pthread_mutex_unlock(&sqlite->lock);
    return reader;
}

static void put_idle(struct sqlite_engine *sqlite, struct snapshot *reader)
{
    pthread_mutex_lock(&sqlite->lock);
    reader->next_idle = sqlite->idle;
    sqlite->idle = reader;
    pthread_mutex_unlock(&sqlite->lock);
}

static bool begin_read(struct engine *engine, struct snapshot **out, struct fault *fault)
{
    struct sqlite_engine *sqlite = sqlite_of(engine);
    struct snapshot *reader = take_idle(sqlite);
    if (reader == NULL &&
        !connection_open(sqlite->path, false, NULL, &sqlite->list, &reader, fault))
        return false;
    reader->owner = sqlite;
    if (!connection_begin(reader, fault)) {
        connection_close(reader);
        return false;
    }
    *out = reader;
    return true;
}

static bool begin_write(struct engine *engine, struct snapshot **out, struct fault *fault)
{
    struct sqlite_engine *sqlite = sqlite_of(engine);
    *out = sqlite->writer;
    return connection_begin(sqlite->writer, fault);
}

static void end(struct snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    if (snapshot->is_writer) {
        connection_rollback(snapshot);
    } else if (connection_commit(snapshot, NULL)) {
        put_idle(snapshot->owner, snapshot);
    } else {
        connection_close(snapshot);
    }
}

/* ---- commits and checkpoints ---- */

static int note_pages(void *context, sqlite3 *db, const char *name, int pages)
{
    struct sqlite_engine *sqlite = context;
    if (pages < sqlite->log_pages)
        sqlite->checkpointed_pages = 0; /* the log began again */
    sqlite->log_pages = pages;
    return SQLITE_OK;
}

static void checkpoint(struct sqlite_engine *sqlite)
{
    sqlite3 *db = sqlite->writer->db;
    bool is_long = sqlite->log_pages >= RESTART_PAGES;
    sqlite3_busy_timeout(db, RESTART_MS);
    int code = sqlite3_wal_checkpoint_v2(
        db, NULL, is_long ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    sqlite3_busy_timeout(db, BUSY_MS);
    if (code != SQLITE_OK && code != SQLITE_BUSY)
        log_event(LOG_WARN, "checkpoint_failed", "%s (%d)", sqlite3_errmsg(db),
                  sqlite3_extended_errcode(db));
    sqlite->checkpointed_pages = sqlite->log_pages;
}

static bool apply(struct snapshot *snapshot, const struct tree_item *const *writes, size_t count,
                  struct fault *fault)
{
    struct sqlite_engine *sqlite = snapshot->owner;
    bool is_well = connection_is_open(snapshot, fault);
    for (size_t i = 0; i < count && is_well; i++)
        is_well = connection_write(snapshot, writes[i], fault);
    is_well = is_well && connection_commit(snapshot, fault);
    connection_rollback(snapshot); /* after a failure the transaction may be open still */
    if (is_well && sqlite->log_pages - sqlite->checkpointed_pages >= CHECKPOINT_PAGES)
        checkpoint(sqlite);
    return is_well;
}

static void idle(struct engine *engine)
{
    struct sqlite_engine *sqlite = sqlite_of(engine);
    if (sqlite->log_pages - sqlite->checkpointed_pages >= CHECKPOINT_IDLE_PAGES)
        checkpoint(sqlite);
}

static bool backup(struct engine *engine, const char *to, struct fault *fault)
{
    return database_copy(sqlite_of(engine)->path, to, fault);
}

static const struct engine_methods methods = {
    .close = close_engine,
    .make_spaces = make_spaces,
    .drop_space = drop_space,
    .make_view = make_view,
    .begin_read = begin_read,
    .begin_write = begin_write,
    .end = end,
    .get = connection_get,
    .scan = cursor_open,
    .next = cursor_next,
    .close_scan = cursor_close,
    .apply = apply,
    .backup = backup,
    .idle = idle,
};

/* Before SQLite does, so that the file and those beside it, which take its mode, are private. */
static void make_private(const char *path)
{
    AUTO(fd_close) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    (void)fd; /* what is wrong with the path SQLite will say */
}

bool engine_sqlite_open(const char *path, struct engine **out, struct fault *fault)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, configure);
    struct sqlite_engine *sqlite = memory_zeroed(sizeof(*sqlite));
    sqlite->engine.methods = &methods;
    sqlite->path = strdup(path);
    sqlite->list.place = memory_zeroed(65536 * sizeof(*sqlite->list.place));
    pthread_mutex_init(&sqlite->lock, NULL);
    make_private(path);
    if (!gather_new(&sqlite->gather, fault) ||
        !connection_open(path, true, gather_name(sqlite->gather), &sqlite->list, &sqlite->writer,
                         fault)) {
        close_engine(&sqlite->engine);
        return false;
    }
    sqlite->writer->owner = sqlite;
    sqlite3_wal_hook(sqlite->writer->db, note_pages, sqlite);
    *out = &sqlite->engine;
    return true;
}
