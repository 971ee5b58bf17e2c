/* SPDX-License-Identifier: Apache-2.0 */
#include "oracle.h"

#include "base/log.h"
#include "brittle.h"
#include "live/state.h"
#include "threads.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Thursday, 1 January 2026, noon. */
#define BEGINNING ((instant){INT64_C(1767268800000000)})
#define UNDER_WAY_SOME 80
#define BURST 20

const char *const plant_names[PLANT_COUNT] = {
    [PLANT_NONE] = "none",
    [PLANT_LOST_KEY] = "lost-key",
    [PLANT_LATE_COMMIT] = "late-commit",
    [PLANT_OLD_CLOCK] = "old-clock",
    [PLANT_TOLD_TWICE] = "told-twice",
    [PLANT_OTHER_CALLER] = "other-caller",
    [PLANT_DEAF_IN_JOB] = "deaf-in-job",
};

bool oracle_fail(struct oracle *oracle, const char *format, ...)
{
    if (oracle->has_failed)
        return false;
    oracle->has_failed = true;
    char text[32768];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    fprintf(stderr, "seed %" PRIu64 ", step %" PRIu64 ": %s\n", oracle->options.seed, oracle->step,
            text);
    return false;
}

/* ---- opening and closing ---- */

static void before_commit(void *context, const struct write_set *writes)
{
    commit_log_before_commit(((struct oracle *)context)->log, writes);
}

static void wake(void *context)
{
    struct oracle *oracle = context;
    if (oracle->wake != NULL)
        queue_wake(oracle->wake);
}

static void on_news(void *context, struct subscription *subscription)
{
    ((struct watcher *)subscription->owner)->news++;
}

/* Whose run this is: a query hands over its own journal, in its own memory. */
static bool is_run_of(const struct slot *slot, const struct call *call)
{
    return slot->is_used && (call->journal.at == slot->query->journal ||
                             call->journal.at == slot->query->asked_journal.at);
}

static void on_evaluation(void *context, const struct call *call, int64_t query)
{
    struct oracle *oracle = context;
    size_t at = 0;
    if (query == 0)
        return; /* asked once */
    while (at < SLOTS && !is_run_of(&oracle->slots[at], call))
        at++;
    if (at == SLOTS) {
        oracle_fail(oracle, "question %lld was run, and nobody asks it", (long long)query);
        return;
    }
    oracle->slots[at].evaluated++;
    oracle->slots[at].was_busy = oracle->config.is_busy;
}

static struct identity *identity_new(size_t which)
{
    struct identity *identity = memory_zeroed(sizeof(*identity));
    atomic_init(&identity->count, 1);
    identity->subject = words[identity_word((int)which)].text;
    identity->hash = (struct hash128){which + 1, 1};
    return identity;
}

static bool open_store(struct oracle *oracle, struct fault *fault)
{
    struct store_options options = {
        .engine = oracle->engine != NULL ? STORE_GIVEN : oracle->options.engine,
        .path = oracle->options.path,
        .given = oracle->engine,
        .schema = &village_schema,
        .now = oracle->now,
        .search_tail = 1 + oracle->options.seed % 5,
        .before_commit = before_commit,
        .context = oracle,
    };
    if (!store_open(&options, &oracle->store, fault))
        return false;
    struct writer_options writer = {
        .program = &oracle->program, .store = oracle->store, .log = oracle->log, .seed = 1};
    oracle->writer = writer_new(&writer, fault);
    return oracle->writer != NULL;
}

static bool start_threads(struct oracle *oracle, struct fault *fault)
{
    oracle->wake = queue_new(1, fault);
    if (oracle->wake != NULL)
        oracle->threads = threads_start(oracle);
    return oracle->threads != NULL;
}

static struct oracle *oracle_open(const struct oracle_options *options,
                                  struct oracle_counts *counts)
{
    static const uint8_t key[16] = "ids of a village";
    struct fault fault = {0};
    struct oracle *oracle = memory_zeroed(sizeof(*oracle));
    oracle->options = *options;
    oracle->counts = counts;
    oracle->now = BEGINNING;
    oracle->goes_back = options->seed % 2 == 0;
    oracle->config.context = oracle;
    if (!options->has_threads)
        oracle->config.on_evaluation = on_evaluation;
    doc_id_set_key(key);
    hash_set_key(key);
    if (!options->is_loud)
        log_set_level((enum log_level)(LOG_ERROR + 1)); /* faults are many, and ours */
    village_program(&oracle->program, &oracle->config);
    oracle->log = commit_log_new();
    if (options->engine == STORE_MEMORY && !options->has_threads)
        oracle->engine = engine_kept(engine_memory_new()); /* of one thread */
    if (!open_store(oracle, &fault)) {
        oracle_fail(oracle, "no store: %s", fault.text);
        return oracle;
    }
    oracle->follower = commit_log_follow(oracle->log, wake, oracle);
    oracle->live = live_new(
        &(struct live_options){.program = &oracle->program, .on_news = on_news, .context = oracle});
    for (size_t i = 0; i < IDENTITIES; i++)
        oracle->identities[i] = identity_new(i);
    if (options->has_threads && !start_threads(oracle, &fault))
        oracle_fail(oracle, "no threads");
    for (size_t i = 0; i < SESSIONS; i++)
        oracle->sessions[i] = (int)i - 1 < IDENTITIES ? (int)i - 1 : -1;
    return oracle;
}

static void oracle_close(struct oracle *oracle)
{
    threads_stop(oracle->threads);
    if (oracle->job.job != NULL) {
        live_job_drop(oracle->job.job);
        view_end(&oracle->job.view);
    }
    arena_done(&oracle->job.arena);
    if (oracle->kept.is_used)
        view_end(&oracle->kept.view);
    arena_done(&oracle->kept.arena);
    live_free(oracle->live);
    writer_free(oracle->writer);
    store_close(oracle->store);
    commit_log_free(oracle->log);
    queue_free(oracle->wake);
    if (oracle->engine != NULL)
        engine_kept_close(oracle->engine);
    for (size_t i = 0; i < IDENTITIES; i++)
        identity_drop(oracle->identities[i]);
    for (size_t i = 0; i < REMEMBERED; i++)
        arena_done(&oracle->remembered[i].arena);
    program_done(&oracle->program);
    buffer_done(&oracle->answer.text);
    buffer_done(&oracle->wanted);
    arena_done(&oracle->arena);
    arena_done(&oracle->told_arena);
    free(oracle);
}

/* ---- steps ---- */

static void drop_some_watcher(struct oracle *oracle)
{
    for (int tries = 0; tries < 4; tries++) {
        struct watcher *watcher = &oracle->watchers[roll(&oracle->dice, WATCHERS)];
        if (!watcher->is_used)
            continue;
        watcher_drop(oracle, watcher);
        return;
    }
}

static void pass_time(struct oracle *oracle)
{
    struct dice *dice = &oracle->dice;
    int64_t most = roll_one_in(dice, 4) ? 20000 : 300;
    oracle->now.us += (int64_t)roll(dice, (size_t)most) * 1000 + (int64_t)roll(dice, 1000);
    if (oracle->threads == NULL && roll_one_in(dice, 60))
        oracle->busy_rounds = 1 + (unsigned)(roll_one_in(dice, 3) ? roll(dice, 30) : 0);
}

/* A snapshot that is looked at again and again while others commit. */
static void look_at_kept(struct oracle *oracle)
{
    struct kept *kept = &oracle->kept;
    struct fault fault;
    /* What was committed and did not come back is not on the plain side yet. */
    bool can_begin = oracle->under_way_count == 0;
    if (kept->is_used && can_begin && roll_one_in(&oracle->dice, 4)) {
        view_end(&kept->view);
        kept->is_used = false;
    }
    if (!kept->is_used && can_begin) {
        arena_reset(&kept->arena);
        if (!view_begin(oracle->store, &kept->arena, &kept->view, &fault)) {
            oracle_fail(oracle, "no view: %s", fault.text);
            return;
        }
        kept->plain = oracle->plain;
        kept->is_used = true;
    }
    for (int i = 0; i < 3 && kept->is_used && !oracle->has_failed; i++)
        compare_once(oracle);
}

/* The store is closed and opened again: it must know all that it knew. */
static void reopen(struct oracle *oracle)
{
    struct fault fault;
    bool is_in_use = oracle->under_way_count != 0 || oracle->job.job != NULL;
    if (is_in_use || oracle->threads != NULL)
        return;
    if (oracle->kept.is_used)
        view_end(&oracle->kept.view);
    oracle->kept.is_used = false;
    writer_free(oracle->writer);
    store_close(oracle->store);
    oracle->writer = NULL;
    oracle->store = NULL;
    if (!open_store(oracle, &fault))
        oracle_fail(oracle, "it does not open again: %s", fault.text);
}

static void step(struct oracle *oracle)
{
    size_t which = roll(&oracle->dice, 100);
    oracle->now.us += 1 + (int64_t)roll(&oracle->dice, 2000);
    if (oracle->under_way_count > UNDER_WAY_SOME)
        which = 70;
    if (which == 0 && roll_one_in(&oracle->dice, 2)) {
        reopen(oracle);
    } else if (which < 58) {
        mutation_send(oracle);
    } else if (which < 60) {
        for (int i = 0; i < BURST; i++)
            mutation_send(oracle);
    } else if (which < 63) {
        mutation_repeat(oracle);
    } else if (which < 66) {
        commit_run(oracle);
    } else if (which < 80) {
        commit_run(oracle);
        round_run(oracle);
    } else if (which < 88) {
        watcher_add(oracle);
    } else if (which < 92) {
        drop_some_watcher(oracle);
    } else if (which < 93) {
        session_change(oracle);
    } else if (which < 95) {
        look_at_kept(oracle);
    } else if (which < 97) {
        job_go_on(oracle);
    } else {
        pass_time(oracle);
    }
}

/* Everything comes to rest: all is answered, all is current, and nothing is left when nobody
 * looks. */
static void finish(struct oracle *oracle)
{
    oracle->busy_rounds = 0;
    oracle->is_ending = true;
    int rounds = oracle->threads == NULL ? 8 : 400; /* with threads each waits a little */
    for (int i = 0; i < rounds && !oracle->has_failed; i++) {
        bool is_at_rest = i > 8 && oracle->under_way_count == 0;
        if (is_at_rest)
            break;
        oracle->now.us += SECONDS(1).us;
        commit_run(oracle);
        round_run(oracle);
        job_finish(oracle);
    }
    if (oracle->has_failed)
        return;
    if (oracle->under_way_count != 0)
        oracle_fail(oracle, "%zu mutations were never answered", oracle->under_way_count);
    for (size_t i = 0; i < WATCHERS; i++)
        if (oracle->watchers[i].is_used)
            watcher_drop(oracle, &oracle->watchers[i]);
    job_finish(oracle);
    struct live_counts counts = live_counts(oracle->live);
    if (counts.queries != 0 || counts.subscriptions != 0 || counts.watches != 0)
        oracle_fail(oracle, "nobody looks, and %zu queries, %zu subscriptions, %zu ranges are left",
                    counts.queries, counts.subscriptions, counts.watches);
}

bool oracle_run(const struct oracle_options *options, struct oracle_counts *counts)
{
    struct oracle *oracle = oracle_open(options, counts);
    for (uint64_t i = 0; i < options->steps && !oracle->has_failed; i++) {
        oracle->step = i;
        if (options->progress != NULL)
            *options->progress = i;
        if (options->leaves_out != NULL && options->leaves_out[i])
            continue;
        if (options->is_loud)
            fprintf(stderr, "  step %" PRIu64 "\n", i);
        dice_init(&oracle->dice, options->seed, i);
        step(oracle);
        counts->steps++;
    }
    oracle->step = options->steps;
    dice_init(&oracle->dice, options->seed, options->steps);
    if (!oracle->has_failed)
        finish(oracle);
    bool worked = !oracle->has_failed;
    oracle_close(oracle);
    return worked;
}
