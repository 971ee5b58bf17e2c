/* SPDX-License-Identifier: Apache-2.0 */
/* Commits, rounds and jobs, as serve/front.c does them. */
#include "oracle.h"

#include "brittle.h"
#include "threads.h"

#include <stdio.h>

/* ---- commits ---- */

/* A fault of the store or of its engine, somewhere in this batch. */
static void make_fault(struct oracle *oracle)
{
    for (size_t i = 0; i < oracle->under_way_count; i++)
        oracle->under_way[i]->may_fail = true;
    if (oracle->engine == NULL || roll_one_in(&oracle->dice, 2))
        store_fail_at(oracle->store, 1 + (int64_t)roll(&oracle->dice, 100));
    else
        engine_kept_fail(oracle->engine, 1 + roll(&oracle->dice, 200));
}

void commit_run(struct oracle *oracle)
{
    oracle->counts->commits++;
    if (oracle->threads != NULL) {
        threads_wait(oracle->threads);
        return;
    }
    bool is_faulty = !oracle->is_ending && roll_one_in(&oracle->dice, 25);
    if (is_faulty)
        make_fault(oracle);
    writer_step(oracle->writer, oracle->now);
    if (is_faulty) {
        store_fail_at(oracle->store, 0);
        if (oracle->engine != NULL)
            engine_kept_fail(oracle->engine, 0);
    }
}

static void keep_told(struct oracle *oracle, const struct write_set *writes)
{
    arena_reset(&oracle->told_arena);
    struct write_key *keys = arena_array(&oracle->told_arena, struct write_key, writes->count);
    for (size_t i = 0; i < writes->count; i++) {
        bytes key = writes->keys[i].key;
        str has = writes->keys[i].words;
        keys[i] = (struct write_key){
            .space = writes->keys[i].space,
            .key = {arena_copy(&oracle->told_arena, key.at, key.len), key.len},
            .words = has.at == NULL ? has : str_copy(&oracle->told_arena, has),
        };
    }
    oracle->told = (struct write_set){writes->ts, writes->count, keys};
}

/* Tells the live queries what was written, but for the plants. */
static void tell(struct oracle *oracle, const struct write_set *writes)
{
    enum plant plant = oracle->options.plant;
    struct write_set told = *writes;
    if (plant == PLANT_TOLD_TWICE || plant == PLANT_LATE_COMMIT) {
        live_commit(oracle->live, &oracle->told);
        keep_told(oracle, writes);
    }
    if (plant == PLANT_LATE_COMMIT || (plant == PLANT_DEAF_IN_JOB && oracle->job.job != NULL))
        return;
    if (plant == PLANT_LOST_KEY && told.count > 1 && roll_one_in(&oracle->dice, 20))
        told.count--;
    live_commit(oracle->live, &told);
}

static bool take_commits(struct oracle *oracle, commit_ts snapshot)
{
    struct commit_entry entry;
    bool has_writes = false;
    while (follower_next(oracle->follower, snapshot, &entry)) {
        for (size_t i = 0; i < entry.mutation_count; i++)
            entry.mutations[i]->done(entry.mutations[i]->owner, entry.mutations[i]);
        has_writes |= entry.writes.count != 0;
        if (entry.writes.count != 0)
            tell(oracle, &entry.writes);
    }
    return has_writes;
}

/* ---- jobs ---- */

static void job_begin(struct oracle *oracle, struct view *view, struct live_job *live_job)
{
    struct job *job = &oracle->job;
    job->job = live_job;
    job->plain = oracle->plain;
    job->is_run = false;
    oracle->counts->jobs++;
    for (size_t i = 0; i < WATCHERS; i++) {
        struct watcher *watcher = &oracle->watchers[i];
        if (watcher->is_used && live_job_has(live_job, &watcher->subscription))
            oracle->slots[watcher->slot].is_in_job = true;
    }
    if (oracle->threads != NULL) {
        threads_send_job(oracle, view);
        return;
    }
    view_renew(view, &job->arena);
    job->view = *view;
}

static void job_run(struct oracle *oracle)
{
    struct job *job = &oracle->job;
    oracle->config.is_busy = oracle->busy_rounds > 0;
    job->now = oracle->now;
    live_job_run(job->job, &job->view, job->now);
    view_end(&job->view);
    job->is_run = true;
    oracle->config.is_busy = false;
}

void job_settle(struct oracle *oracle)
{
    struct job *job = &oracle->job;
    live_job_settle(oracle->live, job->job);
    compare_job(oracle);
    live_job_end(oracle->live, job->job);
    job->job = NULL;
    arena_done(&job->arena);
    for (size_t i = 0; i < SLOTS; i++) {
        if (!oracle->slots[i].is_used || !oracle->slots[i].is_in_job)
            continue;
        oracle->slots[i].is_in_job = false;
        slot_release(&oracle->slots[i]);
    }
}

void job_go_on(struct oracle *oracle)
{
    if (oracle->threads != NULL)
        threads_deliver(oracle);
    if (oracle->job.job == NULL || oracle->threads != NULL)
        return;
    oracle->counts->late_jobs++;
    if (oracle->job.is_run)
        job_settle(oracle);
    else
        job_run(oracle);
}

void job_finish(struct oracle *oracle)
{
    while (oracle->job.job != NULL && !oracle->has_failed)
        job_go_on(oracle);
}

/* ---- rounds ---- */

/* Answers whose time is over make a round due, and were announced. */
static void check_due(struct oracle *oracle)
{
    instant next = live_next(oracle->live);
    bool has_job = oracle->job.job != NULL;
    for (size_t i = 0; i < SLOTS; i++) {
        const struct slot *slot = &oracle->slots[i];
        bool counts = slot->is_used && slot->has_result && !slot->is_in_job &&
                      slot->failures == 0 && slot->valid_until.us != 0 && slot->watchers != 0 &&
                      !(has_job && slot->question.burden != 0);
        if (!counts)
            continue;
        if (slot->valid_until.us <= oracle->now.us && !live_is_due(oracle->live, oracle->now))
            oracle_fail(oracle, "slot %zu is over, and no round is due", i);
        if (next.us == 0 && !live_is_due(oracle->live, oracle->now))
            oracle_fail(oracle, "slot %zu will be over, and nobody will know", i);
    }
}

static instant time_of_round(const struct oracle *oracle)
{
    if (oracle->options.plant == PLANT_OLD_CLOCK)
        return (instant){oracle->now.us - SECONDS(5).us};
    return oracle->now;
}

static bool is_any_failing(const struct oracle *oracle)
{
    for (size_t i = 0; i < SLOTS; i++)
        if (oracle->slots[i].is_used && oracle->slots[i].failures != 0)
            return true;
    return false;
}

/* Some rounds find the program busy; in some the engine fails once. With threads there is neither:
 * readers look there. */
static void evaluate(struct oracle *oracle, struct view *view)
{
    bool is_busy = oracle->busy_rounds > 0;
    bool may_fail = oracle->engine != NULL && !oracle->is_ending && oracle->job.job == NULL;
    oracle->has_fault =
        may_fail && !is_busy && !is_any_failing(oracle) && roll_one_in(&oracle->dice, 20);
    if (oracle->has_fault)
        engine_kept_fail(oracle->engine, 1 + roll(&oracle->dice, 60));
    if (is_busy)
        oracle->config.is_busy = true;
    live_round(oracle->live, view, time_of_round(oracle));
    if (is_busy)
        oracle->config.is_busy = false;
    if (oracle->has_fault)
        engine_kept_fail(oracle->engine, 0);
}

void round_run(struct oracle *oracle)
{
    struct view view;
    struct fault fault;
    if (oracle->threads != NULL)
        threads_deliver(oracle);
    arena_reset(&oracle->arena);
    if (!view_begin(oracle->store, &oracle->arena, &view, &fault)) {
        oracle_fail(oracle, "no view: %s", fault.text);
        return;
    }
    if (!oracle->is_ending &&
        roll_one_in(&oracle->dice, 8)) { /* newer than this round's snapshot */
        mutation_send(oracle);
        commit_run(oracle);
    }
    bool has_commits = take_commits(oracle, view_ts(&view));
    check_due(oracle);
    evaluate(oracle, &view);
    oracle->counts->rounds++;

    struct live_job *job = live_job_take(oracle->live);
    if (job != NULL)
        job_begin(oracle, &view, job);
    else
        view_end(&view);
    compare_all(oracle, has_commits);
    oracle->has_fault = false;
    if (oracle->busy_rounds > 0)
        oracle->busy_rounds--;
    if (job != NULL && roll_one_in(&oracle->dice, 2))
        job_finish(oracle);
}
