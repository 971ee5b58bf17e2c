/* SPDX-License-Identifier: Apache-2.0 */
/* That power cuts and failures lose nothing behind it is in test_disk.c, where the engine uses it.
 */
#include "vfs_fault.h"

#include "store/gather.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sqlite3.h>

#define ROWS 400 /* of a page each, near enough */

struct place {
    struct gather *gather;
    sqlite3 *db;
};

static void run(sqlite3 *db, const char *sql)
{
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static int64_t ask(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t answer = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return answer;
}

static int insert(void **state)
{
    struct place *place = memory_zeroed(sizeof(*place));
    struct fault fault;
    disk_insert();
    assert_true(gather_new(&place->gather, &fault));
    assert_int_equal(sqlite3_open_v2("/disk/gather.db", &place->db,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                                     gather_name(place->gather)),
                     SQLITE_OK);
    run(place->db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                   "CREATE TABLE t(id INTEGER PRIMARY KEY, body BLOB)");
    *state = place;
    return 0;
}

static int take_out(void **state)
{
    struct place *place = *state;
    assert_int_equal(sqlite3_close(place->db), SQLITE_OK);
    gather_free(place->gather);
    free(place);
    disk_remove();
    return 0;
}

static void add_rows(sqlite3 *db)
{
    for (int i = 0; i < ROWS; i++)
        run(db, "INSERT INTO t(body) VALUES(zeroblob(3500))");
}

static void a_commit_of_many_pages_is_a_few_writes(void **state)
{
    struct place *place = *state;
    run(place->db, "BEGIN");
    add_rows(place->db);
    disk_set_plan((struct disk_plan){.calls = DISK_WRITE});
    run(place->db, "COMMIT");
    int pages = (int)ask(place->db, "PRAGMA page_count");
    assert_true(pages >= ROWS);
    int writes = disk_calls();
    assert_true(writes >= 1);
    assert_true((size_t)writes <= (size_t)pages * 4200 / GATHER_ROOM + 3);
}

static void another_connection_sees_a_commit_at_once(void **state)
{
    struct place *place = *state;
    sqlite3 *other;
    assert_int_equal(sqlite3_open("/disk/gather.db", &other), SQLITE_OK);
    for (int i = 1; i <= 5; i++) {
        run(place->db, "INSERT INTO t(body) VALUES('x')");
        assert_int_equal(ask(other, "SELECT count(*) FROM t"), i);
    }
    sqlite3_close(other);
}

/* With no cache to speak of, pages go to the log before the commit and are read from there. */
static void what_waits_is_read_back(void **state)
{
    struct place *place = *state;
    run(place->db, "PRAGMA cache_size=4; BEGIN");
    add_rows(place->db);
    run(place->db, "UPDATE t SET body=zeroblob(id % 100 + 3000)");
    assert_int_equal(ask(place->db, "SELECT sum(length(body)-3000) FROM t"), 4 * 4950);
    run(place->db, "COMMIT");
    assert_int_equal(ask(place->db, "SELECT sum(length(body)-3000) FROM t"), 4 * 4950);
    assert_int_equal(
        ask(place->db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check<>'ok'"),
        0);
}

static void a_write_that_fails_fails_the_commit_and_no_later_one(void **state)
{
    struct place *place = *state;
    disk_set_plan((struct disk_plan){.calls = DISK_WRITE, .at = 1, .result = SQLITE_FULL});
    run(place->db, "BEGIN; INSERT INTO t(body) VALUES('lost')");
    assert_int_equal(sqlite3_exec(place->db, "COMMIT", NULL, NULL, NULL), SQLITE_FULL);
    sqlite3_exec(place->db, "ROLLBACK", NULL, NULL, NULL); /* if it is still open */
    run(place->db, "INSERT INTO t(body) VALUES('kept')");
    assert_int_equal(ask(place->db, "SELECT count(*) FROM t WHERE body='kept'"), 1);
    assert_int_equal(ask(place->db, "SELECT count(*) FROM t"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_commit_of_many_pages_is_a_few_writes, insert, take_out),
        cmocka_unit_test_setup_teardown(another_connection_sees_a_commit_at_once, insert, take_out),
        cmocka_unit_test_setup_teardown(what_waits_is_read_back, insert, take_out),
        cmocka_unit_test_setup_teardown(a_write_that_fails_fails_the_commit_and_no_later_one,
                                        insert, take_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
