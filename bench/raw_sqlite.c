/* SPDX-License-Identifier: Apache-2.0 */
#include "raw_sqlite.h"

#include "base/random.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#define KEY_MAX 48
#define BODY_MAX 256

struct account_key {
    uint8_t key[KEY_MAX];
    int len;
};

enum statement {
    STATEMENT_BEGIN,
    STATEMENT_COMMIT,
    STATEMENT_FIND,
    STATEMENT_GET,
    STATEMENT_PUT,
    STATEMENT_OUTCOME,
    STATEMENT_COUNTERS,
    STATEMENT_COUNT,
};

/* As src/store/connection.c says them. */
static const char *const statements[STATEMENT_COUNT] = {
    [STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
    [STATEMENT_COMMIT] = "COMMIT",
    [STATEMENT_FIND] =
        "SELECT key,body FROM idx_accounts_by_number WHERE key>=?1 AND key<?2 ORDER BY key",
    [STATEMENT_GET] = "SELECT body FROM doc_accounts WHERE id=?1",
    [STATEMENT_PUT] = "UPDATE doc_accounts SET body=?2 WHERE id=?1",
    [STATEMENT_OUTCOME] = "INSERT INTO outcomes(id,body) VALUES(?1,?2)",
    [STATEMENT_COUNTERS] = "UPDATE meta SET body=?1 WHERE key=CAST('counters' AS BLOB)",
};

static const char pragmas[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                              "PRAGMA wal_autocheckpoint=16000; PRAGMA cache_size=-32768;"
                              "PRAGMA journal_size_limit=67108864; PRAGMA mmap_size=0;"
                              "PRAGMA temp_store=MEMORY;";

struct raw_sqlite {
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    struct account_key *keys;
    size_t count, room;
    int64_t last_outcome;
    struct random random;
    char settings[200];
};

static bool refuse(sqlite3 *db, const char *doing, struct fault *fault)
{
    return fault_set(fault, FAULT_SYSTEM, "SQLite: %s: %s", doing, sqlite3_errmsg(db));
}

/* ---- opening ---- */

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

static bool is_wal(sqlite3 *db)
{
    sqlite3_stmt *mode = NULL;
    bool is_it = sqlite3_prepare_v2(db, "PRAGMA journal_mode", -1, &mode, NULL) == SQLITE_OK &&
                 sqlite3_step(mode) == SQLITE_ROW &&
                 strcmp((const char *)sqlite3_column_text(mode, 0), "wal") == 0;
    sqlite3_finalize(mode);
    return is_it;
}

static bool copy(const char *from, const char *to, struct fault *fault)
{
    sqlite3 *source = NULL, *target = NULL;
    bool is_well = sqlite3_open_v2(from, &source, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
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

static bool load_keys(struct raw_sqlite *raw, struct fault *fault)
{
    sqlite3_stmt *all = NULL;
    if (sqlite3_prepare_v2(raw->db, "SELECT key FROM idx_accounts_by_number ORDER BY key", -1, &all,
                           NULL) != SQLITE_OK)
        return refuse(raw->db, "the accounts", fault);
    while (sqlite3_step(all) == SQLITE_ROW) {
        if (raw->count == raw->room) {
            raw->room = raw->room * 2 + 1024;
            raw->keys = memory_resize(raw->keys, raw->room * sizeof(*raw->keys));
        }
        struct account_key *key = &raw->keys[raw->count++];
        key->len = MIN_OF(sqlite3_column_bytes(all, 0), KEY_MAX);
        memcpy(key->key, sqlite3_column_blob(all, 0), (size_t)key->len);
    }
    sqlite3_finalize(all);
    return raw->count > 1 || fault_set(fault, FAULT_INPUT, "there are no accounts");
}

static bool read_settings(struct raw_sqlite *raw, struct fault *fault)
{
    int64_t synchronous = one_number(raw->db, "PRAGMA synchronous");
    if (!is_wal(raw->db) || synchronous != 2)
        return fault_set(fault, FAULT_SYSTEM, "the baseline is not durable: no figure");
    snprintf(raw->settings, sizeof(raw->settings),
             "SQLite %s, journal_mode=wal, synchronous=%lld, page_size=%lld, cache_size=%lld",
             sqlite3_libversion(), (long long)synchronous,
             (long long)one_number(raw->db, "PRAGMA page_size"),
             (long long)one_number(raw->db, "PRAGMA cache_size"));
    return true;
}

bool raw_sqlite_open(const char *from, const char *to, struct raw_sqlite **out, struct fault *fault)
{
    if (!copy(from, to, fault))
        return false;
    struct raw_sqlite *raw = memory_zeroed(sizeof(*raw));
    random_init_seeded(&raw->random, 11);
    bool is_well = sqlite3_open_v2(to, &raw->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                                   NULL) == SQLITE_OK &&
                   sqlite3_exec(raw->db, pragmas, NULL, NULL, NULL) == SQLITE_OK;
    for (size_t i = 0; i < STATEMENT_COUNT && is_well; i++)
        is_well = sqlite3_prepare_v3(raw->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT,
                                     &raw->statements[i], NULL) == SQLITE_OK;
    if (!is_well)
        refuse(raw->db, "opening", fault);
    is_well = is_well && load_keys(raw, fault) && read_settings(raw, fault);
    if (!is_well) {
        raw_sqlite_close(raw);
        return false;
    }
    raw->last_outcome = one_number(raw->db, "SELECT COALESCE(MAX(id),0) FROM outcomes");
    *out = raw;
    return true;
}

const char *raw_sqlite_settings(const struct raw_sqlite *raw)
{
    return raw->settings;
}

void raw_sqlite_close(struct raw_sqlite *raw)
{
    if (raw == NULL)
        return;
    for (size_t i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(raw->statements[i]);
    sqlite3_close(raw->db);
    free(raw->keys);
    free(raw);
}

/* ---- one transfer ---- */

static bool step(struct raw_sqlite *raw, enum statement which, struct fault *fault)
{
    sqlite3_stmt *statement = raw->statements[which];
    int code = sqlite3_step(statement);
    sqlite3_reset(statement);
    return code == SQLITE_DONE || code == SQLITE_ROW || refuse(raw->db, statements[which], fault);
}

/* The account's id by its number; an index key ends with the id. */
static bool find(struct raw_sqlite *raw, size_t number, int64_t *id, struct fault *fault)
{
    sqlite3_stmt *statement = raw->statements[STATEMENT_FIND];
    const struct account_key *key = &raw->keys[number];
    uint8_t to[KEY_MAX + 1];
    memcpy(to, key->key, (size_t)key->len);
    to[key->len] = 0xff;
    sqlite3_bind_blob(statement, 1, key->key, key->len, SQLITE_STATIC);
    sqlite3_bind_blob(statement, 2, to, key->len + 1, SQLITE_STATIC);
    if (sqlite3_step(statement) != SQLITE_ROW)
        return refuse(raw->db, "an account", fault);
    const uint8_t *found = sqlite3_column_blob(statement, 0);
    int len = sqlite3_column_bytes(statement, 0);
    *id = 0;
    for (int i = 0; i < 8; i++)
        *id = *id << 8 | found[len - 8 + i];
    sqlite3_reset(statement);
    return true;
}

/* The row's text up to its balance, and the balance. */
static bool get(struct raw_sqlite *raw, int64_t id, char body[BODY_MAX], double *balance,
                struct fault *fault)
{
    sqlite3_stmt *statement = raw->statements[STATEMENT_GET];
    sqlite3_bind_int64(statement, 1, id);
    if (sqlite3_step(statement) != SQLITE_ROW)
        return refuse(raw->db, "a row", fault);
    snprintf(body, BODY_MAX, "%s", (const char *)sqlite3_column_text(statement, 0));
    sqlite3_reset(statement);
    char *at = strstr(body, "\"balance\":");
    if (at == NULL)
        return fault_set(fault, FAULT_INPUT, "a row without balance");
    at += strlen("\"balance\":");
    *balance = strtod(at, NULL);
    *at = 0;
    return true;
}

static bool put(struct raw_sqlite *raw, int64_t id, const char *body, double balance,
                struct fault *fault)
{
    char text[BODY_MAX + 40];
    sqlite3_stmt *statement = raw->statements[STATEMENT_PUT];
    int len = snprintf(text, sizeof(text), "%s%.17g}", body, balance);
    sqlite3_bind_int64(statement, 1, id);
    sqlite3_bind_text(statement, 2, text, len, SQLITE_STATIC);
    return step(raw, STATEMENT_PUT, fault);
}

static bool record(struct raw_sqlite *raw, struct fault *fault)
{
    char text[120];
    sqlite3_stmt *statement = raw->statements[STATEMENT_OUTCOME];
    int len = snprintf(text, sizeof(text), "%016llx%016llx %lld %lld null",
                       (unsigned long long)random_u64(&raw->random),
                       (unsigned long long)random_u64(&raw->random), (long long)raw->last_outcome,
                       (long long)clock_now().us * 1000);
    sqlite3_bind_int64(statement, 1, ++raw->last_outcome);
    sqlite3_bind_text(statement, 2, text, len, SQLITE_STATIC);
    return step(raw, STATEMENT_OUTCOME, fault);
}

static bool transfer(struct raw_sqlite *raw, struct fault *fault)
{
    char from_body[BODY_MAX], to_body[BODY_MAX];
    double from = 0, to = 0;
    int64_t from_id = 0, to_id = 0;
    size_t first = random_below(&raw->random, raw->count);
    size_t second = (first + 1 + random_below(&raw->random, raw->count - 1)) % raw->count;
    return find(raw, first, &from_id, fault) && get(raw, from_id, from_body, &from, fault) &&
           find(raw, second, &to_id, fault) && get(raw, to_id, to_body, &to, fault) &&
           put(raw, from_id, from_body, from - 1, fault) &&
           put(raw, to_id, to_body, to + 1, fault) && record(raw, fault);
}

static bool count_up(struct raw_sqlite *raw, struct fault *fault)
{
    char text[80];
    sqlite3_stmt *statement = raw->statements[STATEMENT_COUNTERS];
    int len = snprintf(text, sizeof(text), "%lld %zu 0 %lld 0", (long long)clock_now().us * 1000,
                       raw->count, (long long)raw->last_outcome);
    sqlite3_bind_text(statement, 1, text, len, SQLITE_STATIC);
    return step(raw, STATEMENT_COUNTERS, fault);
}

bool raw_sqlite_run(struct raw_sqlite *raw, span time, double group, uint64_t *transfers,
                    struct fault *fault)
{
    instant end = instant_add(clock_monotonic(), time);
    double owed = 0;
    *transfers = 0;
    while (instant_is_before(clock_monotonic(), end)) {
        if (!step(raw, STATEMENT_BEGIN, fault))
            return false;
        for (owed += group; owed >= 1; owed -= 1) {
            if (!transfer(raw, fault))
                return false;
            *transfers += 1;
        }
        if (!count_up(raw, fault) || !step(raw, STATEMENT_COMMIT, fault))
            return false;
    }
    return true;
}

void raw_sqlite_idle(struct raw_sqlite *raw)
{
    sqlite3_wal_checkpoint_v2(raw->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

bool raw_sqlite_audit(const char *path, struct audit *out, struct fault *fault)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *sum = NULL;
    static const char sql[] = "SELECT (SELECT SUM(json_extract(body,'$.balance')) FROM "
                              "doc_accounts), (SELECT COUNT(*) FROM outcomes)";
    bool is_well = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
                   sqlite3_busy_timeout(db, 5000) == SQLITE_OK &&
                   sqlite3_exec(db, "PRAGMA wal_autocheckpoint=0", NULL, NULL, NULL) == SQLITE_OK &&
                   sqlite3_prepare_v2(db, sql, -1, &sum, NULL) == SQLITE_OK &&
                   sqlite3_step(sum) == SQLITE_ROW;
    if (is_well)
        *out = (struct audit){.balances = sqlite3_column_double(sum, 0),
                              .outcomes = (uint64_t)sqlite3_column_int64(sum, 1),
                              .page_size = one_number(db, "PRAGMA page_size"),
                              .is_wal = is_wal(db)};
    else
        refuse(db, "the audit", fault);
    sqlite3_finalize(sum);
    sqlite3_close(db);
    return is_well;
}
