/* SPDX-License-Identifier: Apache-2.0 */
/* Uploaded files on a real disk; the linker lets writes and syncs fail (--wrap). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "blob/folder.h"
#include "blob/partial.h"
#include "serve/tus.h"
#include "serve/upload_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#define PNG "\x89PNG\r\n\x1a\n"

/* ---- the fake calls ---- */

static int fail_at, call_number;
static uint64_t blocks_left = 1000000000;

static bool call_fails(void)
{
    if (fail_at == 0 || ++call_number != fail_at)
        return false;
    errno = ENOSPC;
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

int __wrap_statvfs64(const char *path, struct statvfs *out);
int __wrap_statvfs64(const char *path, struct statvfs *out)
{
    *out = (struct statvfs){.f_bavail = blocks_left, .f_frsize = 1024};
    return 0;
}

/* ---- a folder ---- */

struct stage {
    char folder[64];
    struct blobs *blobs;
    struct random random;
};

static int open_stage(void **state)
{
    struct stage *stage = memory_zeroed(sizeof(*stage));
    struct fault fault;
    fail_at = call_number = 0;
    blocks_left = 1000000000;
    snprintf(stage->folder, sizeof(stage->folder), "/tmp/atelier-upload-XXXXXX");
    assert_non_null(mkdtemp(stage->folder));
    random_init_seeded(&stage->random, 7);
    assert_true(blobs_open(stage->folder, clock_now(), &stage->blobs, &fault));
    *state = stage;
    return 0;
}

static int close_stage(void **state)
{
    struct stage *stage = *state;
    blobs_close(stage->blobs);
    folder_remove(AT_FDCWD, stage->folder);
    free(stage);
    return 0;
}

static struct upload_file file_of(const struct stage *stage)
{
    return (struct upload_file){
        .blobs = stage->blobs,
        .folder = stage->folder,
        .announced = 2000,
        .image_max = 4000,
        .video_max = 9000,
    };
}

static bool count_one(void *context, const struct blob_entry *entry)
{
    ++*(size_t *)context;
    return true;
}

static size_t blobs_in(struct stage *stage)
{
    struct fault fault;
    size_t count = 0;
    assert_true(blob_list(stage->blobs, count_one, &count, &fault));
    return count;
}

static size_t left_in_tmp(const struct stage *stage)
{
    char path[80];
    size_t count = 0;
    snprintf(path, sizeof(path), "%s/tmp", stage->folder);
    DIR *folder = opendir(path);
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

/* In pieces of 100 bytes; what is left of a failure is removed. */
static bool send_file(struct stage *stage, struct upload_file *file, str text,
                      struct upload_failure *failure)
{
    bool is_well = true;
    for (size_t at = 0; at < text.len && is_well; at += 100)
        is_well = upload_file_write(file, &stage->random, str_slice(text, at, at + 100), failure);
    is_well = is_well && upload_file_end(file, &stage->random, failure);
    if (!is_well)
        upload_file_drop(file);
    return is_well;
}

static str picture_of(char *room, size_t size)
{
    memset(room, 'p', size);
    memcpy(room, PNG, strlen(PNG));
    return (str){room, size};
}

/* ---- claims ---- */

static void a_file_is_kept_whole_and_told_by_its_bytes(void **state)
{
    struct stage *stage = *state;
    struct upload_failure failure = {0};
    struct upload_file file = file_of(stage);
    char room[2000];
    assert_true(send_file(stage, &file, picture_of(room, sizeof(room)), &failure));
    assert_int_equal(file.found.type, MEDIA_PNG);
    assert_int_equal(file.info.size, sizeof(room));
    assert_int_equal(blobs_in(stage), 1);
    upload_file_hand_over(&file);
    upload_file_drop(&file);
    assert_int_equal(blobs_in(stage), 1);
}

static void what_is_not_handed_over_is_removed(void **state)
{
    struct stage *stage = *state;
    struct upload_failure failure = {0};
    struct upload_file file = file_of(stage);
    char room[600];
    assert_true(send_file(stage, &file, picture_of(room, sizeof(room)), &failure));
    assert_true(upload_file_is_there(&file));
    upload_file_drop(&file);
    assert_false(upload_file_is_there(&file));
    assert_int_equal(blobs_in(stage), 0);
}

static void short_files_are_told_at_their_end(void **state)
{
    struct stage *stage = *state;
    struct upload_failure failure = {0};
    struct upload_file file = file_of(stage);
    assert_true(send_file(stage, &file, STR("GIF89a"), &failure));
    assert_int_equal(file.found.type, MEDIA_GIF);
    upload_file_drop(&file);
    file = file_of(stage);
    assert_false(send_file(stage, &file, (str){0}, &failure));
    assert_string_equal(failure.code, "EMPTY");
}

static void each_kind_has_its_limit(void **state)
{
    struct stage *stage = *state;
    char room[9001];
    for (int is_film = 0; is_film < 2; is_film++) {
        struct upload_file file = file_of(stage);
        struct upload_failure failure = {0};
        size_t max = is_film ? 9000 : 4000;
        str text = picture_of(room, max);
        if (is_film)
            memcpy(room,
                   "\0\0\0\x18"
                   "ftypisom",
                   12);
        assert_true(send_file(stage, &file, text, &failure));
        upload_file_drop(&file);
        file = file_of(stage);
        room[max] = 'p';
        assert_false(send_file(stage, &file, (str){room, max + 1}, &failure));
        assert_int_equal(failure.status, 413);
    }
    assert_int_equal(blobs_in(stage) + left_in_tmp(stage), 0);
}

static void whatever_call_fails_leaves_nothing_behind(void **state)
{
    struct stage *stage = *state;
    char room[2000];
    bool was_well = false;
    for (fail_at = 1; !was_well; fail_at++) {
        struct upload_file file = file_of(stage);
        struct upload_failure failure = {0};
        call_number = 0;
        was_well = send_file(stage, &file, picture_of(room, sizeof(room)), &failure);
        if (!was_well) {
            assert_int_equal(failure.status, 507);
            assert_int_equal(blobs_in(stage) + left_in_tmp(stage), 0);
        }
        assert_true(fail_at < 100);
    }
    assert_true(fail_at > 10);
}

static void a_disk_that_is_nearly_full_takes_nothing_more(void **state)
{
    struct stage *stage = *state;
    struct upload_failure failure = {0};
    struct upload_file file = file_of(stage);
    char room[600];
    blocks_left = (uint64_t)UPLOAD_DISK_RESERVE / 1024 + 1;
    assert_false(send_file(stage, &file, picture_of(room, sizeof(room)), &failure));
    assert_int_equal(failure.status, 507);
    assert_int_equal(left_in_tmp(stage), 0);
    blocks_left += 2;
    file = file_of(stage);
    failure = (struct upload_failure){0};
    assert_true(send_file(stage, &file, picture_of(room, sizeof(room)), &failure));
    upload_file_drop(&file);
}

static void another_hash_than_announced_is_refused(void **state)
{
    struct stage *stage = *state;
    struct upload_failure failure = {0};
    struct upload_file file = file_of(stage);
    char room[600];
    file.has_sha256 = true;
    assert_false(send_file(stage, &file, picture_of(room, sizeof(room)), &failure));
    assert_string_equal(failure.code, "BAD_DIGEST");
    assert_int_equal(blobs_in(stage), 0);
}

/* ---- partials ---- */

static bool remember(void *context, str token)
{
    ++*(size_t *)context;
    return true;
}

static void a_partial_grows_at_its_end_and_is_there_after_a_restart(void **state)
{
    struct stage *stage = *state;
    struct partials *partials;
    struct fault fault;
    const str token = STR("0123456789abcdef0123456789abcdef");
    int fd;
    int64_t size;
    size_t seen = 0;
    assert_true(partials_open(stage->folder, &partials, &fault));
    assert_false(partial_open(partials, token, false, &fd, &size, &fault));
    assert_int_equal(fault.kind, FAULT_ABSENT);
    assert_false(partial_open(partials, STR("../x"), true, &fd, &size, &fault));
    assert_int_equal(fault.kind, FAULT_INPUT);
    assert_true(partial_open(partials, token, true, &fd, &size, &fault));
    assert_true(partial_append(fd, &size, bytes_of(STR("abc")), &fault));
    assert_int_equal(size, 3);
    close(fd);
    partials_close(partials);
    assert_true(partials_open(stage->folder, &partials, &fault));
    assert_true(partial_open(partials, token, true, &fd, &size, &fault));
    assert_int_equal(size, 3);
    close(fd);
    assert_true(partials_list(partials, remember, &seen, &fault));
    assert_int_equal(seen, 1);
    assert_true(partial_remove(partials, token, &fault));
    assert_true(partial_remove(partials, token, &fault));
    assert_false(partial_open(partials, token, false, &fd, &size, &fault));
    partials_close(partials);
}

/* ---- headers ---- */

static void headers_of_tus_are_read_strictly(void **state)
{
    struct arena arena = {0};
    struct tus_checksum sum;
    int64_t number;
    str value;
    assert_true(tus_read_number(STR("0"), &number) && number == 0);
    assert_true(tus_read_number(STR("9007199254740992"), &number));
    assert_false(tus_read_number(STR("9007199254740993"), &number));
    assert_false(tus_read_number(STR("-1"), &number));
    assert_false(tus_read_number(STR(""), &number));
    assert_false(tus_read_number(STR("1x"), &number));
    assert_true(
        tus_read_metadata(&arena, STR("a,filename d29ybGQ=,b YQ=="), STR("filename"), &value));
    assert_true(str_equal(value, STR("world")));
    assert_true(tus_read_metadata(&arena, (str){0}, STR("filename"), &value));
    assert_int_equal(value.len, 0);
    assert_false(tus_read_metadata(&arena, STR("a,,b"), STR("filename"), &value));
    assert_false(tus_read_metadata(&arena, STR("filename AA=="), STR("filename"), &value));
    assert_true(tus_read_checksum(&arena, STR("sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA="), &sum));
    assert_int_equal(sum.hash, TUS_HASH_SHA1);
    assert_false(tus_read_checksum(&arena, STR("sha256 AAAAAAAAAAAAAAAAAAAAAAAAAAA="), &sum));
    assert_false(tus_read_checksum(&arena, STR("md5 AAAA"), &sum));
    arena_done(&arena);
}

#define ON_DISK(claim) cmocka_unit_test_setup_teardown(claim, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_DISK(a_file_is_kept_whole_and_told_by_its_bytes),
        ON_DISK(what_is_not_handed_over_is_removed),
        ON_DISK(short_files_are_told_at_their_end),
        ON_DISK(each_kind_has_its_limit),
        ON_DISK(whatever_call_fails_leaves_nothing_behind),
        ON_DISK(a_disk_that_is_nearly_full_takes_nothing_more),
        ON_DISK(another_hash_than_announced_is_refused),
        ON_DISK(a_partial_grows_at_its_end_and_is_there_after_a_restart),
        cmocka_unit_test(headers_of_tus_are_read_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
