/* SPDX-License-Identifier: Apache-2.0 */
#include "studio_life.h"

#include "base/hash.h"
#include "base/log.h"
#include "brittle.h"
#include "check.h"
#include "studio/attempts.h"
#include "studio/ledger.h"
#include "studio/users.h"
#include "studio_shadow.h"
#include "vfs_fault.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define WHOLE_EVERY 2000 /* steps of the house */
#define CALM_DAYS 4      /* after which all must be over */

/* ---- what happened ---- */

void life_wrong(struct life *life, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (life->wrong[0] == 0)
        vsnprintf(life->wrong, sizeof(life->wrong), format, args);
    va_end(args);
}

static void note(struct life *life, str text)
{
    struct hash128 hash = hash128_bytes(text.at, text.len);
    life->hash = (life->hash ^ hash.a) * UINT64_C(0x9e3779b97f4a7c15) + hash.b;
}

static void note_number(struct life *life, int64_t number)
{
    note(life, (str){(const char *)&number, sizeof(number)});
}

void life_tell(struct life *life, const char *what, str more)
{
    note(life, str_of(what));
    note(life, more);
    if (life->is_loud)
        printf("%8" PRIu64 " %14.3f %s %.*s\n", life->house_steps,
               (double)(life->house->now.us - life->begun_at.us) / 1e6, what, STR_ARG(more));
}

uint64_t life_below(struct life *life, uint64_t bound)
{
    return random_below(&life->random, bound);
}

/* ---- steps ---- */

/* A process that is killed loses what it had not handed to the system, a machine without power also
 * what was not synced. */
void life_crash(struct life *life)
{
    struct house *house = life->house;
    bool is_sound = house->memory != NULL || (disk_has_power() && !house_must_end());
    life_tell(life, "crash", STR(""));
    life->counts->crashes++;
    if (house->memory != NULL) {
        shadow_update(life->shadow);
        memset(house->lanes, 0, sizeof(house->lanes));
        house_crash(house);
        shadow_follow(life->shadow);
        return;
    }
    if (is_sound && life_below(life, 2) == 0)
        disk_cut_power();
    life->counts->power_cuts += !disk_has_power();
    shadow_note(life->shadow);
    memset(house->lanes, 0, sizeof(house->lanes));
    house_crash(house);
    shadow_follow(life->shadow);
    shadow_recover(life->shadow);
}

static void power_on(void *context)
{
    struct life *life = context;
    disk_power_on(life_below(life, 1000000));
}

/* One operation of the store fails in the next step, or the disk does. */
static void plan_fault(struct life *life)
{
    static const struct {
        unsigned calls;
        int result, within;
    } ways[] = {{DISK_WRITE, SQLITE_FULL, 12},
                {DISK_WRITE, SQLITE_IOERR_WRITE, 12},
                {DISK_SYNC, SQLITE_IOERR_FSYNC, 2},
                {DISK_READ, SQLITE_IOERR_READ, 12},
                {DISK_CHANGES, SQLITE_IOERR, 12}};
    size_t way = (size_t)life_below(life, ARRAY_LEN(ways));
    struct disk_plan plan = {.calls = ways[way].calls,
                             .at = 1 + (int)life_below(life, (uint64_t)ways[way].within),
                             .count = 1 + (int)life_below(life, 3),
                             .result = ways[way].result,
                             .cuts_power = way == ARRAY_LEN(ways) - 1};
    if (life->house->memory != NULL)
        engine_kept_fail(life->house->memory, 1 + life_below(life, 60));
    else
        disk_set_plan(plan);
    life->planned_at = (uint64_t)plan.at;
}

/* True: it did fail. */
static bool end_fault(struct life *life)
{
    struct house *house = life->house;
    bool has_failed = house->memory != NULL
                          ? engine_kept_has_failed(house->memory)
                          : life->planned_at != 0 && (uint64_t)disk_calls() >= life->planned_at;
    if (house->memory != NULL)
        engine_kept_fail(house->memory, 0);
    else
        disk_set_plan((struct disk_plan){0});
    life->planned_at = 0;
    return has_failed;
}

/* Does one step of one actor; now and then one operation of the store fails in it. */
static bool step(struct life *life)
{
    struct house *house = life->house;
    if (!life->is_calm && life_below(life, 12) == 0)
        plan_fault(life);
    bool went = house_step(house);
    bool has_failed = end_fault(life);
    life->house_steps += went;
    note_number(life, house->now.us);
    life->counts->store_faults += has_failed;
    bool is_down = house->memory == NULL && (!disk_has_power() || house_must_end());
    if (is_down || (has_failed && life_below(life, 3) == 0))
        life_crash(life); /* in the middle of a transaction, as far as the disk knows */
    return went || has_failed;
}

/* After each step what it touched, now and then everything. */
void life_look(struct life *life)
{
    if (life->wrong[0] != 0)
        return;
    life->counts->checks += shadow_update(life->shadow);
    if (outside_wrong(life->house->outside) != NULL)
        life_wrong(life, "%s", outside_wrong(life->house->outside));
    if (life->house_steps % WHOLE_EVERY == 0)
        check_whole(life);
}

void life_settle(struct life *life)
{
    size_t steps = 0;
    while (life->wrong[0] == 0 && step(life)) {
        life_look(life);
        if (++steps > HOUSE_STEPS_MAX)
            life_wrong(life, "somebody turns in a circle");
    }
    if (life->wrong[0] == 0)
        check_quiet(life);
}

static void sooner(instant *next, instant other)
{
    if (other.us != 0 && (next->us == 0 || other.us < next->us))
        *next = other;
}

void life_pass(struct life *life, span time)
{
    struct house *house = life->house;
    instant end = instant_add(house->now, time);
    life_settle(life);
    while (life->wrong[0] == 0) {
        instant next = house->runner_next;
        sooner(&next, pretend_next(house->outside));
        sooner(&next, live_next(house->live));
        if (next.us == 0 || next.us > end.us)
            break;
        house->now = (instant){MAX_OF(next.us, house->now.us)};
        life_settle(life);
    }
    house->now = end;
    life_settle(life);
}

/* ---- calls ---- */

/* A mutation that came back is ours, also when the house is killed in the same step; one that did
 * not goes down with it. */
static void on_back(void *owner, struct mutation *mutation)
{
    ((struct life *)owner)->back = mutation;
}

static bool take_reply(struct life *life, const char *path)
{
    if (life->back == NULL) {
        life_wrong(life, "%s is never answered", path);
        return false;
    }
    const struct call_reply *reply = &life->back->reply;
    life->counts->refused += reply->error != ERROR_NONE;
    life_tell(life, "->", reply->error == ERROR_NONE ? reply->value : reply->error_text);
    snprintf(life->said, sizeof(life->said), "%.*s", STR_ARG(reply->value));
    return reply->error == ERROR_NONE;
}

/* Whether it worked does not matter: the store may be failing, the credits may be gone. */
bool life_call(struct life *life, size_t person, bool is_internal, const char *path, str args)
{
    struct call_request request = {.path = str_of(path),
                                   .args = args,
                                   .identity = life->people[person],
                                   .is_internal = is_internal};
    life_tell(life, path, args);
    life->counts->calls++;
    struct mutation *sent = house_send(life->house, &request);
    sent->done = on_back;
    sent->owner = life;
    uint64_t crashes = life->counts->crashes;
    for (int i = 0; i < 50 && crashes == life->counts->crashes && life->back == NULL; i++)
        if (!step(life))
            house_commit(life->house); /* its round may have failed */
    bool worked = crashes == life->counts->crashes && take_reply(life, path);
    mutation_free(life->back);
    life->back = NULL;
    life_look(life);
    return worked;
}

/* ---- a whole life ---- */

static struct identity *identity_new(size_t number)
{
    static const char *const names[LIFE_PEOPLE] = {"one", "two", "three", "four"};
    struct identity *identity = memory_zeroed(sizeof(*identity));
    atomic_init(&identity->count, 1);
    identity->subject = identity->token_identifier = str_of(names[number]);
    identity->claims = STR("{}");
    identity->is_ours = true;
    identity->hash = hash128_bytes(names[number], 3);
    return identity;
}

static void begin(struct life *life, const struct life_options *options)
{
    static const uint8_t key[16] = "the simulator";
    AUTO(arena_done) struct arena arena = {0};
    hash_set_key(key);
    random_init_seeded(&life->random, options->seed);
    life->is_on_disk = options->seed % 8 == 0;
    if (life->is_on_disk)
        disk_insert();
    life->house =
        house_new(&(struct house_options){.engine = life->is_on_disk ? STORE_SQLITE : STORE_MEMORY,
                                          .config = options->config,
                                          .seed = options->seed});
    life->house->on_down = life->is_on_disk ? power_on : NULL;
    life->house->down_context = life;
    life->begun_at = life->house->now;
    shadow_init(life->shadow, life);
    shadow_follow(life->shadow);
    outside_begin(life->house->outside, options->seed * 2 + 1);
    outside_weather(life->house->outside, 2 + life_below(life, 10));
    life->is_calm = true;
    for (size_t i = 0; i < LIFE_PEOPLE; i++) {
        life->people[i] = identity_new(i);
        life_call(life, i, true, "users:see", STR("{}"));
    }
    struct json users = rows_of(life->house, &arena, &user_type);
    for (size_t i = 0; i < users.count; i++)
        for (size_t k = 0; k < LIFE_PEOPLE; k++)
            if (str_ends(json_text(json_get(&users.items[i], "externalKey")),
                         life->people[k]->subject))
                snprintf(life->user_ids[k], sizeof(life->user_ids[k]), "%.*s",
                         STR_ARG(json_text(json_get(&users.items[i], "_id"))));
    life->is_calm = false;
    life->house->now.us += DAYS((int64_t)life_below(life, 60)).us;
    till_init(&life->till, &life->random,
              life->house->now.us / SECONDS(1).us - (int64_t)life_below(life, 60) * 86400);
    for (size_t i = 0; i < LIFE_PEOPLE; i++)
        life->till.customers[i].user = life->user_ids[i];
}

static void count(struct life *life)
{
    struct life_counts *counts = life->counts;
    counts->lives++;
    counts->lives_on_disk += life->is_on_disk;
    counts->steps += life->house_steps;
    counts->jobs += rows_count(life->house, &hold_type);
    counts->commissions += outside_orders(life->house->outside);
    counts->virtual_us += life->house->now.us - life->begun_at.us;
    counts->violations += life->wrong[0] != 0;
    for (size_t i = 0; i < MISHAPS; i++)
        counts->mishaps[i] += outside_mishaps(life->house->outside, (enum mishap)i);
}

static void end(struct life *life)
{
    AUTO(arena_done) struct arena arena = {0};
    life->is_calm = true;
    outside_weather(life->house->outside, 0);
    outside_sicken(life->house->outside, 9);
    life_last_deeds(life);
    life_pass(life, DAYS(2));
    if (life->wrong[0] == 0)
        check_rest(life);
    life_pass(life, DAYS(CALM_DAYS));
    if (life->wrong[0] == 0)
        check_books(life);
    if (life->house->memory != NULL)
        note(life, engine_dump(life->house->memory, &arena));
    count(life);
    house_free(life->house);
    shadow_done(life->shadow);
    till_done(&life->till);
    if (life->is_on_disk)
        disk_remove();
    for (size_t i = 0; i < LIFE_PEOPLE; i++)
        identity_drop(life->people[i]);
}

bool life_run(const struct life_options *options, struct life_counts *counts, uint64_t *hash)
{
    struct shadow shadow;
    struct life life = {
        .seed = options->seed, .is_loud = options->is_loud, .counts = counts, .shadow = &shadow};
    uint64_t at = 0;
    log_set_level(life.is_loud ? LOG_WARN : LOG_ERROR + 1);
    begin(&life, options);
    while (at < options->deeds && life.wrong[0] == 0) {
        at++;
        life_deed(&life);
    }
    end(&life);
    *hash = *hash * UINT64_C(0x9e3779b97f4a7c15) + life.hash;
    if (life.wrong[0] != 0)
        fprintf(stderr, "violation: seed %" PRIu64 " deed %" PRIu64 " step %" PRIu64 ": %s\n",
                options->seed, at, life.house_steps, life.wrong);
    return life.wrong[0] == 0;
}
