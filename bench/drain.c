/* SPDX-License-Identifier: Apache-2.0 */
#include "drain.h"

#include <stdio.h>
#include <unistd.h>

#define PATIENCE SECONDS(60)
#define BUSY_MS 5000

bool drain_open(const char *data, const char *action, struct drain *out, struct fault *fault)
{
    char path[600], sql[200];
    snprintf(path, sizeof(path), "%s/atelier.db", data);
    snprintf(sql, sizeof(sql), "SELECT COUNT(*) FROM doc_jobs WHERE body LIKE '%%\"%s\"%%'",
             action);
    *out = (struct drain){0};
    /* It never checkpoints: that is the server's, and is measured there. */
    return (sqlite3_open_v2(path, &out->db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
            sqlite3_busy_timeout(out->db, BUSY_MS) == SQLITE_OK &&
            sqlite3_exec(out->db, "PRAGMA wal_autocheckpoint=0", NULL, NULL, NULL) == SQLITE_OK &&
            sqlite3_prepare_v2(out->db, sql, -1, &out->left, NULL) == SQLITE_OK) ||
           fault_set(fault, FAULT_SYSTEM, "SQLite: %s", sqlite3_errmsg(out->db));
}

bool drain_wait(struct drain *drain, unsigned every_us, struct fault *fault)
{
    instant end = instant_add(clock_monotonic(), PATIENCE);
    for (;;) {
        bool is_told = sqlite3_step(drain->left) == SQLITE_ROW;
        int64_t left = is_told ? sqlite3_column_int64(drain->left, 0) : 1;
        sqlite3_reset(drain->left);
        if (left == 0)
            return true;
        if (instant_is_before(end, clock_monotonic()))
            return fault_set(fault, FAULT_SYSTEM, "%lld jobs have not ended", (long long)left);
        usleep(every_us);
    }
}

int64_t drain_number(struct drain *drain, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int64_t number = -1;
    if (sqlite3_prepare_v2(drain->db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return number;
}

void drain_close(struct drain *drain)
{
    sqlite3_finalize(drain->left);
    sqlite3_close(drain->db);
    *drain = (struct drain){0};
}
