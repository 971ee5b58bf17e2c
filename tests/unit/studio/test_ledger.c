/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "check.h"
#include "house.h"

#include "base/log.h"
#include "base/random.h"
#include "studio/ledger.h"
#include "studio/ledger_verify.h"

#include <string.h>

/*
 * Random operations on the ledger, and beside it the same in a few arrays: what must be left of
 * each grant, what is held, what each user has.
 */

#define USERS 3
#define LOTS_MAX 900
#define HOLDS_MAX 700
#define STEPS 4000

struct model_lot {
    int user;
    int64_t left;
    instant expires_at; /* 0: never */
    size_t number;      /* in the order of their grants */
};

struct model_hold {
    int user;
    int64_t amount;
    doc_id id;
    bool is_open;
    struct {
        size_t lot;
        int64_t amount;
    } parts[LOTS_MAX];
    size_t part_count;
};

struct model {
    struct model_lot lots[LOTS_MAX];
    size_t lot_count;
    struct model_hold *holds;
    size_t hold_count;
    int64_t credits[USERS], held[USERS], used[USERS], debt[USERS];
    size_t adjusted;
};

struct stage {
    struct house *house;
    struct random random;
    struct model model;
};

static int open_stage(void **state)
{
    struct stage *stage = memory_zeroed(sizeof(*stage));
    log_set_level(LOG_ERROR + 1);
    stage->house = house_new(&(struct house_options){.engine = STORE_MEMORY, .seed = 2});
    stage->model.holds = memory_zeroed(HOLDS_MAX * sizeof(struct model_hold));
    random_init_seeded(&stage->random, 5);
    *state = stage;
    return 0;
}

static int close_stage(void **state)
{
    struct stage *stage = *state;
    house_free(stage->house);
    free(stage->model.holds);
    free(stage);
    return 0;
}

/* ---- the model ---- */

static bool is_over(const struct model_lot *lot, instant now)
{
    return lot->expires_at.us != 0 && lot->expires_at.us <= now.us;
}

static void model_expire(struct model *model, int user, instant now)
{
    for (size_t i = 0; i < model->lot_count; i++) {
        struct model_lot *lot = &model->lots[i];
        if (lot->user != user || !is_over(lot, now))
            continue;
        model->credits[user] -= lot->left;
        lot->left = 0;
    }
}

/* Soonest to expire first, what never expires last, the older grant first among equals. */
static bool is_before(const struct model_lot *a, const struct model_lot *b)
{
    int64_t at_a = a->expires_at.us == 0 ? INT64_MAX : a->expires_at.us;
    int64_t at_b = b->expires_at.us == 0 ? INT64_MAX : b->expires_at.us;
    return at_a != at_b ? at_a < at_b : a->number < b->number;
}

static struct model_lot *next_lot(struct model *model, int user)
{
    struct model_lot *best = NULL;
    for (size_t i = 0; i < model->lot_count; i++) {
        struct model_lot *lot = &model->lots[i];
        if (lot->user == user && lot->left > 0 && (best == NULL || is_before(lot, best)))
            best = lot;
    }
    return best;
}

static void model_hold(struct model *model, int user, int64_t amount, doc_id id)
{
    struct model_hold *hold = &model->holds[model->hold_count++];
    *hold = (struct model_hold){.user = user, .amount = amount, .id = id, .is_open = true};
    for (int64_t wanted = amount; wanted > 0;) {
        struct model_lot *lot = next_lot(model, user);
        assert_non_null(lot);
        int64_t part = MIN_OF(lot->left, wanted);
        lot->left -= part;
        wanted -= part;
        hold->parts[hold->part_count].lot = (size_t)(lot - model->lots);
        hold->parts[hold->part_count++].amount = part;
    }
    model->credits[user] -= amount;
    model->held[user] += amount;
}

static void model_settle(struct model *model, struct model_hold *hold, int64_t cost, instant now)
{
    int64_t back = hold->amount - cost;
    model->credits[hold->user] += back;
    model->held[hold->user] -= hold->amount;
    model->used[hold->user] += cost;
    for (size_t i = hold->part_count; i > 0 && back > 0; i--) {
        int64_t part = MIN_OF(back, hold->parts[i - 1].amount);
        model->lots[hold->parts[i - 1].lot].left += part;
        back -= part;
    }
    hold->is_open = false;
    model_expire(model, hold->user, now);
}

static void model_take(struct model *model, int user, int64_t wanted)
{
    model->credits[user] -= wanted;
    while (wanted > 0) {
        struct model_lot *lot = next_lot(model, user);
        int64_t part = MIN_OF(lot->left, wanted);
        lot->left -= part;
        wanted -= part;
    }
}

/* Answers by how much the balance changes. */
static int64_t model_adjust(struct model *model, int user, int64_t amount, instant now)
{
    if (amount > 0) {
        int64_t paid = MIN_OF(model->debt[user], amount), rest = amount - paid;
        model->debt[user] -= paid;
        model->credits[user] += rest;
        if (rest > 0) {
            model->lots[model->lot_count] = (struct model_lot){user, rest, {0}, model->lot_count};
            model->lot_count++;
        }
        return rest;
    }
    model_expire(model, user, now);
    int64_t taken = MIN_OF(model->credits[user], -amount);
    model_take(model, user, taken);
    model->debt[user] += -amount - taken;
    return -taken;
}

/* ---- the same in the ledger ---- */

struct step {
    enum {
        STEP_GRANT,
        STEP_HOLD,
        STEP_SETTLE,
        STEP_ADJUST,
        STEP_EXPIRE,
    } kind;
    doc_id user, hold;
    credits amount;
    instant expires_at;
    size_t number;
    enum error_code error;
};

static void step_inside(struct call *call, void *context)
{
    struct step *step = context;
    str text = STR("A test");
    if (step->kind == STEP_GRANT)
        ledger_grant(call, step->user, step->amount, TRANSACTION_BONUS,
                     str_format(call->arena, "grant:%zu", step->number), text, step->expires_at);
    else if (step->kind == STEP_HOLD)
        step->hold = ledger_hold(call, step->user, step->amount, (doc_id){99}, text);
    else if (step->kind == STEP_SETTLE)
        ledger_settle(call, step->hold, step->amount, text);
    else if (step->kind == STEP_ADJUST)
        step->amount = ledger_adjust(call, step->user, step->amount, TRANSACTION_ADJUSTMENT,
                                     str_format(call->arena, "adjust:%zu", step->number), text);
    else
        for (bool has_more = true; has_more;)
            ledger_expire_due(call, &has_more);
}

/* In a nested change, so that a refusal is an answer and no accident. */
static void step_body(struct call *call, void *context)
{
    str why;
    ((struct step *)context)->error = call_try(call, step_inside, context, &why);
}

static enum error_code step(struct stage *stage, struct step *step)
{
    house_do(stage->house, step_body, step);
    return step->error;
}

static doc_id user_of(int user)
{
    return (doc_id){1000 + user};
}

static void grant(struct stage *stage, int user)
{
    struct model *model = &stage->model;
    size_t number = model->lot_count;
    bool expires = random_below(&stage->random, 3) != 0;
    int64_t lasts = SECONDS(1 + (int64_t)random_below(&stage->random, 50)).us;
    struct step granting = {
        .kind = STEP_GRANT,
        .user = user_of(user),
        .amount = {1 + (int64_t)random_below(&stage->random, 20)},
        .expires_at = expires ? (instant){stage->house->now.us + lasts} : (instant){0},
        .number = number,
    };
    assert_int_equal(step(stage, &granting), ERROR_NONE);
    if (random_below(&stage->random, 4) == 0)
        assert_int_equal(step(stage, &granting), ERROR_NONE); /* a second time: nothing */
    model->lots[model->lot_count++] =
        (struct model_lot){user, granting.amount.n, granting.expires_at, number};
    model->credits[user] += granting.amount.n;
}

static void hold(struct stage *stage, int user)
{
    struct model *model = &stage->model;
    struct step holding = {.kind = STEP_HOLD,
                           .user = user_of(user),
                           .amount = {(int64_t)random_below(&stage->random, 25)}};
    struct model before = *model;
    enum error_code error = step(stage, &holding);
    model_expire(model, user, stage->house->now);
    if (model->credits[user] < holding.amount.n) {
        assert_int_equal(error, NO_CREDITS);
        *model = before; /* the refusal took everything back */
        return;
    }
    assert_int_equal(error, ERROR_NONE);
    model_hold(model, user, holding.amount.n, holding.hold);
}

static void settle(struct stage *stage)
{
    struct model *model = &stage->model;
    if (model->hold_count == 0)
        return;
    struct model_hold *one = &model->holds[random_below(&stage->random, model->hold_count)];
    int64_t cost = (int64_t)random_below(&stage->random, (uint64_t)one->amount + 2);
    struct step settling = {.kind = STEP_SETTLE, .hold = one->id, .amount = {cost}};
    enum error_code error = step(stage, &settling);
    if (!one->is_open || cost > one->amount) {
        assert_int_equal(error, INTERNAL_ERROR);
        return;
    }
    assert_int_equal(error, ERROR_NONE);
    model_settle(model, one, cost, stage->house->now);
}

static void adjust(struct stage *stage, int user)
{
    struct model *model = &stage->model;
    int64_t amount = (int64_t)random_below(&stage->random, 41) - 25;
    struct step adjusting = {.kind = STEP_ADJUST,
                             .user = user_of(user),
                             .amount = {amount},
                             .number = model->adjusted++};
    enum error_code error = step(stage, &adjusting);
    if (amount == 0) {
        assert_int_equal(error, ARGUMENT);
        return;
    }
    assert_int_equal(error, ERROR_NONE);
    assert_int_equal(adjusting.amount.n, model_adjust(model, user, amount, stage->house->now));
    adjusting.amount.n = amount;
    assert_int_equal(step(stage, &adjusting), ERROR_NONE); /* a second time: nothing */
    assert_int_equal(adjusting.amount.n, 0);
}

static void expire_all(struct stage *stage)
{
    struct step expiring = {.kind = STEP_EXPIRE};
    assert_int_equal(step(stage, &expiring), ERROR_NONE);
    for (int user = 0; user < USERS; user++)
        model_expire(&stage->model, user, stage->house->now);
}

struct seen {
    struct balance balances[USERS];
    credits available[USERS];
};

static void see_inside(struct call *call, void *context)
{
    struct seen *seen = context;
    for (int user = 0; user < USERS; user++) {
        seen->balances[user] = ledger_balance(call, user_of(user));
        seen->available[user] = ledger_available(call, &seen->balances[user]);
    }
}

static int64_t model_available(const struct model *model, int user, instant now)
{
    int64_t left = model->credits[user];
    for (size_t i = 0; i < model->lot_count; i++)
        if (model->lots[i].user == user && is_over(&model->lots[i], now))
            left -= model->lots[i].left;
    return left;
}

static void compare(struct stage *stage)
{
    struct seen seen = {0};
    house_do(stage->house, see_inside, &seen);
    for (int user = 0; user < USERS; user++) {
        assert_int_equal(seen.balances[user].credits.n, stage->model.credits[user]);
        assert_int_equal(seen.balances[user].held.n, stage->model.held[user]);
        assert_int_equal(seen.balances[user].total_used.n, stage->model.used[user]);
        assert_int_equal(seen.balances[user].debt.n, stage->model.debt[user]);
        assert_int_equal(seen.available[user].n,
                         model_available(&stage->model, user, stage->house->now));
    }
}

static void tell(void *context, str what)
{
    fail_msg("%.*s", STR_ARG(what));
}

static void check_lots(struct stage *stage)
{
    AUTO(arena_done) struct arena arena = {0};
    struct json rows = rows_of(stage->house, &arena, &lot_type);
    int64_t left = 0, wanted = 0;
    str wrong = check_ledger(stage->house, &arena);
    if (wrong.at != NULL)
        fail_msg("%.*s", STR_ARG(wrong));
    /* Rows come in another order than that of the grants: what is left is compared as a sum. */
    for (size_t i = 0; i < rows.count; i++)
        left += json_int(json_get(&rows.items[i], "left"), -1);
    for (size_t i = 0; i < stage->model.lot_count; i++)
        wanted += stage->model.lots[i].left;
    assert_int_equal(left, wanted);
    assert_int_equal(rows.count, stage->model.lot_count);

    struct ledger_sums sums;
    struct fault fault;
    assert_true(ledger_verify(stage->house->store, tell, NULL, &sums, &fault));
    assert_int_equal(sums.differences, 0);
}

static void random_movements_leave_what_a_simple_model_leaves(void **state)
{
    struct stage *stage = *state;
    for (int i = 0; i < STEPS; i++) {
        int user = (int)random_below(&stage->random, USERS);
        uint64_t what = random_below(&stage->random, 12);
        if (what < 2 && stage->model.lot_count < LOTS_MAX)
            grant(stage, user);
        else if (what < 6 && stage->model.hold_count < HOLDS_MAX)
            hold(stage, user);
        else if (what < 9)
            settle(stage);
        else if (what == 9 && stage->model.lot_count < LOTS_MAX)
            adjust(stage, user);
        else if (what == 10)
            expire_all(stage);
        else
            stage->house->now = instant_add(stage->house->now, SECONDS(5));
        compare(stage);
        if (i % 200 == 199)
            check_lots(stage);
    }
    assert_true(stage->model.hold_count > 100);
}

static void a_hold_cannot_exceed_the_balance(void **state)
{
    struct stage *stage = *state;
    struct step granting = {.kind = STEP_GRANT, .user = user_of(0), .amount = {5}};
    struct step holding = {.kind = STEP_HOLD, .user = user_of(0), .amount = {6}};
    assert_int_equal(step(stage, &granting), ERROR_NONE);
    assert_int_equal(step(stage, &holding), NO_CREDITS);
    holding.amount.n = 5;
    assert_int_equal(step(stage, &holding), ERROR_NONE);
    holding.amount.n = 1;
    assert_int_equal(step(stage, &holding), NO_CREDITS);
}

static void a_hold_is_settled_once_and_for_no_more_than_it_is(void **state)
{
    struct stage *stage = *state;
    struct step granting = {.kind = STEP_GRANT, .user = user_of(0), .amount = {5}};
    struct step holding = {.kind = STEP_HOLD, .user = user_of(0), .amount = {4}};
    assert_int_equal(step(stage, &granting), ERROR_NONE);
    assert_int_equal(step(stage, &holding), ERROR_NONE);
    struct step settling = {.kind = STEP_SETTLE, .hold = holding.hold, .amount = {5}};
    assert_int_equal(step(stage, &settling), INTERNAL_ERROR);
    settling.amount.n = -1;
    assert_int_equal(step(stage, &settling), INTERNAL_ERROR);
    settling.amount.n = 4;
    assert_int_equal(step(stage, &settling), ERROR_NONE);
    assert_int_equal(step(stage, &settling), INTERNAL_ERROR);
}

static void a_grant_of_nothing_or_beyond_all_numbers_is_refused(void **state)
{
    struct stage *stage = *state;
    struct step granting = {.kind = STEP_GRANT, .user = user_of(0), .amount = {0}};
    assert_int_equal(step(stage, &granting), ARGUMENT);
    granting.amount.n = -5;
    assert_int_equal(step(stage, &granting), ARGUMENT);
    granting.amount.n = INT64_C(1) << 52;
    assert_int_equal(step(stage, &granting), ERROR_NONE);
    compare(&(struct stage){.house = stage->house, .model.credits = {INT64_C(1) << 52}});
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(random_movements_leave_what_a_simple_model_leaves),
        TEST(a_hold_cannot_exceed_the_balance),
        TEST(a_hold_is_settled_once_and_for_no_more_than_it_is),
        TEST(a_grant_of_nothing_or_beyond_all_numbers_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
