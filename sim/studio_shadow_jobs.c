/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs, the slots of their lanes, and whose turn it is. */
#include "studio_shadow.h"

#include "studio/making.h"

#include <stdio.h>

size_t shadow_lane(struct shadow *s, str name)
{
    size_t place = 0;
    while (place < SHADOW_LANES && s->lanes[place].name[0] != 0 &&
           !str_equal(str_of(s->lanes[place].name), name))
        place++;
    if (place == SHADOW_LANES) {
        life_wrong(s->life, "there are more lanes than providers");
        return 0;
    }
    snprintf(s->lanes[place].name, sizeof(s->lanes[place].name), "%.*s", STR_ARG(name));
    return place;
}

int64_t shadow_lane_limit(const struct shadow *s, size_t lane)
{
    const struct house *house = s->life->house;
    for (size_t i = 0; i < ARRAY_LEN(house->lanes); i++)
        if (str_equal(house->lanes[i].lane, str_of(s->lanes[lane].name)))
            return (int64_t)house->lanes[i].at_once;
    return -1;
}

void shadow_take_job(struct shadow *s, doc_id id)
{
    struct job row;
    struct kept_job *kept = keep_get(&s->jobs, (uint64_t)id.n);
    kept->is_there = view_row(&s->view, &job_type, id, &row);
    if (!kept->is_there)
        return;
    kept->holds_slot = row.holds_slot;
    kept->is_making = str_equal(row.action, str_of(making_action.name));
    kept->lane = shadow_lane(s, row.lane);
    kept->state = row.state;
    kept->owner = row.owner;
    kept->about = row.about;
    kept->turn = row.turn;
    kept->cost = row.cost;
    kept->run_at = row.run_at;
}

void shadow_take_lane(struct shadow *s, doc_id id)
{
    struct lane_row row;
    if (!view_row(&s->view, &lane_type, id, &row)) {
        life_wrong(s->life, "a lane is gone");
        return;
    }
    struct kept_lane *kept = &s->lanes[shadow_lane(s, row.lane)];
    kept->held = row.held;
    kept->turn = row.turn;
}

void shadow_take_share(struct shadow *s, doc_id id)
{
    struct line_share row;
    struct kept_share *kept = keep_get(&s->shares, (uint64_t)id.n);
    kept->is_there = view_row(&s->view, &share_type, id, &row);
    if (kept->is_there)
        *kept = (struct kept_share){(uint64_t)id.n, true, shadow_lane(s, row.lane), row.owner,
                                    row.under_way};
}

/* ---- slots ---- */

static void check_slots(struct shadow *s)
{
    int64_t counts[SHADOW_LANES] = {0};
    for (size_t i = 0; i < s->jobs.count; i++) {
        const struct kept_job *job = keep_at(&s->jobs, i);
        counts[job->lane] += job->is_there && job->holds_slot;
    }
    for (size_t i = 0; i < SHADOW_LANES && s->lanes[i].name[0] != 0; i++) {
        int64_t limit = shadow_lane_limit(s, i);
        if (counts[i] != s->lanes[i].held)
            life_wrong(s->life, "lane %s: %lld slots are taken, %lld jobs hold one",
                       s->lanes[i].name, (long long)s->lanes[i].held, (long long)counts[i]);
        if (limit >= 0 && counts[i] > limit)
            life_wrong(s->life, "lane %s: %lld jobs are more than the provider takes",
                       s->lanes[i].name, (long long)counts[i]);
    }
}

static bool is_under_way(const struct kept_job *job)
{
    return job->is_there && job->owner != 0 && job->state != JOB_PARKED;
}

static int64_t count_under_way(const struct shadow *s, int64_t owner, size_t lane)
{
    int64_t count = 0;
    for (size_t i = 0; i < s->jobs.count; i++) {
        const struct kept_job *job = keep_at(&s->jobs, i);
        count +=
            is_under_way(job) && job->owner == owner && (lane == SHADOW_LANES || job->lane == lane);
    }
    return count;
}

static void check_shares(struct shadow *s)
{
    int64_t said = 0, are = 0;
    for (size_t i = 0; i < s->shares.count; i++) {
        const struct kept_share *share = keep_at(&s->shares, i);
        if (!share->is_there)
            continue;
        said += share->under_way;
        if (share->under_way != count_under_way(s, share->owner, share->lane))
            life_wrong(s->life, "a share says %lld are under way, and not %lld",
                       (long long)share->under_way,
                       (long long)count_under_way(s, share->owner, share->lane));
    }
    for (size_t i = 0; i < s->jobs.count; i++) {
        const struct kept_job *job = keep_at(&s->jobs, i);
        are += is_under_way(job);
        if (job->is_there && job->state == JOB_PARKED &&
            count_under_way(s, job->owner, SHADOW_LANES) == 0)
            life_wrong(s->life, "a job is parked, and nothing of its owner is under way");
    }
    if (said != are)
        life_wrong(s->life, "shares say %lld are under way, and not %lld", (long long)said,
                   (long long)are);
}

/* ---- turns ---- */

static bool was_in(const struct shadow *s, const struct kept_job *job, enum job_state state)
{
    const struct kept_job *before = keep_find(&s->before, job->id);
    return before != NULL && before->state == state;
}

/* Who still is in the state that the other one left, and came before it. */
static void check_passed_over(struct shadow *s, const struct kept_job *job, enum job_state state)
{
    for (size_t i = 0; i < s->jobs.count; i++) {
        const struct kept_job *other = keep_at(&s->jobs, i);
        bool is_rival =
            state == JOB_WAITING ? other->lane == job->lane : other->owner == job->owner;
        const struct kept_job *before = keep_find(&s->before, job->id);
        if (other->is_there && is_rival && other->state == state && was_in(s, other, state) &&
            other->turn < before->turn)
            life_wrong(s->life, "job %lld was %s before job %lld, whose turn it was",
                       (long long)job->id, state == JOB_WAITING ? "begun" : "let into the line",
                       (long long)other->id);
    }
}

/* It goes behind its owner's others and behind the lane's own time. */
static void check_entered(struct shadow *s, const struct kept_job *job)
{
    double least = s->lanes_before[job->lane].turn;
    for (size_t i = 0; i < s->before.count; i++) {
        const struct kept_job *other = keep_at(&s->before, i);
        if (other->id != job->id && other->owner == job->owner && other->lane == job->lane &&
            other->state == JOB_WAITING)
            least = MAX_OF(least, other->turn);
    }
    if (job->turn < least + job->cost * 0.999)
        life_wrong(s->life, "job %lld goes into the line at %g, before %g", (long long)job->id,
                   job->turn, least + job->cost);
}

static void check_turn(struct shadow *s, const struct kept_job *job)
{
    bool is_waiting = job->is_there && job->state == JOB_WAITING;
    bool is_begun =
        job->is_there && job->owner != 0 && job->state != JOB_WAITING && job->state != JOB_PARKED;
    if (is_waiting && !was_in(s, job, JOB_WAITING))
        check_entered(s, job);
    if (is_begun && was_in(s, job, JOB_WAITING))
        check_passed_over(s, job, JOB_WAITING);
    if (is_waiting && was_in(s, job, JOB_PARKED))
        check_passed_over(s, job, JOB_PARKED);
    if (is_begun && s->lanes[job->lane].turn < job->turn)
        life_wrong(s->life, "job %lld is begun, and its lane's time is not there yet",
                   (long long)job->id);
}

/* Each one that leaves makes room for one that is parked. */
static void check_let_in(struct shadow *s, int64_t owner)
{
    size_t left = 0, parked = 0, stay = 0;
    for (size_t i = 0; i < s->before.count; i++) {
        const struct kept_job *before = keep_at(&s->before, i);
        if (before->owner != owner)
            continue;
        const struct kept_job *now = keep_find(&s->jobs, before->id);
        bool is_there = now != NULL && now->is_there;
        left += before->state != JOB_PARKED && (!is_there || now->owner != owner);
        parked += before->state == JOB_PARKED && is_there;
        stay += before->state == JOB_PARKED && is_there && now->state == JOB_PARKED;
    }
    if (left != 0 && parked - stay < MIN_OF(left, parked))
        life_wrong(s->life, "%zu jobs of an owner are over, and of %zu parked %zu came into line",
                   left, parked, parked - stay);
}

void shadow_check_jobs(struct shadow *s)
{
    check_slots(s);
    check_shares(s);
    for (size_t i = 0; i < s->jobs.count; i++)
        check_turn(s, keep_at(&s->jobs, i));
    for (size_t i = 0; i < s->before.count; i++) {
        const struct kept_job *before = keep_at(&s->before, i);
        if (before->owner != 0)
            check_let_in(s, before->owner);
    }
}

/* ---- nobody comes ---- */

static size_t count_leased(const struct shadow *s)
{
    size_t count = 0;
    for (size_t i = 0; i < s->jobs.count; i++) {
        const struct kept_job *job = keep_at(&s->jobs, i);
        count += job->is_there && job->state == JOB_RUNNING;
    }
    return count;
}

static bool is_due(const struct shadow *s, const struct kept_job *job)
{
    int64_t limit = shadow_lane_limit(s, job->lane);
    bool has_room = job->holds_slot || s->lanes[job->lane].held < limit;
    bool is_time = job->state == JOB_DUE && job->run_at.us <= s->life->house->now.us;
    return job->is_there && has_room && limit > 0 && (job->state == JOB_WAITING || is_time);
}

void shadow_check_quiet(struct shadow *s)
{
    const struct house *house = s->life->house;
    bool comes = house->runner_next.us != 0 &&
                 house->runner_next.us <= instant_add(house->now, SECONDS(2)).us;
    for (size_t i = 0; i < s->jobs.count && !comes; i++)
        if (is_due(s, keep_at(&s->jobs, i)))
            life_wrong(s->life, "job %lld could be begun, and nobody comes for it",
                       (long long)((const struct kept_job *)keep_at(&s->jobs, i))->id);
    if (outside_under_way(house->outside) > count_leased(s))
        life_wrong(s->life, "the outside does something for a job that is over");
}
