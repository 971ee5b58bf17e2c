/* SPDX-License-Identifier: Apache-2.0 */
#include "people.h"

#include <stdio.h>
#include <string.h>

static struct view look(struct place *place)
{
    struct view view;
    struct fault fault = {0};
    if (!view_begin(place->store, &place->arena, &view, &fault))
        fail_msg("%s", fault.text);
    return view;
}

/* The ids a scan gives, as text: "3 1 2". */
static str ids(struct view *view, const struct index *index, struct bounds bounds, enum order order)
{
    AUTO(buffer_done) struct buffer text = {0};
    struct scan scan;
    doc_id id;
    view_scan(view, index, bounds, order, &scan);
    while (scan_next_id(&scan, &id))
        buffer_format(&text, "%s%lld", text.len == 0 ? "" : " ", (long long)id.n);
    scan_end(&scan);
    return str_copy(view->arena, buffer_text(&text));
}

static void expect(str got, const char *wanted)
{
    if (!str_equal(got, str_of(wanted)))
        fail_msg("got \"%.*s\", wanted \"%s\"", STR_ARG(got), wanted);
}

static void what_is_put_is_read_back(void **state)
{
    struct place *place = *state;
    struct person ann = person_add(place, "ann@example.org", 100);
    struct view view = look(place);
    struct person read;
    assert_true(view_row(&view, &person_type, ann.id, &read));
    assert_true(str_equal(read.email, STR("ann@example.org")));
    assert_int_equal(read.balance.n, 100);
    assert_int_equal(read.rank, RANK_GUEST);
    assert_false(read.seen_at.is_set);
    assert_int_equal(read.created.n, ann.created.n);
    assert_int_equal(view_find(&view, index_at(person_type, PERSON_BY_EMAIL),
                               KEY(key_text(STR("ann@example.org"))))
                         .n,
                     ann.id.n);
    view_end(&view);
}

static void an_absent_row_is_zero_and_recorded(void **state)
{
    struct place *place = *state;
    struct view view = look(place);
    struct person read;
    memset(&read, 0x5a, sizeof(read));
    assert_false(view_row(&view, &person_type, (doc_id){77}, &read));
    assert_int_equal(read.id.n, 0);
    assert_false(view.is_failed);
    struct read_set reads = view_read_set(&view);
    assert_int_equal(reads.count, 1);
    assert_int_equal(reads.ranges[0].space, 1 << 8);
    assert_int_equal(reads.ranges[0].from.len, 8);
    assert_int_equal(reads.ranges[0].from.at[7], 77);
    assert_int_equal(
        view_find(&view, index_at(person_type, PERSON_BY_EMAIL), KEY(key_text(STR("nobody")))).n,
        0);
    assert_int_equal(view_read_set(&view).count, 2);
    view_end(&view);
}

static void a_view_keeps_its_snapshot(void **state)
{
    struct place *place = *state;
    struct person ann = person_add(place, "ann", 1);
    struct view before = look(place);
    ann.balance.n = 2;
    person_put(place, &ann);
    struct view after = look(place);
    struct person read;
    assert_true(view_row(&before, &person_type, ann.id, &read));
    assert_int_equal(read.balance.n, 1);
    assert_true(view_row(&after, &person_type, ann.id, &read));
    assert_int_equal(read.balance.n, 2);
    assert_true(view_ts(&before).n < view_ts(&after).n);
    assert_int_equal(view_ts(&after).n, store_newest(place->store).n);
    view_end(&before);
    view_end(&after);
}

static void a_scan_is_in_order_both_ways_and_within_its_bounds(void **state)
{
    struct place *place = *state;
    static const int64_t balances[] = {5, -3, 0, 12, 5};
    for (size_t i = 0; i < ARRAY_LEN(balances); i++)
        person_add(place, (const char *[]){"a", "b", "c", "d", "e"}[i], balances[i]);
    struct view view = look(place);
    const struct index *index = index_at(person_type, PERSON_BY_RANK);
    struct bounds all = {.prefix = KEY(key_text(STR("guest")))};
    expect(ids(&view, index, all, ORDER_UP), "2 3 1 5 4");
    expect(ids(&view, index, all, ORDER_DOWN), "4 5 1 3 2");
    struct bounds some = all;
    some.from = key_int(0);
    some.to = key_int(5);
    expect(ids(&view, index, some, ORDER_UP), "3 1 5");
    some.from_is_open = true;
    expect(ids(&view, index, some, ORDER_UP), "1 5");
    some.to_is_open = true;
    expect(ids(&view, index, some, ORDER_DOWN), "");
    struct bounds none = {.prefix = KEY(key_text(STR("member")))};
    expect(ids(&view, index, none, ORDER_UP), "");
    expect(ids(&view, index_at(person_type, PERSON_BY_CREATION), (struct bounds){0}, ORDER_DOWN),
           "5 4 3 2 1");
    view_end(&view);
}

static void pages_follow_one_another_without_gap(void **state)
{
    struct place *place = *state;
    struct person ann = person_add(place, "ann", 1);
    for (int i = 0; i < 7; i++)
        task_add(place, ann.id, "t", i);
    const struct index *index = index_at(task_type, TASK_BY_OWNER);
    for (enum order order = ORDER_UP; order <= ORDER_DOWN; order++) {
        AUTO(buffer_done) struct buffer text = {0};
        struct bounds bounds = {.prefix = KEY(key_id(ann.id))};
        struct view view = look(place);
        for (int page = 0; page < 4; page++) {
            struct scan scan;
            doc_id id;
            view_scan(&view, index, bounds, order, &scan);
            for (int i = 0; i < 2 && scan_next_id(&scan, &id); i++)
                buffer_format(&text, "%lld ", (long long)id.n);
            bounds.after = scan_position(&scan);
            scan_end(&scan);
        }
        expect(buffer_text(&text), order == ORDER_UP ? "2 3 4 5 6 7 8 " : "8 7 6 5 4 3 2 ");
        bounds.until = bounds.after;
        bounds.after = (bytes){0};
        expect(ids(&view, index, bounds, order),
               order == ORDER_UP ? "2 3 4 5 6 7 8" : "8 7 6 5 4 3 2");
        view_end(&view);
    }
}

static void a_scan_reads_rows_and_bodies(void **state)
{
    struct place *place = *state;
    struct person ann = person_add(place, "ann", 1);
    AUTO(memory_free) char *large = memory_zeroed(3000);
    memset(large, 'x', 2999);
    task_add(place, ann.id, "small", 1);
    task_add(place, ann.id, large, 2);
    struct view view = look(place);
    struct scan scan;
    struct task task;
    view_scan(&view, index_at(task_type, TASK_BY_OWNER),
              (struct bounds){.prefix = KEY(key_id(ann.id))}, ORDER_UP, &scan);
    assert_true(scan_next(&scan, &task));
    expect(task.text, "small");
    assert_int_equal(view_read_set(&view).count, 1); /* its body is in the entry */
    assert_true(scan_next(&scan, &task));
    assert_int_equal(task.text.len, 2999);
    assert_int_equal(view_read_set(&view).count, 2); /* too large for that: the row was read */
    assert_false(scan_next(&scan, &task));
    assert_int_equal(task.id.n, 0);
    str body;
    view_scan(&view, index_at(task_type, TASK_BY_DONE), (struct bounds){0}, ORDER_UP, &scan);
    assert_true(scan_next_body(&scan, &body));
    assert_true(str_starts(body, STR("{\"_id\":\"")));
    view_end(&view);
}

static void a_read_set_reaches_only_as_far_as_was_read(void **state)
{
    struct place *place = *state;
    struct person ann = person_add(place, "ann", 1), bob = person_add(place, "bob", 2);
    struct person cid = person_add(place, "cid", 3);
    const struct index *index = index_at(person_type, PERSON_BY_EMAIL);
    struct view view = look(place);
    struct scan scan;
    doc_id id;
    view_scan(&view, index, (struct bounds){0}, ORDER_UP, &scan);
    assert_int_equal(view_read_set(&view).count, 0);
    assert_true(scan_next_id(&scan, &id) && id.n == ann.id.n);
    assert_true(scan_next_id(&scan, &id) && id.n == bob.id.n);
    struct read_set reads = view_read_set(&view);
    assert_int_equal(reads.count, 1);
    cid.email = STR("cie");
    person_put(place, &cid);
    assert_true(write_set_has(place, index, cid.id));
    assert_false(read_set_is_hit(reads, place->writes, place->write_count));
    bob.balance.n = 9;
    person_put(place, &bob); /* the row, but not the entry */
    assert_false(read_set_is_hit(reads, place->writes, place->write_count));
    person_add(place, "aaa", 0);
    assert_true(read_set_is_hit(reads, place->writes, place->write_count));
    assert_true(scan_next_id(&scan, &id) && id.n == cid.id.n);
    assert_false(scan_next_id(&scan, &id));
    reads = view_read_set(&view);
    person_add(place, "zed", 0);
    assert_true(read_set_is_hit(reads, place->writes, place->write_count));
    view_end(&view);
}

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
    struct view view = look(place);
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
    struct view view = look(place);
    for (size_t i = 0; i < person_type.index_count; i++)
        expect(ids(&view, &person_type.indexes[i], (struct bounds){0}, ORDER_UP), "");
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
    struct view view = look(place);
    struct person read;
    assert_true(view_row(&view, &person_type, ann.id, &read));
    for (size_t i = 0; i < person_type.index_count; i++)
        expect(ids(&view, &person_type.indexes[i], (struct bounds){0}, ORDER_UP), "1");
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
    expect(ids(&first.view, index, all, ORDER_UP), "1 2");
    assert_true(change_accept(&first));

    change_begin(batch, &place->arena, &second);
    expect(ids(&second.view, index, all, ORDER_DOWN), "2 1");
    change_nest(&second, &inner);
    ann.balance.n = 10;
    change_put(&inner, &person_type, &ann);
    change_remove(&inner, &person_type, bob.id);
    expect(ids(&inner.view, index, all, ORDER_UP), "1");
    expect(ids(&second.view, index, all, ORDER_UP), "1 2");
    change_drop(&inner);
    expect(ids(&second.view, index, all, ORDER_UP), "1 2");
    change_nest(&second, &inner);
    change_put(&inner, &person_type, &ann);
    assert_true(change_accept(&inner));
    expect(ids(&second.view, index, all, ORDER_UP), "2 1");
    struct person read;
    assert_true(view_row(&second.view, &person_type, ann.id, &read));
    assert_int_equal(read.balance.n, 10);
    read.balance.n = 11; /* the entry that the nested change wrote must go */
    change_put(&second, &person_type, &read);
    assert_true(change_accept(&second));
    place_commit(batch);

    struct view view = look(place);
    expect(ids(&view, index, all, ORDER_UP), "2 1");
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
    struct view view = look(place);
    expect(ids(&view, index_at(task_type, TASK_BY_OWNER_SIZE),
               (struct bounds){.prefix = KEY(key_id(ann.id)), .from = key_int(100)}, ORDER_UP),
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
    expect(sought.result, "{\"a\":1} two words");
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
        struct view view = look(place);
        expect(ids(&view, index_at(person_type, PERSON_BY_EMAIL), (struct bounds){0}, ORDER_UP),
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

static void long_texts_stay_apart_in_an_index(void **state)
{
    struct place *place = *state;
    char long_text[5001];
    memset(long_text, 'y', 5000);
    long_text[5000] = 0;
    person_add(place, long_text, 1);
    long_text[4999] = 'z';
    struct person second = person_add(place, long_text, 2);
    struct view view = look(place);
    const struct index *index = index_at(person_type, PERSON_BY_EMAIL);
    expect(ids(&view, index, (struct bounds){.prefix = KEY(key_text(second.email))}, ORDER_UP),
           "2");
    view_end(&view);
}

#define CASE(name, engine)                                                                         \
    cmocka_unit_test_prestate_setup_teardown(name, place_setup, place_teardown, engine)
#define BOTH(name) CASE(name, &on_memory), CASE(name, &on_sqlite)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(what_is_put_is_read_back),
        BOTH(an_absent_row_is_zero_and_recorded),
        BOTH(a_view_keeps_its_snapshot),
        BOTH(a_scan_is_in_order_both_ways_and_within_its_bounds),
        BOTH(pages_follow_one_another_without_gap),
        BOTH(a_scan_reads_rows_and_bodies),
        BOTH(a_read_set_reaches_only_as_far_as_was_read),
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
        BOTH(long_texts_stay_apart_in_an_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
