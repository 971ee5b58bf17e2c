/* SPDX-License-Identifier: Apache-2.0 */
#include "studio_shadow.h"

#include "studio/attempts.h"
#include "studio/ledger.h"
#include "studio/users.h"

#include <endian.h>
#include <string.h>

/* In the order in which they are read: what others are held against comes first. */
static const struct part_of {
    const struct doc_type *type;
    void (*take)(struct shadow *shadow, doc_id id);
    void (*check)(struct shadow *shadow, doc_id id);
} parts[SHADOW_TABLES] = {
    [SHADOW_JOB] = {&job_type, shadow_take_job, NULL},
    [SHADOW_LANE] = {&lane_type, shadow_take_lane, NULL},
    [SHADOW_SHARE] = {&share_type, shadow_take_share, NULL},
    [SHADOW_MOVEMENT] = {&movement_type, shadow_take_movement, NULL},
    [SHADOW_LOT] = {&lot_type, shadow_take_lot, NULL},
    [SHADOW_HOLD] = {&hold_type, shadow_take_hold, shadow_check_hold},
    [SHADOW_GENERATION] = {&generation_type, shadow_take_generation, shadow_check_generation},
    [SHADOW_ATTEMPT] = {&attempt_type, shadow_take_attempt, shadow_check_attempt},
    [SHADOW_ASSET] = {&asset_type, shadow_take_asset, NULL},
    [SHADOW_BALANCE] = {&balance_type, shadow_take_balance, NULL},
    [SHADOW_BREAKER] = {&breaker_type, shadow_take_breaker, NULL},
};

#define TABLES 14

/* Of each table the size of an item. */
static size_t table_at(struct shadow *s, size_t at, struct keep **table)
{
    const struct {
        struct keep *table;
        size_t size;
    } all[TABLES] = {
        {&s->jobs, sizeof(struct kept_job)},
        {&s->before, sizeof(struct kept_job)},
        {&s->shares, sizeof(struct kept_share)},
        {&s->movements, sizeof(struct kept_movement)},
        {&s->keys, sizeof(struct kept_key)},
        {&s->accounts, sizeof(struct kept_account)},
        {&s->holds, sizeof(struct kept_hold)},
        {&s->lots, sizeof(struct kept_lot)},
        {&s->generations, sizeof(struct kept_generation)},
        {&s->attempts, sizeof(struct kept_attempt)},
        {&s->works, sizeof(struct kept_work)},
        {&s->users, sizeof(uint64_t)},
        {&s->people, sizeof(struct kept_person)},
        {&s->providers, sizeof(struct kept_provider)},
    };
    *table = all[at].table;
    return all[at].size;
}

void shadow_init(struct shadow *s, struct life *life)
{
    *s = (struct shadow){.life = life};
    for (size_t i = 0; i < TABLES; i++) {
        struct keep *table;
        size_t size = table_at(s, i, &table);
        keep_init(table, size);
    }
}

void shadow_done(struct shadow *s)
{
    for (size_t i = 0; i < TABLES; i++) {
        struct keep *table;
        table_at(s, i, &table);
        keep_done(table);
    }
    free(s->touched);
    arena_done(&s->arena);
}

/* ---- what was touched ---- */

static void wake_nobody(void *context)
{
}

void shadow_follow(struct shadow *s)
{
    s->follower = commit_log_follow(s->life->house->log, wake_nobody, s);
}

static void touch(struct shadow *s, enum shadow_table table, doc_id id)
{
    for (size_t i = 0; i < s->touched_count; i++)
        if (s->touched[i].table == table && s->touched[i].id.n == id.n)
            return;
    if (s->touched_count == s->touched_room) {
        s->touched_room = MAX_OF(s->touched_room * 2, (size_t)64);
        s->touched = memory_resize(s->touched, s->touched_room * sizeof(*s->touched));
    }
    s->touched[s->touched_count++] = (struct touched){table, id};
}

static void touch_key(struct shadow *s, const struct write_key *key)
{
    uint64_t big;
    if (key->key.len != sizeof(big))
        return;
    for (enum shadow_table table = SHADOW_JOB; table < SHADOW_TABLES; table++)
        if (key->space == (uint16_t)(parts[table].type->number << 8)) {
            memcpy(&big, key->key.at, sizeof(big));
            touch(s, table, (doc_id){(int64_t)be64toh(big)});
        }
}

static void follow(struct shadow *s)
{
    struct commit_entry entry;
    while (follower_next(s->follower, store_newest(s->life->house->store), &entry))
        for (size_t i = 0; i < entry.writes.count && !entry.is_failed; i++)
            touch_key(s, &entry.writes.keys[i]);
}

/* ---- what became of it ---- */

static void remember_jobs(struct shadow *s)
{
    keep_done(&s->before);
    keep_init(&s->before, sizeof(struct kept_job));
    for (size_t i = 0; i < s->jobs.count; i++) {
        const struct kept_job *job = keep_at(&s->jobs, i);
        if (job->is_there)
            *(struct kept_job *)keep_get(&s->before, job->id) = *job;
    }
    memcpy(s->lanes_before, s->lanes, sizeof(s->lanes));
    for (size_t i = 0; i < s->lots.count; i++) {
        struct kept_lot *lot = keep_at(&s->lots, i);
        lot->was_left = lot->left;
    }
}

/* Those that are gone are many after a while, and nobody asks for them again. */
static void forget_jobs(struct shadow *s)
{
    struct keep rest;
    if (s->jobs.count < 256)
        return;
    keep_init(&rest, sizeof(struct kept_job));
    for (size_t i = 0; i < s->jobs.count; i++) {
        const struct kept_job *job = keep_at(&s->jobs, i);
        if (job->is_there)
            *(struct kept_job *)keep_get(&rest, job->id) = *job;
    }
    keep_done(&s->jobs);
    s->jobs = rest;
}

static void take_all(struct shadow *s)
{
    struct fault fault = {0};
    if (!view_begin(s->life->house->store, &s->arena, &s->view, &fault))
        abort();
    remember_jobs(s);
    keep_done(&s->users);
    keep_init(&s->users, sizeof(uint64_t));
    for (enum shadow_table table = SHADOW_JOB; table < SHADOW_TABLES; table++)
        for (size_t i = 0; i < s->touched_count; i++)
            if (s->touched[i].table == table)
                parts[table].take(s, s->touched[i].id);
    for (size_t i = 0; i < s->touched_count; i++)
        if (parts[s->touched[i].table].check != NULL)
            parts[s->touched[i].table].check(s, s->touched[i].id);
    shadow_check_jobs(s);
    shadow_check_users(s);
    view_end(&s->view);
    arena_done(&s->arena);
    s->arena = (struct arena){0};
    s->touched_count = 0;
    forget_jobs(s);
}

void shadow_note(struct shadow *s)
{
    follow(s);
}

bool shadow_update(struct shadow *s)
{
    follow(s);
    if (s->touched_count == 0)
        return false;
    take_all(s);
    return true;
}

static void touch_kept(struct shadow *s, enum shadow_table table, const struct keep *keep)
{
    for (size_t i = 0; i < keep->count; i++)
        touch(s, table, (doc_id){*(const int64_t *)keep_at(keep, i)});
}

/* What was not told may have reached the disk all the same; what was told must have. */
void shadow_recover(struct shadow *s)
{
    AUTO(arena_done) struct arena arena = {0};
    struct view view;
    struct fault fault = {0};
    if (!view_begin(s->life->house->store, &arena, &view, &fault))
        abort();
    for (enum shadow_table table = SHADOW_JOB; table < SHADOW_TABLES; table++) {
        struct scan scan;
        doc_id id;
        view_scan(&view, &parts[table].type->indexes[0], (struct bounds){0}, ORDER_UP, &scan);
        while (scan_next_id(&scan, &id))
            touch(s, table, id);
        scan_end(&scan);
    }
    view_end(&view);
    touch_kept(s, SHADOW_JOB, &s->before);
    touch_kept(s, SHADOW_JOB, &s->jobs);
    touch_kept(s, SHADOW_SHARE, &s->shares);
    touch_kept(s, SHADOW_MOVEMENT, &s->movements);
    touch_kept(s, SHADOW_HOLD, &s->holds);
    touch_kept(s, SHADOW_GENERATION, &s->generations);
    touch_kept(s, SHADOW_ATTEMPT, &s->attempts);
    take_all(s);
}
