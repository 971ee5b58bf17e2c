/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The insides of the store that its own files share: the store, the batch, the sticky failure of a
 * view, and reading below it.
 *
 * Owns:     struct store owns engine, plan and outcomes; struct batch its overlay.
 * Threads:  counters and outcomes only the writer; newest any.
 * Time:     given with the batch.
 * Fails:    views by view_fail, the rest by fault.
 */
#pragma once

#include "store/schema.h"

#include <stdatomic.h>

struct outcomes;
struct senders;

/* All that a commit counts; one entry of SPACE_META. */
struct counters {
    uint64_t ts;
    int64_t last_id, last_tick;
    int64_t last_outcome, indexed_outcome;
};

struct store {
    struct engine *engine;
    struct plan plan;
    _Atomic uint64_t newest;
    struct counters counters;
    struct counters committed; /* as they are in the file */
    struct outcomes *outcomes;
    instant now;    /* of the last batch */
    instant pruned; /* when old outcomes were last looked for */
    struct batch *open;
    size_t call_memory; /* 0: no limit */
    size_t search_tail;
    int64_t asked, fail_at; /* store_fail_at */
    bool is_broken;         /* a sync failed: nothing that was written since can be trusted */
    void (*before_commit)(void *context, const struct write_set *writes);
    void *context;
};

struct batch {
    struct store *store;
    struct snapshot *snapshot;
    struct tree writes;
    struct change *change; /* the one that is open */
    instant now;
    int64_t first_new_id; /* no row of this id or a later one is in the engine */
    struct arena arena;   /* of outcomes */
    struct outcome *outcomes;
    size_t outcome_count, outcome_room;
    struct fault unread;   /* an earlier outcome could not be looked up: nothing may be kept */
    struct buffer scratch; /* for bodies on their way to the overlay */
};

/* The first failure sticks. Answers false. */
bool view_fail(struct view *view, enum fault_kind kind, const char *format, ...) PRINTF_LIKE(3, 4);

/* False when the view has failed, or was chosen to fail here (store_fail_at). */
bool view_ask(struct view *view);

/* Through the change's writes, then the snapshot. body->at is NULL when it is not there. */
bool view_read(struct view *view, uint16_t space, bytes key, str *body);
bool view_parse(struct view *view, const struct doc_type *type, doc_id id, str body, void *row);
bool view_count(struct view *view, size_t bytes_read);

void view_record_row(struct view *view, const struct doc_type *type, doc_id id);
size_t view_record(struct view *view, uint16_t space, bytes from, bytes to);
void view_close_scans(struct view *view);
/* Upwards, between keys as they are stored. */
void view_scan_between(struct view *view, const struct index *index, bytes from, bytes to,
                       struct scan *out);

/* The first entry in [from, to), upwards or downwards, of which nothing is recorded; in the view's
 * arena, in the same place each time. */
struct found {
    bytes key; /* .at NULL: there is none */
    str body;
    char *room;
    size_t room_len;
};
bool view_seek(struct view *view, uint16_t space, bytes from, bytes to, enum order order,
               struct found *out);

/* Entries in [from, to), each borrowed for the call of take, until that answers false. Neither
 * counted nor recorded. */
bool view_walk(struct view *view, uint16_t space, bytes from, bytes to, enum order order,
               bool (*take)(void *context, const struct entry *entry), void *context);

size_t view_record_search(struct view *view, const struct read_search *search);

/* A row's text as the change saw it last; outside of a change just view_read. */
bool view_body_of(struct view *view, const struct doc_type *type, doc_id id, str *body);

/* ---- rows that a change has seen (seen.c) ---- */

struct row_seen {
    const struct doc_type *type;
    doc_id id;
    str body;        /* .at NULL: there is no such row */
    const void *row; /* parsed, or NULL */
};

struct row_seen *rows_seen_find(struct change *change, const struct doc_type *type, doc_id id);
struct row_seen *rows_seen_put(struct change *change, const struct doc_type *type, doc_id id);
void rows_seen_merge(struct change *from, struct change *to);

/* ---- counters ---- */

bool counters_read(struct snapshot *snapshot, const struct engine *engine, struct arena *arena,
                   struct counters *out, struct fault *fault) MUST_CHECK;
void counters_write(const struct counters *counters, struct tree *to);

/* ---- outcomes (outcomes.c) ---- */

struct outcomes *outcomes_new(void);
void outcomes_free(struct outcomes *outcomes);
/* At opening: what the index does not have yet. */
bool outcomes_load(struct store *store, struct fault *fault) MUST_CHECK;
/* Puts the batch's outcomes, and now and then a part of the index, among its writes. */
void outcomes_write(struct batch *batch, commit_ts ts, struct counters *counters);
/* After the commit. */
void outcomes_remember(struct batch *batch, commit_ts ts);
/* One is about to be recorded. */
void outcomes_raise(struct outcomes *outcomes, const struct outcome *outcome);
bool outcomes_find(struct batch *batch, struct arena *arena, struct outcome *inout);
void outcomes_prune(struct store *store);

/* ---- who sent what last (senders.c): in memory, bounded ---- */

struct senders *senders_new(void);
void senders_free(struct senders *senders);
/* False: not known. No recorded request of the session is above *highest. */
bool senders_highest(struct senders *senders, const uint8_t session[16], uint32_t *highest);
void senders_put(struct senders *senders, const uint8_t session[16], uint32_t highest);
/* A request is about to be recorded; a session that is not known stays so. */
void senders_raise(struct senders *senders, const uint8_t session[16], uint32_t request);

/* ---- opening (upgrade.c) ---- */

/* Makes spaces, drops indexes that are gone, fills new ones. */
bool store_upgrade(struct store *store, const struct schema *schema, struct fault *fault)
    MUST_CHECK;
