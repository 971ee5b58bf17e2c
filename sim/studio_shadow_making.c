/* SPDX-License-Identifier: Apache-2.0 */
/* Generations, their attempts and their works. */
#include "studio_shadow.h"

#include "base/hash.h"
#include "check.h"
#include "studio/attempts.h"

static uint64_t hash_of(str text)
{
    return hash128_bytes(text.at, text.len).a;
}

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
    s->ended++;
    s->charged += paid;
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

/* What was charged may go back, once, and the row says so. */
static void check_refund(struct shadow *s, const struct generation *g)
{
    const struct kept_movement *closing = shadow_closing(s, g->hold_id.n);
    const struct kept_movement *refund = shadow_movement(s, "refund", g->id.n);
    int64_t paid = closing == NULL ? 0 : closing->revenue;
    int64_t back = refund == NULL ? 0 : -refund->revenue;
    if (back < 0 || back > paid || paid - back != g->credits_cost.n - g->credits_refunded.n)
        life_wrong(s->life, "generation %lld: %lld paid, %lld given back, and it says %lld",
                   (long long)g->id.n, (long long)paid, (long long)back,
                   (long long)g->credits_refunded.n);
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
    kept->provider = hash_of(row.provider);
    kept->user = row.user_id.n;
    kept->has_ended = !generation_is_open(&row);
    kept->hold = row.hold_id.n;
    kept->job = row.job_id.n;
    kept->cost = row.credits_cost.n;
    kept->price = row.price.n;
    kept->status = (int64_t)row.status;
    if (kept->has_ended && !had_ended)
        check_end(s, &row);
    else if (kept->has_ended)
        check_refund(s, &row);
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
    if (g->open_attempts == 1 && g->open_provider != g->provider)
        life_wrong(s->life, "generation %lld is with another provider than its attempt",
                   (long long)id.n);
    if (g->open_attempts > (g->has_ended ? 0 : 1))
        life_wrong(s->life, "generation %lld has %lld attempts open", (long long)id.n,
                   (long long)g->open_attempts);
}

static bool is_open(int64_t state)
{
    return state == ATTEMPT_ASKED || state == ATTEMPT_RUNNING;
}

/* A provider that fails is asked again three times, and then another one, or nobody. */
static void count_failures(struct shadow *s, struct kept_generation *g, const struct attempt *row)
{
    struct kept_provider *provider = keep_get(&s->providers, hash_of(row->provider));
    if (row->state == ATTEMPT_DONE)
        provider->failed = 0;
    if (row->state == ATTEMPT_FAILED)
        provider->failed++;
    if (row->state == ATTEMPT_ORPHANED)
        return;
    if (g->model != hash_of(row->model) || row->state != ATTEMPT_FAILED)
        g->failed = 0;
    g->model = hash_of(row->model);
    g->failed += row->state == ATTEMPT_FAILED;
    if (g->failed > 4)
        life_wrong(s->life, "generation %lld was asked for %lld times in vain",
                   (long long)row->generation_id.n, (long long)g->failed);
}

/* Jobs of a provider's own that run for us, by what we know. */
static void check_running(struct shadow *s, const struct kept_attempt *one)
{
    int64_t running = 0, limit = shadow_lane_limit(s, one->lane);
    for (size_t i = 0; i < s->attempts.count; i++) {
        const struct kept_attempt *kept = keep_at(&s->attempts, i);
        running += kept->state == ATTEMPT_RUNNING && kept->lane == one->lane;
    }
    /* A job whose provider left the configuration goes on in another lane. */
    if (limit >= 0 && running > limit && !s->life->had_missing)
        life_wrong(s->life, "provider %s has %lld jobs at once", s->lanes[one->lane].name,
                   (long long)running);
}

static void check_attempt(struct shadow *s, const struct kept_attempt *kept,
                          const struct attempt *row)
{
    if (kept->generation != 0 && !is_open(kept->state) && kept->state != (int64_t)row->state)
        life_wrong(s->life, "an attempt of generation %lld ends twice",
                   (long long)row->generation_id.n);
    if (is_open(row->state) == row->ended_at.is_set)
        life_wrong(s->life, "an attempt of generation %lld is open and has ended",
                   (long long)row->generation_id.n);
}

void shadow_take_attempt(struct shadow *s, doc_id id)
{
    struct attempt row;
    struct kept_attempt *kept = keep_get(&s->attempts, (uint64_t)id.n);
    kept->is_gone = !view_row(&s->view, &attempt_type, id, &row);
    if (kept->is_gone)
        return;
    struct kept_generation *g = generation_of(s, row.generation_id.n);
    if (kept->generation == 0 && row.number != ++g->attempts)
        life_wrong(s->life, "attempt %lld of generation %lld comes after %lld",
                   (long long)row.number, (long long)row.generation_id.n,
                   (long long)g->attempts - 1);
    check_attempt(s, kept, &row);
    if (is_open(kept->state) != is_open(row.state) && !is_open(row.state))
        count_failures(s, g, &row);
    g->open_attempts += is_open(row.state) - is_open(kept->state);
    if (is_open(row.state))
        g->open_provider = hash_of(row.provider);
    s->attempts_cost += row.cost_micros.value - kept->cost_micros;
    kept->generation = row.generation_id.n;
    kept->state = (int64_t)row.state;
    kept->cost_micros = row.cost_micros.value;
    kept->lane = shadow_lane(s, row.provider);
}

void shadow_check_attempt(struct shadow *s, doc_id id)
{
    const struct kept_attempt *kept = keep_find(&s->attempts, (uint64_t)id.n);
    if (kept->generation == 0)
        return;
    if (kept->is_gone && !generation_of(s, kept->generation)->is_gone)
        life_wrong(s->life, "an attempt of generation %lld is gone", (long long)kept->generation);
    if (generation_of(s, kept->generation)->open_attempts > 1)
        life_wrong(s->life, "generation %lld is asked for twice at once",
                   (long long)kept->generation);
    if (kept->state == ATTEMPT_RUNNING)
        check_running(s, kept);
}

/* A provider is left alone when it failed five times in a row. */
void shadow_take_breaker(struct shadow *s, doc_id id)
{
    struct json rows = rows_of(s->life->house, &s->arena, &breaker_type);
    for (size_t i = 0; i < rows.count; i++) {
        const struct json *row = &rows.items[i];
        const struct kept_provider *provider =
            keep_find(&s->providers, hash_of(json_text(json_get(row, "provider"))));
        bool is_open = json_number(json_get(row, "openUntil"), 0) > 0;
        if (is_open && (provider == NULL || provider->failed < BREAKER_FAILURES))
            life_wrong(s->life, "provider %.*s is left alone after %lld failures",
                       STR_ARG(json_text(json_get(row, "provider"))),
                       provider == NULL ? 0LL : (long long)provider->failed);
    }
}

/* The same bytes are one work. */
void shadow_take_asset(struct shadow *s, doc_id id)
{
    struct asset row;
    if (!view_row(&s->view, &asset_type, id, &row))
        return;
    struct kept_work *kept = keep_get(&s->works, hash_of(row.storage_id));
    if (kept->asset != 0 && kept->asset != (uint64_t)id.n)
        life_wrong(s->life, "the same picture is two works");
    kept->asset = (uint64_t)id.n;
    if (outside_blob_is_film(s->life->house->outside, row.storage_id) != (row.type == MEDIA_VIDEO))
        life_wrong(s->life, "a film is a picture, or a picture a film");
}
