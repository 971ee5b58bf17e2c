/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <pthread.h>

#include "base/budget.h"

static void what_fits_is_taken_and_given_back(void **state)
{
    struct budget budget = {.max = 100};
    struct claim claim = {.is_known = true};
    assert_true(claim_set(&budget, &claim, 100));
    assert_int_equal(budget.used, 100);
    assert_int_equal(budget.strangers, 0);
    assert_false(claim_set(&budget, &claim, 101));
    assert_int_equal(claim.amount, 100);
    assert_int_equal(budget.used, 100);
    assert_int_equal(budget.shed, 1);
    assert_true(claim_set(&budget, &claim, 0));
    assert_int_equal(budget.used, 0);
}

static void strangers_have_half_together(void **state)
{
    struct budget budget = {.max = 100};
    struct claim one = {0}, other = {0}, known = {.is_known = true};
    assert_true(claim_set(&budget, &one, 30));
    assert_false(claim_set(&budget, &other, 21));
    assert_true(claim_set(&budget, &other, 20));
    assert_true(claim_set(&budget, &known, 50));
    assert_false(claim_set(&budget, &known, 51));
}

static void one_party_has_a_quarter_of_it_by_all_its_claims(void **state)
{
    struct budget budget = {.max = 100};
    struct share share = {0};
    struct claim one = {.share = &share, .is_known = true}, other = one;
    struct claim somebody = {.is_known = true};
    assert_true(claim_set(&budget, &one, 20));
    assert_false(claim_set(&budget, &other, 6));
    assert_true(claim_set(&budget, &other, 5));
    assert_true(claim_set(&budget, &somebody, 60));
    assert_true(claim_set(&budget, &one, 0));
    assert_true(claim_set(&budget, &other, 0));
    assert_int_equal(share.used, 0);
}

static void a_claim_may_shrink_while_its_budget_is_over(void **state)
{
    struct budget budget = {.max = 100};
    struct claim claim = {.is_known = true};
    claim_force(&budget, &claim, 150);
    assert_true(budget_is_over(&budget));
    assert_true(claim_set(&budget, &claim, 120));
    assert_true(claim_set(&budget, &claim, 100));
    assert_false(budget_is_over(&budget));
}

static void a_claim_moves_with_who_it_is_of(void **state)
{
    struct budget budget = {.max = 100};
    struct share address = {0}, person = {0};
    struct claim claim = {.share = &address};
    claim_force(&budget, &claim, 60);
    assert_true(budget_is_over_by_strangers(&budget));
    claim_name(&budget, &claim, &person, true);
    assert_false(budget_is_over_by_strangers(&budget));
    assert_int_equal(address.used, 0);
    assert_int_equal(person.used, 60);
    assert_int_equal(budget.used, 60);
    claim_name(&budget, &claim, NULL, false);
    assert_int_equal(person.used, 0);
    assert_int_equal(budget.strangers, 60);
}

static void without_a_budget_or_a_maximum_everything_fits(void **state)
{
    struct budget endless = {.max = 0};
    struct claim claim = {0};
    assert_true(claim_set(NULL, &claim, SIZE_MAX));
    assert_int_equal(claim.amount, 0);
    assert_true(claim_set(&endless, &claim, SIZE_MAX / 2));
    assert_false(budget_is_over(&endless));
    claim_force(&endless, &claim, 0);
}

static void the_limit_is_divided_with_room_to_spare(void **state)
{
    struct budgets budgets;
    budgets_divide(&budgets, MIB(256));
    size_t sum = budgets.page_cache + budgets.live.max + budgets.unsent.max + budgets.calls.max +
                 budgets.connections.max;
    assert_true(sum <= MIB(256) - MIB(256) / 8);
    assert_int_equal(budgets.page_cache, MIB(32));
    budgets_divide(&budgets, MIB(4096));
    assert_int_equal(budgets.page_cache, MIB(64));
    assert_true(memory_limit_default() >= MEMORY_LIMIT_MIN);
}

static void sizes_are_read_with_and_without_a_unit(void **state)
{
    size_t size = 0;
    assert_true(memory_size_read(STR("1073741824"), &size) && size == MIB(1024));
    assert_true(memory_size_read(STR("512MiB"), &size) && size == MIB(512));
    assert_true(memory_size_read(STR("2G"), &size) && size == MIB(2048));
    assert_true(memory_size_read(STR("700 MB"), &size) && size == MIB(700));
    assert_true(memory_size_read(STR("3K"), &size) && size == KIB(3));
    const char *const bad[] = {"", "0", "-1G", "M", "1.5G", "5T", "99999999999G", "1GG", "half"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(memory_size_read(str_of(bad[i]), &size));
}

#define TURNS 20000

static void *take_and_give(void *context)
{
    struct budget *budget = context;
    struct claim claim = {.is_known = true};
    for (int i = 0; i < TURNS; i++) {
        if (claim_set(budget, &claim, 60))
            assert(budget->used <= 120); /* the other's try, before it is taken back */
        claim_force(budget, &claim, 0);
    }
    return NULL;
}

static void threads_leave_nothing_behind(void **state)
{
    struct budget budget = {.max = 100};
    pthread_t other;
    assert_int_equal(pthread_create(&other, NULL, take_and_give, &budget), 0);
    take_and_give(&budget);
    pthread_join(other, NULL);
    assert_int_equal(budget.used, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_is_taken_and_given_back),
        cmocka_unit_test(strangers_have_half_together),
        cmocka_unit_test(one_party_has_a_quarter_of_it_by_all_its_claims),
        cmocka_unit_test(a_claim_may_shrink_while_its_budget_is_over),
        cmocka_unit_test(a_claim_moves_with_who_it_is_of),
        cmocka_unit_test(without_a_budget_or_a_maximum_everything_fits),
        cmocka_unit_test(the_limit_is_divided_with_room_to_spare),
        cmocka_unit_test(sizes_are_read_with_and_without_a_unit),
        cmocka_unit_test(threads_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
