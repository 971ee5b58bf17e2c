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

#define WHOLE_EVERY 500 /* steps of the house */
#define CALM_DAYS 4     /* after which all must be over */

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

static void tell(struct life *life, const char *what, str more)
{
    note(life, str_of(what));
    note(life, more);
    if (life->is_loud)
        printf("%8" PRIu64 " %14.3f %s %.*s\n", life->house_steps,
               (double)(life->house->now.us - life->begun_at.us) / 1e6, what, STR_ARG(more));
}

static uint64_t below(struct life *life, uint64_t bound)
{
    return random_below(&life->random, bound);
}

/* ---- steps ---- */

/* A process that is killed loses what it had not handed to the system, a machine without power also
 * what was not synced. */
static void crash(struct life *life)
{
    struct house *house = life->house;
    bool is_sound = house->memory != NULL || (disk_has_power() && !house_must_end());
    tell(life, "crash", STR(""));
    life->counts->crashes++;
    if (house->memory != NULL) {
        shadow_update(life->shadow);
        house_crash(house);
        shadow_follow(life->shadow);
        return;
    }
    if (is_sound && below(life, 2) == 0)
        disk_cut_power();
    life->counts->power_cuts += !disk_has_power();
    shadow_note(life->shadow);
    house_crash(house);
    shadow_follow(life->shadow);
    shadow_recover(life->shadow);
}

static void power_on(void *context)
{
    struct life *life = context;
    disk_power_on(below(life, 1000000));
}

/* One operation of the store fails in the next step, or the disk does. */
static void plan_fault(struct life *life)
{
    static const int results[] = {SQLITE_FULL, SQLITE_IOERR_WRITE, SQLITE_IOERR_FSYNC,
                                  SQLITE_IOERR_READ};
    struct disk_plan plan = {.calls = DISK_CHANGES,
                             .at = 1 + (int)below(life, 12),
                             .count = 1 + (int)below(life, 3),
                             .result = results[below(life, ARRAY_LEN(results))],
                             .cuts_power = below(life, 3) == 0};
    if (plan.result == SQLITE_IOERR_READ)
        plan.calls |= DISK_READ;
    if (life->house->memory != NULL)
        engine_kept_fail(life->house->memory, 1 + below(life, 60));
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
    if (!life->is_calm && below(life, 12) == 0)
        plan_fault(life);
    bool went = house_step(house);
    bool has_failed = end_fault(life);
    life->house_steps += went;
    note_number(life, house->now.us);
    life->counts->store_faults += has_failed;
    bool is_down = house->memory == NULL && (!disk_has_power() || house_must_end());
    if (is_down || (has_failed && below(life, 3) == 0))
        crash(life); /* in the middle of a transaction, as far as the disk knows */
    return went || has_failed;
}

/* After each step what it touched, now and then everything. */
static void look(struct life *life)
{
    if (life->wrong[0] != 0)
        return;
    life->counts->checks += shadow_update(life->shadow);
    if (outside_wrong(life->house->outside) != NULL)
        life_wrong(life, "%s", outside_wrong(life->house->outside));
    if (life->house_steps % WHOLE_EVERY == 0)
        check_whole(life);
}

static void settle(struct life *life)
{
    size_t steps = 0;
    while (life->wrong[0] == 0 && step(life)) {
        look(life);
        if (++steps > HOUSE_STEPS_MAX)
            life_wrong(life, "somebody turns in a circle");
    }
}

static void sooner(instant *next, instant other)
{
    if (other.us != 0 && (next->us == 0 || other.us < next->us))
        *next = other;
}

static void pass(struct life *life, span time)
{
    struct house *house = life->house;
    instant end = instant_add(house->now, time);
    settle(life);
    while (life->wrong[0] == 0) {
        instant next = house->runner_next;
        sooner(&next, pretend_next(house->outside));
        sooner(&next, live_next(house->live));
        if (next.us == 0 || next.us > end.us)
            break;
        house->now = (instant){MAX_OF(next.us, house->now.us)};
        settle(life);
    }
    house->now = end;
    settle(life);
}

/* ---- calls ---- */

/* A mutation that came back is ours, also when the house is killed in the same step; one that did
 * not goes down with it. */
static void on_back(void *owner, struct mutation *mutation)
{
    ((struct life *)owner)->back = mutation;
}

static void take_reply(struct life *life, const char *path)
{
    if (life->back == NULL) {
        life_wrong(life, "%s is never answered", path);
        return;
    }
    const struct call_reply *reply = &life->back->reply;
    life->counts->refused += reply->error != ERROR_NONE;
    tell(life, "->", reply->error == ERROR_NONE ? reply->value : reply->error_text);
}

/* Whether it worked does not matter: the store may be failing, the credits may be gone. */
static void call(struct life *life, size_t person, bool is_internal, const char *path, str args)
{
    struct call_request request = {.path = str_of(path),
                                   .args = args,
                                   .identity = life->people[person],
                                   .is_internal = is_internal};
    tell(life, path, args);
    life->counts->calls++;
    struct mutation *sent = house_send(life->house, &request);
    sent->done = on_back;
    sent->owner = life;
    uint64_t crashes = life->counts->crashes;
    for (int i = 0; i < 50 && crashes == life->counts->crashes && life->back == NULL; i++)
        if (!step(life))
            house_commit(life->house); /* its round may have failed */
    if (crashes == life->counts->crashes)
        take_reply(life, path);
    mutation_free(life->back);
    life->back = NULL;
    look(life);
}

static void ask(struct life *life)
{
    static const struct {
        const char *model;
        int64_t most, seconds; /* seconds: a film of that many */
    } offers[] = {{"sketch", 4, 0},    {"sketch-motion", 1, 4}, {"painter", 3, 0},
                  {"printer", 3, 0},   {"gilder", 3, 0},        {"etcher", 3, 0},
                  {"mirrored", 4, 0},  {"quickened", 4, 0},     {"reel", 1, 6},
                  {"mirrored", 4, 0},  {"quickened", 4, 0},     {"cinema", 1, 6},
                  {"retoucher", 1, 0}, {"gorgon", 1, 0}};
    AUTO(arena_done) struct arena arena = {0};
    size_t at = (size_t)below(life, ARRAY_LEN(offers)), person = (size_t)below(life, LIFE_PEOPLE);
    int64_t count = 1 + (int64_t)below(life, (uint64_t)offers[at].most + 1);
    if (offers[at].seconds != 0)
        call(life, person, false, "videos:createVideo",
             str_format(&arena, "{\"prompt\":\"a film\",\"model\":\"%s\",\"duration\":\"%lld\"}",
                        offers[at].model, (long long)offers[at].seconds));
    else
        call(life, person, false, "generations:createGenerationJob",
             str_format(&arena, "{\"prompt\":\"a kite\",\"model\":\"%s\",\"numImages\":%lld}",
                        offers[at].model, (long long)count));
}

/* Of anybody's row, by anybody: what is not theirs is refused. */
static void do_to_a_row(struct life *life, const struct doc_type *type, const char *path,
                        const char *member)
{
    AUTO(arena_done) struct arena arena = {0};
    struct json rows = rows_of(life->house, &arena, type);
    if (rows.count == 0)
        return;
    /* The newest ones: of the rest most have ended. */
    size_t back = (size_t)below(life, MIN_OF(rows.count, (size_t)8));
    const struct json *row = &rows.items[rows.count - 1 - back];
    str id = json_text(json_get(row, "_id")), owner = json_text(json_get(row, "userId"));
    size_t person = (size_t)below(life, LIFE_PEOPLE);
    for (size_t i = 0; i < LIFE_PEOPLE && below(life, 8) != 0; i++)
        if (str_equal(owner, str_of(life->user_ids[i])))
            person = i;
    call(life, person, false, path, str_format(&arena, "{\"%s\":\"%.*s\"}", member, STR_ARG(id)));
}

/* Early, late, again, of an unknown job: it only makes us look. */
static void post(struct life *life)
{
    AUTO(arena_done) struct arena arena = {0};
    char name[40] = "order-999999";
    size_t orders = outside_orders(life->house->outside);
    if (orders > 0 && below(life, 8) != 0)
        order_name(outside_order(life->house->outside,
                                 orders - 1 - (size_t)below(life, MIN_OF(orders, (size_t)12))),
                   name);
    str args = str_format(&arena, "{\"provider\":\"%s\",\"job\":\"%s\"}",
                          below(life, 2) == 0 ? "mirror" : "quick", name);
    life->counts->postings++;
    call(life, 0, true, "providers:hook", args);
}

/* ---- what the program does by itself ---- */

struct gift {
    struct life *life;
    size_t person;
    int64_t amount;
    uint64_t number;
    instant expires_at;
    str plan; /* empty: credits */
    bool was_given;
};

static void give(struct call *call, void *context)
{
    struct gift *gift = context;
    struct user user;
    str key = user_external_key(call->arena, gift->life->people[gift->person]);
    doc_id id = row_first(call, index_of(&user_type, "by_external_key"), KEY(key_text(key)));
    if (!row_find(call, &user_type, id, &user))
        return;
    if (gift->plan.len != 0) {
        user.plan_key = gift->plan;
        row_put(call, &user_type, &user);
        return;
    }
    gift->was_given =
        ledger_grant(call, id, (credits){gift->amount}, TRANSACTION_PURCHASE,
                     str_format(call->arena, "payment:%llu", (unsigned long long)gift->number),
                     STR("A package"), gift->expires_at);
}

/* A payment's event comes once, or twice, or much later again: its key gives once. */
static void pay(struct life *life)
{
    struct gift gift = {.life = life,
                        .person = (size_t)below(life, LIFE_PEOPLE),
                        .amount = 1 + (int64_t)below(life, 80),
                        .number = below(life, 3) == 0 ? below(life, life->payments + 1)
                                                      : ++life->payments};
    if (below(life, 2) == 0)
        gift.expires_at = instant_add(life->house->now, MINUTES(1 + (int64_t)below(life, 3000)));
    tell(life, "pay", STR(""));
    house_do(life->house, give, &gift);
    *(gift.was_given ? &life->counts->grants : &life->counts->grants_again) += 1;
    look(life);
}

static void change_plan(struct life *life)
{
    static const char *const plans[] = {"free", "queue", "tiny"};
    struct gift gift = {.life = life,
                        .person = (size_t)below(life, LIFE_PEOPLE),
                        .plan = str_of(plans[below(life, 6) % ARRAY_LEN(plans)])};
    tell(life, "plan", gift.plan);
    house_do(life->house, give, &gift);
    look(life);
}

static void jump(struct life *life)
{
    struct house *house = life->house;
    span far = SECONDS((int64_t)below(life, 4 * 3600));
    bool is_back = below(life, 2) == 0;
    house->now.us += is_back ? -far.us : far.us;
    house->runner_is_woken = true;
    *(is_back ? &life->counts->jumps_back : &life->counts->jumps_forward) += 1;
    tell(life, "jump", is_back ? STR("back") : STR("forward"));
    settle(life);
}

static void deed(struct life *life)
{
    uint64_t what = below(life, 100);
    if (what < 34)
        ask(life);
    else if (what < 44)
        do_to_a_row(life, &generation_type, "generations:cancelGenerationJob", "jobId");
    else if (what < 48)
        do_to_a_row(life, &asset_type, "assets:deleteAsset", "assetId");
    else if (what < 51)
        do_to_a_row(life, &generation_type, "generations:deleteGenerationJob", "jobId");
    else if (what < 60)
        post(life);
    else if (what < 66)
        pay(life);
    else if (what < 68)
        change_plan(life);
    else if (what < 70)
        crash(life);
    else if (what < 72)
        jump(life);
    else if (what < 74)
        outside_weather(life->house->outside, below(life, 12));
    else if (what < 98)
        pass(life, MILLISECONDS((int64_t)below(life, 8000)));
    else
        pass(life, MINUTES((int64_t)below(life, 600)));
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
    outside_weather(life->house->outside, 2 + below(life, 10));
    life->is_calm = true;
    for (size_t i = 0; i < LIFE_PEOPLE; i++) {
        life->people[i] = identity_new(i);
        call(life, i, true, "users:see", STR("{}"));
    }
    struct json users = rows_of(life->house, &arena, &user_type);
    for (size_t i = 0; i < users.count; i++)
        for (size_t k = 0; k < LIFE_PEOPLE; k++)
            if (str_ends(json_text(json_get(&users.items[i], "externalKey")),
                         life->people[k]->subject))
                snprintf(life->user_ids[k], sizeof(life->user_ids[k]), "%.*s",
                         STR_ARG(json_text(json_get(&users.items[i], "_id"))));
    life->is_calm = false;
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
    for (int day = 0; day < CALM_DAYS; day++)
        pass(life, DAYS(1));
    if (life->wrong[0] == 0)
        check_rest(life);
    if (life->house->memory != NULL)
        note(life, engine_dump(life->house->memory, &arena));
    count(life);
    house_free(life->house);
    shadow_done(life->shadow);
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
    log_set_level(LOG_ERROR + 1);
    begin(&life, options);
    while (at < options->deeds && life.wrong[0] == 0) {
        at++;
        deed(&life);
    }
    end(&life);
    *hash = *hash * UINT64_C(0x9e3779b97f4a7c15) + life.hash;
    if (life.wrong[0] != 0)
        fprintf(stderr, "violation: seed %" PRIu64 " deed %" PRIu64 " step %" PRIu64 ": %s\n",
                options->seed, at, life.house_steps, life.wrong);
    return life.wrong[0] == 0;
}
