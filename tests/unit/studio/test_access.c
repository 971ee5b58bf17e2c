/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may call what: every function of the program is called by nobody, by a stranger, by the owner
 * of what it is about, and by an administrator, and what comes of it is held against access.txt.
 * Whoever calls, and however often: nobody but an administrator makes anybody richer, and what is
 * the owner's is never told to a stranger.
 *
 * ACCESS_WRITE=1 prints the table as it is; read each changed row before it is committed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "check.h"
#include "house.h"

#include "base/log.h"
#include "studio/alerts.h"
#include "studio/generations.h"
#include "studio/ledger.h"
#include "studio/subscriptions.h"
#include "studio/users.h"

#include <stdio.h>
#include <string.h>

#define SECRET "hushhush" /* in all that the owner wrote */
#define ROWS_MAX 512
#define WORD_MAX 24

enum who {
    NOBODY,
    STRANGER,
    OWNER,
    ADMINISTRATOR,
    CALLERS,
};

struct row {
    str name, wanted[CALLERS], args;
};

struct stage {
    struct house *house;
    struct arena arena;
    struct identity *callers[CALLERS];
    doc_id ids[CALLERS];
    struct row rows[ROWS_MAX];
    size_t row_count;
    struct hole {
        const char *name;
        str id;
    } holes[8];
    size_t hole_count;
};

/* ---- a house with an owner in it ---- */

static struct identity *identity_new(const char *subject)
{
    struct identity *identity = memory_zeroed(sizeof(*identity));
    atomic_init(&identity->count, 1);
    identity->issuer = STR("http://localhost:7070");
    identity->subject = identity->token_identifier = str_of(subject);
    identity->email = str_of(subject);
    identity->claims = STR("{}");
    identity->is_ours = true;
    identity->hash = hash128_bytes(subject, strlen(subject));
    return identity;
}

static void make_users(struct call *call, void *context)
{
    struct stage *stage = context;
    for (size_t i = STRANGER; i < CALLERS; i++) {
        struct identity *who = stage->callers[i];
        struct user row;
        stage->ids[i] = user_ensure(call, user_external_key(call->arena, who), who->subject,
                                    who->email, who->subject);
        row_get(call, &user_type, stage->ids[i], &row);
        row.role = i == ADMINISTRATOR ? ROLE_ADMIN : ROLE_USER;
        row_put(call, &user_type, &row);
    }
}

static void succeed(struct stage *stage, enum who who, const char *path, str args, bool is_action)
{
    struct call_request request = {.path = str_of(path),
                                   .args = args,
                                   .identity = stage->callers[who],
                                   .is_internal = who == NOBODY,
                                   .is_action = is_action};
    struct mutation *mutation =
        is_action ? house_act(stage->house, &request) : house_mutate(stage->house, &request);
    if (mutation->reply.error != ERROR_NONE)
        fail_msg("%s: %.*s", path, STR_ARG(mutation->reply.error_text));
    mutation_free(mutation);
}

/* The first row of a table whose member is this text. */
static void add_hole(struct stage *stage, const char *name, const struct doc_type *type,
                     const char *member, const char *text)
{
    struct json rows = rows_of(stage->house, &stage->arena, type);
    for (size_t i = 0; i < rows.count; i++)
        if (str_equal(json_text(json_get(&rows.items[i], member)), str_of(text))) {
            stage->holes[stage->hole_count++] =
                (struct hole){name, json_text(json_get(&rows.items[i], "_id"))};
            return;
        }
    fail_msg("there is nothing for %s", name);
}

static void furnish(struct stage *stage)
{
    add_hole(stage, "$user", &user_type, "clerkId", "owner-" SECRET);
    succeed(stage, OWNER, "generations:createGenerationJob",
            STR("{\"prompt\":\"" SECRET "\",\"model\":\"sketch\",\"numImages\":2}"), false);
    succeed(stage, OWNER, "videos:createVideo",
            STR("{\"prompt\":\"" SECRET "\",\"model\":\"sketch-motion\",\"duration\":\"4\","
                "\"isPublic\":false}"),
            false);
    house_pass(stage->house, MINUTES(1));
    succeed(stage, OWNER, "generations:createGenerationJob",
            STR("{\"prompt\":\"" SECRET "\",\"model\":\"sketch\",\"numImages\":4}"), false);
    succeed(stage, OWNER, "quotas:checkAndReserveQuota", STR("{\"type\":\"image\",\"count\":2}"),
            false);
    succeed(
        stage, NOBODY, "subscriptions:createSubscription",
        STR("{\"clerkId\":\"owner-" SECRET "\",\"stripeSubscriptionId\":\"sub_" SECRET "\","
            "\"planId\":\"plus\",\"stripeCustomerId\":\"cus_0\",\"stripePriceId\":\"price_plus\","
            "\"subscriptionStatus\":\"active\",\"currentPeriodStart\":1767268800,"
            "\"currentPeriodEnd\":1769947200,\"cancelAtPeriodEnd\":false}"),
        false);
    succeed(stage, NOBODY, "subscriptions:handleUpgrade",
            STR("{\"userId\":\"owner-" SECRET "\",\"polarCustomerId\":\"pc_0\","
                "\"polarSubscriptionId\":\"ps_0\",\"billingCycleStart\":1767268800000,"
                "\"billingCycleEnd\":1769947200000}"),
            true);
    /* A debt, which is an alert, and its payment. */
    for (int amount = -5000; amount <= 6000; amount += 11000)
        succeed(stage, NOBODY, "credits:adjust",
                str_format(&stage->arena,
                           "{\"userId\":\"%.*s\",\"amount\":%d,\"reason\":\"" SECRET "\"}",
                           STR_ARG(stage->holes[0].id), amount),
                false);
    add_hole(stage, "$ended", &generation_type, "status", "completed");
    add_hole(stage, "$open", &generation_type, "status", "pending");
    add_hole(stage, "$film", &generation_type, "kind", "video");
    add_hole(stage, "$asset", &asset_type, "type", "image");
    add_hole(stage, "$subscription", &subscription_type, "externalId", "sub_" SECRET);
    add_hole(stage, "$alert", &alert_type, "kind", "debt");
}

/* ---- the table ---- */

static str take_word(str *line)
{
    str word;
    *line = str_trim(*line);
    str_split(line, ' ', &word);
    return word;
}

static void read_table(struct stage *stage)
{
    static char text[KIB(128)];
    FILE *file = fopen(getenv("ACCESS_TABLE"), "re");
    assert_non_null(file);
    size_t len = fread(text, 1, sizeof(text), file);
    fclose(file);
    assert_true(len < sizeof(text));
    str rest = {text, len}, line;
    while (str_split(&rest, '\n', &line)) {
        if (line.len == 0 || line.at[0] == '#')
            continue;
        assert_true(stage->row_count < ROWS_MAX);
        struct row *row = &stage->rows[stage->row_count++];
        row->name = take_word(&line);
        for (size_t i = 0; i < CALLERS; i++)
            row->wanted[i] = take_word(&line);
        row->args = str_trim(line);
    }
}

static struct row *row_for(struct stage *stage, const char *name)
{
    for (size_t i = 0; i < stage->row_count; i++)
        if (str_equal(stage->rows[i].name, str_of(name)))
            return &stage->rows[i];
    return NULL;
}

static int open_stage(void **state)
{
    static const char *const subjects[CALLERS] = {NULL, "stranger", "owner-" SECRET, "admin"};
    struct stage *stage = memory_zeroed(sizeof(*stage));
    log_set_level(LOG_ERROR + 1);
    stage->house = house_new(&(struct house_options){
        .engine = STORE_MEMORY, .config = getenv("TALK_CONFIG"), .seed = 9});
    for (size_t i = STRANGER; i < CALLERS; i++)
        stage->callers[i] = identity_new(subjects[i]);
    house_do(stage->house, make_users, stage);
    furnish(stage);
    read_table(stage);
    *state = stage;
    return 0;
}

static int close_stage(void **state)
{
    struct stage *stage = *state;
    house_free(stage->house);
    for (size_t i = STRANGER; i < CALLERS; i++)
        identity_drop(stage->callers[i]);
    arena_done(&stage->arena);
    free(stage);
    return 0;
}

/* ---- calls that leave nothing behind ---- */

static str fill_hole(struct arena *arena, str args, const struct hole *hole)
{
    size_t len = strlen(hole->name);
    const char *at;
    while ((at = memmem(args.at, args.len, hole->name, len)) != NULL) {
        size_t place = (size_t)(at - args.at);
        str before = str_slice(args, 0, place), behind = str_slice(args, place + len, args.len);
        args =
            str_format(arena, "%.*s%.*s%.*s", STR_ARG(before), STR_ARG(hole->id), STR_ARG(behind));
    }
    return args;
}

static str fill_holes(struct stage *stage, struct arena *arena, str args)
{
    for (size_t i = 0; i < stage->hole_count; i++)
        args = fill_hole(arena, args, &stage->holes[i]);
    return args;
}

struct trial {
    struct stage *stage;
    const struct function *function;
    struct call_request request;
    enum who who;
    char outcome[WORD_MAX];
};

static void take_outcome(struct trial *trial, const struct call_reply *reply)
{
    bool is_invisible = str_starts(reply->error_text, STR("Could not find")) ||
                        str_contains(reply->error_text, STR("\nCould not find public function"));
    const char *word = is_invisible                           ? "invisible"
                       : reply->error != ERROR_NONE           ? error_code_name(reply->error)
                       : str_equal(reply->value, STR("null")) ? "null"
                                                              : "allowed";
    snprintf(trial->outcome, sizeof(trial->outcome), "%s", word);
    bool is_foreign = trial->who == NOBODY || trial->who == STRANGER;
    if (is_foreign && str_contains(reply->value, STR(SECRET)))
        fail_msg("%s tells what is the owner's: %.*s", trial->function->name,
                 STR_ARG(reply->value));
}

/* What everybody has, with what is held for them and less what they owe. */
static int64_t wealth_of(struct call *call, struct change *change, const struct stage *stage)
{
    struct call looking = {.arena = call->arena,
                           .view = &change->view,
                           .program = call->program,
                           .now = call->now,
                           .is_internal = true};
    int64_t sum = 0;
    for (size_t i = STRANGER; i < CALLERS; i++) {
        struct balance balance = ledger_balance(&looking, stage->ids[i]);
        sum += balance.credits.n + balance.held.n - balance.debt.n;
    }
    return sum;
}

/* Twice, in a change that is dropped: what gives something the second time alone shows too. */
static void try_change(struct call *call, void *context)
{
    struct trial *trial = context;
    struct change change;
    change_nest(call->change, &change);
    int64_t before = wealth_of(call, &change, trial->stage);
    for (int i = 0; i < 2; i++) {
        struct call_reply reply;
        execute_mutation(call->program, &trial->request, &change, call->arena, call->now,
                         call->random, &reply);
        if (i == 0)
            take_outcome(trial, &reply);
        if (reply.error != ERROR_NONE)
            break; /* the change is spoilt */
        if (trial->who != ADMINISTRATOR && wealth_of(call, &change, trial->stage) > before)
            fail_msg("%s makes somebody richer", trial->function->name);
    }
    change_drop(&change);
}

static void try_call(struct stage *stage, struct trial *trial)
{
    AUTO(arena_done) struct arena arena = {0};
    struct call_reply reply;
    trial->request.is_action = trial->function->kind == FUNCTION_ACTION;
    if (trial->function->kind == FUNCTION_QUERY) {
        house_query(stage->house, &trial->request, &arena, &reply);
        take_outcome(trial, &reply);
    } else {
        house_do(stage->house, try_change, trial);
    }
}

/* Answers whether all is as the row says. */
static bool try_all(struct stage *stage, const struct function *function, const struct row *row,
                    bool writes)
{
    AUTO(arena_done) struct arena arena = {0};
    bool is_right = true;
    if (writes)
        printf("%s", function->name);
    for (size_t who = 0; who < CALLERS; who++) {
        struct trial trial = {
            .stage = stage,
            .function = function,
            .request = {.path = str_of(function->name),
                        .args = fill_holes(stage, &arena, row->args),
                        .identity = stage->callers[who]},
            .who = (enum who)who,
        };
        try_call(stage, &trial);
        bool is_same = str_equal(row->wanted[who], str_of(trial.outcome));
        if (writes)
            printf(" %s", trial.outcome);
        else if (!is_same)
            print_error("%s, caller %zu: %s, not %.*s\n", function->name, who, trial.outcome,
                        STR_ARG(row->wanted[who]));
        is_right &= is_same;
    }
    if (writes)
        printf(" %.*s\n", STR_ARG(row->args));
    return is_right || writes;
}

static void who_may_call_what_is_as_the_table_says(void **state)
{
    struct stage *stage = *state;
    const struct program *program = &stage->house->program;
    bool writes = getenv("ACCESS_WRITE") != NULL, is_right = true;
    for (size_t i = 0; i < program->function_count; i++) {
        const struct function *function = program->functions[i];
        const struct row *row = row_for(stage, function->name), none = {.args = STR("{}")};
        if (row == NULL && !writes)
            fail_msg("%s has no row in access.txt: add one", function->name);
        is_right &= try_all(stage, function, row == NULL ? &none : row, writes);
    }
    assert_true(is_right);
}

static void no_row_is_of_a_function_that_is_gone(void **state)
{
    struct stage *stage = *state;
    for (size_t i = 0; i < stage->row_count; i++)
        if (function_find(&stage->house->program, stage->rows[i].name) == NULL)
            fail_msg("there is no %.*s any more", STR_ARG(stage->rows[i].name));
}

/* Whatever the table says: what takes amounts, states or plans is not for everybody. */
static void nothing_about_money_is_open(void **state)
{
    static const char *const closed[] = {
        "credits:addCredits",       "credits:deductCredits",    "credits:refundCredits",
        "credits:adjust",           "users:deductCredits",      "users:updateUserPlan",
        "users:updateStorageUsage", "userProfiles:addCredits",  "userProfiles:updateCredits",
        "videos:refundCredits",     "videos:updateVideoStatus", "generations:failGeneration",
    };
    struct stage *stage = *state;
    for (size_t i = 0; i < ARRAY_LEN(closed); i++) {
        const struct row *row = row_for(stage, closed[i]);
        assert_non_null(row);
        for (size_t who = NOBODY; who <= OWNER; who++)
            if (str_equal(row->wanted[who], STR("allowed")) ||
                str_equal(row->wanted[who], STR("null")))
                fail_msg("%s is open", closed[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_may_call_what_is_as_the_table_says, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(no_row_is_of_a_function_that_is_gone, open_stage,
                                        close_stage),
        cmocka_unit_test_setup_teardown(nothing_about_money_is_open, open_stage, close_stage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
