/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs on a real disk. The linker puts the fake calls below between the module and the system
 * (--wrap), so that the k-th one can be made to fail.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/hash.h"
#include "blob/blob.h"
#include "blob/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* ---- the fake calls ---- */

static int fail_at, call_number, fail_with;

static bool call_fails(void)
{
    if (fail_at == 0 || ++call_number != fail_at)
        return false;
    errno = fail_with;
    return true;
}

ssize_t __real_write(int fd, const void *from, size_t size);
ssize_t __wrap_write(int fd, const void *from, size_t size);
ssize_t __wrap_write(int fd, const void *from, size_t size)
{
    return call_fails() ? -1 : __real_write(fd, from, size);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    return call_fails() ? -1 : __real_fsync(fd);
}

int __real_mkdirat(int at, const char *name, mode_t mode);
int __wrap_mkdirat(int at, const char *name, mode_t mode);
int __wrap_mkdirat(int at, const char *name, mode_t mode)
{
    return call_fails() ? -1 : __real_mkdirat(at, name, mode);
}

int __real_renameat(int from_at, const char *from, int to_at, const char *to);
int __wrap_renameat(int from_at, const char *from, int to_at, const char *to);
int __wrap_renameat(int from_at, const char *from, int to_at, const char *to)
{
    return call_fails() ? -1 : __real_renameat(from_at, from, to_at, to);
}

/* ---- a folder for each test ---- */

struct scene {
    char folder[64];
    struct random random;
    struct blobs *blobs;
    struct fault fault;
};

static int set_up(void **state)
{
    struct scene *scene = memory_zeroed(sizeof(*scene));
    snprintf(scene->folder, sizeof(scene->folder), "/tmp/test-blob-XXXXXX");
    fail_at = 0;
    if (mkdtemp(scene->folder) == NULL)
        return -1;
    random_init_seeded(&scene->random, 7);
    *state = scene;
    return blobs_open(scene->folder, clock_now(), &scene->blobs, &scene->fault) ? 0 : -1;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    fail_at = 0;
    blobs_close(scene->blobs);
    folder_remove(AT_FDCWD, scene->folder);
    free(scene);
    return 0;
}

static char *path_of(struct scene *scene, const char *rest)
{
    static char path[256];
    snprintf(path, sizeof(path), "%s/%s", scene->folder, rest);
    return path;
}

static struct blob_info put(struct scene *scene, const char *text)
{
    struct blob_writer writer;
    struct blob_info info;
    assert_true(blob_create(scene->blobs, &scene->random, &writer, &scene->fault));
    assert_true(blob_write(&writer, bytes_of(str_of(text)), &scene->fault));
    assert_true(blob_finish(&writer, &info, &scene->fault));
    return info;
}

static bool counter(void *context, const struct blob_entry *entry)
{
    ++*(size_t *)context;
    return true;
}

static size_t count(struct scene *scene)
{
    size_t n = 0;
    assert_true(blob_list(scene->blobs, counter, &n, &scene->fault));
    return n;
}

static bool temp_count_entry(void *context, int folder, const char *name)
{
    ++*(int *)context;
    return true;
}

static int temp_count(struct scene *scene)
{
    AUTO(fd_close) int folder = open(path_of(scene, "tmp"), O_RDONLY | O_DIRECTORY);
    int found = 0;
    assert_true(folder_visit(folder, temp_count_entry, &found, &scene->fault));
    return found;
}

/* ---- claims ---- */

static void what_was_written_is_read_back(void **state)
{
    struct scene *scene = *state;
    struct blob_writer writer;
    struct blob_info info;
    uint8_t want[32];
    char got[32] = {0};
    int64_t size;
    int fd;

    assert_true(blob_create(scene->blobs, &scene->random, &writer, &scene->fault));
    assert_true(blob_write(&writer, bytes_of(STR("red ")), &scene->fault));
    assert_true(blob_write(&writer, (bytes){0}, &scene->fault));
    assert_true(blob_write(&writer, bytes_of(STR("kite")), &scene->fault));
    assert_true(blob_finish(&writer, &info, &scene->fault));

    sha256(bytes_of(STR("red kite")), want);
    assert_memory_equal(info.sha256, want, 32);
    assert_int_equal(info.size, 8);
    assert_true(blob_id_is_valid(str_of(info.id)));
    assert_true(blob_open(scene->blobs, str_of(info.id), &fd, &size, &scene->fault));
    assert_int_equal(size, 8);
    assert_int_equal(pread(fd, got, sizeof(got), 0), 8);
    assert_string_equal(got, "red kite");
    close(fd);
    assert_int_equal(temp_count(scene), 0);
}

static void a_blob_is_in_two_folders_named_by_its_id_and_private(void **state)
{
    struct scene *scene = *state;
    struct blob_info info = put(scene, "x");
    struct stat facts;
    char rest[80];
    snprintf(rest, sizeof(rest), "blobs/%.2s/%.2s/%s", info.id, info.id + 2, info.id);
    assert_int_equal(stat(path_of(scene, rest), &facts), 0);
    assert_int_equal(facts.st_mode & 07777, 0600);
    rest[11] = 0;
    assert_int_equal(stat(path_of(scene, rest), &facts), 0);
    assert_int_equal(facts.st_mode & 07777, 0700);
}

static void an_empty_blob_is_a_blob(void **state)
{
    struct scene *scene = *state;
    struct blob_info info = put(scene, "");
    assert_int_equal(info.size, 0);
    assert_int_equal(count(scene), 1);
}

static void a_blob_is_not_there_before_it_is_finished(void **state)
{
    struct scene *scene = *state;
    struct blob_writer writer;
    int64_t size;
    int fd;
    assert_true(blob_create(scene->blobs, &scene->random, &writer, &scene->fault));
    assert_true(blob_write(&writer, bytes_of(STR("half")), &scene->fault));
    assert_int_equal(count(scene), 0);
    assert_false(blob_open(scene->blobs, str_of(writer.id), &fd, &size, &scene->fault));
    assert_int_equal(scene->fault.kind, FAULT_ABSENT);
    blob_abort(&writer);
    blob_abort(&writer);
    assert_int_equal(temp_count(scene), 0);
    assert_false(blob_write(&writer, bytes_of(STR("more")), &scene->fault));
    assert_int_equal(scene->fault.kind, FAULT_BUG);
}

static void only_32_lower_case_hex_digits_are_an_id(void **state)
{
    struct scene *scene = *state;
    static const char *const bad[] = {
        "",
        "0123456789abcdef0123456789abcde",
        "0123456789abcdef0123456789abcdef0",
        "0123456789abcdef0123456789abcdeF",
        "../../../../../../../etc/passwd0",
        "0123456789abcdef0123456789abcd/f",
        "g123456789abcdef0123456789abcdef",
    };
    int64_t size;
    int fd;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(blob_open(scene->blobs, str_of(bad[i]), &fd, &size, &scene->fault));
        assert_int_equal(scene->fault.kind, FAULT_INPUT);
        assert_false(blob_remove(scene->blobs, str_of(bad[i]), NULL, &scene->fault));
        assert_int_equal(scene->fault.kind, FAULT_INPUT);
    }
    assert_true(blob_id_is_valid(STR("0123456789abcdef0123456789abcdef")));
    assert_false(blob_id_is_valid((str){"0123456789abcdef0123456789abcde\0", 32}));
}

static void a_link_in_place_of_a_blob_is_not_followed(void **state)
{
    struct scene *scene = *state;
    struct blob_info info = put(scene, "x");
    char rest[80];
    int64_t size;
    int fd;
    snprintf(rest, sizeof(rest), "blobs/%.2s/%.2s/%s", info.id, info.id + 2, info.id);
    assert_int_equal(unlink(path_of(scene, rest)), 0);
    assert_int_equal(symlink("/etc/passwd", path_of(scene, rest)), 0);
    assert_false(blob_open(scene->blobs, str_of(info.id), &fd, &size, &scene->fault));
    assert_int_equal(count(scene), 0);
}

static void removing_is_for_good_and_may_be_repeated(void **state)
{
    struct scene *scene = *state;
    struct blob_info info = put(scene, "x");
    bool gone = false;
    int64_t size;
    int fd;
    assert_true(blob_remove(scene->blobs, str_of(info.id), &gone, &scene->fault));
    assert_true(gone);
    assert_false(blob_open(scene->blobs, str_of(info.id), &fd, &size, &scene->fault));
    assert_int_equal(scene->fault.kind, FAULT_ABSENT);
    assert_true(blob_remove(scene->blobs, str_of(info.id), &gone, &scene->fault));
    assert_true(
        blob_remove(scene->blobs, STR("ffffffffffffffffffffffffffffffff"), NULL, &scene->fault));
    assert_int_equal(count(scene), 0);
}

static int memfd_of(size_t size)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(map != MAP_FAILED);
    for (size_t i = 0; i < size; i++)
        map[i] = (char)(i * 7 + i / 4096);
    munmap(map, size);
    return fd;
}

static void the_first_bytes_of_a_memfd_become_a_blob(void **state)
{
    struct scene *scene = *state;
    const size_t size = MIB(1) + 123;
    AUTO(fd_close) int fd = memfd_of(size + 1000);
    AUTO(fd_close) int kept = -1;
    struct blob_info info;
    int64_t kept_size;
    uint8_t want[32];

    assert_true(blob_put_fd(scene->blobs, &scene->random, fd, (int64_t)size, &info, &scene->fault));
    assert_int_equal(info.size, size);
    uint8_t *map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    sha256((bytes){map, size}, want);
    assert_memory_equal(info.sha256, want, 32);
    assert_true(blob_open(scene->blobs, str_of(info.id), &kept, &kept_size, &scene->fault));
    uint8_t *copy = mmap(NULL, size, PROT_READ, MAP_SHARED, kept, 0);
    assert_memory_equal(map, copy, size);
    munmap(map, size);
    munmap(copy, size);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 0);
}

static void a_file_that_is_shorter_than_said_is_refused(void **state)
{
    struct scene *scene = *state;
    AUTO(fd_close) int fd = memfd_of(5000);
    struct blob_info info;
    assert_false(blob_put_fd(scene->blobs, &scene->random, fd, 5001, &info, &scene->fault));
    assert_int_equal(scene->fault.kind, FAULT_INPUT);
    assert_false(blob_put_fd(scene->blobs, &scene->random, fd, -1, &info, &scene->fault));
    assert_int_equal(temp_count(scene) + (int)count(scene), 0);
}

static void a_failed_call_leaves_nothing_behind(void **state, int error, enum fault_kind kind)
{
    struct scene *scene = *state;
    AUTO(fd_close) int fd = memfd_of(KIB(700));
    for (int k = 1; k < 100; k++) {
        struct blob_info info;
        memset(&scene->fault, 0, sizeof(scene->fault));
        call_number = 0;
        fail_with = error;
        fail_at = k;
        bool ok = blob_put_fd(scene->blobs, &scene->random, fd, KIB(700), &info, &scene->fault);
        fail_at = 0;
        if (call_number < k) { /* nothing failed any more */
            assert_true(ok);
            /* three writes, a sync, two folders made and synced, a name given and synced */
            assert_int_equal(k, 11);
            assert_int_equal(count(scene), 1);
            return;
        }
        assert_false(ok);
        assert_int_equal(scene->fault.kind, kind);
        assert_int_equal(count(scene), 0);
        assert_int_equal(temp_count(scene), 0);
    }
    fail_msg("it never worked");
}

static void a_full_disk_leaves_nothing_behind(void **state)
{
    a_failed_call_leaves_nothing_behind(state, ENOSPC, FAULT_FULL);
}

static void a_failing_disk_leaves_nothing_behind(void **state)
{
    a_failed_call_leaves_nothing_behind(state, EIO, FAULT_SYSTEM);
}

struct found {
    struct blob_info *infos;
    size_t count, seen;
    instant begun;
};

static bool check_entry(void *context, const struct blob_entry *entry)
{
    struct found *found = context;
    for (size_t i = 0; i < found->count; i++) {
        if (strcmp(found->infos[i].id, entry->id) != 0)
            continue;
        assert_int_equal(entry->size, found->infos[i].size);
        assert_true(entry->modified.us >= found->begun.us - 2000000);
        assert_true(entry->modified.us <= clock_now().us + 2000000);
        found->seen++;
        return true;
    }
    fail_msg("a blob that nobody put: %s", entry->id);
    return false;
}

static void the_list_has_each_blob_once_and_nothing_else(void **state)
{
    struct scene *scene = *state;
    struct blob_info infos[50];
    struct found found = {.infos = infos, .count = 50, .begun = clock_now()};
    char text[64] = {0};
    for (size_t i = 0; i < 50; i++) {
        text[i] = 'x';
        infos[i] = put(scene, text);
    }
    /* Not ours: a stray file, a misplaced blob, a folder of another name. */
    mkdir(path_of(scene, "blobs/zz"), 0700);
    mkdir(path_of(scene, "blobs/00"), 0700);
    mkdir(path_of(scene, "blobs/00/00"), 0700);
    close(creat(path_of(scene, "blobs/00/00/ffffffffffffffffffffffffffffffff"), 0600));
    close(creat(path_of(scene, "blobs/00/00/note.txt"), 0600));
    assert_true(blob_list(scene->blobs, check_entry, &found, &scene->fault));
    assert_int_equal(found.seen, 50);
}

static bool stop_at_three(void *context, const struct blob_entry *entry)
{
    return ++*(int *)context < 3;
}

static void a_list_can_be_stopped(void **state)
{
    struct scene *scene = *state;
    int seen = 0;
    for (int i = 0; i < 10; i++)
        put(scene, "x");
    assert_true(blob_list(scene->blobs, stop_at_three, &seen, &scene->fault));
    assert_int_equal(seen, 3);
}

static bool remover(void *context, const struct blob_entry *entry)
{
    struct scene *scene = context;
    return blob_remove(scene->blobs, str_of(entry->id), NULL, &scene->fault);
}

static void a_collector_may_remove_what_it_is_shown(void **state)
{
    struct scene *scene = *state;
    for (int i = 0; i < 20; i++)
        put(scene, "x");
    assert_true(blob_list(scene->blobs, remover, scene, &scene->fault));
    assert_int_equal(count(scene), 0);
}

static void what_a_crash_left_in_tmp_goes_while_the_program_runs_on(void **state)
{
    struct scene *scene = *state;
    struct blob_writer writer;
    assert_true(blob_create(scene->blobs, &scene->random, &writer, &scene->fault));
    close(creat(path_of(scene, "tmp/get-of-who-was-killed"), 0600));
    close(creat(path_of(scene, "tmp/upload-of-somebody-else"), 0600));
    assert_true(blobs_sweep(scene->blobs, instant_add(clock_now(), HOURS(23)), &scene->fault));
    assert_int_equal(temp_count(scene), 3);
    assert_true(blobs_sweep(scene->blobs, instant_add(clock_now(), HOURS(25)), &scene->fault));
    assert_int_equal(temp_count(scene), 1);
    blob_abort(&writer);
}

static void opening_sweeps_what_a_crash_left_in_tmp_but_nothing_young(void **state)
{
    struct scene *scene = *state;
    struct blob_writer writer;
    struct blob_info info;
    struct blobs *again;
    assert_true(blob_create(scene->blobs, &scene->random, &writer, &scene->fault));
    close(creat(path_of(scene, "tmp/upload-of-somebody-else"), 0600));
    assert_int_equal(temp_count(scene), 2);

    assert_true(blobs_open(scene->folder, clock_now(), &again, &scene->fault));
    assert_int_equal(temp_count(scene), 2);
    blobs_close(again);

    instant later = instant_add(clock_now(), HOURS(2));
    assert_true(blobs_open(scene->folder, later, &again, &scene->fault));
    assert_int_equal(temp_count(scene), 0);
    blobs_close(again);
    assert_false(blob_finish(&writer, &info, &scene->fault));
    assert_int_equal(count(scene), 0);
}

static void a_pinned_blob_survives_its_removal_until_the_collector_comes_again(void **state)
{
    struct scene *scene = *state;
    struct blob_info info = put(scene, "x");
    struct blobs *other;
    bool gone;

    /* The other one stands for the backup's process: a lock belongs to an open file. */
    assert_true(blobs_open(scene->folder, clock_now(), &other, &scene->fault));
    assert_true(blobs_pin(other, &scene->fault));
    assert_true(blob_remove(scene->blobs, str_of(info.id), &gone, &scene->fault));
    assert_false(gone);
    assert_true(blob_remove(other, str_of(info.id), &gone, &scene->fault));
    assert_false(gone);
    assert_int_equal(count(scene), 1);
    blobs_unpin(other);
    assert_true(blob_remove(scene->blobs, str_of(info.id), &gone, &scene->fault));
    assert_true(gone);
    assert_int_equal(count(scene), 0);
    blobs_close(other);
}

static void two_may_pin_and_the_last_one_unpins(void **state)
{
    struct scene *scene = *state;
    struct blob_info info = put(scene, "x");
    bool gone;
    assert_true(blobs_pin(scene->blobs, &scene->fault));
    assert_true(blobs_pin(scene->blobs, &scene->fault));
    blobs_unpin(scene->blobs);
    assert_true(blob_remove(scene->blobs, str_of(info.id), &gone, &scene->fault));
    assert_false(gone);
    blobs_unpin(scene->blobs);
    assert_true(blob_remove(scene->blobs, str_of(info.id), &gone, &scene->fault));
    assert_true(gone);
}

static void a_pin_dies_with_its_process(void **state)
{
    struct scene *scene = *state;
    struct blob_info info = put(scene, "x");
    bool gone;
    pid_t child = fork();
    if (child == 0) {
        struct blobs *own;
        struct fault fault;
        _exit(blobs_open(scene->folder, clock_now(), &own, &fault) && blobs_pin(own, &fault) ? 0
                                                                                             : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(blob_remove(scene->blobs, str_of(info.id), &gone, &scene->fault));
    assert_true(gone);
}

static void *put_many(void *context)
{
    struct blobs *blobs = context;
    struct random random;
    struct fault fault;
    random_init(&random);
    for (int i = 0; i < 20; i++) {
        struct blob_writer writer;
        struct blob_info info;
        if (!blob_create(blobs, &random, &writer, &fault) ||
            !blob_write(&writer, bytes_of(STR("threads")), &fault) ||
            !blob_finish(&writer, &info, &fault) ||
            (i % 2 == 0 && !blob_remove(blobs, str_of(info.id), NULL, &fault)))
            return context;
    }
    return NULL;
}

static void threads_share_one_store_of_blobs(void **state)
{
    struct scene *scene = *state;
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, put_many, scene->blobs), 0);
    for (int i = 0; i < 4; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_int_equal(count(scene), 40);
}

/* Else who owns the folder could have root, who backs it up, sweep or give away any other one. */
static void a_link_in_place_of_a_folder_is_not_followed(void **state)
{
    struct scene *scene = *state;
    struct blobs *blobs;
    char other[256];
    snprintf(other, sizeof(other), "%s", path_of(scene, "other"));
    assert_int_equal(mkdir(other, 0700), 0);
    assert_int_equal(rmdir(path_of(scene, "tmp")), 0);
    assert_int_equal(symlink(other, path_of(scene, "tmp")), 0);
    assert_false(blobs_open(scene->folder, clock_now(), &blobs, &scene->fault));
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM(what_was_written_is_read_back),
        CLAIM(a_blob_is_in_two_folders_named_by_its_id_and_private),
        CLAIM(an_empty_blob_is_a_blob),
        CLAIM(a_blob_is_not_there_before_it_is_finished),
        CLAIM(only_32_lower_case_hex_digits_are_an_id),
        CLAIM(a_link_in_place_of_a_blob_is_not_followed),
        CLAIM(a_link_in_place_of_a_folder_is_not_followed),
        CLAIM(removing_is_for_good_and_may_be_repeated),
        CLAIM(the_first_bytes_of_a_memfd_become_a_blob),
        CLAIM(a_file_that_is_shorter_than_said_is_refused),
        CLAIM(a_full_disk_leaves_nothing_behind),
        CLAIM(a_failing_disk_leaves_nothing_behind),
        CLAIM(the_list_has_each_blob_once_and_nothing_else),
        CLAIM(a_list_can_be_stopped),
        CLAIM(a_collector_may_remove_what_it_is_shown),
        CLAIM(what_a_crash_left_in_tmp_goes_while_the_program_runs_on),
        CLAIM(opening_sweeps_what_a_crash_left_in_tmp_but_nothing_young),
        CLAIM(a_pinned_blob_survives_its_removal_until_the_collector_comes_again),
        CLAIM(two_may_pin_and_the_last_one_unpins),
        CLAIM(a_pin_dies_with_its_process),
        CLAIM(threads_share_one_store_of_blobs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
