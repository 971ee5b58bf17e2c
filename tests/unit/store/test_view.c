/* SPDX-License-Identifier: Apache-2.0 */
#include "people.h"

#include <stdio.h>
#include <string.h>

static void what_is_put_is_read_back(void **state)
{
    struct place *place = *state;
    struct person ann = person_add(place, "ann@example.org", 100);
    struct view view = place_look(place);
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
    struct view view = place_look(place);
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
    struct view before = place_look(place);
    ann.balance.n = 2;
    person_put(place, &ann);
    struct view after = place_look(place);
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
    struct view view = place_look(place);
    const struct index *index = index_at(person_type, PERSON_BY_RANK);
    struct bounds all = {.prefix = KEY(key_text(STR("guest")))};
    expect_text(view_ids(&view, index, all, ORDER_UP), "2 3 1 5 4");
    expect_text(view_ids(&view, index, all, ORDER_DOWN), "4 5 1 3 2");
    struct bounds some = all;
    some.from = key_int(0);
    some.to = key_int(5);
    expect_text(view_ids(&view, index, some, ORDER_UP), "3 1 5");
    some.from_is_open = true;
    expect_text(view_ids(&view, index, some, ORDER_UP), "1 5");
    some.to_is_open = true;
    expect_text(view_ids(&view, index, some, ORDER_DOWN), "");
    struct bounds none = {.prefix = KEY(key_text(STR("member")))};
    expect_text(view_ids(&view, index, none, ORDER_UP), "");
    expect_text(
        view_ids(&view, index_at(person_type, PERSON_BY_CREATION), (struct bounds){0}, ORDER_DOWN),
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
        struct view view = place_look(place);
        for (int page = 0; page < 4; page++) {
            struct scan scan;
            doc_id id;
            view_scan(&view, index, bounds, order, &scan);
            for (int i = 0; i < 2 && scan_next_id(&scan, &id); i++)
                buffer_format(&text, "%lld ", (long long)id.n);
            bounds.after = scan_position(&scan);
            scan_end(&scan);
        }
        expect_text(buffer_text(&text), order == ORDER_UP ? "2 3 4 5 6 7 8 " : "8 7 6 5 4 3 2 ");
        bounds.until = bounds.after;
        bounds.after = (bytes){0};
        expect_text(view_ids(&view, index, bounds, order),
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
    struct view view = place_look(place);
    struct scan scan;
    struct task task;
    view_scan(&view, index_at(task_type, TASK_BY_OWNER),
              (struct bounds){.prefix = KEY(key_id(ann.id))}, ORDER_UP, &scan);
    assert_true(scan_next(&scan, &task));
    expect_text(task.text, "small");
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
    struct view view = place_look(place);
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

static void reading_too_many_bytes_fails(void **state)
{
    struct place *place = *state;
    struct person ann = person_add(place, "ann", 1);
    AUTO(memory_free) char *large = memory_zeroed(STORE_DOCUMENT_MAX);
    memset(large, 'x', STORE_DOCUMENT_MAX - 1000);
    struct task task = task_add(place, ann.id, large, 1);
    AUTO(arena_done) struct arena arena = {0};
    struct view view = place_look(place);
    str body;
    for (int i = 0; i < 64; i++) {
        arena_reset(&arena);
        view.arena = &arena;
        view.records_reads = false;
        assert_true(view_body(&view, &task_type, task.id, &body));
    }
    assert_false(view_body(&view, &task_type, task.id, &body));
    assert_string_equal(view.fault.text,
                        "This reads more than 64 MiB. Read less, by an index or by pages.");
    assert_int_equal(view_read_set(&view).count, 0);
    view_end(&view);
}

static void a_renewed_view_keeps_its_snapshot_and_nothing_else(void **state)
{
    struct place *place = *state;
    struct person ann = person_add(place, "ann", 1), read;
    AUTO(arena_done) struct arena arena = {0};
    struct view view = place_look(place);
    commit_ts ts = view_ts(&view);
    assert_true(view_row(&view, &person_type, ann.id, &read));
    struct scan scan;
    view_scan(&view, index_at(person_type, PERSON_BY_RANK), (struct bounds){0}, ORDER_UP, &scan);
    assert_true(scan_next(&scan, &read));
    ann.balance.n = 2;
    person_put(place, &ann);
    view_renew(&view, &arena);
    assert_int_equal(view_ts(&view).n, ts.n);
    assert_int_equal(view_read_set(&view).count, 0);
    assert_true(view_row(&view, &person_type, ann.id, &read));
    assert_int_equal(read.balance.n, 1);
    assert_int_equal(view_read_set(&view).count, 1);
    view_end(&view);
}

static void a_position_from_a_stranger_only_narrows(void **state)
{
    struct place *place = *state;
    struct person ann = person_add(place, "ann", 1), bob = person_add(place, "bob", 1);
    for (int i = 0; i < 3; i++) {
        task_add(place, ann.id, "t", i);
        task_add(place, bob.id, "t", i);
    }
    uint8_t junk[STORE_KEY_MAX + 1];
    for (int first = 0; first < 256; first++)
        for (size_t len = 0; len < 40; len += 13) {
            memset(junk, first, sizeof(junk));
            struct view view = place_look(place);
            for (enum order order = ORDER_UP; order <= ORDER_DOWN; order++)
                for (int until = 0; until < 2; until++) {
                    struct bounds bounds = {.prefix = KEY(key_id(ann.id))};
                    *(until ? &bounds.until : &bounds.after) = (bytes){junk, len};
                    str got = view_ids(&view, index_at(task_type, TASK_BY_OWNER), bounds, order);
                    assert_true(got.len == 0 || str_equal(got, STR("3 5 7")) ||
                                str_equal(got, STR("7 5 3")));
                }
            view_end(&view);
        }
    struct view view = place_look(place);
    expect_text(view_ids(&view, index_at(task_type, TASK_BY_OWNER),
                         (struct bounds){.after = {junk, sizeof(junk)}}, ORDER_UP),
                "");
    assert_int_equal(view.fault.kind, FAULT_INPUT);
    view_end(&view);
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
    struct view view = place_look(place);
    const struct index *index = index_at(person_type, PERSON_BY_EMAIL);
    expect_text(
        view_ids(&view, index, (struct bounds){.prefix = KEY(key_text(second.email))}, ORDER_UP),
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
        BOTH(reading_too_many_bytes_fails),
        BOTH(a_renewed_view_keeps_its_snapshot_and_nothing_else),
        BOTH(a_position_from_a_stranger_only_narrows),
        BOTH(long_texts_stay_apart_in_an_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
