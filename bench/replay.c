/* SPDX-License-Identifier: Apache-2.0 */
#include "replay.h"

#include "statement_log.h"

#include "base/buffer.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATEMENTS_MAX 512

/* What a statement is for, told by its SQL. */
enum role {
    ROLE_NONE,
    ROLE_BEGIN,
    ROLE_COMMIT,
    ROLE_ROLLBACK,      /* nothing was written: left out with all since it was begun */
    ROLE_COUNTERS_READ, /* once a commit, at its beginning */
    ROLE_COUNTERS,      /* once a commit, at its end */
    ROLE_READ,
    ROLE_WRITE,
};

struct statement {
    uint64_t name;
    const char *sql;
    int sql_len;
    int64_t connection;
    enum role role;
    sqlite3_stmt *prepared;
};

struct step {
    const struct statement_record *record;
    size_t statement;
};

struct replay {
    char *log;
    size_t log_len;
    char before[600], scratch[600], settings[200];
    struct statement statements[STATEMENTS_MAX];
    size_t statement_count;
    struct step *steps;
    size_t step_count;
    double mutations, reads, writes;
    size_t begun_at; /* the step that began the transaction */
    double begun_reads;
    sqlite3 *db;
};

static const char pragmas[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                              "PRAGMA wal_autocheckpoint=16000; PRAGMA cache_size=-32768;"
                              "PRAGMA journal_size_limit=67108864; PRAGMA mmap_size=0;"
                              "PRAGMA temp_store=MEMORY;";

static bool refuse(sqlite3 *db, const char *doing, struct fault *fault)
{
    return fault_set(fault, FAULT_SYSTEM, "SQLite: %s: %s", doing, sqlite3_errmsg(db));
}

bool replay_copy(const char *from, const char *to, struct fault *fault)
{
    sqlite3 *source = NULL, *target = NULL;
    unlink(to);
    bool is_well =
        sqlite3_open_v2(from, &source, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
        sqlite3_exec(source, "PRAGMA wal_autocheckpoint=0", NULL, NULL, NULL) == SQLITE_OK &&
        sqlite3_open(to, &target) == SQLITE_OK;
    sqlite3_backup *backup = is_well ? sqlite3_backup_init(target, "main", source, "main") : NULL;
    is_well = backup != NULL && sqlite3_backup_step(backup, -1) == SQLITE_DONE &&
              sqlite3_backup_finish(backup) == SQLITE_OK;
    if (!is_well)
        refuse(target, "the copy", fault);
    sqlite3_close(source);
    sqlite3_close(target);
    return is_well;
}

/* ---- the log ---- */

static bool read_log(struct replay *replay, const char *path, struct fault *fault)
{
    struct stat facts;
    FILE *file = fopen(path, "re");
    if (file == NULL || fstat(fileno(file), &facts) != 0)
        return fault_os(fault, path);
    replay->log = memory_new((size_t)facts.st_size + 1);
    replay->log_len = fread(replay->log, 1, (size_t)facts.st_size, file);
    fclose(file);
    return true;
}

static bool is_about(const struct statement *statement, const char *word)
{
    return memmem(statement->sql, (size_t)statement->sql_len, word, strlen(word)) != NULL;
}

static enum role role_of(const struct statement *statement)
{
    bool is_select = strncmp(statement->sql, "SELECT", 6) == 0;
    if (strncmp(statement->sql, "BEGIN IMMEDIATE", 15) == 0)
        return ROLE_BEGIN;
    if (strncmp(statement->sql, "ROLLBACK", 8) == 0)
        return ROLE_ROLLBACK;
    if (strncmp(statement->sql, "COMMIT", 6) == 0)
        return ROLE_COMMIT;
    if (is_about(statement, "\"meta\""))
        return is_select ? ROLE_COUNTERS_READ : ROLE_COUNTERS;
    return is_select ? ROLE_READ : ROLE_WRITE;
}

static struct statement *statement_of(struct replay *replay, uint64_t name)
{
    for (size_t i = 0; i < replay->statement_count; i++)
        if (replay->statements[i].name == name)
            return &replay->statements[i];
    return NULL;
}

static bool add_statement(struct replay *replay, const struct statement_record *record,
                          struct fault *fault)
{
    if (replay->statement_count == STATEMENTS_MAX)
        return fault_set(fault, FAULT_FULL, "the log has more than %d statements", STATEMENTS_MAX);
    struct statement *statement = &replay->statements[replay->statement_count++];
    *statement = (struct statement){.name = record->statement,
                                    .sql = (const char *)(record + 1),
                                    .sql_len = record->len,
                                    .connection = record->value};
    statement->role = role_of(statement);
    return true;
}

static bool take_statement(struct replay *replay, const struct statement_record *record,
                           struct fault *fault)
{
    return record->kind != STATEMENT_SQL || add_statement(replay, record, fault);
}

/* Only the connection that writes: the others answer queries. */
static int64_t writing_connection(const struct replay *replay)
{
    for (size_t i = 0; i < replay->statement_count; i++)
        if (replay->statements[i].role == ROLE_BEGIN)
            return replay->statements[i].connection;
    return 0;
}

static void add_step(struct replay *replay, const struct statement_record *record, size_t statement)
{
    enum role role = replay->statements[statement].role;
    if (record->kind == STATEMENT_STEP) {
        if (role == ROLE_BEGIN) {
            replay->begun_at = replay->step_count;
            replay->begun_reads = replay->reads;
        }
        if (role == ROLE_ROLLBACK) {
            replay->step_count = replay->begun_at;
            replay->reads = replay->begun_reads;
            return;
        }
        replay->mutations += role == ROLE_COMMIT;
        replay->reads += role == ROLE_READ;
        replay->writes += role == ROLE_WRITE;
    }
    if (replay->step_count % 65536 == 0)
        replay->steps =
            memory_resize(replay->steps, (replay->step_count + 65536) * sizeof(*replay->steps));
    replay->steps[replay->step_count++] = (struct step){record, statement};
}

typedef bool on_record(struct replay *, const struct statement_record *, struct fault *);

static bool each_record(struct replay *replay, on_record *what, struct fault *fault)
{
    size_t at = 0;
    while (at + sizeof(struct statement_record) <= replay->log_len) {
        const struct statement_record *record = (const void *)(replay->log + at);
        if (!what(replay, record, fault))
            return false;
        at += sizeof(*record) + statement_padded((size_t)record->len);
    }
    return true;
}

static bool take_step(struct replay *replay, const struct statement_record *record,
                      struct fault *fault)
{
    const struct statement *statement = statement_of(replay, record->statement);
    if (record->kind == STATEMENT_SQL || statement == NULL ||
        statement->connection != writing_connection(replay))
        return true;
    add_step(replay, record, (size_t)(statement - replay->statements));
    return true;
}

bool replay_open(const char *log, const char *before, const char *scratch, struct replay **out,
                 struct fault *fault)
{
    struct replay *replay = memory_zeroed(sizeof(*replay));
    snprintf(replay->before, sizeof(replay->before), "%s", before);
    snprintf(replay->scratch, sizeof(replay->scratch), "%s", scratch);
    bool is_well = read_log(replay, log, fault) && each_record(replay, take_statement, fault) &&
                   each_record(replay, take_step, fault) &&
                   (replay->mutations > 0 ||
                    fault_set(fault, FAULT_SYSTEM, "%s holds no commits: no figure", log));
    if (!is_well) {
        replay_close(replay);
        return false;
    }
    *out = replay;
    return true;
}

void replay_close(struct replay *replay)
{
    if (replay == NULL)
        return;
    free(replay->steps);
    free(replay->log);
    free(replay);
}

double replay_mutations(const struct replay *replay)
{
    return replay->mutations;
}

double replay_statements(const struct replay *replay, bool writes)
{
    return writes ? replay->writes : replay->reads;
}

const char *replay_settings(const struct replay *replay)
{
    return replay->settings;
}

/* ---- asking it again ---- */

static int64_t one_number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int64_t number = -1;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return number;
}

static bool prepare_all(struct replay *replay, struct fault *fault)
{
    int64_t connection = writing_connection(replay);
    for (size_t i = 0; i < replay->statement_count; i++) {
        struct statement *statement = &replay->statements[i];
        if (statement->connection == connection &&
            sqlite3_prepare_v3(replay->db, statement->sql, statement->sql_len,
                               SQLITE_PREPARE_PERSISTENT, &statement->prepared, NULL) != SQLITE_OK)
            return refuse(replay->db, "a statement of the log", fault);
    }
    snprintf(replay->settings, sizeof(replay->settings),
             "SQLite %s, journal_mode=wal, synchronous=%lld, page_size=%lld, cache_size=%lld",
             sqlite3_libversion(), (long long)one_number(replay->db, "PRAGMA synchronous"),
             (long long)one_number(replay->db, "PRAGMA page_size"),
             (long long)one_number(replay->db, "PRAGMA cache_size"));
    return true;
}

static bool open_copy(struct replay *replay, struct fault *fault)
{
    if (!replay_copy(replay->before, replay->scratch, fault))
        return false;
    bool is_open =
        sqlite3_open_v2(replay->scratch, &replay->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                        NULL) == SQLITE_OK &&
        sqlite3_exec(replay->db, pragmas, NULL, NULL, NULL) == SQLITE_OK;
    return is_open ? prepare_all(replay, fault) : refuse(replay->db, "opening", fault);
}

static void close_copy(struct replay *replay)
{
    char path[620];
    for (size_t i = 0; i < replay->statement_count; i++) {
        sqlite3_finalize(replay->statements[i].prepared);
        replay->statements[i].prepared = NULL;
    }
    sqlite3_close(replay->db);
    replay->db = NULL;
    unlink(replay->scratch);
    snprintf(path, sizeof(path), "%s-wal", replay->scratch);
    unlink(path);
    snprintf(path, sizeof(path), "%s-shm", replay->scratch);
    unlink(path);
}

static bool do_step(struct replay *replay, const struct step *step, struct fault *fault)
{
    const struct statement_record *record = step->record;
    sqlite3_stmt *statement = replay->statements[step->statement].prepared;
    int code = SQLITE_OK;
    switch (record->kind) {
    case STATEMENT_INT:
        code = sqlite3_bind_int64(statement, record->at, record->value);
        break;
    case STATEMENT_NULL:
        code = sqlite3_bind_null(statement, record->at);
        break;
    case STATEMENT_BLOB:
        code = sqlite3_bind_blob(statement, record->at, record + 1, record->len, SQLITE_STATIC);
        break;
    case STATEMENT_TEXT:
        code = sqlite3_bind_text(statement, record->at, (const char *)(record + 1), record->len,
                                 SQLITE_STATIC);
        break;
    case STATEMENT_STEP:
        code = sqlite3_step(statement);
        break;
    default:
        sqlite3_reset(statement);
    }
    return code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE ||
           refuse(replay->db, replay->statements[step->statement].sql, fault);
}

/* Whether a step is left out, so that several mutations are in one commit. left: mutations until
 * the next one, this one included. */
static bool is_left_out(enum role role, size_t left, bool is_begun)
{
    if (role == ROLE_BEGIN || role == ROLE_COUNTERS_READ)
        return is_begun;
    return (role == ROLE_COMMIT || role == ROLE_COUNTERS) && left > 1;
}

static bool do_all(struct replay *replay, double group, struct fault *fault)
{
    bool is_begun = false;
    double owed = group;
    size_t left = (size_t)MAX_OF(owed, 1.0);
    for (size_t i = 0; i < replay->step_count; i++) {
        const struct step *step = &replay->steps[i];
        enum role role = replay->statements[step->statement].role;
        bool is_step = step->record->kind == STATEMENT_STEP;
        if ((!is_step || !is_left_out(role, left, is_begun)) && !do_step(replay, step, fault))
            return false;
        is_begun |= is_step && role == ROLE_COUNTERS_READ;
        if (is_step && role == ROLE_COMMIT && --left == 0) {
            is_begun = false;
            owed += group - (double)(size_t)owed;
            left = (size_t)MAX_OF(owed, 1.0);
        }
    }
    return sqlite3_get_autocommit(replay->db) != 0 ||
           sqlite3_exec(replay->db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK ||
           refuse(replay->db, "COMMIT", fault);
}

bool replay_run(struct replay *replay, double group, span *took, struct fault *fault)
{
    bool is_well = open_copy(replay, fault);
    instant start = clock_monotonic();
    is_well = is_well && do_all(replay, group, fault);
    *took = instant_since(clock_monotonic(), start);
    close_copy(replay);
    return is_well;
}
