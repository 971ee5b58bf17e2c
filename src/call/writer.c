/* SPDX-License-Identifier: Apache-2.0 */
#include "call/writer.h"

#include "base/log.h"
#include "base/planted.h"

#include <string.h>

struct writer {
    struct writer_options options;
    struct queue *queue;
    struct random random;
    atomic_ullong batches, commits, mutations, failed, replayed;
};

struct writer *writer_new(const struct writer_options *options, struct fault *fault)
{
    struct queue *queue = queue_new(WRITER_QUEUE_MAX, fault);
    if (queue == NULL)
        return NULL;

    struct writer *writer = memory_zeroed(sizeof(*writer));
    writer->options = *options;
    writer->queue = queue;
    if (options->seed == 0)
        random_init(&writer->random);
    else
        random_init_seeded(&writer->random, options->seed);
    return writer;
}

void writer_free(struct writer *writer)
{
    if (writer == NULL)
        return;
    void *item;
    while (queue_take(writer->queue, &item, 1) == 1)
        mutation_free(item);
    queue_free(writer->queue);
    free(writer);
}

bool writer_put(struct writer *writer, struct mutation *mutation)
{
    return queue_put(writer->queue, mutation);
}

int writer_fd(const struct writer *writer)
{
    return queue_fd(writer->queue);
}

struct writer_counts writer_counts(const struct writer *writer)
{
    return (struct writer_counts){writer->batches, writer->commits, writer->mutations,
                                  writer->failed, writer->replayed};
}

/* The answer that an earlier copy of this request got, if there was one. */
static bool answer_replay(struct writer *writer, struct batch *batch, struct mutation *mutation)
{
    struct outcome outcome = {.request = mutation->number};
    if (!mutation->has_session || PLANTED(replay_runs_twice))
        return false;
    memcpy(outcome.session, mutation->session, sizeof(outcome.session));
    if (!batch_find_outcome(batch, &mutation->arena, &outcome))
        return false;

    mutation->reply = (struct call_reply){.value = outcome.result};
    mutation->ts = outcome.ts;
    writer->replayed++;
    if (PLANTED(replay_unanswered))
        mutation->number = UINT32_MAX;
    if (PLANTED(replay_forgets_result))
        mutation->reply.value = STR("null");
    if (PLANTED(replay_fails))
        reply_fail(&mutation->arena, &mutation->reply, ARGUMENT, STR("This was asked before."));
    return true;
}

static void run_body(struct writer *writer, struct mutation *mutation, struct change *change,
                     instant now)
{
    struct call call = {
        .arena = &mutation->arena,
        .view = &change->view,
        .change = change,
        .program = writer->options.program,
        .now = now,
        .random = &writer->random,
        .identity = mutation->request.identity,
        .is_internal = true,
    };
    mutation->body(&call, mutation->owner);
    if (call_failed(&call))
        reply_fail(&mutation->arena, &mutation->reply, call.error, call.error_text);
    mutation->reply.wakes_jobs = call.wakes_jobs;
}

static void record_outcome(struct batch *batch, const struct mutation *mutation)
{
    struct outcome outcome = {.request = mutation->number, .result = mutation->reply.value};
    memcpy(outcome.session, mutation->session, sizeof(outcome.session));
    batch_outcome(batch, &outcome);
}

static void run_one(struct writer *writer, struct batch *batch, struct mutation *mutation,
                    instant now)
{
    if (answer_replay(writer, batch, mutation))
        return;

    struct change change;
    change_begin(batch, &mutation->arena, &change);
    change.view.records_reads = false; /* nobody waits for what a mutation has read to change */
    if (mutation->body != NULL)
        run_body(writer, mutation, &change, now);
    else
        execute_mutation(writer->options.program, &mutation->request, &change, &mutation->arena,
                         now, &writer->random, &mutation->reply);

    if (mutation->reply.error != ERROR_NONE && !PLANTED(failed_write_stays)) {
        change_drop(&change);
        writer->failed++;
        if (PLANTED(failure_recorded)) {
            mutation->reply.value = STR("null");
            record_outcome(batch, mutation);
        }
    } else if (!change_accept(&change)) {
        reply_fail(&mutation->arena, &mutation->reply, TRANSIENT,
                   STR("The change could not be made. Try again."));
        writer->failed++;
    } else if (mutation->has_session && !PLANTED(outcome_unrecorded)) {
        record_outcome(batch, mutation);
    }
}

static void fail_all(struct mutation **mutations, size_t count, const struct fault *fault)
{
    str text = fault->kind == FAULT_FULL ? STR("The disk is full. Nothing was changed.")
                                         : STR("The change could not be saved. Try again.");
    for (size_t i = 0; i < count; i++)
        reply_fail(&mutations[i]->arena, &mutations[i]->reply, TRANSIENT, text);
}

/* Runs mutations until their time is over; answers how many of them are in the batch. */
static size_t run_batch(struct writer *writer, struct batch *batch, struct mutation **mutations,
                        size_t count, instant now, bool *wakes_jobs)
{
    instant (*clock)(void) = writer->options.monotonic;
    instant start = clock == NULL ? (instant){0} : clock();
    size_t done = 0;

    while (done < count) {
        run_one(writer, batch, mutations[done], now);
        *wakes_jobs |= mutations[done]->reply.wakes_jobs;
        done++;
        if (clock != NULL && instant_since(clock(), start).us > WRITER_BATCH_TIME.us)
            break;
    }
    return done;
}

static size_t commit_some(struct writer *writer, struct mutation **mutations, size_t count,
                          instant now)
{
    struct fault fault = {0};
    struct batch *batch = NULL;
    struct commit_log *log = writer->options.log;

    if (!batch_begin(writer->options.store, now, &batch, &fault)) {
        log_event(LOG_ERROR, "batch_refused", "%s", fault.text);
        fail_all(mutations, count, &fault);
        commit_log_open(log, mutations, count, false);
        commit_log_close(log, COMMIT_FAILED);
        return count;
    }

    bool wakes_jobs = false;
    size_t done = run_batch(writer, batch, mutations, count, now, &wakes_jobs);
    commit_ts before = store_newest(writer->options.store), ts = before;
    writer->batches++;
    writer->mutations += done;
    commit_log_open(log, mutations, done, wakes_jobs);
    if (batch_commit(batch, &ts, &fault)) {
        writer->commits += ts.n != before.n;
        commit_log_close(log, COMMIT_DONE);
        return done;
    }
    log_event(LOG_ERROR, "commit_failed", "%s", fault.text);
    if (fault.kind == FAULT_SYSTEM && writer->options.on_fatal != NULL)
        writer->options.on_fatal(&fault);
    fail_all(mutations, done, &fault);
    commit_log_close(log, COMMIT_FAILED);
    return done;
}

bool writer_step(struct writer *writer, instant now)
{
    void *items[WRITER_BATCH_MAX];
    size_t count = queue_take(writer->queue, items, WRITER_BATCH_MAX);
    if (count == 0) {
        store_idle(writer->options.store);
        return false;
    }
    if (PLANTED(order_swapped)) {
        void *last = items[count - 1];
        items[count - 1] = items[0];
        items[0] = last;
    }
    for (size_t done = 0; done < count;)
        done += commit_some(writer, (struct mutation **)items + done, count - done, now);
    return true;
}
