/* SPDX-License-Identifier: Apache-2.0 */
#include "store/state.h"

#include "base/log.h"
#include "base/planted.h"

#include <string.h>

#define COUNTERS_KEY "counters"

/* ---- counters: five decimal numbers in one entry ---- */

bool counters_read(struct snapshot *snapshot, const struct engine *engine, struct arena *arena,
                   struct counters *out, struct fault *fault)
{
    str text;
    *out = (struct counters){0};
    if (!engine->methods->get(snapshot, SPACE_META, bytes_of(STR(COUNTERS_KEY)), arena, &text,
                              fault))
        return false;
    if (text.at == NULL)
        return true; /* nothing was ever committed */
    int64_t ts = 0;
    int64_t *const numbers[] = {&ts, &out->last_id, &out->last_tick, &out->last_outcome,
                                &out->indexed_outcome};
    str word;
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        if (!str_split(&text, ' ', &word) || !str_to_int(word, numbers[i]))
            return fault_set(fault, FAULT_SYSTEM, "The store's counters are damaged.");
    out->ts = (uint64_t)ts;
    return true;
}

void counters_write(const struct counters *counters, struct tree *to)
{
    AUTO(buffer_done) struct buffer text = {0};
    const int64_t numbers[] = {(int64_t)counters->ts, counters->last_id, counters->last_tick,
                               counters->last_outcome, counters->indexed_outcome};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        json_write_int(&text, numbers[i]);
        buffer_char(&text, ' ');
    }
    tree_replace(to, SPACE_META, bytes_of(STR(COUNTERS_KEY)), buffer_text(&text));
}

/* ---- batches ---- */

static bool counters_equal(const struct counters *a, const struct counters *b)
{
    return a->ts == b->ts && a->last_id == b->last_id && a->last_outcome == b->last_outcome &&
           a->indexed_outcome == b->indexed_outcome;
}

/*
 * Another process may have committed (the command line, while a server runs). Then what is counted
 * in memory is out of date, and an id given from it would overwrite a row: begin anew from the
 * file.
 */
static bool catch_up(struct store *store, struct snapshot *snapshot, struct fault *fault)
{
    AUTO(arena_done) struct arena arena = {0};
    struct counters found;
    if (!counters_read(snapshot, store->engine, &arena, &found, fault))
        return false;
    if (counters_equal(&found, &store->committed))
        return true;
    log_event(LOG_WARN, "store_written_elsewhere", "another process committed to this store");
    found.ts = MAX_OF(found.ts, store->counters.ts);
    found.last_tick = MAX_OF(found.last_tick, store->counters.last_tick);
    store->counters = store->committed = found;
    atomic_store_explicit(&store->newest, found.ts, memory_order_release);
    outcomes_free(store->outcomes);
    store->outcomes = outcomes_new();
    if (outcomes_load(store, fault))
        return true;
    store->committed.ts = 0; /* half of them: the next batch begins anew as well */
    return false;
}

bool batch_begin(struct store *store, instant now, struct batch **out, struct fault *fault)
{
    assert(store->open == NULL);
    if (store->is_broken)
        return fault_set(fault, FAULT_SYSTEM,
                         "The disk failed to keep a commit. Restart the server.");
    struct snapshot *snapshot;
    if (!store->engine->methods->begin_write(store->engine, &snapshot, fault))
        return false;
    if (!catch_up(store, snapshot, fault)) {
        store->engine->methods->end(snapshot);
        return false;
    }
    struct batch *batch = memory_zeroed(sizeof(*batch));
    batch->store = store;
    batch->snapshot = snapshot;
    batch->now = now;
    batch->first_new_id = store->counters.last_id + 1;
    batch->scratch = buffer_with_max(STORE_DOCUMENT_MAX * 2);
    store->open = batch;
    store->now = now;
    *out = batch;
    return true;
}

static void batch_free(struct batch *batch)
{
    if (batch->snapshot != NULL)
        batch->store->engine->methods->end(batch->snapshot);
    batch->store->open = NULL;
    tree_done(&batch->writes);
    buffer_done(&batch->scratch);
    arena_done(&batch->arena);
    free(batch->outcomes);
    free(batch);
}

void batch_drop(struct batch *batch)
{
    if (batch == NULL)
        return;
    assert(batch->change == NULL);
    batch_free(batch);
}

void batch_outcome(struct batch *batch, const struct outcome *outcome)
{
    if (batch->outcome_count == batch->outcome_room) {
        batch->outcome_room = MAX_OF(batch->outcome_room * 2, (size_t)64);
        batch->outcomes =
            memory_resize(batch->outcomes, batch->outcome_room * sizeof(*batch->outcomes));
    }
    struct outcome *kept = &batch->outcomes[batch->outcome_count++];
    *kept = *outcome;
    kept->ts = (commit_ts){0};
    kept->result = str_copy(&batch->arena, outcome->result);
    outcomes_raise(batch->store->outcomes, outcome);
}

/* The documents' part of the writes; the store's own spaces concern nobody, nor do documents by
 * word: who searches is told by the documents' words. */
static struct write_set write_set_of(const struct tree_item *const *writes, size_t count,
                                     struct write_key *keys, commit_ts ts)
{
    struct write_set set = {.ts = ts, .keys = keys};
    for (size_t i = 0; i < count; i++) {
        const struct tree_item *item = writes[i];
        unsigned low = item->space & 0xff;
        if (item->space <= 0xff || low == SPACE_OF_POSTINGS ||
            (item->is_removed && PLANTED(deletion_unseen)))
            continue;
        keys[set.count++] = (struct write_key){
            .space = item->space,
            .key = tree_item_key(item),
            .words = low == SPACE_OF_WORDS ? tree_item_body(item) : (str){0},
        };
    }
    return set;
}

static void announce(struct store *store, const struct tree_item *const *writes, size_t count,
                     commit_ts ts)
{
    if (store->before_commit == NULL)
        return;
    AUTO(memory_free) struct write_key *keys = memory_new(count * sizeof(*keys));
    struct write_set set = write_set_of(writes, count, keys, ts);
    store->before_commit(store->context, &set);
}

static bool commit(struct batch *batch, struct counters *counters, struct fault *fault)
{
    struct store *store = batch->store;
    uint64_t now = batch->now.us < 0 ? 0 : (uint64_t)batch->now.us * 1000;
    counters->ts = MAX_OF(counters->ts + 1, now);
    commit_ts ts = {counters->ts};
    outcomes_write(batch, ts, counters);
    counters_write(counters, &batch->writes);

    size_t count;
    AUTO(memory_free) const struct tree_item **writes = tree_list(&batch->writes, &count);
    announce(store, writes, count, ts);
    struct snapshot *snapshot = take_pointer(&batch->snapshot);
    return store->engine->methods->apply(snapshot, writes, count, fault);
}

bool batch_commit(struct batch *batch, commit_ts *out, struct fault *fault)
{
    struct store *store = batch->store;
    assert(batch->change == NULL);
    *out = (commit_ts){store->counters.ts};
    if (batch->unread.kind != FAULT_NONE) {
        if (fault != NULL)
            *fault = batch->unread;
        batch_free(batch);
        return false;
    }
    if (batch->writes.root == NULL && batch->outcome_count == 0) {
        batch_free(batch);
        return true;
    }
    struct counters counters = store->counters;
    struct fault local = {0};
    fault = fault == NULL ? &local : fault;
    bool is_done = commit(batch, &counters, fault);
    store->counters.ts = counters.ts; /* a failed commit's ts was announced: never again */
    if (is_done) {
        store->counters = store->committed = counters;
        outcomes_remember(batch, (commit_ts){counters.ts});
        atomic_store_explicit(&store->newest, counters.ts, memory_order_release);
        *out = (commit_ts){counters.ts};
    } else if (fault->kind == FAULT_SYSTEM) {
        store->is_broken = true;
    }
    batch_free(batch);
    return is_done;
}
