/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One SQLite connection with its prepared statements, for engine_sqlite.c only.
 *
 *     rows      "doc_<type>"(id INTEGER PRIMARY KEY, body TEXT NOT NULL)
 *     entries   "idx_<type>_<index>"(key BLOB PRIMARY KEY, body TEXT) WITHOUT ROWID
 *
 * Owns:     the connection and its statements.
 * Threads:  one at a time; it may be handed over.
 * Time:     none.
 * Fails:    by fault: a full disk is FAULT_FULL, a failed sync and damage FAULT_SYSTEM, the rest
 *           FAULT_TRANSIENT.
 */
#pragma once

#include "store/engine.h"

#include <sqlite3.h>

/* The spaces, shared by the connections; it grows only at opening. */
struct space_list {
    size_t count;
    struct space *spaces;
    uint16_t *place; /* by space number: its place + 1; 0: unknown */
};

struct space_statements;

/* A snapshot to the store. */
struct snapshot {
    sqlite3 *db;
    const struct space_list *list;
    struct space_statements *statements; /* by place in the list; made when first used */
    size_t statement_room;
    sqlite3_stmt *begin, *commit, *rollback;
    bool is_writer;
    void *owner; /* the engine */
    struct snapshot *next_idle;
};

/* layer: the file layer's name, or NULL for the default one. */
bool connection_open(const char *path, bool is_writer, const char *layer,
                     const struct space_list *list, struct snapshot **out, struct fault *fault)
    MUST_CHECK;
void connection_close(struct snapshot *connection);

/* Answers false. What was being done comes first in the text. */
bool connection_fault(struct snapshot *connection, const char *doing, struct fault *fault);
bool connection_run(struct snapshot *connection, const char *sql, struct fault *fault) MUST_CHECK;

bool connection_begin(struct snapshot *connection, struct fault *fault) MUST_CHECK;

/* A read that fails may end the transaction; what is written then is not one any more. */
bool connection_is_open(struct snapshot *connection, struct fault *fault) MUST_CHECK;
bool connection_commit(struct snapshot *connection, struct fault *fault) MUST_CHECK;
void connection_rollback(struct snapshot *connection); /* if anything is open */

bool connection_get(struct snapshot *connection, uint16_t space, bytes key, struct arena *arena,
                    str *body, struct fault *fault) MUST_CHECK;
bool connection_write(struct snapshot *connection, const struct tree_item *item,
                      struct fault *fault) MUST_CHECK;

bool cursor_open(struct snapshot *connection, uint16_t space, bytes from, bytes to,
                 enum order order, struct cursor **out, struct fault *fault) MUST_CHECK;
bool cursor_next(struct cursor *cursor, struct entry *out, struct fault *fault) MUST_CHECK;
void cursor_close(struct cursor *cursor);
