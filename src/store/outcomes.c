/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What past requests were answered, so that a repeated one runs only once. Outcomes are appended as
 * rows numbered 1, 2, 3 …; the newest are in memory. An index over (session, request) is filled in
 * sorted bulk, since an entry in random order would cost a page each:
 *
 *     rows     1 ............................................ last_outcome
 *     index    1 ........................ indexed_outcome
 *     memory               first ............................ last_outcome
 *
 * first <= indexed_outcome + 1 always, so each outcome is found in one of the two.
 */
#include "store/state.h"

#include "base/encode.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/planted.h"

#include <string.h>

#define RING_SIZE 65536         /* outcomes in memory, a power of two */
#define RING_BYTES_MAX MIB(32)  /* of their results */
#define INDEX_STEP 4096         /* outcomes that wait for the index */
#define INDEX_STEP_BYTES MIB(8) /* or so many bytes of them */
#define OUTCOMES_KEPT DAYS(14)  /* as store.h promises */
#define PRUNE_EVERY SECONDS(60)
#define PRUNE_STEP 256
#define KEY_LEN 28 /* of an index entry: session, request, number */

struct kept {
    int64_t number;
    struct outcome outcome;
    uint32_t next; /* in its chain: place in the ring + 1; 0 ends it */
    char text[];
};

struct outcomes {
    struct kept **ring;  /* by number % RING_SIZE */
    uint32_t *chains;    /* by hash: place in the ring + 1 */
    int64_t first, last; /* numbers in memory; none when first > last */
    size_t bytes, bytes_unindexed;
    struct senders *senders;
};

struct outcomes *outcomes_new(void)
{
    struct outcomes *outcomes = memory_zeroed(sizeof(*outcomes));
    outcomes->ring = memory_zeroed(RING_SIZE * sizeof(*outcomes->ring));
    outcomes->chains = memory_zeroed(RING_SIZE * sizeof(*outcomes->chains));
    outcomes->senders = senders_new();
    outcomes->first = 1;
    return outcomes;
}

void outcomes_free(struct outcomes *outcomes)
{
    if (outcomes == NULL)
        return;
    for (int64_t number = outcomes->first; number <= outcomes->last; number++)
        free(outcomes->ring[number % RING_SIZE]);
    senders_free(outcomes->senders);
    free(outcomes->ring);
    free(outcomes->chains);
    free(outcomes);
}

static void write_session(uint8_t *key, const struct outcome *outcome)
{
    memcpy(key, outcome->session, 16);
    for (int i = 0; i < 4; i++)
        key[16 + i] = (uint8_t)(outcome->request >> (24 - 8 * i));
}

static uint32_t *chain_of(const struct outcomes *outcomes, const struct outcome *outcome)
{
    uint8_t key[20];
    write_session(key, outcome);
    return &outcomes->chains[hash_bytes(key, sizeof(key)) % RING_SIZE];
}

static size_t place_of(int64_t number)
{
    return (size_t)number % RING_SIZE;
}

static bool is_same(const struct outcome *a, const struct outcome *b)
{
    return a->request == b->request && memcmp(a->session, b->session, sizeof(a->session)) == 0;
}

static void forget_first(struct outcomes *outcomes)
{
    size_t place = place_of(outcomes->first++);
    struct kept *kept = outcomes->ring[place];
    uint32_t *link = chain_of(outcomes, &kept->outcome);
    while (*link != place + 1)
        link = &outcomes->ring[*link - 1]->next;
    *link = kept->next;
    outcomes->bytes -= kept->outcome.result.len;
    outcomes->ring[place] = NULL;
    free(kept);
}

static bool is_full(const struct outcomes *outcomes)
{
    return outcomes->last - outcomes->first + 1 >= RING_SIZE || outcomes->bytes > RING_BYTES_MAX;
}

/* Only what the index has may be forgotten; INDEX_STEP keeps that far ahead of the ring's size. */
static void keep(struct outcomes *outcomes, int64_t number, const struct outcome *outcome,
                 int64_t indexed)
{
    while (outcomes->first <= indexed && outcomes->first <= outcomes->last && is_full(outcomes))
        forget_first(outcomes);
    assert(outcomes->last - outcomes->first + 1 < RING_SIZE);
    if (outcomes->first > outcomes->last)
        outcomes->first = number;
    struct kept *kept = memory_zeroed(sizeof(*kept) + outcome->result.len);
    kept->number = number;
    kept->outcome = *outcome;
    kept->outcome.result = (str){kept->text, outcome->result.len};
    if (outcome->result.len != 0)
        memcpy(kept->text, outcome->result.at, outcome->result.len);
    uint32_t *chain = chain_of(outcomes, outcome);
    kept->next = *chain;
    *chain = (uint32_t)place_of(number) + 1;
    outcomes->ring[place_of(number)] = kept;
    outcomes->last = number;
    outcomes->bytes += outcome->result.len;
}

/* ---- rows: "<session in hex> <request> <ts> <result>" ---- */

static void write_row(struct tree *to, struct arena *arena, struct buffer *text, int64_t number,
                      const struct outcome *outcome)
{
    uint8_t key[8];
    buffer_clear(text);
    buffer_str(text, hex_write(arena, (bytes){outcome->session, sizeof(outcome->session)}));
    buffer_char(text, ' ');
    json_write_int(text, outcome->request);
    buffer_char(text, ' ');
    json_write_int(text, (int64_t)outcome->ts.n);
    buffer_char(text, ' ');
    buffer_str(text, outcome->result);
    u64_write(key, (uint64_t)number);
    tree_put(to, SPACE_OUTCOMES, (bytes){key, sizeof(key)}, buffer_text(text));
}

static bool read_row(struct arena *arena, str text, struct outcome *out, struct fault *fault)
{
    str session, request, ts;
    bytes raw;
    int64_t request_number, ts_number;
    *out = (struct outcome){0};
    if (!str_split(&text, ' ', &session) || !str_split(&text, ' ', &request) ||
        !str_split(&text, ' ', &ts) || !hex_read(arena, session, &raw) ||
        raw.len != sizeof(out->session) || !str_to_int(request, &request_number) ||
        request_number < 0 || request_number > UINT32_MAX || !str_to_int(ts, &ts_number))
        return fault_set(fault, FAULT_SYSTEM, "A remembered outcome is damaged.");
    memcpy(out->session, raw.at, raw.len);
    out->request = (uint32_t)request_number;
    out->ts = (commit_ts){(uint64_t)ts_number};
    out->result = text;
    return true;
}

/* ---- committing ---- */

static void write_index_entry(struct tree *to, const struct outcome *outcome, int64_t number)
{
    uint8_t key[KEY_LEN];
    write_session(key, outcome);
    u64_write(key + 20, (uint64_t)number);
    tree_put(to, SPACE_OUTCOME_INDEX, (bytes){key, sizeof(key)}, (str){0});
}

/* Everything in memory that the index does not have; the tree sorts it. */
static void write_index(struct store *store, struct tree *to, struct counters *counters)
{
    struct outcomes *outcomes = store->outcomes;
    int64_t from = store->counters.indexed_outcome + 1;
    for (int64_t number = from; number <= outcomes->last; number++)
        write_index_entry(to, &outcomes->ring[place_of(number)]->outcome, number);
    counters->indexed_outcome = MAX_OF(outcomes->last, store->counters.indexed_outcome);
}

void outcomes_write(struct batch *batch, commit_ts ts, struct counters *counters)
{
    struct store *store = batch->store;
    if (store->outcomes->last - counters->indexed_outcome >= INDEX_STEP ||
        store->outcomes->bytes_unindexed >= INDEX_STEP_BYTES)
        write_index(store, &batch->writes, counters);
    AUTO(buffer_done) struct buffer text = {0};
    for (size_t i = 0; i < batch->outcome_count; i++) {
        batch->outcomes[i].ts = ts;
        write_row(&batch->writes, &batch->arena, &text, ++counters->last_outcome,
                  &batch->outcomes[i]);
    }
}

void outcomes_remember(struct batch *batch, commit_ts ts)
{
    struct outcomes *outcomes = batch->store->outcomes;
    const struct counters *counters = &batch->store->counters;
    if (counters->indexed_outcome >= outcomes->last)
        outcomes->bytes_unindexed = 0;
    int64_t number = counters->last_outcome - (int64_t)batch->outcome_count;
    for (size_t i = 0; i < batch->outcome_count; i++) {
        batch->outcomes[i].ts = ts;
        outcomes->bytes_unindexed += batch->outcomes[i].result.len;
        keep(outcomes, ++number, &batch->outcomes[i], counters->indexed_outcome);
    }
}

bool outcomes_load(struct store *store, struct fault *fault)
{
    struct outcomes *outcomes = store->outcomes;
    const struct engine_methods *engine = store->engine->methods;
    AUTO(arena_done) struct arena arena = {0};
    struct snapshot *snapshot;
    if (!engine->begin_read(store->engine, &snapshot, fault))
        return false;
    outcomes->last = store->counters.indexed_outcome;
    outcomes->first = outcomes->last + 1;
    bool is_well = true;
    for (int64_t number = outcomes->first; number <= store->counters.last_outcome; number++) {
        uint8_t key[8];
        str text;
        struct outcome outcome;
        u64_write(key, (uint64_t)number);
        is_well = engine->get(snapshot, SPACE_OUTCOMES, (bytes){key, sizeof(key)}, &arena, &text,
                              fault) &&
                  read_row(&arena, text, &outcome, fault);
        if (!is_well)
            break;
        outcomes->bytes_unindexed += outcome.result.len;
        if (PLANTED(outcome_forgotten))
            memset(outcome.session, 0, sizeof(outcome.session));
        keep(outcomes, number, &outcome, store->counters.indexed_outcome);
        arena_reset(&arena);
    }
    engine->end(snapshot);
    return is_well;
}

/* ---- finding ---- */

static bool find_in_batch(const struct batch *batch, struct arena *arena, struct outcome *inout)
{
    for (size_t i = batch->outcome_count; i-- > 0;) {
        const struct outcome *outcome = &batch->outcomes[i];
        if (is_same(outcome, inout)) {
            *inout = *outcome;
            inout->result = str_copy(arena, outcome->result);
            return true;
        }
    }
    return false;
}

static bool find_in_memory(const struct outcomes *outcomes, struct arena *arena,
                           struct outcome *inout)
{
    for (uint32_t at = *chain_of(outcomes, inout); at != 0;) {
        const struct kept *kept = outcomes->ring[at - 1];
        if (is_same(&kept->outcome, inout)) {
            *inout = kept->outcome;
            inout->result = str_copy(arena, kept->outcome.result);
            return true;
        }
        at = kept->next;
    }
    return false;
}

/* The newest entry's number, or 0. */
static bool find_number(struct batch *batch, const struct outcome *sought, int64_t *number,
                        struct fault *fault)
{
    const struct engine_methods *engine = batch->store->engine->methods;
    uint8_t from[KEY_LEN] = {0}, to[KEY_LEN];
    write_session(from, sought);
    memcpy(to, from, 20);
    memset(to + 20, 0xff, 8);
    struct cursor *cursor;
    struct entry entry;
    *number = 0;
    if (!engine->scan(batch->snapshot, SPACE_OUTCOME_INDEX, (bytes){from, 20},
                      (bytes){to, sizeof(to)}, ORDER_DOWN, &cursor, fault))
        return false;
    bool is_well = engine->next(cursor, &entry, fault);
    if (is_well && entry.key.len == KEY_LEN)
        *number = (int64_t)u64_read(entry.key.at + 20);
    engine->close_scan(cursor);
    return is_well;
}

static bool find_in_engine(struct batch *batch, struct arena *arena, struct outcome *inout,
                           struct fault *fault)
{
    const struct engine_methods *engine = batch->store->engine->methods;
    int64_t number;
    uint8_t key[8];
    str text;
    if (!find_number(batch, inout, &number, fault) || number == 0)
        return false;
    u64_write(key, (uint64_t)number);
    if (!engine->get(batch->snapshot, SPACE_OUTCOMES, (bytes){key, sizeof(key)}, arena, &text,
                     fault) ||
        text.at == NULL)
        return false;
    return read_row(arena, text, inout, fault);
}

static bool highest_indexed(struct batch *batch, const uint8_t session[16], uint32_t *highest)
{
    const struct engine_methods *engine = batch->store->engine->methods;
    uint8_t to[KEY_LEN];
    struct cursor *cursor;
    struct entry entry;
    memset(to, 0xff, sizeof(to));
    memcpy(to, session, 16);
    if (!engine->scan(batch->snapshot, SPACE_OUTCOME_INDEX, (bytes){session, 16},
                      (bytes){to, sizeof(to)}, ORDER_DOWN, &cursor, NULL))
        return false;
    bool is_well = engine->next(cursor, &entry, NULL);
    for (int i = 16; is_well && entry.key.len == KEY_LEN && i < 20; i++)
        *highest = *highest << 8 | entry.key.at[i];
    engine->close_scan(cursor);
    return is_well;
}

/* The highest request recorded of a session: in the index, behind it, or in the batch. */
static bool highest_of(struct batch *batch, const uint8_t session[16], uint32_t *highest)
{
    const struct outcomes *outcomes = batch->store->outcomes;
    int64_t number = MAX_OF(batch->store->counters.indexed_outcome + 1, outcomes->first);
    *highest = 0;
    if (!highest_indexed(batch, session, highest))
        return false;
    for (; number <= outcomes->last; number++) {
        const struct outcome *outcome = &outcomes->ring[place_of(number)]->outcome;
        if (memcmp(outcome->session, session, 16) == 0)
            *highest = MAX_OF(*highest, outcome->request);
    }
    for (size_t i = 0; i < batch->outcome_count; i++)
        if (memcmp(batch->outcomes[i].session, session, 16) == 0)
            *highest = MAX_OF(*highest, batch->outcomes[i].request);
    return true;
}

void outcomes_raise(struct outcomes *outcomes, const struct outcome *outcome)
{
    senders_raise(outcomes->senders, outcome->session, outcome->request);
}

/* A client numbers its requests upwards: most are above all that their session had recorded. */
static bool is_new(struct batch *batch, const struct outcome *sought)
{
    struct senders *senders = batch->store->outcomes->senders;
    uint32_t highest;
    if (!senders_highest(senders, sought->session, &highest)) {
        if (!highest_of(batch, sought->session, &highest))
            return false;
        senders_put(senders, sought->session, highest);
    }
    return sought->request > highest;
}

bool outcomes_find(struct batch *batch, struct arena *arena, struct outcome *inout)
{
    struct fault fault = {0};
    if (is_new(batch, inout))
        return false;
    if ((find_in_batch(batch, arena, inout) && !PLANTED(replay_beside)) ||
        find_in_memory(batch->store->outcomes, arena, inout))
        return true;
    if (find_in_engine(batch, arena, inout, &fault))
        return true;
    /* Whether this request has run is not known: running it again must not come to stay. */
    if (fault.kind != FAULT_NONE) {
        log_event(LOG_ERROR, "outcome_unread", "%s", fault.text);
        fault_set(&batch->unread, FAULT_TRANSIENT, "%s", fault.text);
    }
    return false;
}

bool batch_find_outcome(struct batch *batch, struct arena *arena, struct outcome *inout)
{
    return outcomes_find(batch, arena, inout);
}

/* ---- forgetting ---- */

static bool is_old(const struct store *store, const struct outcome *outcome)
{
    instant at = {(int64_t)(outcome->ts.n / 1000)};
    return instant_since(store->now, at).us > OUTCOMES_KEPT.us;
}

/* Old rows from the front, at most PRUNE_STEP of them, as removals. */
static bool collect_old(struct store *store, struct snapshot *snapshot, struct tree *removals,
                        size_t *count, struct fault *fault)
{
    const struct engine_methods *engine = store->engine->methods;
    AUTO(arena_done) struct arena arena = {0};
    uint8_t from[8] = {0}, to[8];
    u64_write(to, (uint64_t)store->counters.indexed_outcome + 1);
    struct cursor *cursor;
    if (!engine->scan(snapshot, SPACE_OUTCOMES, (bytes){from, 8}, (bytes){to, 8}, ORDER_UP, &cursor,
                      fault))
        return false;
    bool is_well = true;
    for (*count = 0; *count < PRUNE_STEP; ++*count) {
        struct entry entry;
        struct outcome outcome;
        is_well = engine->next(cursor, &entry, fault);
        if (!is_well || entry.key.at == NULL)
            break;
        is_well = read_row(&arena, entry.body, &outcome, fault);
        if (!is_well || !is_old(store, &outcome))
            break;
        uint8_t key[KEY_LEN];
        write_session(key, &outcome);
        memcpy(key + 20, entry.key.at, 8);
        tree_hide(removals, SPACE_OUTCOME_INDEX, (bytes){key, sizeof(key)});
        tree_hide(removals, SPACE_OUTCOMES, entry.key);
    }
    engine->close_scan(cursor);
    return is_well;
}

static bool prune(struct store *store, size_t *count, struct fault *fault)
{
    const struct engine_methods *engine = store->engine->methods;
    struct snapshot *snapshot;
    struct tree removals = {0};
    *count = 0;
    if (!engine->begin_write(store->engine, &snapshot, fault))
        return false;
    if (!collect_old(store, snapshot, &removals, count, fault) || *count == 0) {
        engine->end(snapshot);
        tree_done(&removals);
        return *count == 0;
    }
    size_t writes_count;
    AUTO(memory_free) const struct tree_item **writes = tree_list(&removals, &writes_count);
    bool is_well = engine->apply(snapshot, writes, writes_count, fault);
    tree_done(&removals);
    return is_well;
}

void outcomes_prune(struct store *store)
{
    struct fault fault;
    size_t count;
    int64_t waited = instant_since(store->now, store->pruned).us;
    if (store->is_broken || (waited >= 0 && waited < PRUNE_EVERY.us))
        return;
    if (!prune(store, &count, &fault)) {
        log_event(LOG_ERROR, "outcomes_not_pruned", "%s", fault.text);
        store->is_broken |= fault.kind == FAULT_SYSTEM;
    }
    if (count < PRUNE_STEP) /* else go on at the next idle moment */
        store->pruned = store->now;
}
