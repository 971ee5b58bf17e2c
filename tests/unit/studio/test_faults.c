/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "brittle.h"
#include "check.h"
#include "house.h"
#include "samples.h"

#include "base/log.h"
#include "studio/alerts.h"
#include "studio/generations.h"
#include "studio/subscriptions.h"
#include "studio/users.h"

#include <stdio.h>
#include <string.h>

#define OPERATIONS_MAX 5000

/* ---- a house with somebody in it ---- */

struct stage {
    struct house *house;
    struct engine *inside;
    struct arena arena;
    struct identity *user;
    struct json generations, pictures, users, subscriptions, alerts;
};

static struct identity *identity_new(void)
{
    struct identity *identity = memory_zeroed(sizeof(*identity));
    atomic_init(&identity->count, 1);
    identity->issuer = STR("http://localhost:7070");
    identity->subject = identity->token_identifier = STR("somebody");
    identity->claims = STR("{}");
    identity->is_ours = true;
    identity->hash = hash128_bytes("somebody", 8);
    return identity;
}

static void succeed(struct stage *stage, const char *path, const char *args, bool is_internal)
{
    struct call_request request = {.path = str_of(path),
                                   .args = str_of(args),
                                   .identity = stage->user,
                                   .is_internal = is_internal};
    struct mutation *mutation = house_mutate(stage->house, &request);
    if (mutation->reply.error != ERROR_NONE)
        fail_msg("%s: %.*s", path, STR_ARG(mutation->reply.error_text));
    mutation_free(mutation);
}

static str somebody_of(struct stage *stage)
{
    struct json users = rows_of(stage->house, &stage->arena, &user_type);
    for (size_t i = 0; i < users.count; i++)
        if (str_equal(json_text(json_get(&users.items[i], "clerkId")), STR("somebody")))
            return json_text(json_get(&users.items[i], "_id"));
    return STR("");
}

static void succeed_action(struct stage *stage, const char *path, const char *args)
{
    struct call_request request = {
        .path = str_of(path), .args = str_of(args), .is_internal = true, .is_action = true};
    struct mutation *mutation = house_act(stage->house, &request);
    if (mutation->reply.error != ERROR_NONE)
        fail_msg("%s: %.*s", path, STR_ARG(mutation->reply.error_text));
    mutation_free(mutation);
}

static int open_stage(void **state)
{
    struct stage *stage = memory_zeroed(sizeof(*stage));
    log_set_level(LOG_ERROR + 1);
    stage->inside = engine_memory_new();
    stage->user = identity_new();
    stage->house = house_new(&(struct house_options){
        .engine = STORE_GIVEN, .given = stage->inside, .config = getenv("TALK_CONFIG"), .seed = 5});
    succeed(stage, "users:see", "{}", true);
    *state = stage;
    return 0;
}

static struct json pictures_of(struct stage *stage)
{
    struct json works = rows_of(stage->house, &stage->arena, &asset_type);
    size_t count = 0;
    for (size_t i = 0; i < works.count; i++)
        if (str_equal(json_text(json_get(&works.items[i], "type")), STR("image")))
            works.items[count++] = works.items[i];
    works.count = count;
    return works;
}

/* With four pictures and two films in the library, jobs that are not begun, and an account with a
 * session. */
static int open_furnished(void **state)
{
    open_stage(state);
    struct stage *stage = *state;
    succeed(stage, "generations:createGenerationJob",
            "{\"prompt\":\"a\",\"model\":\"sketch\",\"numImages\":4}", false);
    for (int i = 0; i < 2; i++)
        succeed(stage, "videos:createVideo",
                "{\"prompt\":\"abc\",\"model\":\"sketch-motion\",\"duration\":\"4\"}", false);
    house_pass(stage->house, MINUTES(1));
    for (int i = 0; i < 5; i++)
        succeed(stage, "generations:createGenerationJob", PICTURES, false);
    succeed(stage, "accounts:signUp",
            "{\"email\":\"a@example.org\",\"name\":\"A\",\"passwordHash\":\"h\",\"sessionHash\":"
            "\"0000000000000000000000000000000000000000000000000000000000000000\"}",
            true);
    succeed(stage, "uploads:keep", ARRIVED_FILE("f1"), true);
    succeed(stage, "quotas:checkAndReserveQuota", "{\"type\":\"image\",\"count\":90}", false);
    succeed(stage, "subscriptions:createSubscription",
            "{\"clerkId\":\"somebody\",\"stripeSubscriptionId\":\"sub_0\",\"planId\":\"free\","
            "\"stripeCustomerId\":\"cus_0\",\"stripePriceId\":\"price_plus\","
            "\"subscriptionStatus\":\"active\",\"currentPeriodStart\":1767268800,"
            "\"currentPeriodEnd\":1769947200,\"cancelAtPeriodEnd\":false}",
            true);
    succeed_action(stage, "subscriptions:handleUpgrade",
                   "{\"userId\":\"somebody\",\"polarCustomerId\":\"pc_0\","
                   "\"polarSubscriptionId\":\"ps_0\",\"billingCycleStart\":1767268800000,"
                   "\"billingCycleEnd\":1769947200000}");
    succeed(stage, "credits:adjust",
            str_format(&stage->arena, "{\"userId\":\"%.*s\",\"amount\":-500,\"reason\":\"a\"}",
                       STR_ARG(somebody_of(stage)))
                .at,
            true);
    succeed(stage, "credits:adjust",
            str_format(&stage->arena, "{\"userId\":\"%.*s\",\"amount\":600,\"reason\":\"a\"}",
                       STR_ARG(somebody_of(stage)))
                .at,
            true);
    stage->alerts = rows_of(stage->house, &stage->arena, &alert_type);
    stage->subscriptions = rows_of(stage->house, &stage->arena, &subscription_type);
    stage->generations = rows_of(stage->house, &stage->arena, &generation_type);
    stage->pictures = pictures_of(stage);
    stage->users = rows_of(stage->house, &stage->arena, &user_type);
    return 0;
}

static int close_stage(void **state)
{
    struct stage *stage = *state;
    house_free(stage->house);
    identity_drop(stage->user);
    arena_done(&stage->arena);
    free(stage);
    return 0;
}

/* ---- each function ---- */

static const struct sample *sample_for(const struct function *function)
{
    for (size_t i = 0; i < ARRAY_LEN(samples); i++)
        if (strcmp(samples[i].path, function->name) == 0)
            return &samples[i];
    fail_msg("%s has no sample: add one to the table of this test", function->name);
    return NULL;
}

/* Which row of its table; the last unless said. */
static size_t place_of(enum sample_of of, size_t count)
{
    switch (of) {
    case OF_FIRST_GENERATION:
    case OF_FIRST_USER:
    case OF_FIRST_PICTURE:
        return 0;
    case OF_FIRST_FILM:
    case OF_SECOND_PICTURE:
        return 1;
    case OF_SECOND_FILM:
    case OF_THIRD_PICTURE:
        return 2;
    case OF_OPEN_A:
        return 3;
    case OF_OPEN_B:
        return 4;
    case OF_OPEN_C:
        return 5;
    case OF_OPEN_D:
        return 6;
    default:
        return count - 1;
    }
}

static const struct json *rows_for(const struct stage *stage, enum sample_of of)
{
    switch (of) {
    case OF_USER:
    case OF_FIRST_USER:
        return &stage->users;
    case OF_ASSET:
    case OF_FIRST_PICTURE:
    case OF_SECOND_PICTURE:
    case OF_THIRD_PICTURE:
        return &stage->pictures;
    case OF_SUBSCRIPTION:
        return &stage->subscriptions;
    case OF_ALERT:
        return &stage->alerts;
    default:
        return &stage->generations;
    }
}

static str args_of(struct stage *stage, const struct sample *sample)
{
    const struct json *rows = rows_for(stage, sample->of);
    str args = str_of(sample->args);
    const char *hole = strstr(sample->args, "%s");
    if (hole == NULL)
        return args;
    assert_true(rows->count > 0);
    str id = json_text(json_get(&rows->items[place_of(sample->of, rows->count)], "_id"));
    size_t at = (size_t)(hole - sample->args);
    str before = str_slice(args, 0, at), behind = str_slice(args, at + 2, args.len);
    return str_format(&stage->arena, "%.*s%.*s%.*s", STR_ARG(before), STR_ARG(id), STR_ARG(behind));
}

/* Answers false when the mutation has fewer operations than that, and so succeeded. */
static bool fails_at(struct stage *stage, const struct call_request *request, uint64_t nth)
{
    str before = engine_dump(stage->inside, &stage->arena);
    struct mutation *mutation = house_send(stage->house, request);
    engine_kept_fail(stage->house->memory, nth);
    assert_true(writer_step(stage->house->writer, stage->house->now));
    bool has_failed = engine_kept_has_failed(stage->house->memory);
    engine_kept_fail(stage->house->memory, 0);
    house_commit(stage->house);
    assert_true(mutation_is_back(mutation));

    bool is_error = mutation->reply.error != ERROR_NONE;
    if (has_failed != is_error)
        fail_msg("%.*s, operation %llu: %s", STR_ARG(request->path), (unsigned long long)nth,
                 is_error ? mutation->reply.error_text.at : "no error");
    /* Whatever could not be read, nobody is told that they are not signed in, or short of credits.
     */
    if (is_error)
        assert_int_equal(mutation->reply.error, TRANSIENT);
    str behind = engine_dump(stage->inside, &stage->arena);
    if (has_failed && !str_equal(before, behind))
        fail_msg("%.*s left something behind when operation %llu failed", STR_ARG(request->path),
                 (unsigned long long)nth);
    mutation_free(mutation);
    return has_failed;
}

static void a_mutation_whose_nth_operation_fails_changes_nothing(void **state)
{
    struct stage *stage = *state;
    const struct program *program = &stage->house->program;
    for (size_t i = 0; i < program->function_count; i++) {
        /* The first by name, account:deleteAccount, comes last: then there is nobody any more. */
        const struct function *function = program->functions[(i + 1) % program->function_count];
        if (function->kind != FUNCTION_MUTATION || sample_for(function)->of == REFUSED)
            continue;
        bool is_internal = function->caller == INTERNAL || function->caller == ADMIN;
        struct call_request request = {.path = str_of(function->name),
                                       .args = args_of(stage, sample_for(function)),
                                       .identity = stage->user,
                                       .is_internal = is_internal};
        uint64_t nth = 1;
        while (fails_at(stage, &request, nth))
            assert_true(++nth < OPERATIONS_MAX);
        assert_true(nth > 1);
    }
}

/* Never null or "not signed in": such an answer would be believed. */
static bool query_fails_at(struct stage *stage, const struct call_request *request, uint64_t nth)
{
    AUTO(arena_done) struct arena arena = {0};
    struct call_reply reply;
    engine_kept_fail(stage->house->memory, nth);
    house_query(stage->house, request, &arena, &reply);
    bool has_failed = engine_kept_has_failed(stage->house->memory);
    engine_kept_fail(stage->house->memory, 0);
    bool is_honest = reply.error == TRANSIENT || reply.error == OVERLOAD;
    if (has_failed != is_honest)
        fail_msg("%.*s, operation %llu: %s", STR_ARG(request->path), (unsigned long long)nth,
                 error_code_name(reply.error));
    return has_failed;
}

static void a_query_whose_nth_operation_fails_says_that_it_could_not_read(void **state)
{
    struct stage *stage = *state;
    const struct program *program = &stage->house->program;
    for (size_t i = 0; i < program->function_count; i++) {
        const struct function *function = program->functions[i];
        if (function->kind != FUNCTION_QUERY)
            continue;
        bool is_internal = function->caller == INTERNAL || function->caller == ADMIN;
        struct call_request request = {.path = str_of(function->name),
                                       .args = args_of(stage, sample_for(function)),
                                       .identity = stage->user,
                                       .is_internal = is_internal};
        uint64_t nth = 1;
        while (query_fails_at(stage, &request, nth))
            assert_true(++nth < OPERATIONS_MAX);
        assert_true(nth > 1);
    }
}

/* ---- a whole life ---- */

static void one_life(uint64_t nth, bool *has_failed)
{
    void *state;
    open_stage(&state);
    struct stage *stage = state;
    succeed(stage, "generations:createGenerationJob", PICTURES, false);

    engine_kept_fail(stage->house->memory, nth);
    house_pass(stage->house, HOURS(1));
    *has_failed = engine_kept_has_failed(stage->house->memory);
    engine_kept_fail(stage->house->memory, 0);

    struct json rows = rows_of(stage->house, &stage->arena, &generation_type);
    struct json works = rows_of(stage->house, &stage->arena, &asset_type);
    str status = json_text(json_get(&rows.items[0], "status"));
    str wrong = check_ledger(stage->house, &stage->arena);
    if (wrong.at != NULL)
        fail_msg("operation %llu failed: %.*s", (unsigned long long)nth, STR_ARG(wrong));
    if (!str_equal(status, STR("completed")) || works.count != 2 ||
        house_jobs_left(stage->house) != 0)
        fail_msg("operation %llu failed: the job is %.*s with %zu works", (unsigned long long)nth,
                 STR_ARG(status), works.count);
    close_stage(&state);
}

static void a_job_ends_once_whichever_operation_of_its_life_fails(void **state)
{
    bool has_failed = true;
    uint64_t nth = 1;
    for (; has_failed; nth++) {
        one_life(nth, &has_failed);
        assert_true(nth < OPERATIONS_MAX);
    }
    assert_true(nth > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_mutation_whose_nth_operation_fails_changes_nothing,
                                        open_furnished, close_stage),
        cmocka_unit_test_setup_teardown(
            a_query_whose_nth_operation_fails_says_that_it_could_not_read, open_furnished,
            close_stage),
        cmocka_unit_test(a_job_ends_once_whichever_operation_of_its_life_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
