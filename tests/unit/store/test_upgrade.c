/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a store under other types than those it was written with; on SQLite. */
#include "people.h"

#include "store/database.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

/* The same documents as people, under the indexes that a test chooses. */
static struct doc_type changed_type(struct index *indexes, size_t count)
{
    struct doc_type type = person_type;
    type.indexes = indexes;
    type.index_count = count;
    return type;
}

static bool reopen_with(struct place *place, const struct doc_type *type, uint32_t version,
                        struct fault *fault)
{
    const struct doc_type *const types[] = {type};
    struct schema schema = {types, 1, version};
    store_close(place->store);
    place->store = NULL;
    *fault = (struct fault){0};
    return place_open(place, &schema, fault);
}

static size_t count_entries(struct place *place, const struct index *index, struct bounds bounds)
{
    struct view view;
    struct scan scan;
    struct person person;
    struct fault fault;
    size_t count = 0;
    assert_true(view_begin(place->store, &place->arena, &view, &fault));
    view_scan(&view, index, bounds, ORDER_UP, &scan);
    while (scan_next(&scan, &person))
        count++;
    assert_false(view.is_failed);
    view_end(&view);
    return count;
}

static void add_people(struct place *place, int count)
{
    struct batch *batch = place_begin(place);
    struct change change;
    change_begin(batch, &place->arena, &change);
    for (int i = 0; i < count; i++) {
        struct person person = {
            .email = str_format(&place->arena, "p%d", i), .balance = {i % 10}, .rank = RANK_MEMBER};
        change_new(&change, &person_type, &person);
        change_put(&change, &person_type, &person);
    }
    assert_true(change_accept(&change));
    place_commit(batch);
}

static void an_added_index_is_filled(void **state)
{
    struct place *place = *state;
    struct fault fault;
    add_people(place, 2500); /* more than two steps */
    struct index indexes[] = {
        {.name = "by_email", .fields = {"email"}, .is_unique = true},
        {.name = "by_balance", .fields = {"balance"}, .holds_body = true},
    };
    struct doc_type type = changed_type(indexes, 2);
    if (!reopen_with(place, &type, 0, &fault))
        fail_msg("%s", fault.text);
    assert_int_equal(count_entries(place, &indexes[0], (struct bounds){0}), 2500);
    assert_int_equal(count_entries(place, &indexes[1], (struct bounds){0}), 2500);
    assert_int_equal(count_entries(place, &indexes[1], (struct bounds){.prefix = KEY(key_int(3))}),
                     250);
}

static void a_changed_index_is_made_anew(void **state)
{
    struct place *place = *state;
    struct fault fault;
    add_people(place, 20);
    struct index indexes[] = {{.name = "by_rank", .fields = {"balance", "rank"}}};
    struct doc_type type = changed_type(indexes, 1);
    assert_true(reopen_with(place, &type, 0, &fault));
    assert_int_equal(count_entries(place, &indexes[0], (struct bounds){.prefix = KEY(key_int(3))}),
                     2);
    assert_int_equal(count_entries(place, &indexes[0], (struct bounds){0}), 20);
}

static void an_index_that_was_gone_for_a_while_is_made_anew(void **state)
{
    struct place *place = *state;
    struct fault fault;
    add_people(place, 5);
    struct doc_type type = changed_type(NULL, 0);
    assert_true(reopen_with(place, &type, 0, &fault));
    struct person person = {.email = STR("later"), .rank = RANK_GUEST};
    struct batch *batch = place_begin(place);
    struct change change;
    change_begin(batch, &place->arena, &change);
    change_new(&change, &type, &person);
    change_put(&change, &type, &person);
    change_remove(&change, &type, (doc_id){1});
    assert_true(change_accept(&change));
    place_commit(batch);
    place_reopen(place);
    for (size_t i = 0; i < person_type.index_count; i++)
        assert_int_equal(count_entries(place, &person_type.indexes[i], (struct bounds){0}), 5);
}

static void a_half_filled_index_is_made_anew(void **state)
{
    struct place *place = *state;
    add_people(place, 5);
    store_close(place->store);
    place->store = NULL;
    sqlite3 *db;
    assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db,
                     "DELETE FROM meta WHERE key=CAST('index people.by_email' AS BLOB);"
                     "INSERT INTO idx_people_by_email(key) VALUES(zeroblob(20));"
                     "DELETE FROM idx_people_by_email WHERE key>x'00ff'",
                     NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_changes(db), 5);
    sqlite3_close(db);
    place_reopen(place);
    assert_int_equal(
        count_entries(place, &person_type.indexes[PERSON_BY_EMAIL], (struct bounds){0}), 5);
}

static void twins_keep_a_unique_index_from_being_made(void **state)
{
    struct place *place = *state;
    struct fault fault;
    add_people(place, 20);
    struct index indexes[] = {{.name = "by_balance", .fields = {"balance"}, .is_unique = true}};
    struct doc_type type = changed_type(indexes, 1);
    assert_false(reopen_with(place, &type, 0, &fault));
    assert_int_equal(fault.kind, FAULT_INPUT);
    assert_true(str_starts(str_of(fault.text),
                           STR("The unique index by_balance of people cannot be made: ")));
    /* Many without a nickname are no twins. */
    struct index others[] = {{.name = "by_nick", .fields = {"nickname"}, .is_unique = true}};
    type = changed_type(others, 1);
    assert_true(reopen_with(place, &type, 0, &fault));
}

static void a_store_of_a_newer_program_is_refused(void **state)
{
    struct place *place = *state;
    struct fault fault;
    assert_true(reopen_with(place, &person_type, 3, &fault));
    assert_false(reopen_with(place, &person_type, 2, &fault));
    assert_string_equal(fault.text,
                        "This store was written by a newer program (schema 3, this one has 2). Use "
                        "that program, or restore an older backup.");
    assert_true(reopen_with(place, &person_type, 4, &fault));
}

static void a_number_does_not_change_hands(void **state)
{
    struct place *place = *state;
    struct fault fault;
    struct doc_type type = person_type;
    type.name = "animals";
    assert_false(reopen_with(place, &type, 0, &fault));
    assert_string_equal(fault.text, "In this store, number 1 is the type people, not animals. Use "
                                    "the program that wrote it.");
}

static void what_was_written_is_there_after_reopening(void **state)
{
    struct place *place = *state;
    add_people(place, 3);
    commit_ts ts = store_newest(place->store);
    place->now.us -= 5000000; /* the clock went back meanwhile */
    place_reopen(place);
    assert_int_equal(store_newest(place->store).n, ts.n);
    struct person ann = person_add(place, "ann", 1);
    assert_int_equal(ann.id.n, 4);
    assert_int_equal(store_newest(place->store).n, ts.n + 1);
}

static void two_processes_do_not_give_the_same_id(void **state)
{
    struct place *place = *state, other = {.engine = STORE_SQLITE, .now = place->now};
    struct fault fault;
    struct outcome outcome = {.session = {1}, .request = 1, .result = STR("r")};
    person_add(place, "a", 1);
    memcpy(other.path, place->path, sizeof(other.path));
    assert_true(place_open(&other, &people_schema, &fault));
    assert_int_equal(person_add(&other, "b", 1).id.n, 2);
    struct batch *batch = place_begin(&other);
    batch_outcome(batch, &outcome);
    commit_ts ts = place_commit(batch);
    store_close(other.store);
    arena_done(&other.arena);

    assert_int_equal(person_add(place, "c", 1).id.n, 3);
    assert_int_equal(store_newest(place->store).n, ts.n + 1);
    batch = place_begin(place);
    assert_true(batch_find_outcome(batch, &place->arena, &outcome));
    batch_drop(batch);
    assert_int_equal(
        count_entries(place, &person_type.indexes[PERSON_BY_EMAIL], (struct bounds){0}), 3);
}

static void a_backup_is_a_store(void **state)
{
    struct place *place = *state;
    struct fault fault = {0};
    char to[128];
    add_people(place, 3);
    snprintf(to, sizeof(to), "%s/copy.db", place->folder);
    if (!store_backup(place->store, to, &fault))
        fail_msg("%s", fault.text);
    assert_false(store_backup(place->store, to, &fault)); /* never over a file */
    add_people(place, 0);
    person_add(place, "ann", 1);
    store_close(place->store);
    snprintf(place->path, sizeof(place->path), "%.60s/copy.db", place->folder);
    place->store = NULL;
    assert_true(place_open(place, &people_schema, &fault));
    assert_int_equal(
        count_entries(place, &person_type.indexes[PERSON_BY_EMAIL], (struct bounds){0}), 3);
}

static void a_schema_that_is_wrong_is_refused_by_name(void **state)
{
    struct place *place = *state;
    struct fault fault;
    struct index no_field[] = {{.name = "by_age", .fields = {"age"}}};
    struct doc_type type = changed_type(no_field, 1);
    assert_false(reopen_with(place, &type, 0, &fault));
    assert_string_equal(fault.text, "index people.by_age names age, which is no field");
    struct index no_kind[] = {{.name = "by_id", .fields = {"_id"}}};
    type = changed_type(no_kind, 1);
    assert_false(reopen_with(place, &type, 0, &fault));
    assert_string_equal(fault.text, "index people.by_id names _id, which cannot be indexed");
    type = person_type;
    type.number = 251;
    assert_false(reopen_with(place, &type, 0, &fault));
    assert_string_equal(fault.text, "people has number 251; 1 to 250 are for types");
    type = person_type;
    type.name = "p\"; DROP TABLE meta; --";
    assert_false(reopen_with(place, &type, 0, &fault));
    assert_string_equal(fault.text, "a document type has no proper name");
    const struct doc_type *const twice[] = {&person_type, &person_type};
    struct schema schema = {twice, 2, 0};
    assert_false(place_open(place, &schema, &fault));
    assert_string_equal(fault.text, "people and people have the same number");
}

/* One column of the first row, asked as a person with a shell would. */
static str ask(struct place *place, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    str answer = str_copy(&place->arena, str_of((const char *)sqlite3_column_text(statement, 0)));
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return answer;
}

static void a_shell_finds_tables_by_the_contracts_names(void **state)
{
    struct place *place = *state;
    person_add(place, "ann", 5);
    assert_true(str_equal(ask(place, "SELECT email||balance||rank FROM people"), STR("ann5guest")));
    assert_true(str_equal(ask(place, "SELECT count(*) FROM tasks WHERE isDone"), STR("0")));
    str version = ask(place, "PRAGMA schema_version");
    place_reopen(place);
    assert_true(str_equal(ask(place, "PRAGMA schema_version"), version)); /* made once */
}

static void the_file_is_private(void **state)
{
    struct place *place = *state;
    char command[160];
    person_add(place, "ann", 1);
    snprintf(command, sizeof(command), "test \"$(stat -c %%a %s/test.db*|sort -u)\" = 600",
             place->folder);
    assert_int_equal(system(command), 0);
}

#define CASE(name)                                                                                 \
    cmocka_unit_test_prestate_setup_teardown(name, place_setup, place_teardown, &on_sqlite)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_added_index_is_filled),
        CASE(a_changed_index_is_made_anew),
        CASE(an_index_that_was_gone_for_a_while_is_made_anew),
        CASE(a_half_filled_index_is_made_anew),
        CASE(twins_keep_a_unique_index_from_being_made),
        CASE(a_store_of_a_newer_program_is_refused),
        CASE(a_number_does_not_change_hands),
        CASE(what_was_written_is_there_after_reopening),
        CASE(two_processes_do_not_give_the_same_id),
        CASE(a_backup_is_a_store),
        CASE(a_schema_that_is_wrong_is_refused_by_name),
        CASE(a_shell_finds_tables_by_the_contracts_names),
        CASE(the_file_is_private),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
