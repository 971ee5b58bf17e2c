/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "job/line.h"

#include "base/planted.h"

static const char *const state_names[JOB_STATES] = {
    [JOB_DUE] = "due",
    [JOB_RUNNING] = "running",
    [JOB_WAITING] = "waiting",
    [JOB_PARKED] = "parked",
};

#define ROW struct job
static const struct field job_fields[] = {
    ID(id),
    CREATED(created),
    TEXT(action, .min = 1, .max = 80),
    TEXT(lane, .min = 1, .max = 40),
    INT(about),
    CHOICE(state, state_names),
    TIME(run_at),
    INT(attempt),
    INT(epoch),
    INT(failures),
    BOOL(holds_slot, .is_optional = true),
    TIME(begun_at, .is_optional = true),
    INT(owner, .is_optional = true),
    NUMBER(cost, .is_optional = true),
    NUMBER(turn, .is_optional = true),
    INT(troubles, .is_optional = true),
    INT(crashes, .is_optional = true),
};
#undef ROW

const struct doc_type job_type = {
    .name = "jobs",
    .about = "Work that outlives the request that asked for it.",
    .size = sizeof(struct job),
    FIELDS(job_fields),
    .number = 20,
    INDEXES({.name = "by_slot", .fields = {"state", "lane", "holdsSlot", "runAt"}},
            {.name = "by_turn", .fields = {"state", "lane", "turn"}},
            {.name = "by_owner", .fields = {"owner", "state", "turn"}},
            {.name = "by_about", .fields = {"about"}}),
};

struct system {
    doc_id id;
    tick created;
    int64_t epoch;
};

#define ROW struct system
static const struct field system_fields[] = {ID(id), CREATED(created), INT(epoch)};
#undef ROW

const struct doc_type system_type = {
    .name = "system",
    .about = "One row: how often the program was started.",
    .size = sizeof(struct system),
    FIELDS(system_fields),
    .number = 21,
    INDEXES({.name = "by_epoch", .fields = {"epoch"}}),
};

doc_id job_queue(struct call *call, const char *action, str lane, doc_id about)
{
    struct job job = {
        .action = str_of(action),
        .lane = lane,
        .about = about.n,
        .state = JOB_DUE,
        .run_at = call->now,
    };
    row_new(call, &job_type, &job);
    row_put(call, &job_type, &job);
    call->wakes_jobs = true;
    return job.id;
}

/* ---- slots ---- */

bool job_take_slot(struct call *call, struct job *job, size_t at_once)
{
    if (job->holds_slot)
        return true;
    struct lane_row lane = lane_row_of(call, job->lane);
    if (lane.held >= (int64_t)at_once)
        return false;
    lane.held++;
    if (!PLANTED(sim_slot_uncounted))
        lane_row_put(call, &lane);
    job->holds_slot = true;
    job->begun_at = call->now;
    return true;
}

/* is_over: it had the slot to its end. */
static void free_slot(struct call *call, struct job *job, bool is_over)
{
    if (!job->holds_slot)
        return;
    struct lane_row lane = lane_row_of(call, job->lane);
    lane.held--;
    if (is_over)
        line_note_seconds(&lane, instant_since(call->now, job->begun_at));
    lane_row_put(call, &lane);
    job->holds_slot = false;
    if (!PLANTED(sim_moved_untold))
        call->wakes_jobs = true;
}

void job_put_off_holding(struct call *call, struct job *job, instant until)
{
    job->state = JOB_DUE;
    job->run_at = until;
    row_put(call, &job_type, job);
    if (!PLANTED(sim_moved_untold))
        call->wakes_jobs = true;
}

void job_put_off(struct call *call, struct job *job, instant until)
{
    free_slot(call, job, false);
    job_put_off_holding(call, job, until);
}

void job_move(struct call *call, struct job *job, str lane)
{
    if (!PLANTED(sim_move_keeps_slot))
        free_slot(call, job, false);
    line_leave(call, job);
    job->owner = 0;
    job->lane = lane;
    job_put_off_holding(call, job, call->now);
}

void job_remove(struct call *call, doc_id id)
{
    struct job job;
    if (!row_find(call, &job_type, id, &job))
        return;
    /* Those who stand in line behind one that was never begun move up. */
    call->wakes_jobs |= job.state == JOB_WAITING;
    free_slot(call, &job, true);
    row_remove(call, &job_type, id);
    line_leave(call, &job);
}

span job_backoff(struct call *call, int64_t failures)
{
    int64_t seconds = (int64_t)1 << MIN_OF(MAX_OF(failures - 1, (int64_t)0), (int64_t)6);
    int64_t longest = SECONDS(MIN_OF(seconds, (int64_t)60)).us;
    return (span){longest / 2 + (int64_t)random_below(call->random, (uint64_t)longest / 2 + 1)};
}

void job_step_failed(struct call *call, const struct job_action *action, struct job *job,
                     enum error_code error, str why)
{
    log_event(LOG_WARN, "job_step_failed", "%s: %s", action->name, error_code_name(error));
    job->troubles++;
    instant until = instant_add(call->now, job_backoff(call, job->troubles));
    if (error == TRANSIENT && job->troubles < JOB_TROUBLES_MAX) {
        job_put_off_holding(call, job, until); /* what it does outside may go on */
        return;
    }
    if (error != TRANSIENT && job->troubles < JOB_FAILURES_MAX) {
        job_put_off(call, job, until);
        return;
    }
    job->troubles = 0; /* some only put it off */
    row_put(call, &job_type, job);
    action->give_up(call, job, why);
}

void job_step_worked(struct call *call, doc_id id)
{
    struct job job;
    if (!row_find(call, &job_type, id, &job) || job.troubles == 0)
        return;
    job.troubles = 0;
    row_put(call, &job_type, &job);
}

#define RECOVER_AT_ONCE 1000

/* Makes up to that many leased jobs due; true when there may be more. */
static bool recover_some(struct call *call, int64_t epoch)
{
    struct job *jobs = arena_array(call->arena, struct job, RECOVER_AT_ONCE);
    struct bounds running = {.prefix = KEY(key_text(STR("running")))};
    struct scan scan;
    size_t count = 0;

    view_scan(call->view, index_of(&job_type, "by_slot"), running, ORDER_UP, &scan);
    while (count < RECOVER_AT_ONCE && scan_next(&scan, &jobs[count]))
        count++;
    scan_end(&scan);
    for (size_t i = 0; i < count; i++) {
        jobs[i].epoch = epoch;
        if (!PLANTED(sim_leases_not_recovered))
            job_put_off_holding(call, &jobs[i], call->now);
    }
    return count == RECOVER_AT_ONCE && !call_failed(call);
}

int64_t job_recover(struct call *call)
{
    struct system system;
    doc_id id = row_first(call, index_of(&system_type, "by_epoch"), KEY_ALL);
    row_find(call, &system_type, id, &system);
    system.epoch++;
    if (!doc_id_is_set(system.id))
        row_new(call, &system_type, &system);
    row_put(call, &system_type, &system);

    while (recover_some(call, system.epoch)) {
    }
    return system.epoch;
}

#define ADOPT_AT_ONCE 1000

static void adopt_lane(struct call *call, const char *state, str from, str to)
{
    struct job *jobs = arena_array(call->arena, struct job, ADOPT_AT_ONCE);
    struct bounds due = {.prefix = KEY(key_text(str_of(state)), key_text(from))};
    struct scan scan;
    size_t count = 0;

    view_scan(call->view, index_of(&job_type, "by_slot"), due, ORDER_UP, &scan);
    while (count < ADOPT_AT_ONCE && scan_next(&scan, &jobs[count]))
        count++;
    scan_end(&scan);
    for (size_t i = 0; i < count; i++)
        job_move(call, &jobs[i], to);
}

/* The first lane behind this one, in their order, that has a job in this state. */
static bool lane_behind(struct call *call, const char *state, str *lane)
{
    struct bounds behind = {.prefix = KEY(key_text(str_of(state)))};
    struct scan scan;
    struct job job;
    if (lane->len != 0) {
        behind.from = key_text(*lane);
        behind.from_is_open = true;
    }
    view_scan(call->view, index_of(&job_type, "by_slot"), behind, ORDER_UP, &scan);
    bool is_found = scan_next(&scan, &job);
    scan_end(&scan);
    *lane = is_found ? job.lane : (str){0};
    return is_found && !call_failed(call);
}

static void adopt_state(struct call *call, const char *state, const str *lanes, size_t lane_count)
{
    str lane = {0};
    while (lane_count > 0 && lane_behind(call, state, &lane)) {
        bool is_served = false;
        for (size_t i = 0; i < lane_count; i++)
            is_served |= str_equal(lane, lanes[i]);
        if (!is_served)
            adopt_lane(call, state, lane, lanes[lane_count - 1]);
    }
}

void job_adopt(struct call *call, const str *lanes, size_t lane_count)
{
    /* Who waits may bring what was parked behind it into the line, so those come last. */
    adopt_state(call, "due", lanes, lane_count);
    adopt_state(call, "parked", lanes, lane_count);
    adopt_state(call, "waiting", lanes, lane_count);
}
