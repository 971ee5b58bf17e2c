/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "brittle.h"
#include "check.h"
#include "house.h"

#include "base/log.h"
#include "base/random.h"
#include "studio/generations.h"
#include "studio/ledger.h"
#include "studio/users.h"

#include <stdio.h>
#include <string.h>

/*
 * Seeded lives: people ask, cancel and delete at random, the outside works or does not, the store
 * fails now and then, and the house is killed between any two steps. When all that is over, every
 * job must have ended, and money, works, files and meters must agree.
 */

#define PEOPLE 3
#define LIVES 40
#define DEEDS 60

struct life {
    struct house *house;
    struct random random;
    struct identity *people[PEOPLE];
    uint64_t seed;
};

static struct identity *identity_new(size_t number)
{
    static const char *const names[PEOPLE] = {"one", "two", "three"};
    struct identity *identity = memory_zeroed(sizeof(*identity));
    atomic_init(&identity->count, 1);
    identity->subject = identity->token_identifier = str_of(names[number]);
    identity->claims = STR("{}");
    identity->is_ours = true;
    identity->hash = hash128_bytes(names[number], 3);
    return identity;
}

static size_t below(struct life *life, uint64_t bound)
{
    return (size_t)random_below(&life->random, bound);
}

/* One operation of the store in what follows fails, perhaps. */
static void disturb(struct life *life)
{
    engine_kept_fail(life->house->memory, below(life, 4) == 0 ? 1 + below(life, 150) : 0);
}

/* Whether it worked does not matter: the store may be failing, the credits may be gone. */
static void call(struct life *life, size_t person, const char *path, const char *args)
{
    struct call_request request = {.path = str_of(path),
                                   .args = str_of(args),
                                   .identity = life->people[person],
                                   .is_internal = strcmp(path, "users:see") == 0};
    struct mutation *mutation = house_send(life->house, &request);
    disturb(life);
    for (int i = 0; i < 10 && !mutation_is_back(mutation); i++)
        house_commit(life->house);
    engine_kept_fail(life->house->memory, 0);
    assert_true(mutation_is_back(mutation));
    mutation_free(mutation);
}

static void ask(struct life *life)
{
    static const char *const wishes[] = {
        "{\"prompt\":\"a\",\"model\":\"sketch\",\"numImages\":1}",
        "{\"prompt\":\"b\",\"model\":\"sketch\",\"numImages\":4}",
        "{\"prompt\":\"c\",\"model\":\"painter\",\"numImages\":3}",
    };
    size_t person = below(life, PEOPLE), wish = below(life, ARRAY_LEN(wishes) + 1);
    if (wish < ARRAY_LEN(wishes))
        call(life, person, "generations:createGenerationJob", wishes[wish]);
    else
        call(life, person, "videos:createVideo",
             "{\"prompt\":\"abc\",\"model\":\"sketch-motion\",\"duration\":\"4\"}");
}

/* Of anybody's row, by anybody: what is not theirs is refused. */
static void do_to_a_row(struct life *life, const struct doc_type *type, const char *path,
                        const char *member)
{
    AUTO(arena_done) struct arena arena = {0};
    struct json rows = rows_of(life->house, &arena, type);
    if (rows.count == 0)
        return;
    str id = json_text(json_get(&rows.items[below(life, rows.count)], "_id"));
    str args = str_format(&arena, "{\"%s\":\"%.*s\"}", member, STR_ARG(id));
    call(life, below(life, PEOPLE), path, str_zero_ended(&arena, args));
}

static void change_the_outside(struct life *life)
{
    struct pretend *outside = life->house->outside;
    struct pretend_manner manner = {.way = (enum pretend_way)below(life, PRETEND_LIES + 1),
                                    .times = 1 + (int64_t)below(life, 4)};
    if (manner.way == PRETEND_IS_SILENT)
        pretend_answer_late(outside);
    pretend_behave(outside, (enum work_kind)below(life, WORK_REMOVE_BLOB + 1), manner);
    pretend_send(outside, (int64_t)below(life, 5), below(life, 2) == 0);
    pretend_take(outside, MILLISECONDS(below(life, 3000)));
}

static void do_something(struct life *life)
{
    struct house *house = life->house;
    size_t deed = below(life, 20);
    if (deed < 6)
        ask(life);
    else if (deed < 8)
        do_to_a_row(life, &generation_type, "generations:cancelGenerationJob", "jobId");
    else if (deed < 10)
        do_to_a_row(life, &asset_type, "assets:deleteAsset", "assetId");
    else if (deed < 12)
        change_the_outside(life);
    else if (deed < 13)
        house_crash(house);
    else if (deed < 15)
        house->crash_at = house->steps + 1 + below(life, 20);
    else if (deed < 16)
        pretend_tell_progress(house->outside, (double)below(life, 10) / 10);
    if (deed < 16)
        return;
    disturb(life);
    house_pass(house, MILLISECONDS(below(life, 5000)));
    engine_kept_fail(house->memory, 0);
}

/* ---- what must be true in the end ---- */

static void wrong(const struct life *life, const char *what)
{
    fail_msg("seed %llu: %s", (unsigned long long)life->seed, what);
}

static int64_t number(const struct json *row, const char *member)
{
    return json_int(json_get(row, member), -1);
}

static void check_generations(struct life *life, struct arena *arena)
{
    struct json rows = rows_of(life->house, arena, &generation_type);
    for (size_t i = 0; i < rows.count; i++) {
        const struct json *row = &rows.items[i];
        str status = json_text(json_get(row, "status"));
        int64_t made = (int64_t)json_get(row, "assetIds")->count;
        int64_t paid = number(row, "creditsCost") - number(row, "creditsRefunded");
        bool has_ended = str_equal(status, STR("completed")) || str_equal(status, STR("failed")) ||
                         str_equal(status, STR("canceled"));
        if (!has_ended)
            wrong(life, "a job has not ended");
        if (paid != made * number(row, "price"))
            wrong(life, "a job is charged for something else than it made");
        if (str_equal(status, STR("failed")) && made != 0)
            wrong(life, "a job with works has failed");
        if (str_equal(status, STR("completed")) && made == 0)
            wrong(life, "a job without works is completed");
    }
}

static void check_meters(struct life *life, struct arena *arena)
{
    struct json meters = rows_of(life->house, arena, &storage_meter_type);
    struct json works = rows_of(life->house, arena, &asset_type);
    int64_t stored = 0, counted = 0;
    size_t wanted = 0;
    for (size_t i = 0; i < works.count; i++) {
        stored += number(&works.items[i], "storedBytes");
        wanted += 3U + (json_text(json_get(&works.items[i], "previewStorageId")).len != 0) +
                  (json_text(json_get(&works.items[i], "playbackStorageId")).len != 0);
    }
    for (size_t i = 0; i < meters.count; i++) {
        stored -= number(&meters.items[i], "bytes");
        counted += number(&meters.items[i], "images") + number(&meters.items[i], "videos");
    }
    if (stored != 0 || counted != (int64_t)works.count)
        wrong(life, "the meters do not say what is stored");
    if (rows_count(life->house, &file_type) != wanted)
        wrong(life, "there are files of no work, or works without files");
}

static void check_end(struct life *life)
{
    AUTO(arena_done) struct arena arena = {0};
    str ledger = check_ledger(life->house, &arena), files = check_files(life->house, &arena);
    struct json balances = rows_of(life->house, &arena, &balance_type);
    if (ledger.at != NULL)
        wrong(life, str_zero_ended(&arena, ledger));
    if (files.at != NULL)
        wrong(life, str_zero_ended(&arena, files));
    for (size_t i = 0; i < balances.count; i++)
        if (number(&balances.items[i], "held") != 0)
            wrong(life, "something is still held");
    if (house_jobs_left(life->house) != 0 || rows_count(life->house, &output_type) != 0)
        wrong(life, "jobs or outputs are left");
    check_generations(life, &arena);
    check_meters(life, &arena);
}

static void one_life(uint64_t seed)
{
    struct life life = {.seed = seed};
    random_init_seeded(&life.random, seed);
    life.house = house_new(&(struct house_options){
        .engine = STORE_MEMORY, .config = getenv("TALK_CONFIG"), .seed = seed});
    for (size_t i = 0; i < PEOPLE; i++) {
        life.people[i] = identity_new(i);
        call(&life, i, "users:see", "{}");
    }
    for (int i = 0; i < DEEDS; i++)
        do_something(&life);
    life.house->crash_at = 0;
    pretend_answer_late(life.house->outside);
    pretend_behave(life.house->outside, WORK_NONE, (struct pretend_manner){0});
    house_pass(life.house, DAYS(1));
    check_end(&life);
    house_free(life.house);
    for (size_t i = 0; i < PEOPLE; i++)
        identity_drop(life.people[i]);
}

static void every_life_ends_with_its_books_in_order(void **state)
{
    /* LIFE_SEED=7 plays that one again, LIFE_COUNT=5000 more than usual. */
    const char *only = getenv("LIFE_SEED"), *many = getenv("LIFE_COUNT");
    uint64_t count = many == NULL ? LIVES : strtoull(many, NULL, 10);
    log_set_level(LOG_ERROR + 1);
    if (only != NULL) {
        one_life(strtoull(only, NULL, 10));
        return;
    }
    for (uint64_t seed = 1; seed <= count; seed++)
        one_life(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_life_ends_with_its_books_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
