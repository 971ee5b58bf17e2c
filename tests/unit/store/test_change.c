/* SPDX-License-Identifier: Apache-2.0 */
#include "people.h"

#include <stdio.h>
#include <string.h>

static void a_unique_index_refuses_a_twin(void **state)
{
    struct place *place = *state;
    struct person ann = person_add(place, "ann", 1);
    struct batch *batch = place_begin(place);
    struct change change;
    struct person twin = {.email = STR("ann"), .rank = RANK_GUEST};
    change_begin(batch, &place->arena, &change);
    change_new(&change, &person_type, &twin);
    change_put(&change, &person_type, &twin);
    assert_true(change.view.is_failed);
    assert_int_equal(change.view.fault.kind, FAULT_INPUT);
    assert_string_equal(change.view.fault.text, "a people with this email exists already");
    assert_false(change_accept(&change));

    /* Itself again, and two without a nickname, are no twins; a twin in the same batch is. */
    change_begin(batch, &place->arena, &change);
    ann.balance.n = 7;
    change_put(&change, &person_type, &ann);
    struct person bob = {.email = STR("bob"), .rank = RANK_GUEST, .nickname = STR("b")};
    change_new(&change, &person_type, &bob);
    change_put(&change, &person_type, &bob);
    assert_true(change_accept(&change));
    change_begin(batch, &place->arena, &change);
    ann.nickname = STR("b");
    change_put(&change, &person_type, &ann);
    assert_string_equal(change.view.fault.text, "a people with this nickname exists already");
    change_drop(&change);

    /* The name is free again in the change that removes its holder. */
    change_begin(batch, &place->arena, &change);
    change_remove(&change, &person_type, bob.id);
    change_put(&change, &person_type, &ann);
    assert_true(change_accept(&change));
    place_commit(batch);
    struct view view = place_look(place);
    assert_int_equal(
        view_find(&view, index_at(person_type, PERSON_BY_NICKNAME), KEY(key_text(STR("b")))).n,
        ann.id.n);
    view_end(&view);
}

static void only_what_changed_is_written(void **state)
{
    struct place *place = *state;
    struct person ann = person_add(place, "ann", 1);
    struct task task = task_add(place, ann.id, "t", 1);
    ann.balance.n = 2;
    person_put(place, &ann);
    assert_true(write_set_has_row(place, &person_type, ann.id));
    assert_false(write_set_has(place, index_at(person_type, PERSON_BY_EMAIL), ann.id));
    assert_true(write_set_has(place, index_at(person_type, PERSON_BY_RANK), ann.id));
    assert_int_equal(place->write_count, 3); /* row, entry removed, entry added */

    commit_ts before = store_newest(place->store);
    person_put(place, &ann); /* the same again */
    assert_int_equal(store_newest(place->store).n, before.n);

    struct batch *batch = place_begin(place);
    struct change change;
    change_begin(batch, &place->arena, &change);
    task.size = (struct maybe_int){5, true};
    change_put(&change, &task_type, &task);
    assert_true(change_accept(&change));
    place_commit(batch);
    /* An entry that holds the body follows the body. */
    assert_true(write_set_has(place, index_at(task_type, TASK_BY_OWNER), task.id));
    assert_false(write_set_has(place, index_at(task_type, TASK_BY_DONE), task.id));
    assert_int_equal(place->write_count, 4);
}

static void a_removed_row_leaves_no_entry(void **state)
{
    struct place *place = *state;
    struct person ann = person_add(place, "ann", 1);
    struct batch *batch = place_begin(place);
    struct change change;
    change_begin(batch, &place->arena, &change);
    change_remove(&change, &person_type, ann.id);
    change_remove(&change, &person_type, (doc_id){99}); /* not there: nothing happens */
    struct person read;
    assert_false(view_row(&change.view, &person_type, ann.id, &read));
    assert_true(change_accept(&change));
    place_commit(batch);
    struct view view = place_look(place);
    for (size_t i = 0; i < person_type.index_count; i++)
        expect_text(view_ids(&view, &person_type.indexes[i], (struct bounds){0}, ORDER_UP), "");
    assert_false(view_row(&view, &person_type, ann.id, &read));
    view_end(&view);
}

static void a_row_removed_and_put_again_in_one_batch_is_there(void **state)
{
    struct place *place = *state;
    struct person ann = person_add(place, "ann", 1);
    struct batch *batch = place_begin(place);
    for (int i = 0; i < 2; i++) {
        struct change change;
        change_begin(batch, &place->arena, &change);
        if (i == 0)
            change_remove(&change, &person_type, ann.id);
        else
            change_put(&change, &person_type, &ann);
        assert_true(change_accept(&change));
    }
    place_commit(batch);
    struct view view = place_look(place);
    struct person read;
    assert_true(view_row(&view, &person_type, ann.id, &read));
    for (size_t i = 0; i < person_type.index_count; i++)
        expect_text(view_ids(&view, &person_type.indexes[i], (struct bounds){0}, ORDER_UP), "1");
    view_end(&view);
}

static void a_change_sees_its_own_writes_and_those_below(void **state)
{
    struct place *place = *state;
    struct person ann = person_add(place, "ann", 1);
    struct batch *batch = place_begin(place);
    const struct index *index = index_at(person_type, PERSON_BY_RANK);
    struct bounds all = {.prefix = KEY(key_text(STR("guest")))};
    struct change first, second, inner;
    change_begin(batch, &place->arena, &first);
    struct person bob = {.email = STR("bob"), .balance = {5}, .rank = RANK_GUEST};
    change_new(&first, &person_type, &bob);
    change_put(&first, &person_type, &bob);
    expect_text(view_ids(&first.view, index, all, ORDER_UP), "1 2");
    assert_true(change_accept(&first));

    change_begin(batch, &place->arena, &second);
    expect_text(view_ids(&second.view, index, all, ORDER_DOWN), "2 1");
    change_nest(&second, &inner);
    ann.balance.n = 10;
    change_put(&inner, &person_type, &ann);
    change_remove(&inner, &person_type, bob.id);
    expect_text(view_ids(&inner.view, index, all, ORDER_UP), "1");
    change_drop(&inner);
    expect_text(view_ids(&second.view, index, all, ORDER_UP), "1 2");
    change_nest(&second, &inner);
    change_put(&inner, &person_type, &ann);
    assert_true(change_accept(&inner));
    expect_text(view_ids(&second.view, index, all, ORDER_UP), "2 1");
    struct person read;
    assert_true(view_row(&second.view, &person_type, ann.id, &read));
    assert_int_equal(read.balance.n, 10);
    read.balance.n = 11; /* the entry that the nested change wrote must go */
    change_put(&second, &person_type, &read);
    assert_true(change_accept(&second));
    place_commit(batch);

    struct view view = place_look(place);
    expect_text(view_ids(&view, index, all, ORDER_UP), "2 1");
    assert_true(view_row(&view, &person_type, ann.id, &read));
    assert_int_equal(read.balance.n, 11);
    view_end(&view);
}

static void a_failed_change_leaves_nothing_and_the_batch_goes_on(void **state)
{
    struct place *place = *state;
    struct batch *batch = place_begin(place);
    struct change change;
    change_begin(batch, &place->arena, &change);
    struct person ann = {.email = STR("ann"), .rank = RANK_GUEST}, none = {0};
    change_new(&change, &person_type, &ann);
    change_put(&change, &person_type, &ann);
    change_put(&change, &person_type, &none);
    assert_int_equal(change.view.fault.kind, FAULT_BUG);
    struct person read;
    assert_false(view_row(&change.view, &person_type, ann.id, &read)); /* it sticks */
    assert_false(change_accept(&change));
    change_begin(batch, &place->arena, &change);
    assert_false(view_row(&change.view, &person_type, ann.id, &read));
    assert_false(change.view.is_failed);
    assert_true(change_accept(&change));
    commit_ts before = store_newest(place->store);
    assert_int_equal(place_commit(batch).n, before.n);
}

static void a_scan_is_not_moved_by_writes_beside_it(void **state)
{
    struct place *place = *state;
    struct person ann = person_add(place, "ann", 1);
    for (int i = 0; i < 5; i++)
        task_add(place, ann.id, "t", i);
    struct batch *batch = place_begin(place);
    struct change change;
    change_begin(batch, &place->arena, &change);
    struct scan scan;
    struct task task;
    int count = 0;
    view_scan(&change.view, index_at(task_type, TASK_BY_OWNER_SIZE),
              (struct bounds){.prefix = KEY(key_id(ann.id))}, ORDER_UP, &scan);
    while (scan_next(&scan, &task)) {
        if (count == 1) /* a later one goes, and is not met any more */
            change_remove(&change, &task_type, (doc_id){task.id.n + 1});
        task.size.value += 100; /* moves its entry ahead of the scan */
        change_put(&change, &task_type, &task);
        assert_true(++count < 10);
    }
    assert_int_equal(count, 4);
    assert_true(change_accept(&change));
    place_commit(batch);
    struct view view = place_look(place);
    expect_text(view_ids(&view, index_at(task_type, TASK_BY_OWNER_SIZE),
                         (struct bounds){.prefix = KEY(key_id(ann.id)), .from = key_int(100)},
                         ORDER_UP),
                "2 3 5 6");
    view_end(&view);
}

static void the_clock_going_back_moves_nothing_back(void **state)
{
    struct place *place = *state;
    struct person ann = person_add(place, "ann", 1);
    commit_ts before = store_newest(place->store);
    assert_int_equal(before.n, (uint64_t)place->now.us * 1000);
    place->now.us -= 3600 * INT64_C(1000000);
    struct person bob = person_add(place, "bob", 1);
    assert_int_equal(store_newest(place->store).n, before.n + 1);
    assert_int_equal(bob.created.n, ann.created.n + 1);
    place->now.us += 7200 * INT64_C(1000000);
    struct person cid = person_add(place, "cid", 1);
    assert_int_equal(store_newest(place->store).n, (uint64_t)place->now.us * 1000);
    assert_true(tick_to_ms(cid.created) == (double)place->now.us / 1000.0);
    assert_int_equal(place->announced.n, store_newest(place->store).n);
}

static void an_outcome_is_found_in_its_batch_and_afterwards(void **state)
{
    struct place *place = *state;
    struct outcome outcome = {
        .session = {1, 2, 3}, .request = 7, .result = STR("{\"a\":1} two words")};
    struct outcome sought = {.session = {1, 2, 3}, .request = 7};
    struct outcome other = {.session = {1, 2, 3}, .request = 8};
    struct batch *batch = place_begin(place);
    assert_false(batch_find_outcome(batch, &place->arena, &sought));
    batch_outcome(batch, &outcome);
    assert_true(batch_find_outcome(batch, &place->arena, &sought));
    assert_false(batch_find_outcome(batch, &place->arena, &other));
    commit_ts ts = place_commit(batch);
    assert_int_equal(place->write_count, 0);
    batch = place_begin(place);
    sought.result = (str){0};
    assert_true(batch_find_outcome(batch, &place->arena, &sought));
    expect_text(sought.result, "{\"a\":1} two words");
    assert_int_equal(sought.ts.n, ts.n);
    batch_drop(batch);
}

/* Removes one person, makes another, and counts tasks; answers whether it was accepted. */
static bool do_much(struct place *place)
{
    struct batch *batch = place_begin(place);
    struct change change;
    struct scan scan;
    struct task task;
    struct person ann, bob = {.email = STR("bob"), .rank = RANK_GUEST};
    change_begin(batch, &place->arena, &change);
    view_row(&change.view, &person_type, (doc_id){1}, &ann);
    change_remove(&change, &person_type, (doc_id){1});
    change_new(&change, &person_type, &bob);
    change_put(&change, &person_type, &bob);
    view_scan(&change.view, index_at(task_type, TASK_BY_OWNER), (struct bounds){0}, ORDER_UP,
              &scan);
    while (scan_next(&scan, &task))
        change_remove(&change, &task_type, task.id);
    if (change_accept(&change)) {
        place_commit(batch);
        return true;
    }
    batch_drop(batch);
    return false;
}

static void whichever_operation_fails_nothing_is_done(void **state)
{
    struct place *place = *state;
    struct person ann = person_add(place, "ann", 1);
    task_add(place, ann.id, "t", 1);
    commit_ts before = store_newest(place->store);
    int64_t at = 1;
    for (store_fail_at(place->store, at); !do_much(place); store_fail_at(place->store, ++at)) {
        assert_int_equal(store_newest(place->store).n, before.n);
        struct view view = place_look(place);
        expect_text(
            view_ids(&view, index_at(person_type, PERSON_BY_EMAIL), (struct bounds){0}, ORDER_UP),
            "1");
        view_end(&view);
    }
    assert_true(at > 6);
    assert_int_equal(store_fail_at(place->store, 0), at - 1);
}

static void each_limit_fails_with_its_name(void **state)
{
    struct place *place = *state;
    struct batch *batch = place_begin(place);
    struct change change;
    struct task task = {.owner = {1}};
    change_begin(batch, &place->arena, &change);
    AUTO(memory_free) char *large = memory_zeroed(STORE_DOCUMENT_MAX);
    memset(large, 'x', STORE_DOCUMENT_MAX - 1);
    task.text = str_of(large);
    change_new(&change, &task_type, &task);
    change_put(&change, &task_type, &task);
    assert_string_equal(change.view.fault.text, "A document of tasks is larger than 1 MiB.");
    change_drop(&change);

    change_begin(batch, &place->arena, &change);
    task.text = str_slice(task.text, 0, STORE_DOCUMENT_MAX / 2);
    for (int i = 0; i < 200 && !change.view.is_failed; i++) {
        change_new(&change, &task_type, &task);
        change_put(&change, &task_type, &task);
    }
    assert_string_equal(change.view.fault.text,
                        "This writes more than 64 MiB. Write less at once.");
    change_drop(&change);

    change_begin(batch, &place->arena, &change);
    change.view.records_reads = false;
    task.text = STR("t");
    for (int i = 0; i < STORE_WRITES_MAX; i++) {
        change_new(&change, &task_type, &task);
        change_put(&change, &task_type, &task);
    }
    assert_false(change.view.is_failed);
    change_new(&change, &task_type, &task);
    change_put(&change, &task_type, &task);
    assert_string_equal(change.view.fault.text,
                        "This writes more than 16000 documents. Write fewer at once.");
    change_drop(&change);

    change_begin(batch, &place->arena, &change);
    for (int i = 0; i < STORE_READS_MAX; i++)
        assert_false(view_body(&change.view, &task_type, (doc_id){1}, &(str){0}));
    assert_false(change.view.is_failed);
    assert_false(view_body(&change.view, &task_type, (doc_id){1}, &(str){0}));
    assert_string_equal(
        change.view.fault.text,
        "This reads more than 32000 documents. Read fewer, by an index or by pages.");
    change_drop(&change);
    batch_drop(batch);
}

#define CASE(name, engine)                                                                         \
    cmocka_unit_test_prestate_setup_teardown(name, place_setup, place_teardown, engine)
#define BOTH(name) CASE(name, &on_memory), CASE(name, &on_sqlite)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(a_unique_index_refuses_a_twin),
        BOTH(only_what_changed_is_written),
        BOTH(a_removed_row_leaves_no_entry),
        BOTH(a_row_removed_and_put_again_in_one_batch_is_there),
        BOTH(a_change_sees_its_own_writes_and_those_below),
        BOTH(a_failed_change_leaves_nothing_and_the_batch_goes_on),
        BOTH(a_scan_is_not_moved_by_writes_beside_it),
        BOTH(the_clock_going_back_moves_nothing_back),
        BOTH(an_outcome_is_found_in_its_batch_and_afterwards),
        BOTH(whichever_operation_fails_nothing_is_done),
        BOTH(each_limit_fails_with_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
