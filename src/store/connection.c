/* SPDX-License-Identifier: Apache-2.0 */
#include "store/connection.h"

#include "store/keys.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define BUSY_MS 5000
#define SQL_MAX 512

struct cursor {
    struct snapshot *connection;
    sqlite3_stmt *statement;
    struct cursor *next_idle;
    struct cursor **idle; /* where it goes back to */
    bool is_rows;
    uint8_t row_key[8];
};

struct space_statements {
    sqlite3_stmt *get, *add, *replace, *remove;
    struct cursor *idle[2]; /* cursors not in use, up and down: scans may be nested */
};

static const char writer_pragmas[] = "PRAGMA journal_mode=WAL;"
                                     "PRAGMA synchronous=FULL;"
                                     "PRAGMA wal_autocheckpoint=0;" /* the engine does it */
                                     "PRAGMA journal_size_limit=67108864;"
                                     "PRAGMA mmap_size=0;"
                                     "PRAGMA temp_store=MEMORY;";
static const char reader_pragmas[] = "PRAGMA mmap_size=0;"
                                     "PRAGMA temp_store=MEMORY;";

/* ---- faults ---- */

static enum fault_kind kind_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_FULL:
        return FAULT_FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
        return FAULT_SYSTEM;
    case SQLITE_IOERR:
        return code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC ? FAULT_SYSTEM
                                                                            : FAULT_TRANSIENT;
    default:
        return FAULT_TRANSIENT;
    }
}

bool connection_fault(struct snapshot *connection, const char *doing, struct fault *fault)
{
    int code = sqlite3_extended_errcode(connection->db);
    fault_set(fault, kind_of(code), "The database: %s: %s (%d)", doing,
              sqlite3_errmsg(connection->db), code);
    if (fault != NULL)
        fault->os_error = sqlite3_system_errno(connection->db);
    return false;
}

/* ---- opening ---- */

bool connection_run(struct snapshot *connection, const char *sql, struct fault *fault)
{
    if (sqlite3_exec(connection->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return connection_fault(connection, sql, fault);
    return true;
}

static bool prepare(struct snapshot *connection, const char *sql, sqlite3_stmt **out,
                    struct fault *fault)
{
    if (sqlite3_prepare_v3(connection->db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) !=
        SQLITE_OK)
        return connection_fault(connection, sql, fault);
    return true;
}

/* The writer's is half, an eighth each the readers': those of loop, runner, sweep and the reader
 * threads, of which seldom more than four are at work. */
static atomic_size_t cache_of_all = MIB(64);

void engine_sqlite_cache(size_t size)
{
    cache_of_all = size;
}

static bool set_cache(struct snapshot *connection, struct fault *fault)
{
    char pragma[64];
    size_t cache = connection->is_writer ? cache_of_all / 2 : cache_of_all / 8;
    snprintf(pragma, sizeof(pragma), "PRAGMA cache_size=-%zu", cache / 1024);
    return connection_run(connection, pragma, fault);
}

/* The pragma answers what the mode is now, and no error when it could not be changed. */
static bool check_log(struct snapshot *connection, struct fault *fault)
{
    sqlite3_stmt *mode = NULL;
    if (!prepare(connection, "PRAGMA journal_mode", &mode, fault))
        return false;
    bool is_log = sqlite3_step(mode) == SQLITE_ROW &&
                  sqlite3_stricmp((const char *)sqlite3_column_text(mode, 0), "wal") == 0;
    sqlite3_finalize(mode);
    return is_log || fault_set(fault, FAULT_SYSTEM,
                               "The database cannot keep a write-ahead log here. Put the data "
                               "folder on a local disk.");
}

bool connection_open(const char *path, bool is_writer, const char *layer,
                     const struct space_list *list, struct snapshot **out, struct fault *fault)
{
    struct snapshot *connection = memory_zeroed(sizeof(*connection));
    connection->list = list;
    connection->is_writer = is_writer;
    int flags = is_writer ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
    if (sqlite3_open_v2(path, &connection->db, flags | SQLITE_OPEN_NOMUTEX, layer) != SQLITE_OK) {
        connection_fault(connection, path, fault);
        connection_close(connection);
        return false;
    }
    sqlite3_extended_result_codes(connection->db, 1);
    sqlite3_busy_timeout(connection->db, BUSY_MS);
    if (!connection_run(connection, is_writer ? writer_pragmas : reader_pragmas, fault) ||
        !set_cache(connection, fault) || (is_writer && !check_log(connection, fault)) ||
        !prepare(connection, is_writer ? "BEGIN IMMEDIATE" : "BEGIN", &connection->begin, fault) ||
        !prepare(connection, "COMMIT", &connection->commit, fault) ||
        !prepare(connection, "ROLLBACK", &connection->rollback, fault)) {
        connection_close(connection);
        return false;
    }
    *out = connection;
    return true;
}

void connection_close(struct snapshot *connection)
{
    if (connection == NULL)
        return;
    for (size_t i = 0; i < connection->statement_room; i++) {
        struct space_statements *statements = &connection->statements[i];
        sqlite3_finalize(statements->get);
        sqlite3_finalize(statements->add);
        sqlite3_finalize(statements->replace);
        sqlite3_finalize(statements->remove);
        for (int order = 0; order < 2; order++)
            for (struct cursor *cursor = statements->idle[order]; cursor != NULL;) {
                struct cursor *next = cursor->next_idle;
                sqlite3_finalize(cursor->statement);
                free(cursor);
                cursor = next;
            }
    }
    free(connection->statements);
    sqlite3_finalize(connection->begin);
    sqlite3_finalize(connection->commit);
    sqlite3_finalize(connection->rollback);
    sqlite3_close(connection->db);
    free(connection);
}

/* ---- transactions ---- */

static bool run_once(struct snapshot *connection, sqlite3_stmt *statement, const char *doing,
                     struct fault *fault)
{
    int code = sqlite3_step(statement);
    if (code == SQLITE_DONE) {
        sqlite3_reset(statement);
        return true;
    }
    connection_fault(connection, doing, fault);
    sqlite3_reset(statement);
    return false;
}

bool connection_begin(struct snapshot *connection, struct fault *fault)
{
    return run_once(connection, connection->begin, "begin", fault);
}

bool connection_is_open(struct snapshot *connection, struct fault *fault)
{
    return sqlite3_get_autocommit(connection->db) == 0 ||
           fault_set(fault, FAULT_TRANSIENT, "a failed read ended the transaction");
}

bool connection_commit(struct snapshot *connection, struct fault *fault)
{
    return run_once(connection, connection->commit, "commit", fault);
}

void connection_rollback(struct snapshot *connection)
{
    if (sqlite3_get_autocommit(connection->db) == 0)
        (void)run_once(connection, connection->rollback, "rollback", NULL);
}

/* ---- statements ---- */

static const struct space *space_of(const struct snapshot *connection, uint16_t number)
{
    assert(connection->list->place[number] != 0);
    return &connection->list->spaces[connection->list->place[number] - 1];
}

static struct space_statements *statements_of(struct snapshot *connection, uint16_t number)
{
    size_t place = (size_t)connection->list->place[number] - 1;
    if (place >= connection->statement_room) {
        size_t room = connection->list->count;
        connection->statements =
            memory_resize(connection->statements, room * sizeof(*connection->statements));
        memset(connection->statements + connection->statement_room, 0,
               (room - connection->statement_room) * sizeof(*connection->statements));
        connection->statement_room = room;
    }
    return &connection->statements[place];
}

/* The statement, made from the format (with the space's name) when it is first wanted. */
static bool want(struct snapshot *connection, const struct space *space, const char *for_rows,
                 const char *for_entries, sqlite3_stmt **statement, struct fault *fault)
{
    if (*statement != NULL)
        return true;
    char sql[SQL_MAX];
    const char *format = space->kind == SPACE_ROWS ? for_rows : for_entries;
    sqlite3_snprintf(sizeof(sql), sql, format, space->name);
    return prepare(connection, sql, statement, fault);
}

static void bind_key(sqlite3_stmt *statement, int at, const struct space *space, bytes key)
{
    if (space->kind == SPACE_ROWS) {
        assert(key.len == 8);
        sqlite3_bind_int64(statement, at, (int64_t)u64_read(key.at));
    } else if (key.len == 0) {
        sqlite3_bind_zeroblob(statement, at, 0);
    } else {
        sqlite3_bind_blob(statement, at, key.at, (int)key.len, SQLITE_STATIC);
    }
}

static str column_text(sqlite3_stmt *statement, int at)
{
    const char *text = (const char *)sqlite3_column_text(statement, at);
    return (str){text, text == NULL ? 0 : (size_t)sqlite3_column_bytes(statement, at)};
}

bool connection_get(struct snapshot *connection, uint16_t number, bytes key, struct arena *arena,
                    str *body, struct fault *fault)
{
    const struct space *space = space_of(connection, number);
    struct space_statements *statements = statements_of(connection, number);
    *body = (str){0};
    if (!want(connection, space, "SELECT body FROM \"%w\" WHERE id=?1",
              "SELECT body FROM \"%w\" WHERE key=?1", &statements->get, fault))
        return false;
    bind_key(statements->get, 1, space, key);
    int code = sqlite3_step(statements->get);
    if (code == SQLITE_ROW)
        *body = str_copy(arena, column_text(statements->get, 0));
    bool is_well = code == SQLITE_ROW || code == SQLITE_DONE ||
                   connection_fault(connection, space->name, fault);
    sqlite3_reset(statements->get);
    return is_well;
}

static void bind_body(sqlite3_stmt *statement, int at, str body)
{
    if (body.at == NULL)
        sqlite3_bind_null(statement, at);
    else
        sqlite3_bind_text(statement, at, body.at, (int)body.len, SQLITE_STATIC);
}

static bool remove_item(struct snapshot *connection, const struct space *space,
                        const struct tree_item *item, struct fault *fault)
{
    sqlite3_stmt **statement = &statements_of(connection, item->space)->remove;
    if (!want(connection, space, "DELETE FROM \"%w\" WHERE id=?1",
              "DELETE FROM \"%w\" WHERE key=?1", statement, fault))
        return false;
    bind_key(*statement, 1, space, tree_item_key(item));
    return run_once(connection, *statement, space->name, fault);
}

/* Not REPLACE for all: it opens a statement journal, which costs as much as the write. */
static bool replace_item(struct snapshot *connection, const struct space *space,
                         const struct tree_item *item, bool *is_replaced, struct fault *fault)
{
    sqlite3_stmt **statement = &statements_of(connection, item->space)->replace;
    if (!want(connection, space, "UPDATE \"%w\" SET body=?2 WHERE id=?1",
              "UPDATE \"%w\" SET body=?2 WHERE key=?1", statement, fault))
        return false;
    bind_key(*statement, 1, space, tree_item_key(item));
    bind_body(*statement, 2, tree_item_body(item));
    if (!run_once(connection, *statement, space->name, fault))
        return false;
    *is_replaced = sqlite3_changes(connection->db) > 0;
    return true;
}

/* *is_twin: the key is there already, and nothing was done. */
static bool add_item(struct snapshot *connection, const struct space *space,
                     const struct tree_item *item, bool *is_twin, struct fault *fault)
{
    sqlite3_stmt **statement = &statements_of(connection, item->space)->add;
    if (!want(connection, space, "INSERT INTO \"%w\"(id,body) VALUES(?1,?2)",
              "INSERT INTO \"%w\"(key,body) VALUES(?1,?2)", statement, fault))
        return false;
    bind_key(*statement, 1, space, tree_item_key(item));
    bind_body(*statement, 2, tree_item_body(item));
    if (run_once(connection, *statement, space->name, fault))
        return true;
    *is_twin = (sqlite3_errcode(connection->db) & 0xff) == SQLITE_CONSTRAINT;
    return *is_twin;
}

bool connection_write(struct snapshot *connection, const struct tree_item *item,
                      struct fault *fault)
{
    const struct space *space = space_of(connection, item->space);
    bool is_replaced = false, is_twin = false;
    if (item->is_removed)
        return remove_item(connection, space, item, fault);
    if (item->is_likely_below && !replace_item(connection, space, item, &is_replaced, fault))
        return false;
    if (is_replaced)
        return true;
    if (!add_item(connection, space, item, &is_twin, fault))
        return false;
    return !is_twin || replace_item(connection, space, item, &is_replaced, fault);
}

/* ---- cursors ---- */

static bool cursor_make(struct snapshot *connection, const struct space *space, enum order order,
                        struct cursor **out, struct fault *fault)
{
    sqlite3_stmt *statement = NULL;
    bool is_there =
        order == ORDER_UP
            ? want(connection, space,
                   "SELECT id,body FROM \"%w\" WHERE id>=?1 AND id<?2 ORDER BY id",
                   "SELECT key,body FROM \"%w\" WHERE key>=?1 AND key<?2 ORDER BY key", &statement,
                   fault)
            : want(connection, space,
                   "SELECT id,body FROM \"%w\" WHERE id>=?1 AND id<?2 ORDER BY id DESC",
                   "SELECT key,body FROM \"%w\" WHERE key>=?1 AND key<?2 ORDER BY key DESC",
                   &statement, fault);
    if (!is_there)
        return false;
    struct cursor *cursor = memory_zeroed(sizeof(*cursor));
    cursor->connection = connection;
    cursor->statement = statement;
    cursor->is_rows = space->kind == SPACE_ROWS;
    *out = cursor;
    return true;
}

bool cursor_open(struct snapshot *connection, uint16_t number, bytes from, bytes to,
                 enum order order, struct cursor **out, struct fault *fault)
{
    const struct space *space = space_of(connection, number);
    struct cursor **idle = &statements_of(connection, number)->idle[order == ORDER_UP ? 0 : 1];
    struct cursor *cursor = *idle;
    if (cursor != NULL)
        *idle = cursor->next_idle;
    else if (!cursor_make(connection, space, order, &cursor, fault))
        return false;
    cursor->idle = idle;
    bind_key(cursor->statement, 1, space, from);
    bind_key(cursor->statement, 2, space, to);
    *out = cursor;
    return true;
}

bool cursor_next(struct cursor *cursor, struct entry *out, struct fault *fault)
{
    *out = (struct entry){0};
    int code = sqlite3_step(cursor->statement);
    if (code == SQLITE_DONE)
        return true;
    if (code != SQLITE_ROW)
        return connection_fault(cursor->connection, "scan", fault);
    if (cursor->is_rows) {
        u64_write(cursor->row_key, (uint64_t)sqlite3_column_int64(cursor->statement, 0));
        out->key = (bytes){cursor->row_key, sizeof(cursor->row_key)};
    } else {
        out->key = (bytes){sqlite3_column_blob(cursor->statement, 0),
                           (size_t)sqlite3_column_bytes(cursor->statement, 0)};
    }
    out->body = column_text(cursor->statement, 1);
    return true;
}

void cursor_close(struct cursor *cursor)
{
    if (cursor == NULL)
        return;
    sqlite3_reset(cursor->statement);
    sqlite3_clear_bindings(cursor->statement); /* what they point to goes now */
    cursor->next_idle = *cursor->idle;
    *cursor->idle = cursor;
}
