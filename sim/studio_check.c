/* SPDX-License-Identifier: Apache-2.0 */
/* What must be true of a studio at any moment, and in the end. */
#include "studio_shadow.h"

#include "check.h"
#include "job/line.h"
#include "studio/attempts.h"
#include "studio/crons.h"
#include "studio/ledger_inside.h"
#include "studio/making.h"
#include "studio/users.h"

#include <string.h>

/* ---- rows ---- */

struct look {
    struct life *life;
    struct arena arena;
    struct view view;
};

static void look_begin(struct look *look, struct life *life)
{
    struct fault fault = {0};
    *look = (struct look){.life = life};
    if (!view_begin(life->house->store, &look->arena, &look->view, &fault))
        abort();
}

static void look_done(struct look *look)
{
    view_end(&look->view);
    arena_done(&look->arena);
}

/* All rows of an index below a prefix, as their struct. */
static struct list rows_below(struct look *look, const struct index *index,
                              const struct doc_type *type, struct key prefix)
{
    struct scan scan;
    size_t room = 32, count = 0;
    char *rows = arena_alloc(&look->arena, room * type->size);
    view_scan(&look->view, index, (struct bounds){.prefix = prefix}, ORDER_UP, &scan);
    while (scan_next(&scan, rows + count * type->size)) {
        if (++count < room)
            continue;
        char *larger = arena_alloc(&look->arena, room * 2 * type->size);
        memcpy(larger, rows, count * type->size);
        rows = larger;
        room *= 2;
    }
    scan_end(&scan);
    return (struct list){rows, count};
}

static struct list rows_all(struct look *look, const struct doc_type *type)
{
    return rows_below(look, &type->indexes[0], type, KEY_ALL);
}

/* ---- jobs, lanes, lines ---- */

static int64_t limit_of(const struct house *house, str lane)
{
    for (size_t i = 0; i < HOUSE_LANES_MAX; i++)
        if (str_equal(house->lanes[i].lane, lane))
            return (int64_t)house->lanes[i].at_once;
    return INT64_MAX; /* nobody serves it now */
}

static void check_lanes(struct look *look, const struct list *jobs)
{
    struct list lanes = rows_all(look, &lane_type);
    const struct lane_row *rows = lanes.items;
    const struct job *all = jobs->items;
    int64_t holding = 0, held = 0;
    for (size_t i = 0; i < jobs->count; i++)
        holding += all[i].holds_slot;
    for (size_t i = 0; i < lanes.count; i++) {
        int64_t count = 0;
        for (size_t k = 0; k < jobs->count; k++)
            count += all[k].holds_slot && str_equal(all[k].lane, rows[i].lane);
        held += rows[i].held;
        if (rows[i].held != count)
            life_wrong(look->life, "lane %.*s: %lld slots are taken, %lld jobs hold one",
                       STR_ARG(rows[i].lane), (long long)rows[i].held, (long long)count);
        if (count > limit_of(look->life->house, rows[i].lane))
            life_wrong(look->life, "lane %.*s: %lld jobs are more than the provider takes",
                       STR_ARG(rows[i].lane), (long long)count);
    }
    if (held != holding)
        life_wrong(look->life, "a job holds a slot of no lane");
}

static int64_t count_under_way(const struct list *jobs, int64_t owner, str lane)
{
    const struct job *all = jobs->items;
    int64_t count = 0;
    for (size_t i = 0; i < jobs->count; i++)
        count += all[i].owner == owner && all[i].state != JOB_PARKED &&
                 (lane.at == NULL || str_equal(all[i].lane, lane));
    return count;
}

static void check_shares(struct look *look, const struct list *jobs)
{
    struct json shares = rows_of(look->life->house, &look->arena, &share_type);
    int64_t said = 0, are = 0;
    const struct job *all = jobs->items;
    for (size_t i = 0; i < shares.count; i++) {
        int64_t owner = json_int(json_get(&shares.items[i], "owner"), 0);
        int64_t under_way = json_int(json_get(&shares.items[i], "underWay"), -1);
        str lane = json_text(json_get(&shares.items[i], "lane"));
        said += under_way;
        if (under_way != count_under_way(jobs, owner, lane))
            life_wrong(look->life, "a share of %.*s says %lld are under way, and not %lld",
                       STR_ARG(lane), (long long)under_way,
                       (long long)count_under_way(jobs, owner, lane));
    }
    for (size_t i = 0; i < jobs->count; i++) {
        are += all[i].owner != 0 && all[i].state != JOB_PARKED;
        if (all[i].state == JOB_PARKED && count_under_way(jobs, all[i].owner, (str){0}) == 0)
            life_wrong(look->life, "a job is parked, and nothing of its owner is under way");
    }
    if (said != are)
        life_wrong(look->life, "shares say %lld are under way, and not %lld", (long long)said,
                   (long long)are);
}

/* Each open generation has the job that makes it, and its hold; no such job is about another. */
static void check_open(struct look *look, const struct list *jobs)
{
    const struct job *all = jobs->items;
    size_t making = 0, open = 0;
    for (size_t i = 0; i < jobs->count; i++)
        making += str_equal(all[i].action, str_of(making_action.name));
    for (int status = GENERATION_PENDING; status <= GENERATION_UPLOADING; status++) {
        struct list rows =
            rows_below(look, index_of(&generation_type, "by_status"), &generation_type,
                       KEY(key_text(str_of(generation_status_names[status]))));
        const struct generation *g = rows.items;
        open += rows.count;
        for (size_t i = 0; i < rows.count; i++) {
            struct job job;
            struct hold hold;
            if (!view_row(&look->view, &job_type, g[i].job_id, &job) || job.about != g[i].id.n)
                life_wrong(look->life, "generation %lld is open and has no job",
                           (long long)g[i].id.n);
            if (!view_row(&look->view, &hold_type, g[i].hold_id, &hold) || !hold.is_open ||
                hold.amount.n != g[i].credits_cost.n)
                life_wrong(look->life, "generation %lld is open and its hold is not",
                           (long long)g[i].id.n);
        }
    }
    if (making != open)
        life_wrong(look->life, "%zu generations are open, %zu jobs make one", open, making);
}

void check_step(struct life *life)
{
    AUTO(look_done) struct look look;
    look_begin(&look, life);
    struct list jobs = rows_all(&look, &job_type);
    check_lanes(&look, &jobs);
    check_shares(&look, &jobs);
    check_open(&look, &jobs);
}

/* ---- generations ---- */

static int64_t revenue_of(const struct movement *movement)
{
    const struct entry *entries = movement->entries.items;
    int64_t sum = 0;
    for (size_t i = 0; i < movement->entries.count; i++)
        if (str_equal(entries[i].account, STR("revenue")))
            sum += entries[i].amount.n;
    return sum;
}

/* How it ended fits what it made. */
static void check_outcome(struct look *look, const struct generation *g)
{
    if (doc_id_is_set(g->job_id))
        life_wrong(look->life, "generation %lld has ended and has a job", (long long)g->id.n);
    bool is_less = g->asset_ids.count < (size_t)g->num_images;
    if (is_less && g->status != GENERATION_CANCELED && g->error.len == 0)
        life_wrong(look->life, "generation %lld made less and does not say why",
                   (long long)g->id.n);
    if ((g->status == GENERATION_COMPLETED) == (g->asset_ids.count == 0) &&
        g->status != GENERATION_CANCELED)
        life_wrong(look->life, "generation %lld is %s with %zu works", (long long)g->id.n,
                   generation_status_names[g->status], g->asset_ids.count);
}

static void check_closing(struct look *look, const struct list *movements,
                          const struct generation *g)
{
    const struct movement *all = movements->items;
    str key = str_format(&look->arena, "settle:%lld", (long long)g->hold_id.n);
    struct hold hold;
    int64_t paid = 0, count = 0;
    for (size_t i = 0; i < movements->count; i++)
        if (str_equal(all[i].idempotency_key, key)) {
            count++;
            paid += revenue_of(&all[i]);
        }
    bool has_ended = !generation_is_open(g);
    if (count != has_ended)
        life_wrong(look->life, "generation %lld has %lld closing movements", (long long)g->id.n,
                   (long long)count);
    if (!has_ended)
        return;
    if (!view_row(&look->view, &hold_type, g->hold_id, &hold) || hold.is_open)
        life_wrong(look->life, "a hold outlives generation %lld", (long long)g->id.n);
    if (paid < 0 || paid > g->credits_cost.n || paid != g->price.n * (int64_t)g->asset_ids.count)
        life_wrong(look->life, "generation %lld: %lld paid of %lld for %zu works",
                   (long long)g->id.n, (long long)paid, (long long)g->credits_cost.n,
                   g->asset_ids.count);
    check_outcome(look, g);
}

static void check_attempts(struct look *look, const struct generation *g)
{
    struct list rows = rows_below(look, index_of(&attempt_type, "by_generation"), &attempt_type,
                                  KEY(key_id(g->id)));
    const struct attempt *attempts = rows.items;
    size_t open = 0;
    for (size_t i = 0; i < rows.count; i++) {
        bool is_open = attempts[i].state == ATTEMPT_ASKED || attempts[i].state == ATTEMPT_RUNNING;
        open += is_open;
        if (attempts[i].number != (int64_t)i + 1)
            life_wrong(look->life, "an attempt of generation %lld is missing", (long long)g->id.n);
        if (is_open == attempts[i].ended_at.is_set)
            life_wrong(look->life, "an attempt of generation %lld is open and ended",
                       (long long)g->id.n);
    }
    if (open > 1 || (open == 1 && !generation_is_open(g)))
        life_wrong(look->life, "generation %lld has %zu attempts open", (long long)g->id.n, open);
}

/* Pictures that are asked for one after another are others. */
static void check_seed(struct look *look, const struct commission *order, int64_t *seeds,
                       size_t *count)
{
    for (size_t i = 0; i < *count; i++)
        if (order->has_seed && seeds[i] == order->seed)
            life_wrong(look->life, "generation %lld has the same picture twice, by its seed",
                       (long long)order->generation);
    if (order->has_seed && *count < ORDER_OUTPUTS_MAX)
        seeds[(*count)++] = order->seed;
}

/* What we know of an order agrees with what its provider does. Answers how many works it owes. */
static int64_t check_order(struct look *look, const struct commission *order,
                           const struct attempt *attempt)
{
    int64_t owed = 0;
    bool is_stopped = attempt->state == ATTEMPT_CANCELED && attempt->provider_job.len != 0;
    if (is_stopped && order->cancels == 0 && look->life->is_over && !look->life->had_missing)
        life_wrong(look->life, "a provider was never told to stop order %lld",
                   (long long)order->number);
    if (order->is_billed && attempt->state == ATTEMPT_FAILED && !attempt->cost_is_told)
        life_wrong(look->life, "a failure that was billed is not booked as one");
    for (int64_t k = 0; k < MIN_OF(order->asked, order->sends); k++)
        owed += !order->lies && attempt->state == ATTEMPT_DONE && !order->is_spoiled[k] &&
                order->troubles[k] == 0;
    return owed;
}

/* What a provider sent and we took is a work, unless something went wrong with it since. */
static void check_delivered(struct look *look, const struct generation *g)
{
    const struct pretend *outside = look->life->house->outside;
    int64_t expected = 0, seeds[ORDER_OUTPUTS_MAX];
    size_t seed_count = 0;
    bool is_made = g->status == GENERATION_COMPLETED || g->status == GENERATION_FAILED;
    for (size_t i = 0; i < outside_orders(outside); i++) {
        const struct commission *order = outside_order(outside, i);
        struct attempt attempt = {0};
        if (order->generation != g->id.n)
            continue;
        doc_id id = view_find(&look->view, index_of(&attempt_type, "by_generation"),
                              KEY(key_id(g->id), key_int(order->attempt)));
        if (!view_row(&look->view, &attempt_type, id, &attempt)) {
            life_wrong(look->life, "generation %lld was asked for and no attempt tells of it",
                       (long long)g->id.n);
            continue;
        }
        if (attempt.state == ATTEMPT_DONE)
            check_seed(look, order, seeds, &seed_count);
        expected += check_order(look, order, &attempt);
    }
    if (is_made && (int64_t)g->asset_ids.count < expected)
        life_wrong(look->life, "generation %lld has %zu works, and %lld were delivered (%.*s)",
                   (long long)g->id.n, g->asset_ids.count, (long long)expected, STR_ARG(g->error));
}

/* ---- all of it ---- */

static void check_units(struct look *look, const struct list *movements)
{
    const struct movement *all = movements->items;
    for (size_t i = 0; i < movements->count; i++) {
        const struct entry *entries = all[i].entries.items;
        int64_t sums[UNITS] = {0};
        for (size_t k = 0; k < all[i].entries.count; k++)
            sums[entries[k].unit] += entries[k].amount.n;
        for (size_t k = 0; k < UNITS; k++)
            if (sums[k] != 0)
                life_wrong(look->life, "movement %.*s does not sum to zero",
                           STR_ARG(all[i].idempotency_key));
        for (size_t k = i + 1; k < movements->count; k++)
            if (str_equal(all[i].idempotency_key, all[k].idempotency_key))
                life_wrong(look->life, "movement %.*s is there twice",
                           STR_ARG(all[i].idempotency_key));
    }
}

/* Room is kept for what is being made, and for nothing else. */
static void check_reserved(struct look *look, const struct list *generations)
{
    struct list meters = rows_all(look, &storage_meter_type);
    const struct storage_meter *meter = meters.items;
    const struct generation *g = generations->items;
    for (size_t i = 0; i < meters.count; i++) {
        int64_t kept = 0, works = 0;
        for (size_t k = 0; k < generations->count; k++)
            if (doc_id_equal(g[k].user_id, meter[i].user_id)) {
                kept += g[k].bytes_expected * g[k].reserved_outputs;
                works += g[k].reserved_outputs;
            }
        if (kept != meter[i].reserved_bytes ||
            works != meter[i].reserved_images + meter[i].reserved_videos)
            life_wrong(look->life, "room is kept for %lld bytes, and not %lld",
                       (long long)meter[i].reserved_bytes, (long long)kept);
    }
    for (size_t k = 0; k < generations->count; k++)
        if (!generation_is_open(&g[k]) && g[k].reserved_outputs != 0)
            life_wrong(look->life, "room is kept for a generation that has ended");
}

void check_whole(struct life *life)
{
    AUTO(look_done) struct look look;
    look_begin(&look, life);
    struct list movements = rows_all(&look, &movement_type);
    struct list generations = rows_all(&look, &generation_type);
    struct list holds = rows_all(&look, &hold_type);
    const struct generation *g = generations.items;
    const struct hold *hold = holds.items;
    size_t open = 0, open_holds = 0;
    life->counts->whole_checks++;
    check_step(life);
    check_units(&look, &movements);
    check_reserved(&look, &generations);
    for (size_t i = 0; i < generations.count; i++) {
        open += generation_is_open(&g[i]);
        check_closing(&look, &movements, &g[i]);
        check_attempts(&look, &g[i]);
        check_delivered(&look, &g[i]);
    }
    for (size_t i = 0; i < holds.count; i++)
        open_holds += hold[i].is_open;
    if (open != open_holds)
        life_wrong(life, "%zu generations are open, and %zu holds", open, open_holds);
    str ledger = check_ledger(life->house, &look.arena);
    str files = check_files(life->house, &look.arena);
    if (ledger.at != NULL)
        life_wrong(life, "%.*s", STR_ARG(ledger));
    if (files.at != NULL)
        life_wrong(life, "%.*s", STR_ARG(files));
}

void check_quiet(struct life *life)
{
    shadow_check_quiet(life->shadow);
}

/* ---- the end ---- */

/* What the sweep of the product does (serve/sweep.c): blobs without a row go. */
static void sweep(struct look *look)
{
    struct pretend *outside = look->life->house->outside;
    char id[33];
    for (size_t i = 0; i < outside_blob_count(outside); i++)
        if (outside_blob_is_there(outside, i, id) &&
            !doc_id_is_set(view_find(&look->view, index_of(&file_type, "by_storage"),
                                     KEY(key_text(str_of(id))))))
            outside_blob_remove(outside, i);
}

static void check_storage(struct look *look)
{
    struct list meters = rows_all(look, &storage_meter_type);
    struct list assets = rows_all(look, &asset_type), files = rows_all(look, &file_type);
    const struct storage_meter *meter = meters.items;
    const struct asset *asset = assets.items;
    int64_t stored = 0, counted = 0;
    size_t wanted = 0;
    for (size_t i = 0; i < assets.count; i++) {
        stored += asset[i].stored_bytes;
        counted -= !asset_is_refused(&asset[i]);
        wanted +=
            3U + (asset[i].preview_storage_id.len != 0) + (asset[i].playback_storage_id.len != 0);
    }
    for (size_t i = 0; i < meters.count; i++) {
        stored -= meter[i].sums.bytes;
        counted += meter[i].sums.images + meter[i].sums.videos;
    }
    for (size_t i = 0; i < meters.count; i++)
        if (meter[i].reserved_bytes != 0)
            life_wrong(look->life, "room is kept for ever");
    if (stored != 0 || counted != 0)
        life_wrong(look->life, "the meters do not say what is stored");
    if (files.count != wanted)
        life_wrong(look->life, "there are %zu files of %zu works", files.count, assets.count);
}

void check_rest(struct life *life)
{
    AUTO(look_done) struct look look;
    struct life_counts *counts = life->counts;
    life->is_over = true;
    check_whole(life);
    look_begin(&look, life);
    struct list generations = rows_all(&look, &generation_type);
    const struct generation *g = generations.items;
    for (size_t i = 0; i < generations.count; i++) {
        counts->made += g[i].status == GENERATION_COMPLETED;
        counts->failed += g[i].status == GENERATION_FAILED;
        counts->canceled += g[i].status == GENERATION_CANCELED;
        if (generation_is_open(&g[i]))
            life_wrong(life, "generation %lld never ends", (long long)g[i].id.n);
    }
    if (house_jobs_left(life->house) != 0)
        life_wrong(life, "%zu jobs never end", house_jobs_left(life->house));
    if (rows_count(life->house, &output_type) != 0)
        life_wrong(life, "outputs are left");
    sweep(&look);
    check_storage(&look);
    str files = check_files(life->house, &look.arena);
    if (files.at != NULL)
        life_wrong(life, "after the sweep: %.*s", STR_ARG(files));
}
