/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loaded before SQLite: writes down what a program asks of it, for replay.c to ask the same of
 * SQLite alone. ATELIER_STATEMENT_LOG names the file; SIGUSR2 begins. The calls themselves go
 * through unchanged. Records are struct statement_record, with their bytes behind them.
 */
#include "statement_log.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATEMENTS_MAX 4096

static FILE *file;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static volatile sig_atomic_t is_wanted;
static sqlite3_stmt *known[STATEMENTS_MAX];
static size_t known_count;

static void begin_log(int number)
{
    is_wanted = 1;
}

__attribute__((constructor)) static void open_file(void)
{
    const char *name = getenv("ATELIER_STATEMENT_LOG");
    const struct sigaction action = {.sa_handler = begin_log, .sa_flags = SA_RESTART};
    if (name == NULL)
        return;
    file = fopen(name, "we");
    sigaction(SIGUSR2, &action, NULL);
}

/* The real one of these names. */
static void *real(void **kept, const char *name)
{
    if (*kept == NULL)
        *kept = dlsym(RTLD_NEXT, name);
    return *kept;
}

static void write_record(const struct statement_record *record, const void *bytes)
{
    static const char padding[8];
    size_t len = (size_t)record->len;
    fwrite(record, sizeof(*record), 1, file);
    if (len > 0)
        fwrite(bytes, 1, len, file);
    fwrite(padding, 1, statement_padded(len) - len, file);
}

/* Its SQL comes before its first record. */
static void introduce(sqlite3_stmt *statement)
{
    const char *sql = sqlite3_sql(statement);
    for (size_t i = 0; i < known_count; i++)
        if (known[i] == statement)
            return;
    if (known_count < STATEMENTS_MAX)
        known[known_count++] = statement;
    const struct statement_record record = {
        .statement = (uintptr_t)statement,
        .kind = STATEMENT_SQL,
        .value = (int64_t)(uintptr_t)sqlite3_db_handle(statement),
        .len = (int32_t)strlen(sql),
    };
    write_record(&record, sql);
}

static void note(sqlite3_stmt *statement, struct statement_record record, const void *bytes)
{
    if (!is_wanted || file == NULL)
        return;
    pthread_mutex_lock(&lock);
    introduce(statement);
    record.statement = (uintptr_t)statement;
    write_record(&record, bytes);
    pthread_mutex_unlock(&lock);
}

int sqlite3_bind_int64(sqlite3_stmt *statement, int at, sqlite3_int64 value)
{
    static void *kept;
    note(statement, (struct statement_record){.kind = STATEMENT_INT, .at = at, .value = value},
         NULL);
    return ((int (*)(sqlite3_stmt *, int, sqlite3_int64))real(&kept, __func__))(statement, at,
                                                                                value);
}

int sqlite3_bind_null(sqlite3_stmt *statement, int at)
{
    static void *kept;
    note(statement, (struct statement_record){.kind = STATEMENT_NULL, .at = at}, NULL);
    return ((int (*)(sqlite3_stmt *, int))real(&kept, __func__))(statement, at);
}

int sqlite3_bind_zeroblob(sqlite3_stmt *statement, int at, int len)
{
    static void *kept;
    note(statement, (struct statement_record){.kind = STATEMENT_BLOB, .at = at}, NULL);
    return ((int (*)(sqlite3_stmt *, int, int))real(&kept, __func__))(statement, at, len);
}

int sqlite3_bind_blob(sqlite3_stmt *statement, int at, const void *bytes, int len,
                      void (*done)(void *))
{
    static void *kept;
    note(statement, (struct statement_record){.kind = STATEMENT_BLOB, .at = at, .len = len}, bytes);
    return ((int (*)(sqlite3_stmt *, int, const void *, int, void (*)(void *)))real(
        &kept, __func__))(statement, at, bytes, len, done);
}

int sqlite3_bind_text(sqlite3_stmt *statement, int at, const char *text, int len,
                      void (*done)(void *))
{
    static void *kept;
    note(statement, (struct statement_record){.kind = STATEMENT_TEXT, .at = at, .len = len}, text);
    return ((int (*)(sqlite3_stmt *, int, const char *, int, void (*)(void *)))real(
        &kept, __func__))(statement, at, text, len, done);
}

int sqlite3_step(sqlite3_stmt *statement)
{
    static void *kept;
    note(statement, (struct statement_record){.kind = STATEMENT_STEP}, NULL);
    return ((int (*)(sqlite3_stmt *))real(&kept, __func__))(statement);
}

int sqlite3_reset(sqlite3_stmt *statement)
{
    static void *kept;
    if (statement != NULL)
        note(statement, (struct statement_record){.kind = STATEMENT_RESET}, NULL);
    return ((int (*)(sqlite3_stmt *))real(&kept, __func__))(statement);
}
