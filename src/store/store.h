/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: documents and indexes in an ordered map, read at one snapshot, written by one writer
 * in batches that commit whole. What a view reads is recorded (its read set); what a commit writes
 * is told (its write set); live queries are built on the two.
 *
 * Owns:     rows and bodies read are in the view's arena. Nothing is borrowed from the engine.
 * Threads:  the store any; a view one; batches and changes only the writer.
 * Time:     given with the batch; commit_ts grows for ever, also when the clock goes back.
 * Fails:    a view's first failure sticks: later reads answer nothing. store_* by fault.
 */
#pragma once

#include "base/arena.h"
#include "base/fault.h"
#include "json/fields.h"

struct store;
struct write_set;
struct engine;

/* Nanoseconds since the epoch, max(last + 1, clock). */
typedef struct {
    uint64_t n;
} commit_ts;

/* Limits of one transaction; at least Convex's published ones. */
#define STORE_DOCUMENT_MAX MIB(1)
#define STORE_READS_MAX 32000
#define STORE_READ_BYTES_MAX MIB(64)
#define STORE_WRITES_MAX 16000
#define STORE_WRITE_BYTES_MAX MIB(64)
/* Bytes of one index key. Text beyond 480 of them counts by its hash: equal stays equal, unequal
 * unequal, and only the order among such long twins is arbitrary. */
#define STORE_KEY_MAX 2048

/* All types of a program; numbers and names unique, checked by store_open. */
struct schema {
    const struct doc_type *const *types;
    size_t count;
    uint32_t version; /* a store last written under a higher one is refused; 0 is fine */
};

enum store_engine {
    STORE_NONE,
    STORE_MEMORY,
    STORE_SQLITE,
    STORE_GIVEN, /* options.given: of a test, which wraps one of the others */
};

struct store_options {
    enum store_engine engine;
    const char *path;     /* of the database file; SQLite only */
    struct engine *given; /* the store's from now on; STORE_GIVEN only */
    const struct schema *schema;
    instant now;        /* at opening */
    size_t call_memory; /* that one call's arena may take; 0: no limit */
    size_t page_cache;  /* of all connections together; 0: 64 MiB */
    size_t search_tail; /* see store/postings.h; 0: 128; for tests, which want it short */
    /* Runs in the writer after a batch's ts and write set are known and before the engine commits;
     * readers can see the batch only after this returned. The set is lent for the call. May be
     * NULL. */
    void (*before_commit)(void *context, const struct write_set *writes);
    void *context;
};

/* ---- keys ---- */

enum key_kind {
    KEY_NONE,
    KEY_NULL, /* an absent optional field sorts first */
    KEY_BOOL,
    KEY_NUMBER, /* numbers and times */
    KEY_TEXT,
    KEY_ID,
};

struct key_part {
    enum key_kind kind;
    bool truth;
    double number;
    str text; /* choices are text: the name */
    doc_id id;
};

struct key {
    struct key_part parts[INDEX_FIELDS_MAX];
    size_t count;
};

static inline struct key_part key_id(doc_id id)
{
    return (struct key_part){.kind = KEY_ID, .id = id};
}
static inline struct key_part key_text(str text)
{
    return (struct key_part){.kind = KEY_TEXT, .text = text};
}
static inline struct key_part key_int(int64_t value)
{
    return (struct key_part){.kind = KEY_NUMBER, .number = (double)value};
}
static inline struct key_part key_number(double value)
{
    return (struct key_part){.kind = KEY_NUMBER, .number = value};
}
static inline struct key_part key_null(void)
{
    return (struct key_part){.kind = KEY_NULL};
}
static inline struct key_part key_bool(bool truth)
{
    return (struct key_part){.kind = KEY_BOOL, .truth = truth};
}
/* As stored: milliseconds. */
static inline struct key_part key_time(instant at)
{
    return (struct key_part){.kind = KEY_NUMBER, .number = (double)at.us / 1000.0};
}
#define KEY(...)                                                                                   \
    ((struct key){.parts = {__VA_ARGS__},                                                          \
                  .count = sizeof((struct key_part[]){__VA_ARGS__}) / sizeof(struct key_part)})
#define KEY_ALL ((struct key){0})

/* Entries that start with prefix; then limits on the next field (behind the last field that is the
 * moment of creation, in ms); then positions (pagination). Positions may come from strangers: they
 * only narrow. */
struct bounds {
    struct key prefix;
    struct key_part from, to;      /* KEY_NONE: no limit */
    bool from_is_open, to_is_open; /* open: that value itself is not in */
    bytes
        after; /* a scan_position: only what comes behind it in the scan's order; .at NULL: none */
    bytes until; /* a scan_position: up to and with it in the scan's order; .at NULL: to the end */
};

enum order {
    ORDER_NONE,
    ORDER_UP,
    ORDER_DOWN,
};

/* ---- read and write sets ---- */

/* Entries [from, to) of one space were read; a row read is [id, id + 1 byte). */
struct read_range {
    uint16_t space;
    bytes from, to;
};

/* Documents [from, to) of a space of words were searched: one that has these terms (store/words.h)
 * would be among them. Those that were found are read as rows. */
struct read_search {
    uint16_t space;
    bytes from, to;
    str terms;
};

struct read_set {
    const struct read_range *ranges;
    size_t count;
    const struct read_search *searches;
    size_t search_count;
};

struct write_key {
    uint16_t space;
    bytes key;
    str words; /* in a space of words: those that the document has now; .at NULL: none */
};

/* What one commit touched: rows by id (8 bytes, big endian), index entries by key. Immutable. */
struct write_set {
    commit_ts ts;
    size_t count;
    const struct write_key *keys;
};

/* ---- opening ---- */

bool store_open(const struct store_options *options, struct store **out, struct fault *fault)
    MUST_CHECK;
void store_close(struct store *store);
commit_ts store_newest(const struct store *store); /* any thread */

/* Copies the whole database, consistent, while it is in use, to a new file. SQLite only. */
bool store_backup(struct store *store, const char *to, struct fault *fault) MUST_CHECK;

/* For tests: counting from now, the at-th thing that a change asks of the store (a row, an entry, a
 * put, a removal, a new id) fails that change; 0: none does. Answers how many were asked since the
 * last call. The writer's. */
int64_t store_fail_at(struct store *store, int64_t at);

/* Checkpoints if the engine wants to, and forgets old outcomes a few at a time; for the writer
 * when it has nothing to do. */
void store_idle(struct store *store);

/* ---- reading ---- */

/* One snapshot. The struct is the caller's; its members are the module's. */
struct view {
    struct store *store;
    struct arena *arena;
    struct snapshot *snapshot; /* the engine's; of the batch inside a change */
    struct change *change;     /* NULL for a plain view */
    commit_ts ts;
    struct fault fault;
    bool is_failed;
    bool records_reads; /* set at the beginning; may be cleared by who needs no read set */
    size_t reads, read_bytes;
    size_t small_reads, small_bytes; /* view_be_small; 0: the limits of a transaction */
    bool is_too_large;               /* failed by them */
    struct read_range *ranges;       /* as read; view_read_set sorts and merges a copy */
    size_t range_count, range_room;
    struct read_search *searches;
    size_t search_count, search_room;
    struct source *open_scans;
};

/* The newest commit. Rows are put into the arena. */
bool view_begin(struct store *store, struct arena *arena, struct view *out, struct fault *fault)
    MUST_CHECK;
void view_end(struct view *view); /* before the arena goes; twice does no harm */

/* The same snapshot, with nothing read yet and no failure; rows go into this arena from now on. */
void view_renew(struct view *view, struct arena *arena);
commit_ts view_ts(const struct view *view);

/* Until it is renewed, reading more than this fails the view and sets is_too_large: for who must
 * not stand still for long and can have the same asked elsewhere. */
void view_be_small(struct view *view, size_t reads, size_t read_bytes);
struct read_set view_read_set(const struct view *view); /* merged ranges; lives as the arena */

/* false: absent, and *row is zeroed. row is of type->size. */
bool view_row(struct view *view, const struct doc_type *type, doc_id id, void *row);
bool view_body(struct view *view, const struct doc_type *type, doc_id id, str *body);

/* The only (or first) entry under a full or partial key; 0 when there is none. Row not read. */
doc_id view_find(struct view *view, const struct index *index, struct key key);

/* Writes made after view_scan are not seen by it. */
struct scan {
    struct view *view;
    const struct index *index;
    enum order order;
    bytes from, to; /* all that may be read */
    struct source *source;
    size_t range; /* of the view's read set */
    bytes last;   /* key of the entry last read */
    bool is_done;
};

void view_scan(struct view *view, const struct index *index, struct bounds bounds, enum order order,
               struct scan *out);
bool scan_next(struct scan *scan, void *row);
bool scan_next_id(struct scan *scan, doc_id *id);  /* row not read */
bool scan_next_body(struct scan *scan, str *body); /* the row as JSON text */
bytes scan_position(const struct scan *scan); /* of the entry last read; opaque, in the arena */
void scan_end(struct scan *scan);             /* also done by view_end */

/* The index of a type by name; must exist (asserted). */
const struct index *index_of(const struct doc_type *type, const char *name);

/* ---- writing: only the writer ---- */

struct batch;
struct tree;
struct tree_note;
struct rows_seen;

/* One mutation: a view over the batch, whose writes join the batch only by change_accept. */
struct change {
    struct view view; /* first, so that reads take &change->view */
    struct batch *batch;
    struct change *outer;          /* of a nested change */
    struct tree *writes;           /* the batch's */
    struct tree_note *outer_notes; /* of a nested change: what was written before it */
    struct rows_seen *seen;
    size_t write_count, write_bytes;
};

bool batch_begin(struct store *store, instant now, struct batch **out, struct fault *fault)
    MUST_CHECK;
/* One at a time; nested ones end before their outer one, which is not read or written meanwhile.
 * Each ends by accept or drop. */
void change_begin(struct batch *batch, struct arena *arena, struct change *out);
void change_nest(struct change *outer, struct change *out); /* same arena */

/* Writes join the batch (or the outer change). A failed change is dropped and false answered. */
bool change_accept(struct change *change) MUST_CHECK;
void change_drop(struct change *change);

/* A new id and creation tick, written into the row's ID and CREATED members. */
doc_id change_new(struct change *change, const struct doc_type *type, void *row);

/* Index entries follow. The row must have an id from change_new or from a read. A unique index
 * ignores rows that lack one of its fields. */
void change_put(struct change *change, const struct doc_type *type, const void *row);
void change_remove(struct change *change, const struct doc_type *type, doc_id id);

/* Remembered for 14 days: a session's request and its encoded answer, committed with the batch. */
struct outcome {
    uint8_t session[16];
    uint32_t request;
    commit_ts ts; /* of the commit; filled by the store */
    str result;
};
void batch_outcome(struct batch *batch, const struct outcome *outcome); /* copied */

/* Finds an outcome committed earlier or in this very batch. result is put into the arena. When the
 * disk does not let it look, the batch cannot be committed any more: FAULT_TRANSIENT. */
bool batch_find_outcome(struct batch *batch, struct arena *arena, struct outcome *inout);

/*
 * Commits all accepted changes at once. True: durable. False: nothing of it is there, and the
 * batch is gone as well. FAULT_FULL and FAULT_TRANSIENT may work later; FAULT_SYSTEM of a failed
 * fsync means that the process must stop. A batch without writes and outcomes commits nothing and
 * answers the newest ts.
 */
bool batch_commit(struct batch *batch, commit_ts *out, struct fault *fault) MUST_CHECK;
void batch_drop(struct batch *batch);
