/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "check.h"
#include "house.h"

#include "base/log.h"
#include "studio/ledger_inside.h"
#include "studio/ledger_verify.h"

#include <stdio.h>
#include <string.h>

/*
 * A ledger with some history; then each number in it is made wrong, one at a time, and every time
 * the verification must say so, and be content again when it is put right.
 */

#define ROWS_MAX 400

struct stage {
    struct house *house;
    struct random random;
    int told;
    char first[300];
};

static int open_stage(void **state)
{
    struct stage *stage = memory_zeroed(sizeof(*stage));
    log_set_level(LOG_ERROR + 1);
    stage->house = house_new(&(struct house_options){.engine = STORE_MEMORY, .seed = 3});
    random_init_seeded(&stage->random, 11);
    *state = stage;
    return 0;
}

static int close_stage(void **state)
{
    struct stage *stage = *state;
    house_free(stage->house);
    free(stage);
    return 0;
}

static void tell(void *context, str what)
{
    struct stage *stage = context;
    if (stage->told++ == 0)
        snprintf(stage->first, sizeof(stage->first), "%.*s", STR_ARG(what));
}

static int64_t differences(struct stage *stage)
{
    struct ledger_sums sums;
    struct fault fault;
    stage->told = 0;
    stage->first[0] = 0;
    if (!ledger_verify(stage->house->store, tell, stage, &sums, &fault))
        fail_msg("%s", fault.text);
    assert_int_equal(sums.differences, stage->told);
    return sums.differences;
}

/* ---- a history ---- */

static void live(struct call *call, void *context)
{
    struct stage *stage = context;
    doc_id user = {100 + (int64_t)random_below(&stage->random, 5)};
    int64_t amount = 1 + (int64_t)random_below(&stage->random, 20);
    int64_t n = (int64_t)random_below(&stage->random, INT32_MAX);
    str key = str_format(call->arena, "key:%lld", (long long)n), text = STR("A test");
    instant soon = instant_add(call->now, SECONDS(30));
    switch (random_below(&stage->random, 6)) {
    case 0:
        ledger_adjust(call, user, (credits){-amount}, TRANSACTION_ADJUSTMENT, key, text);
        break;
    case 1:
        ledger_adjust(call, user, (credits){amount}, TRANSACTION_ADJUSTMENT, key, text);
        break;
    case 2:
        ledger_cost(call, STR("press"), amount, key);
        break;
    case 3:
        ledger_grant(call, user, (credits){amount}, TRANSACTION_BONUS, key, text, soon);
        break;
    default:
        ledger_grant(call, user, (credits){amount}, TRANSACTION_PURCHASE, key, text, (instant){0});
        doc_id hold = ledger_hold(call, user, (credits){amount}, (doc_id){n + 1}, text);
        if (amount % 3 != 0)
            ledger_settle(call, hold, (credits){amount / 2}, text);
    }
}

static void live_on(struct stage *stage, int movements)
{
    for (int i = 0; i < movements; i++) {
        house_do(stage->house, live, stage);
        stage->house->now = instant_add(stage->house->now, SECONDS(3));
    }
}

/* ---- making it wrong ---- */

struct harm {
    struct stage *stage;
    const struct doc_type *type;
    const char *field; /* NULL: the row goes */
    int64_t by;
    size_t nth;
    bool is_done;
    struct arena arena;
    char row[256];
};

static void read_nth(struct call *call, struct harm *harm, void *row)
{
    struct scan scan;
    view_scan(call->view, &harm->type->indexes[0], (struct bounds){0}, ORDER_UP, &scan);
    for (size_t i = 0; i <= harm->nth; i++)
        harm->is_done = scan_next(&scan, row);
    scan_end(&scan);
}

static void harm(struct call *call, void *context)
{
    struct harm *harm = context;
    struct arena *arena = call->arena;
    assert_true(harm->type->size <= sizeof(harm->row));
    call->view->arena = &harm->arena; /* what is read must outlive the call, to be put back */
    read_nth(call, harm, harm->row);
    call->view->arena = arena;
    if (!harm->is_done)
        return;
    if (harm->field == NULL) {
        row_remove(call, harm->type, *(doc_id *)(void *)harm->row);
        return;
    }
    char changed[sizeof(harm->row)];
    memcpy(changed, harm->row, sizeof(changed));
    const struct field *field = NULL;
    for (size_t i = 0; i < harm->type->field_count; i++)
        if (strcmp(harm->type->fields[i].name, harm->field) == 0)
            field = &harm->type->fields[i];
    assert_non_null(field);
    if (field->kind == FIELD_BOOL)
        *(bool *)(void *)(changed + field->offset) ^= true;
    else
        *(int64_t *)(void *)(changed + field->offset) += harm->by;
    row_put(call, harm->type, changed);
}

static void mend(struct call *call, void *context)
{
    struct harm *harm = context;
    row_put(call, harm->type, harm->row);
}

static bool find_it(struct stage *stage, const struct doc_type *type, const char *field, size_t nth)
{
    struct harm harming = {.stage = stage,
                           .type = type,
                           .field = field,
                           .nth = nth,
                           .by = nth % 2 == 0 ? 1 + (int64_t)(nth % 7) : -1};
    house_do(stage->house, harm, &harming);
    if (harming.is_done) {
        if (differences(stage) == 0)
            fail_msg("%s, row %zu: nobody saw that %s was wrong", type->name, nth,
                     field == NULL ? "it" : field);
        house_do(stage->house, mend, &harming);
        if (nth % 16 == 0 && differences(stage) != 0)
            fail_msg("%s, row %zu: %s", type->name, nth, stage->first);
    }
    arena_done(&harming.arena);
    return harming.is_done;
}

static void each_wrong_number_is_found(void **state)
{
    static const struct {
        const struct doc_type *type;
        const char *field;
    } numbers[] = {
        {&balance_type, "credits"},
        {&balance_type, "held"},
        {&balance_type, "total_used"},
        {&balance_type, "debt"},
        {&balance_type, NULL},
        {&lot_type, "left"},
        {&lot_type, "is_open"},
        {&lot_type, NULL},
        {&hold_type, "amount"},
        {&hold_type, "is_open"},
        {&hold_type, NULL},
        {&credit_transaction_type, "amount"},
        {&credit_transaction_type, "balance_before"},
        {&credit_transaction_type, "balance_after"},
        {&credit_transaction_type, NULL},
    };
    struct stage *stage = *state;
    live_on(stage, 120);
    assert_int_equal(differences(stage), 0);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        size_t nth = 0;
        while (nth < ROWS_MAX && find_it(stage, numbers[i].type, numbers[i].field, nth))
            nth += i % 2 == 0 ? 1 : 3;
        assert_true(nth >= 5);
    }
    assert_int_equal(differences(stage), 0);
}

/* ---- the journal itself ---- */

static void change_entry(struct call *call, void *context)
{
    struct harm *harm = context;
    struct movement movement;
    read_nth(call, harm, &movement);
    struct entry *entries = movement.entries.items;
    if (harm->is_done)
        entries[0].amount.n += harm->by;
    if (harm->is_done)
        row_put(call, &movement_type, &movement);
}

static void each_wrong_entry_of_the_journal_is_found(void **state)
{
    struct stage *stage = *state;
    live_on(stage, 60);
    struct harm harming = {.stage = stage, .type = &movement_type};
    for (;; harming.nth++) {
        harming.by = 5;
        house_do(stage->house, change_entry, &harming);
        if (!harming.is_done)
            break;
        assert_true(differences(stage) > 0);
        harming.by = -5;
        house_do(stage->house, change_entry, &harming);
    }
    assert_true(harming.nth > 60);
    assert_int_equal(differences(stage), 0);
}

static void drop_lots(struct call *call, void *context)
{
    struct harm *harm = context;
    struct movement movement;
    read_nth(call, harm, &movement);
    movement.lots = (struct list){0};
    if (harm->is_done)
        row_put(call, &movement_type, &movement);
}

static void a_journal_from_before_lots_were_named_is_well(void **state)
{
    struct stage *stage = *state;
    live_on(stage, 40);
    struct harm dropping = {.stage = stage, .type = &movement_type, .is_done = true};
    for (; dropping.is_done; dropping.nth++)
        house_do(stage->house, drop_lots, &dropping);
    live_on(stage, 40);
    if (differences(stage) != 0)
        fail_msg("%s", stage->first);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_wrong_number_is_found),
        TEST(each_wrong_entry_of_the_journal_is_found),
        TEST(a_journal_from_before_lots_were_named_is_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
