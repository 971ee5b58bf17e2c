/* SPDX-License-Identifier: Apache-2.0 */
/* Generations, their attempts and their works. */
#include "studio_shadow.h"

#include "base/hash.h"
#include "studio/attempts.h"

static struct kept_generation *generation_of(struct shadow *s, int64_t id)
{
    return keep_get(&s->generations, (uint64_t)id);
}

/* It has ended in this commit: everything about it is over, and what was made is what was paid. */
static void check_end(struct shadow *s, const struct generation *g)
{
    const struct kept_movement *closing = shadow_closing(s, g->hold_id.n);
    int64_t paid = closing == NULL ? -1 : closing->revenue;
    int64_t works = (int64_t)g->asset_ids.count;
    if (paid != g->price.n * works || paid != g->credits_cost.n - g->credits_refunded.n)
        life_wrong(s->life, "generation %lld: %lld paid of %lld for %lld works", (long long)g->id.n,
                   (long long)paid, (long long)g->credits_cost.n, (long long)works);
    if (works > g->num_images)
        life_wrong(s->life, "generation %lld made too many works", (long long)g->id.n);
    if (works < g->num_images && g->status != GENERATION_CANCELED && g->error.len == 0)
        life_wrong(s->life, "generation %lld made less and does not say why", (long long)g->id.n);
    if (g->status != GENERATION_CANCELED && (g->status == GENERATION_COMPLETED) != (works > 0))
        life_wrong(s->life, "generation %lld is %s with %lld works", (long long)g->id.n,
                   generation_status_names[g->status], (long long)works);
}

void shadow_take_generation(struct shadow *s, doc_id id)
{
    struct generation row;
    struct kept_generation *kept = generation_of(s, id.n);
    bool is_known = kept->user != 0, had_ended = kept->has_ended;
    if (!view_row(&s->view, &generation_type, id, &row)) {
        if (is_known && !had_ended)
            life_wrong(s->life, "generation %lld is gone before it has ended", (long long)id.n);
        kept->is_gone = true;
        return;
    }
    if (is_known && had_ended && kept->status != (int64_t)row.status)
        life_wrong(s->life, "generation %lld had ended, and is %s now", (long long)id.n,
                   generation_status_names[row.status]);
    if (is_known && (kept->cost != row.credits_cost.n || kept->price != row.price.n))
        life_wrong(s->life, "generation %lld has another price now", (long long)id.n);
    kept->user = row.user_id.n;
    kept->has_ended = !generation_is_open(&row);
    kept->hold = row.hold_id.n;
    kept->job = row.job_id.n;
    kept->cost = row.credits_cost.n;
    kept->price = row.price.n;
    kept->status = (int64_t)row.status;
    if (kept->has_ended && !had_ended)
        check_end(s, &row);
}

static void check_not_both(struct shadow *s, const struct kept_generation *g, bool has,
                           const char *what)
{
    if (has == g->has_ended)
        life_wrong(s->life, "generation %lld has %s and %s %s", (long long)g->id,
                   g->has_ended ? "ended" : "not ended", has ? "has" : "has no", what);
}

/* An open one has its job and its hold, one that has ended neither. */
void shadow_check_generation(struct shadow *s, doc_id id)
{
    const struct kept_generation *g = keep_find(&s->generations, (uint64_t)id.n);
    if (g->is_gone)
        return;
    const struct kept_hold *hold = keep_find(&s->holds, (uint64_t)g->hold);
    const struct kept_job *job = keep_find(&s->jobs, (uint64_t)g->job);
    check_not_both(s, g, job != NULL && job->is_there && job->is_making && job->about == id.n,
                   "job");
    check_not_both(s, g, hold != NULL && hold->is_open && hold->amount == g->cost, "hold");
    if (g->open_attempts > (g->has_ended ? 0 : 1))
        life_wrong(s->life, "generation %lld has %lld attempts open", (long long)id.n,
                   (long long)g->open_attempts);
}

static bool is_open(int64_t state)
{
    return state == ATTEMPT_ASKED || state == ATTEMPT_RUNNING;
}

void shadow_take_attempt(struct shadow *s, doc_id id)
{
    struct attempt row;
    struct kept_attempt *kept = keep_get(&s->attempts, (uint64_t)id.n);
    if (!view_row(&s->view, &attempt_type, id, &row))
        return; /* with its generation */
    struct kept_generation *g = generation_of(s, row.generation_id.n);
    if (kept->generation == 0 && row.number != ++g->attempts)
        life_wrong(s->life, "attempt %lld of generation %lld comes after %lld",
                   (long long)row.number, (long long)row.generation_id.n,
                   (long long)g->attempts - 1);
    if (kept->generation != 0 && !is_open(kept->state) && kept->state != (int64_t)row.state)
        life_wrong(s->life, "an attempt of generation %lld ends twice",
                   (long long)row.generation_id.n);
    if (is_open(row.state) == row.ended_at.is_set)
        life_wrong(s->life, "an attempt of generation %lld is open and has ended",
                   (long long)row.generation_id.n);
    g->open_attempts += is_open(row.state) - is_open(kept->state);
    if (g->open_attempts > 1)
        life_wrong(s->life, "generation %lld is asked for twice at once",
                   (long long)row.generation_id.n);
    s->attempts_cost += row.cost_micros.value - kept->cost_micros;
    kept->generation = row.generation_id.n;
    kept->state = (int64_t)row.state;
    kept->cost_micros = row.cost_micros.value;
}

/* The same bytes are one work. */
void shadow_take_asset(struct shadow *s, doc_id id)
{
    struct asset row;
    if (!view_row(&s->view, &asset_type, id, &row))
        return;
    struct kept_work *kept =
        keep_get(&s->works, hash128_bytes(row.storage_id.at, row.storage_id.len).a);
    if (kept->asset != 0 && kept->asset != (uint64_t)id.n)
        life_wrong(s->life, "the same picture is two works");
    kept->asset = (uint64_t)id.n;
}
