/* SPDX-License-Identifier: Apache-2.0 */
/* backup, restore and doctor as whole commands, on folders made for the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "blob/blob.h"
#include "blob/folder.h"
#include "cli/archive.h"
#include "cli/cli.h"
#include "cli/tar.h"

#include "said.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct scene {
    char folder[64];
    char blob[BLOB_ID_LEN + 1];
    struct said said;
};

static char *path_of(const struct scene *scene, const char *rest)
{
    static char paths[4][256];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof(paths[0]), "%s/%s", scene->folder, rest);
    return path;
}

static void file_put(const struct scene *scene, const char *name, const char *text, mode_t mode)
{
    AUTO(fd_close) int fd = open(path_of(scene, name), O_WRONLY | O_CREAT | O_TRUNC, mode);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void database_make(const struct scene *scene)
{
    sqlite3 *database;
    assert_int_equal(sqlite3_open(path_of(scene, "data/atelier.db"), &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database,
                                  "PRAGMA journal_mode=WAL; CREATE TABLE t(a, b);"
                                  "CREATE INDEX i ON t(a);"
                                  "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c "
                                  "LIMIT 60) INSERT INTO t SELECT n, hex(randomblob(200)) FROM c",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(database);
    chmod(path_of(scene, "data/atelier.db"), 0600);
}

static int row_count(const char *path)
{
    sqlite3 *database;
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(database, "SELECT count(*) FROM t", -1, &statement, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int count = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return count;
}

static void blob_make(struct scene *scene, const char *text)
{
    struct blobs *blobs;
    struct blob_writer writer;
    struct blob_info info;
    struct fault fault;
    struct random random;
    random_init(&random);
    assert_true(blobs_open(path_of(scene, "data"), clock_now(), &blobs, &fault));
    assert_true(blob_create(blobs, &random, &writer, &fault));
    assert_true(blob_write(&writer, bytes_of(str_of(text)), &fault));
    assert_true(blob_finish(&writer, &info, &fault));
    memcpy(scene->blob, info.id, sizeof(info.id));
    blobs_close(blobs);
}

/* A sound data folder with three blobs. */
static int set_up(void **state)
{
    struct scene *scene = memory_zeroed(sizeof(*scene));
    snprintf(scene->folder, sizeof(scene->folder), "/tmp/test-backup-XXXXXX");
    if (mkdtemp(scene->folder) == NULL)
        return -1;
    mkdir(path_of(scene, "data"), 0700);
    mkdir(path_of(scene, "data/keys"), 0700);
    mkdir(path_of(scene, "data/keys/jwks-cache"), 0700);
    file_put(scene, "data/VERSION", "atelier 0.1.0\n", 0600);
    file_put(scene, "data/keys/token.key", "secret", 0600);
    file_put(scene, "data/keys/jwks-cache/one.json", "{}", 0600);
    file_put(scene, "data/lock", "1\n", 0600);
    database_make(scene);
    blob_make(scene, "red");
    blob_make(scene, "green");
    blob_make(scene, "blue kite");
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    folder_remove(AT_FDCWD, scene->folder);
    free(scene);
    return 0;
}

/* Words are separated by spaces; "@" at the start of one stands for the test's folder. */
static int run(struct scene *scene, int (*command)(int, char **), const char *line)
{
    char text[256], full[16][256], *words[16];
    char *rest = text;
    int count = 0;
    snprintf(text, sizeof(text), "%s", line);
    for (char *word; (word = strsep(&rest, " ")) != NULL; count++) {
        snprintf(full[count], sizeof(full[0]), "%s%s", word[0] == '@' ? scene->folder : "",
                 word[0] == '@' ? word + 1 : word);
        words[count] = full[count];
    }
    said_begin(&scene->said);
    int code = command(count, words);
    said_end(&scene->said);
    return code;
}

static bool is_there(const struct scene *scene, const char *name)
{
    return access(path_of(scene, name), F_OK) == 0;
}

static void assert_text(const struct scene *scene, const char *name, const char *text)
{
    char got[64] = {0};
    AUTO(fd_close) int fd = open(path_of(scene, name), O_RDONLY);
    assert_true(fd >= 0);
    assert_true(read(fd, got, sizeof(got) - 1) >= 0);
    assert_string_equal(got, text);
}

static void back_up(struct scene *scene)
{
    assert_int_equal(run(scene, cli_backup, "backup @/b.tar --data @/data"), CLI_OK);
}

/* ---- backup and restore ---- */

static void what_was_backed_up_is_restored(void **state)
{
    struct scene *scene = *state;
    char name[96];
    back_up(scene);
    assert_int_equal(run(scene, cli_restore, "restore @/b.tar --data @/new"), CLI_OK);
    assert_text(scene, "new/VERSION", "atelier 0.1.0\n");
    assert_text(scene, "new/keys/token.key", "secret");
    assert_text(scene, "new/keys/jwks-cache/one.json", "{}");
    assert_int_equal(row_count(path_of(scene, "new/atelier.db")), 60);
    snprintf(name, sizeof(name), "new/blobs/%.2s/%.2s/%s", scene->blob, scene->blob + 2,
             scene->blob);
    assert_text(scene, name, "blue kite");
    assert_false(is_there(scene, "new/lock"));
    assert_false(is_there(scene, "new/restore.tmp"));
    assert_false(is_there(scene, "new/" ARCHIVE_SUMS));
}

static void backup_and_what_it_restores_are_private(void **state)
{
    struct scene *scene = *state;
    struct stat facts;
    static const struct {
        const char *name;
        mode_t mode;
    } files[] = {
        {"b.tar", 0600},          {"new", 0700},
        {"new/keys", 0700},       {"new/blobs", 0700},
        {"new/atelier.db", 0600}, {"new/keys/token.key", 0600},
    };
    mode_t umask_was = umask(0);
    back_up(scene);
    assert_int_equal(run(scene, cli_restore, "restore @/b.tar --data @/new"), CLI_OK);
    umask(umask_was);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        assert_int_equal(stat(path_of(scene, files[i].name), &facts), 0);
        assert_int_equal(facts.st_mode & 07777, files[i].mode);
    }
}

static void a_backup_replaces_an_older_one_whole_or_not_at_all(void **state)
{
    struct scene *scene = *state;
    file_put(scene, "b.tar", "older", 0644);
    unlink(path_of(scene, "data/VERSION"));
    assert_int_equal(run(scene, cli_backup, "backup @/b.tar --data @/data"), CLI_FAILED);
    assert_non_null(strstr(scene->said.text, "no VERSION"));
    assert_text(scene, "b.tar", "older");
    assert_false(is_there(scene, "b.tar.tmp"));
    file_put(scene, "data/VERSION", "atelier 0.1.0\n", 0600);
    back_up(scene);
    assert_int_equal(run(scene, cli_restore, "restore @/b.tar --data @/new"), CLI_OK);
}

static void two_backups_do_not_write_one_file(void **state)
{
    struct scene *scene = *state;
    AUTO(fd_close) int fd = open(path_of(scene, "b.tar.tmp"), O_WRONLY | O_CREAT, 0600);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(run(scene, cli_backup, "backup @/b.tar --data @/data"), CLI_FAILED);
    assert_non_null(strstr(scene->said.text, "another backup"));
    assert_true(is_there(scene, "b.tar.tmp"));
}

/* Root backs up a folder that a server, perhaps taken over, can write to. */
static void a_backup_follows_no_link_out_of_the_folder(void **state)
{
    struct scene *scene = *state;
    char link[64];
    snprintf(link, sizeof(link), "data/tmp/sums-%ld", (long)getpid());
    file_put(scene, "outside", "keep", 0600);
    assert_int_equal(symlink(path_of(scene, "outside"), path_of(scene, link)), 0);
    back_up(scene);
    assert_text(scene, "outside", "keep");

    assert_int_equal(rename(path_of(scene, "data/keys"), path_of(scene, "elsewhere")), 0);
    assert_int_equal(symlink(path_of(scene, "elsewhere"), path_of(scene, "data/keys")), 0);
    assert_int_equal(run(scene, cli_backup, "backup @/c.tar --data @/data"), CLI_FAILED);
    assert_false(is_there(scene, "c.tar"));
}

/* In a folder of many, somebody may have put it there and holds it open. */
static void a_backup_is_not_written_into_a_file_of_others(void **state)
{
    struct scene *scene = *state;
    file_put(scene, "theirs", "", 0600);
    assert_int_equal(link(path_of(scene, "theirs"), path_of(scene, "b.tar.tmp")), 0);
    assert_int_equal(run(scene, cli_backup, "backup @/b.tar --data @/data"), CLI_FAILED);
    assert_text(scene, "theirs", "");
    assert_false(is_there(scene, "b.tar"));
}

static void a_folder_that_holds_no_data_is_not_backed_up(void **state)
{
    struct scene *scene = *state;
    mkdir(path_of(scene, "other"), 0700);
    assert_int_equal(run(scene, cli_backup, "backup @/b.tar --data @/other"), CLI_FAILED);
    assert_int_equal(run(scene, cli_backup, "backup @/b.tar --data @/absent"), CLI_FAILED);
    assert_false(is_there(scene, "b.tar"));
    assert_false(is_there(scene, "absent"));
}

static void a_key_that_cannot_be_kept_fails_the_backup(void **state)
{
    struct scene *scene = *state;
    file_put(scene, "data/keys/a b", "x", 0600);
    assert_int_equal(run(scene, cli_backup, "backup @/b.tar --data @/data"), CLI_FAILED);
    assert_false(is_there(scene, "b.tar"));
}

static void a_backup_waits_for_no_writer_and_sees_whole_commits(void **state)
{
    struct scene *scene = *state;
    sqlite3 *database;
    assert_int_equal(sqlite3_open(path_of(scene, "data/atelier.db"), &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database,
                                  "INSERT INTO t VALUES (1, 2); BEGIN IMMEDIATE;"
                                  "INSERT INTO t VALUES (3, 4)",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    back_up(scene);
    sqlite3_close(database);
    assert_int_equal(run(scene, cli_restore, "restore @/b.tar --data @/new"), CLI_OK);
    assert_int_equal(row_count(path_of(scene, "new/atelier.db")), 61);
}

static void only_an_empty_or_absent_folder_is_filled(void **state)
{
    struct scene *scene = *state;
    back_up(scene);
    mkdir(path_of(scene, "empty"), 0755);
    mkdir(path_of(scene, "empty/lost+found"), 0755);
    assert_int_equal(run(scene, cli_restore, "restore @/b.tar --data @/empty"), CLI_OK);
    assert_int_equal(run(scene, cli_restore, "restore @/b.tar --data @/empty"), CLI_FAILED);
    assert_non_null(strstr(scene->said.text, "is not empty"));
    assert_int_equal(run(scene, cli_restore, "restore @/b.tar"), CLI_USAGE);
}

static void a_killed_restore_can_be_repeated(void **state)
{
    struct scene *scene = *state;
    back_up(scene);
    mkdir(path_of(scene, "new"), 0700);
    mkdir(path_of(scene, "new/restore.tmp"), 0700);
    mkdir(path_of(scene, "new/restore.tmp/keys"), 0700);
    file_put(scene, "new/restore.tmp/keys/token.key", "half", 0600);
    assert_int_equal(run(scene, cli_restore, "restore @/b.tar --data @/new"), CLI_OK);
    assert_text(scene, "new/keys/token.key", "secret");
}

static void a_cut_backup_restores_nothing(void **state)
{
    struct scene *scene = *state;
    struct stat facts;
    back_up(scene);
    assert_int_equal(stat(path_of(scene, "b.tar"), &facts), 0);
    for (int part = 9; part >= 0; part--) {
        assert_int_equal(truncate(path_of(scene, "b.tar"), facts.st_size * part / 10), 0);
        assert_int_equal(run(scene, cli_restore, "restore @/b.tar --data @/new"), CLI_FAILED);
        assert_false(is_there(scene, "new"));
    }
}

static void a_changed_byte_is_found_or_does_not_matter(void **state)
{
    struct scene *scene = *state;
    struct stat facts;
    int found = 0;
    back_up(scene);
    AUTO(fd_close) int fd = open(path_of(scene, "b.tar"), O_RDWR);
    assert_int_equal(fstat(fd, &facts), 0);
    for (off_t at = 100; at < facts.st_size; at += 1777) {
        uint8_t was, now;
        assert_int_equal(pread(fd, &was, 1, at), 1);
        now = was ^ 0x10;
        assert_int_equal(pwrite(fd, &now, 1, at), 1);
        if (run(scene, cli_restore, "restore @/b.tar --data @/new") == CLI_OK) {
            assert_int_equal(was, 0); /* what fills up a block, after a file's end */
            assert_text(scene, "new/VERSION", "atelier 0.1.0\n");
            folder_remove(AT_FDCWD, path_of(scene, "new"));
        } else {
            found++;
        }
        assert_int_equal(pwrite(fd, &was, 1, at), 1);
    }
    assert_true(found > 10);
}

static void an_archive_made_by_others_is_refused(void **state)
{
    struct scene *scene = *state;
    static const char *const names[] = {
        "../evil",      "/tmp/evil",      "keys/../../evil",
        "keys/.hidden", "keys/",          "keys//x",
        "other",        "atelier.db-wal", "blobs/ab/cd/evil",
        "blobs/x",      "SHA256SUMS/x",   "keys/a/b/../../../x",
        "keys",
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct tar_writer writer = {
            .fd = open(path_of(scene, "evil.tar"), O_WRONLY | O_CREAT | O_TRUNC, 0600)};
        struct tar_entry entry = {0};
        struct fault fault;
        uint8_t sha256[32];
        AUTO(fd_close) int file = memfd_create("x", 0);
        snprintf(entry.name, sizeof(entry.name), "%s", names[i]);
        assert_true(tar_put(&writer, &entry, file, sha256, &fault));
        assert_true(tar_finish(&writer, &fault));
        close(writer.fd);
        assert_int_equal(run(scene, cli_restore, "restore @/evil.tar --data @/new"), CLI_FAILED);
        assert_non_null(strstr(scene->said.text, "a file that no backup of Atelier holds"));
        assert_false(is_there(scene, "new"));
    }
}

static void a_backup_without_a_database_is_not_complete(void **state)
{
    struct scene *scene = *state;
    struct tar_writer writer = {.fd = open(path_of(scene, "b.tar"), O_WRONLY | O_CREAT, 0600)};
    const struct tar_entry sums = {.name = ARCHIVE_SUMS};
    struct fault fault;
    uint8_t sha256[32];
    AUTO(fd_close) int file = memfd_create("x", 0);
    assert_true(tar_put(&writer, &sums, file, sha256, &fault));
    assert_true(tar_finish(&writer, &fault));
    close(writer.fd);
    assert_int_equal(run(scene, cli_restore, "restore @/b.tar --data @/new"), CLI_FAILED);
    assert_non_null(strstr(scene->said.text, "not complete"));
}

/* ---- doctor ---- */

/* There is no helper beside a test, so one problem is always found. */
static int problems(struct scene *scene)
{
    const char *helper = strstr(scene->said.text, "problem  helper");
    int count = 0;
    for (const char *at = scene->said.text; (at = strstr(at, "\nproblem ")) != NULL; at++)
        count++;
    assert_non_null(helper);
    return count - 1 + (strncmp(scene->said.text, "problem ", 8) == 0);
}

static void a_sound_folder_has_no_problem(void **state)
{
    struct scene *scene = *state;
    assert_int_equal(run(scene, cli_doctor, "doctor --data @/data"), CLI_FAILED);
    assert_int_equal(problems(scene), 0);
    assert_non_null(strstr(scene->said.text, "every page is sound"));
    assert_non_null(strstr(scene->said.text, "files     3,"));
}

static void the_doctor_says_how_to_mend(void **state)
{
    struct scene *scene = *state;
    chmod(path_of(scene, "data"), 0755);
    chmod(path_of(scene, "data/keys/token.key"), 0644);
    file_put(scene, "data/VERSION", "", 0600);
    assert_int_equal(run(scene, cli_doctor, "doctor --data @/data"), CLI_FAILED);
    assert_int_equal(problems(scene), 3);
    assert_non_null(strstr(scene->said.text, "chmod 700 "));
    assert_non_null(strstr(scene->said.text, "chmod 600 "));
    assert_non_null(strstr(scene->said.text, "VERSION is missing or empty"));
}

static void the_doctor_finds_a_damaged_database(void **state)
{
    struct scene *scene = *state;
    char junk[4096];
    memset(junk, 0x5a, sizeof(junk));
    AUTO(fd_close) int fd = open(path_of(scene, "data/atelier.db"), O_WRONLY);
    assert_int_equal(pwrite(fd, junk, sizeof(junk), 4096), sizeof(junk));
    assert_int_equal(run(scene, cli_doctor, "doctor --data @/data"), CLI_FAILED);
    assert_int_equal(problems(scene), 1);
    assert_non_null(strstr(scene->said.text, "restore the newest backup"));
}

static void the_doctor_finds_missing_and_empty_keys(void **state)
{
    struct scene *scene = *state;
    file_put(scene, "data/keys/token.key", "", 0600);
    assert_int_equal(run(scene, cli_doctor, "doctor --data @/data"), CLI_FAILED);
    assert_non_null(strstr(scene->said.text, "keys/token.key is empty"));
    unlink(path_of(scene, "data/keys/token.key"));
    assert_int_equal(run(scene, cli_doctor, "doctor --data @/data"), CLI_FAILED);
    assert_non_null(strstr(scene->said.text, "holds no key"));
}

static void the_doctor_says_who_serves_a_folder(void **state)
{
    struct scene *scene = *state;
    file_put(scene, "data/lock", "4711 http://127.0.0.1:7070\n", 0600);
    AUTO(fd_close) int fd = open(path_of(scene, "data/lock"), O_RDWR);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    run(scene, cli_doctor, "doctor --data @/data");
    assert_non_null(strstr(scene->said.text, "one is running: 4711 http://127.0.0.1:7070"));
    assert_int_equal(problems(scene), 0);
}

static void the_doctor_of_an_absent_folder_makes_none(void **state)
{
    struct scene *scene = *state;
    assert_int_equal(run(scene, cli_doctor, "doctor --data @/absent"), CLI_FAILED);
    assert_int_equal(problems(scene), 1);
    assert_false(is_there(scene, "absent"));
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM(what_was_backed_up_is_restored),
        CLAIM(backup_and_what_it_restores_are_private),
        CLAIM(a_backup_replaces_an_older_one_whole_or_not_at_all),
        CLAIM(two_backups_do_not_write_one_file),
        CLAIM(a_backup_follows_no_link_out_of_the_folder),
        CLAIM(a_backup_is_not_written_into_a_file_of_others),
        CLAIM(a_folder_that_holds_no_data_is_not_backed_up),
        CLAIM(a_key_that_cannot_be_kept_fails_the_backup),
        CLAIM(a_backup_waits_for_no_writer_and_sees_whole_commits),
        CLAIM(only_an_empty_or_absent_folder_is_filled),
        CLAIM(a_killed_restore_can_be_repeated),
        CLAIM(a_cut_backup_restores_nothing),
        CLAIM(a_changed_byte_is_found_or_does_not_matter),
        CLAIM(an_archive_made_by_others_is_refused),
        CLAIM(a_backup_without_a_database_is_not_complete),
        CLAIM(a_sound_folder_has_no_problem),
        CLAIM(the_doctor_says_how_to_mend),
        CLAIM(the_doctor_finds_a_damaged_database),
        CLAIM(the_doctor_finds_missing_and_empty_keys),
        CLAIM(the_doctor_says_who_serves_a_folder),
        CLAIM(the_doctor_of_an_absent_folder_makes_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
