/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the store asks of an engine: an ordered map of (space, key) to body, read at snapshots,
 * written by one writer, all or nothing and durable. Engines know no types and no fields.
 *
 * A space of rows has keys of 8 bytes (an id, big endian) and always a body; a space of entries has
 * keys of any bytes and a body or none. Keys compare by memcmp.
 *
 * Owns:     its files and connections. Entries are borrowed until the cursor's next step.
 * Threads:  begin_read any; a snapshot and its cursors one at a time; begin_write only the writer.
 * Time:     none is asked for.
 * Fails:    by fault, as store.h says of batch_commit.
 */
#pragma once

#include "store/tree.h"

struct engine;
struct snapshot;
struct cursor;

enum space_kind {
    SPACE_NONE,
    SPACE_ROWS,
    SPACE_ENTRIES,
};

#define SPACE_NAME_MAX 160

struct space {
    uint16_t number;
    enum space_kind kind;
    char name[SPACE_NAME_MAX]; /* letters, digits, _ */
};

struct space_view {
    const char *name;
    const char *rows;   /* name of the space */
    const str *members; /* of the JSON text */
    size_t member_count;
};

struct entry {
    bytes key; /* .at NULL: there is no more */
    str body;  /* .at NULL: it has none */
};

struct engine_methods {
    void (*close)(struct engine *engine);

    /* Makes what is missing, at once. Called at opening, before any other use of the spaces. */
    bool (*make_spaces)(struct engine *engine, const struct space *list, size_t count,
                        struct fault *fault);
    bool (*drop_space)(struct engine *engine, const char *name, struct fault *fault);

    /* For people with a shell: the rows of a space under a name, a column per member. */
    bool (*make_view)(struct engine *engine, const struct space_view *view, struct fault *fault);

    bool (*begin_read)(struct engine *engine, struct snapshot **out, struct fault *fault);
    bool (*begin_write)(struct engine *engine, struct snapshot **out, struct fault *fault);
    void (*end)(struct snapshot *snapshot);

    /* body->at is NULL when there is no such key; the body is put into the arena. */
    bool (*get)(struct snapshot *snapshot, uint16_t space, bytes key, struct arena *arena,
                str *body, struct fault *fault);

    /* Entries in [from, to), which must stay where they are until the cursor is closed. */
    bool (*scan)(struct snapshot *snapshot, uint16_t space, bytes from, bytes to, enum order order,
                 struct cursor **out, struct fault *fault);
    bool (*next)(struct cursor *cursor, struct entry *out, struct fault *fault);
    void (*close_scan)(struct cursor *cursor);

    /* The writes, sorted by space and key, in the snapshot of begin_write, which ends here. */
    bool (*apply)(struct snapshot *snapshot, const struct tree_item *const *writes, size_t count,
                  struct fault *fault);

    bool (*backup)(struct engine *engine, const char *to, struct fault *fault);
    void (*idle)(struct engine *engine);
};

/* The first member of each engine. */
struct engine {
    const struct engine_methods *methods;
};

struct engine *engine_memory_new(void);

/* How much of the file all connections opened from now on may keep in memory together. */
void engine_sqlite_cache(size_t size);
bool engine_sqlite_open(const char *path, struct engine **out, struct fault *fault) MUST_CHECK;
