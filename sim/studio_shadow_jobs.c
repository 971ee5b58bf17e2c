/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs, the slots of their lanes, and whose turn it is. */
#include "studio_shadow.h"

#include "studio/making.h"

static size_t lane_place(const struct shadow *s, str name)
{
    const struct lane_limit *lanes = s->life->house->lanes;
    size_t place = 0;
    while (place < HOUSE_LANES_MAX && !str_equal(lanes[place].lane, name))
        place++;
    return place;
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
    kept->lane = lane_place(s, row.lane);
    kept->state = row.state;
    kept->owner = row.owner;
    kept->about = row.about;
    kept->turn = row.turn;
    kept->cost = row.cost;
}

void shadow_take_lane(struct shadow *s, doc_id id)
{
    struct lane_row row;
    if (!view_row(&s->view, &lane_type, id, &row)) {
        life_wrong(s->life, "a lane is gone");
        return;
    }
    size_t place = lane_place(s, row.lane);
    if (place < HOUSE_LANES_MAX)
        s->lanes[place] = (struct kept_lane){row.held, row.turn};
}

void shadow_take_share(struct shadow *s, doc_id id)
{
    struct line_share row;
    struct kept_share *kept = keep_get(&s->shares, (uint64_t)id.n);
    kept->is_there = view_row(&s->view, &share_type, id, &row);
    if (kept->is_there)
        *kept = (struct kept_share){(uint64_t)id.n, true, lane_place(s, row.lane), row.owner,
                                    row.under_way};
}

/* ---- slots ---- */

static void check_slots(struct shadow *s)
{
    int64_t counts[HOUSE_LANES_MAX + 1] = {0};
    for (size_t i = 0; i < s->jobs.count; i++) {
        const struct kept_job *job = keep_at(&s->jobs, i);
        counts[job->lane] += job->is_there && job->holds_slot;
    }
    for (size_t i = 0; i < HOUSE_LANES_MAX; i++) {
        const struct lane_limit *limit = &s->life->house->lanes[i];
        if (counts[i] != s->lanes[i].held)
            life_wrong(s->life, "lane %.*s: %lld slots are taken, %lld jobs hold one",
                       STR_ARG(limit->lane), (long long)s->lanes[i].held, (long long)counts[i]);
        if (counts[i] > (int64_t)limit->at_once)
            life_wrong(s->life, "lane %.*s: %lld jobs are more than the provider takes",
                       STR_ARG(limit->lane), (long long)counts[i]);
    }
    if (counts[HOUSE_LANES_MAX] != 0)
        life_wrong(s->life, "a job holds a slot of no lane");
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
        count += is_under_way(job) && job->owner == owner &&
                 (lane == HOUSE_LANES_MAX || job->lane == lane);
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
            count_under_way(s, job->owner, HOUSE_LANES_MAX) == 0)
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
    if (job->lane == HOUSE_LANES_MAX)
        return;
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
