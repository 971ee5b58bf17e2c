/* SPDX-License-Identifier: Apache-2.0 */
#include "job/runner.h"

#include "base/log.h"
#include "base/planted.h"
#include "job/runner_inside.h"
#include "store/keys.h"

#define CLAIMS_MAX 32 /* mutations under way that begin jobs of one lane */
#define PROGRESS_EVERY MILLISECONDS(250)
#define PUBLISH_EVERY SECONDS(1)
#define PUT_RETRY MILLISECONDS(50)
#define COMMIT_RETRY SECONDS(1) /* a disk that is full stays so for a while */

struct runner *runner_new(const struct runner_options *options)
{
    struct runner *runner = memory_zeroed(sizeof(*runner));
    runner->options = *options;
    runner->follower = commit_log_follow(options->log, options->wake, options->wake_context);
    follower_narrow(runner->follower, (uint16_t)(job_type.number << 8));
    runner_limit(runner, options->lanes, options->lane_count);
    return runner;
}

static struct lane *lane_named(struct runner *runner, str name)
{
    for (size_t i = 0; i < runner->lane_count; i++)
        if (str_equal(runner->lanes[i].name, name))
            return &runner->lanes[i];
    if (runner->lane_count == LANES_MAX)
        return NULL;
    struct lane *lane = &runner->lanes[runner->lane_count++];
    lane->name = str_copy(&runner->names, name);
    lane->claims_most = 1;
    return lane;
}

void runner_limit(struct runner *runner, const struct lane_limit *lanes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct lane *lane = lane_named(runner, lanes[i].lane);
        if (lane == NULL) {
            log_event(LOG_ERROR, "lanes_full", "%.*s begins with the next start",
                      STR_ARG(lanes[i].lane));
            continue;
        }
        lane->at_once = lanes[i].at_once;
        lane->may_have = true;
    }
}

static void run_free(struct run *run)
{
    struct runner *runner = run->runner;
    runner->lanes[run->lane].busy--;
    if (run->result != NULL)
        runner->options.world.release(runner->options.world.context, run->result);
    run_remove(&runner->runs, run);
}

void runner_free(struct runner *runner)
{
    if (runner == NULL)
        return;
    while (runner->runs.first != NULL)
        run_free(runner->runs.first);
    arena_done(&runner->names);
    free(runner);
}

/* Hands a mutation to the writer; the queue is never full for long, so it waits its turn. */
static bool send(struct runner *runner, void (*body)(struct call *, void *),
                 void (*done)(void *, struct mutation *), void *owner)
{
    struct mutation *mutation = mutation_new();
    mutation->body = body;
    mutation->done = done;
    mutation->owner = owner;
    mutation->from = runner->follower;
    if (writer_put(runner->options.writer, mutation))
        return true;
    mutation_free(mutation);
    return false;
}

/* ---- after mutations ---- */

static void start_work(struct run *run)
{
    struct runner *runner = run->runner;
    run->state = RUN_WORKING;
    run->part = run->part_told = 0;
    runner->options.world.start(runner->options.world.context, run->id, run->action->name,
                                run->asked);
}

/* The arena of the mutation holds what was asked: it moves to the run. */
static void take_asked(struct run *run, struct mutation *mutation)
{
    arena_done(&run->arena);
    run->asked = run->next_asked;
    run_set_job(&run->runner->runs, run, &run->next_job);
    run->arena = mutation->arena;
    mutation->arena = (struct arena){0};
}

static void claimed(void *owner, struct mutation *mutation)
{
    struct run *run = owner;
    struct lane *lane = &run->runner->lanes[run->lane];
    bool failed = mutation->reply.error != ERROR_NONE;
    bool is_found = run->found && !failed;

    lane->claims--;
    lane->claims_most = is_found ? MIN_OF(lane->claims_most * 2, (size_t)CLAIMS_MAX) : 1;
    if (failed) {
        if (!PLANTED(sim_claim_not_tried_again))
            lane->again_at = instant_add(run->runner->now, COMMIT_RETRY);
    } else if (!run->found) {
        lane->next = run->next_due;
    } else {
        lane->may_have = true; /* there may be another one behind it */
    }
    run->runner->line_moved |= run->found;
    if ((!failed || PLANTED(sim_begun_uncommitted)) && run->next_asked != NULL) {
        take_asked(run, mutation);
        start_work(run);
    } else {
        run_free(run);
    }
    mutation_free(mutation);
}

static void answered(void *owner, struct mutation *mutation)
{
    struct run *run = owner;
    struct runner *runner = run->runner;

    if (mutation->reply.error != ERROR_NONE) {
        /* The writer could not commit: what came is not lost, it is answered again. */
        log_event(LOG_WARN, "answer_again", "%.*s", STR_ARG(mutation->reply.error_text));
        mutation_free(mutation);
        if (PLANTED(sim_answer_dropped)) {
            run_free(run);
            return;
        }
        run->state = RUN_NONE;
        run->retry_at = instant_add(runner->now, COMMIT_RETRY);
        return;
    }
    runner->options.world.release(runner->options.world.context, run->result);
    run->result = NULL;
    runner->lanes[run->lane].may_have = true;
    if (run->next_asked != NULL) {
        take_asked(run, mutation);
        start_work(run);
    } else {
        run_free(run);
    }
    mutation_free(mutation);
}

static void told(void *owner, struct mutation *mutation)
{
    struct telling *telling = owner;
    struct run *run = run_find(&telling->runner->runs, telling->run);
    if (run != NULL)
        run->is_telling = false;
    mutation_free(mutation);
}

static void published(void *owner, struct mutation *mutation)
{
    ((struct runner *)owner)->is_publishing = false;
    mutation_free(mutation);
}

static void recovered(void *owner, struct mutation *mutation)
{
    struct runner *runner = owner;
    runner->is_recovering = false;
    runner->is_recovered = mutation->reply.error == ERROR_NONE;
    runner->recover_at = instant_add(runner->now, COMMIT_RETRY);
    mutation_free(mutation);
}

/* ---- the step ---- */

/* Nobody else touches a leased job but to end it. */
static void cancel_if_gone(struct runner *runner, const struct write_set *writes)
{
    uint16_t space = (uint16_t)(job_type.number << 8);
    for (size_t i = 0; i < writes->count; i++) {
        const struct write_key *key = &writes->keys[i];
        if (key->space != space || key->key.len != sizeof(uint64_t))
            continue;
        struct run *run = run_of_job(&runner->runs, (doc_id){(int64_t)u64_read(key->key.at)});
        if (run == NULL || run->state != RUN_WORKING || run->is_unwanted)
            continue;
        run->is_unwanted = true;
        if (!PLANTED(sim_cancel_untold))
            runner->options.world.cancel(runner->options.world.context, run->id);
    }
}

static void follow(struct runner *runner)
{
    struct commit_entry entry;
    while (follower_next(runner->follower, store_newest(runner->options.store), &entry)) {
        runner->line_moved |= entry.wakes_jobs;
        if (entry.wakes_jobs)
            for (size_t i = 0; i < runner->lane_count; i++)
                runner->lanes[i].may_have = true;
        cancel_if_gone(runner, &entry.writes);
        for (size_t i = 0; i < entry.mutation_count; i++)
            entry.mutations[i]->done(entry.mutations[i]->owner, entry.mutations[i]);
    }
}

static bool lane_is_open(const struct runner *runner, const struct lane *lane)
{
    return !runner->is_draining && lane->busy < lane->at_once;
}

static bool claim_next(struct runner *runner, size_t index)
{
    struct lane *lane = &runner->lanes[index];
    struct run *run = run_new(&runner->runs);
    run->runner = runner;
    run->lane = index;
    run->state = RUN_CLAIMING;
    lane->busy++;
    if (send(runner, step_claim, claimed, run)) {
        lane->claims++;
        return true;
    }
    run_free(run);
    lane->again_at = instant_add(runner->now, PUT_RETRY);
    return false;
}

/* It was to be within a second: when it is further away, the clock was set back. */
static bool is_again(instant now, instant at)
{
    return at.us <= now.us || at.us > instant_add(now, COMMIT_RETRY).us;
}

/* Those sent together are in one commit, each with the next job. */
static void claim_lane(struct runner *runner, size_t index)
{
    struct lane *lane = &runner->lanes[index];
    bool is_time = (lane->next.us != 0 && lane->next.us <= runner->now.us) ||
                   (lane->again_at.us != 0 && is_again(runner->now, lane->again_at));
    if (!lane_is_open(runner, lane) || !(lane->may_have || is_time) ||
        lane->claims >= lane->claims_most) /* those may have looked too early to see it */
        return;

    lane->may_have = false;
    lane->next = lane->again_at = (instant){0};
    while (lane_is_open(runner, lane) && lane->claims < lane->claims_most)
        if (!claim_next(runner, index))
            return;
}

static void tell_progress(struct runner *runner, struct run *run)
{
    bool is_due = run->state == RUN_WORKING && !run->is_telling && run->part > run->part_told &&
                  run->action->progress != NULL &&
                  is_again(runner->now, instant_add(run->told_at, PROGRESS_EVERY));
    if (!is_due)
        return;
    run->part_told = run->part;
    run->told_at = runner->now;
    struct mutation *mutation = mutation_new();
    struct telling *telling = arena_new(&mutation->arena, struct telling);
    *telling = (struct telling){runner, run->id, run->job, run->action, run->part};
    mutation->body = step_tell;
    mutation->done = told;
    mutation->owner = telling;
    mutation->from = runner->follower;
    run->is_telling = writer_put(runner->options.writer, mutation);
    if (!run->is_telling)
        mutation_free(mutation);
}

static void send_answer(struct runner *runner, struct run *run)
{
    run->state = send(runner, step_answer, answered, run) ? RUN_ANSWERING : RUN_NONE;
    run->retry_at = instant_add(runner->now, PUT_RETRY);
}

/* Once a second, however many wait and however fast the line moves. */
static instant publish_line(struct runner *runner)
{
    if (!runner->line_moved || runner->is_publishing || runner->is_draining)
        return (instant){0};
    if (!is_again(runner->now, runner->publish_at))
        return runner->publish_at;
    runner->line_moved = false;
    runner->publish_at = instant_add(runner->now, PUBLISH_EVERY);
    runner->is_publishing = send(runner, step_publish, published, runner);
    return (instant){0};
}

static instant sooner(instant a, instant b)
{
    return a.us == 0 || (b.us != 0 && b.us < a.us) ? b : a;
}

instant runner_step(struct runner *runner, instant now)
{
    instant next = {0};
    runner->now = now;
    follow(runner);

    if (!runner->is_recovered) {
        if (!runner->is_recovering && is_again(now, runner->recover_at))
            runner->is_recovering = send(runner, step_recover, recovered, runner);
        return instant_add(now, PUT_RETRY);
    }
    for (struct run *run = runner->runs.first; run != NULL; run = run->next) {
        if (run->state != RUN_NONE)
            tell_progress(runner, run);
        else if (is_again(now, run->retry_at))
            send_answer(runner, run);
        if (run->state == RUN_NONE)
            next = sooner(next, run->retry_at);
        else if (run->part > run->part_told)
            next = sooner(next, instant_add(now, PUT_RETRY));
    }
    for (size_t i = 0; i < runner->lane_count; i++) {
        claim_lane(runner, i);
        /* A full lane looks again when one of its runs ends: its moment may be long past. */
        if (lane_is_open(runner, &runner->lanes[i]))
            next = sooner(sooner(next, runner->lanes[i].next), runner->lanes[i].again_at);
    }
    return sooner(next, publish_line(runner));
}

void runner_finish(struct runner *runner, uint64_t id, void *result)
{
    struct run *run = run_find(&runner->runs, id);
    if (run == NULL || run->state != RUN_WORKING) {
        runner->options.world.release(runner->options.world.context, result);
        return;
    }
    run->result = result;
    send_answer(runner, run);
}

void runner_progress(struct runner *runner, uint64_t id, double part)
{
    struct run *run = run_find(&runner->runs, id);
    if (run != NULL && part > run->part)
        run->part = MIN_OF(part, 1.0);
}

bool runner_is_idle(const struct runner *runner)
{
    if (runner->runs.count != 0 || !runner->is_recovered)
        return false;
    for (size_t i = 0; i < runner->lane_count; i++)
        if (runner->lanes[i].may_have)
            return false;
    return true;
}

void runner_drain(struct runner *runner)
{
    runner->is_draining = true;
}

size_t runner_running(const struct runner *runner)
{
    return runner->runs.count;
}
