/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/planted.h"
#include "job/line.h"
#include "job/runner_inside.h"

#define CLAIM_MAX 32 /* jobs begun by one mutation, when they need no outside */

/* The texts of a job read in one mutation, kept for the run. */
static void keep_job(struct run *run, const struct job *job)
{
    run->next_job = *job;
    run->next_job.action = str_of(run->action->name);
    run->next_job.lane = run->runner->lanes[run->lane].name;
}

static const struct job_action *action_find(struct runner *runner, str name)
{
    for (size_t i = 0; i < runner->options.action_count; i++)
        if (str_equal(name, str_of(runner->options.actions[i]->name)))
            return runner->options.actions[i];
    return NULL;
}

struct ask_step {
    struct run *run;
    struct job *job;
    const void *asked;
};

static void ask_inside(struct call *call, void *context)
{
    struct ask_step *step = context;
    step->job->state = JOB_RUNNING;
    step->job->attempt++;
    step->job->epoch = step->run->runner->epoch;
    row_put(call, &job_type, step->job);
    step->asked = step->run->action->ask(call, step->job);
}

static void ask_next(struct call *call, struct run *run, struct job *job)
{
    struct job before = *job;
    struct ask_step step = {.run = run, .job = job};
    str why = {0};
    enum error_code error = call_try(call, ask_inside, &step, &why);

    if (error != ERROR_NONE)
        job_step_failed(call, run->action, &before, error, why);
    else
        run->next_asked = step.asked;
    if (error == ERROR_NONE && step.asked == NULL)
        job_step_worked(call, before.id);
    if (run->next_asked != NULL)
        keep_job(run, job);
}

static bool first_due(struct call *call, str lane, bool holds_slot, struct job *out)
{
    struct scan scan;
    struct bounds due = {.prefix = KEY(key_text(STR("due")), key_text(lane), key_bool(holds_slot))};
    if (call_failed(call))
        return false;
    view_scan(call->view, index_of(&job_type, "by_slot"), due, ORDER_UP, &scan);
    bool is_there = scan_next(&scan, out);
    scan_end(&scan);
    return is_there;
}

/* Due by now; else remembers when it will be. */
static bool is_time(struct call *call, struct run *run, const struct job *job)
{
    if (!instant_is_before(call->now, job->run_at))
        return true;
    if (run->next_due.us == 0 || instant_is_before(job->run_at, run->next_due))
        run->next_due = job->run_at;
    return false;
}

/* What goes on comes first, then what was put off, then the line. */
static bool find_next(struct call *call, struct run *run, struct job *job)
{
    const struct lane *lane = &run->runner->lanes[run->lane];
    if (first_due(call, lane->name, true, job) && is_time(call, run, job))
        return true;
    if (first_due(call, lane->name, false, job) && is_time(call, run, job))
        return job_take_slot(call, job, lane->at_once);
    return line_begin(call, lane->name, lane->at_once, job);
}

static void begin(struct call *call, struct run *run, struct job *job)
{
    run->action = action_find(run->runner, job->action);
    if (run->action != NULL) {
        ask_next(call, run, job);
        return;
    }
    log_event(LOG_ERROR, "job_unknown", "a job of an unknown action waits an hour");
    job_put_off(call, job, instant_add(call->now, HOURS(1)));
}

/* More of those that are due, read at once: to look for each anew would be to step over all that
 * were ended since the last commit. Up to the first that wants something of the outside. */
static void begin_more(struct call *call, struct run *run)
{
    const struct lane *lane = &run->runner->lanes[run->lane];
    struct bounds due = {.prefix = KEY(key_text(STR("due")), key_text(lane->name), key_bool(false)),
                         .to = key_time(call->now)};
    doc_id ids[CLAIM_MAX];
    struct scan scan;
    struct job job;
    size_t count = 0;
    if (call_failed(call))
        return;
    view_scan(call->view, index_of(&job_type, "by_slot"), due, ORDER_UP, &scan);
    while (count < CLAIM_MAX && scan_next_id(&scan, &ids[count]))
        count++;
    scan_end(&scan);
    for (size_t i = 0; i < count && run->next_asked == NULL && !call_failed(call); i++)
        if (row_find(call, &job_type, ids[i], &job) && job.state == JOB_DUE &&
            job_take_slot(call, &job, lane->at_once))
            begin(call, run, &job);
}

void step_claim(struct call *call, void *context)
{
    struct run *run = context;
    struct job job;
    run->next_asked = NULL;
    run->next_due = (instant){0};
    run->found = find_next(call, run, &job) && !call_failed(call);
    if (!run->found)
        return;
    begin(call, run, &job);
    if (run->next_asked == NULL)
        begin_more(call, run);
}

/* The job's row if it is still leased to this very try. */
static bool job_is_ours(struct call *call, const struct run *run, struct job *job)
{
    return row_find(call, &job_type, run->job.id, job) && job->state == JOB_RUNNING &&
           job->attempt == run->job.attempt && job->epoch == run->job.epoch;
}

struct answer_step {
    struct run *run;
    struct job *job;
};

static void answer_inside(struct call *call, void *context)
{
    struct answer_step *step = context;
    step->run->action->answer(call, step->job, step->run->asked, step->run->result);
}

/* What came is at hand: it is not asked for again because the store could not be used just now. */
static bool is_answered_again(struct call *call, struct run *run, enum error_code error, str why)
{
    if (error != TRANSIENT || ++run->troubles >= JOB_TROUBLES_MAX)
        return false;
    call_fail(call, TRANSIENT, "%.*s", STR_ARG(why));
    return true;
}

void step_answer(struct call *call, void *context)
{
    struct run *run = context;
    struct job job;
    run->next_asked = NULL;
    if (!job_is_ours(call, run, &job)) {
        if (!PLANTED(sim_late_answer_taken))
            return;
        job = run->job;
    }
    struct job before = job;
    struct answer_step step = {run, &job};
    str why = {0};
    job.troubles = 0;
    enum error_code error = call_try(call, answer_inside, &step, &why);
    if (is_answered_again(call, run, error, why))
        return;
    if (error != ERROR_NONE) {
        job_step_failed(call, run->action, &before, error, why);
        return;
    }
    run->troubles = 0;
    /* Still leased: its next step follows at once, so that a job begun is a job ended. */
    if (!job_is_ours(call, run, &job))
        return;
    job.troubles = 0;
    ask_next(call, run, &job);
}

void step_tell(struct call *call, void *context)
{
    const struct telling *telling = context;
    struct job job;
    if (row_find(call, &job_type, telling->job.id, &job) && job.state == JOB_RUNNING &&
        job.attempt == telling->job.attempt && job.epoch == telling->job.epoch)
        telling->action->progress(call, &job, telling->part);
}

void step_publish(struct call *call, void *context)
{
    struct runner *runner = context;
    for (size_t i = 0; i < runner->lane_count && !call_failed(call); i++)
        line_publish(call, runner->lanes[i].name);
}

void step_recover(struct call *call, void *context)
{
    struct runner *runner = context;
    str lanes[LANES_MAX];
    for (size_t i = 0; i < runner->lane_count; i++)
        lanes[i] = runner->lanes[i].name;
    runner->epoch = job_recover(call);
    job_adopt(call, lanes, runner->lane_count);
    if (runner->options.started != NULL)
        runner->options.started(call);
}
