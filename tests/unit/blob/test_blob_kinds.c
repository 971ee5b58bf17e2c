/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What blobs promise wherever they live. By itself it runs on the disk; with BLOB_TEST_ENDPOINT,
 * _BUCKET, _KEY and _SECRET it runs on that bucket, with a cache that keeps nothing, or with all
 * copies when BLOB_TEST_COPIES is set. tests/integration/s3.test.mjs does that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/hash.h"
#include "blob/blob.h"
#include "blob/folder.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- what would be lost by a power cut ---- */

static atomic_bool is_unsynced; /* something was written since the last sync */
static atomic_int syncs;
static atomic_int unsafe_names; /* that were given to what a power cut could empty */

ssize_t __real_write(int fd, const void *from, size_t size);
ssize_t __wrap_write(int fd, const void *from, size_t size);
ssize_t __wrap_write(int fd, const void *from, size_t size)
{
    struct stat facts;
    ssize_t n = __real_write(fd, from, size);
    if (n > 0 && fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode))
        is_unsynced = true;
    return n;
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    is_unsynced = false;
    syncs++;
    return __real_fsync(fd);
}

int __real_renameat(int from_at, const char *from, int to_at, const char *to);
int __wrap_renameat(int from_at, const char *from, int to_at, const char *to);
int __wrap_renameat(int from_at, const char *from, int to_at, const char *to)
{
    unsafe_names += is_unsynced;
    return __real_renameat(from_at, from, to_at, to);
}

/* ---- a place for each test ---- */

struct scene {
    char folder[64];
    struct random random;
    struct blobs *blobs;
    struct fault fault;
    struct arena arena;
};

static str setting(const char *name)
{
    return str_of(getenv(name));
}

static bool is_remote(void)
{
    return setting("BLOB_TEST_ENDPOINT").len != 0;
}

static bool scene_open(struct scene *scene)
{
    struct blob_bucket bucket = {
        .endpoint = setting("BLOB_TEST_ENDPOINT"),
        .name = setting("BLOB_TEST_BUCKET"),
        .key_id = setting("BLOB_TEST_KEY"),
        .secret = setting("BLOB_TEST_SECRET"),
        .prefix = STR("studio one/"),
        .is_path_style = true,
    };
    struct blobs_options options = {
        .folder = scene->folder,
        .now = clock_now(),
        .bucket = is_remote() ? &bucket : NULL,
        .is_remote = true,
        .keeps_copies = setting("BLOB_TEST_COPIES").len != 0,
        .cache_max = 1,
    };
    return blobs_open_with(&options, &scene->blobs, &scene->fault);
}

static int set_up(void **state)
{
    struct scene *scene = memory_zeroed(sizeof(*scene));
    snprintf(scene->folder, sizeof(scene->folder), "/tmp/test-blob-XXXXXX");
    if (mkdtemp(scene->folder) == NULL)
        return -1;
    random_init(&scene->random);
    *state = scene;
    return scene_open(scene) ? 0 : -1;
}

static bool remover(void *context, const struct blob_entry *entry)
{
    struct scene *scene = context;
    return blob_remove(scene->blobs, str_of(entry->id), NULL, &scene->fault);
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    bool ok = blob_list(scene->blobs, remover, scene, &scene->fault);
    blobs_close(scene->blobs);
    folder_remove(AT_FDCWD, scene->folder);
    arena_done(&scene->arena);
    free(scene);
    return ok ? 0 : -1;
}

/* Bytes that are nowhere alike, in a memfd of the caller's. */
static int file_make(size_t size, uint8_t sum[32])
{
    struct random random;
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    random_init_seeded(&random, size);
    if (size == 0) {
        sha256((bytes){0}, sum);
        return fd;
    }
    uint8_t *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(at != MAP_FAILED);
    random_fill(&random, at, size);
    sha256((bytes){at, size}, sum);
    munmap(at, size);
    return fd;
}

static struct blob_info put(struct scene *scene, const char *text)
{
    struct blob_writer writer;
    struct blob_info info = {0};
    bool ok = blob_create(scene->blobs, &scene->random, &writer, &scene->fault) &&
              blob_write(&writer, bytes_of(str_of(text)), &scene->fault) &&
              blob_finish(&writer, &info, &scene->fault);
    if (!ok)
        print_message("%s\n", scene->fault.text);
    assert_true(ok);
    return info;
}

static void expect_file(struct scene *scene, const struct blob_info *info)
{
    AUTO(fd_close) int fd = -1;
    int64_t size = -1;
    uint8_t sum[32];
    if (!blob_open(scene->blobs, str_of(info->id), &fd, &size, &scene->fault))
        fail_msg("%s", scene->fault.text);
    assert_int_equal(size, info->size);
    AUTO(memory_free) uint8_t *at = memory_new((size_t)size + 1);
    assert_int_equal(pread(fd, at, (size_t)size + 1, 0), size);
    sha256((bytes){at, (size_t)size}, sum);
    assert_memory_equal(sum, info->sha256, sizeof(sum));
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 0);
    assert_int_equal(write(fd, "x", 1), -1); /* for reading only */
}

static void what_is_read_is_what_was_written_whatever_its_size(void **state)
{
    static const size_t sizes[] = {0, 1, 65537, MIB(16), MIB(16) + 1, MIB(24)};
    struct scene *scene = *state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct blob_info info;
        uint8_t sum[32];
        AUTO(fd_close) int fd = file_make(sizes[i], sum);
        if (!blob_put_fd(scene->blobs, &scene->random, fd, (int64_t)sizes[i], &info, &scene->fault))
            fail_msg("%zu bytes: %s", sizes[i], scene->fault.text);
        assert_int_equal(info.size, sizes[i]);
        assert_memory_equal(info.sha256, sum, sizeof(sum));
        expect_file(scene, &info);
    }
}

/* Also what is only at hand: it is served as the file. */
static void no_name_is_given_to_what_a_power_cut_could_empty(void **state)
{
    struct scene *scene = *state;
    unsafe_names = 0;
    is_unsynced = false;
    struct blob_info info = put(scene, "red kite");
    expect_file(scene, &info);
    assert_int_equal(unsafe_names, 0);
}

/* The collector finds what a power cut brings back into blobs/, but does not look into a cache. */
static void what_is_removed_from_those_at_hand_stays_so_behind_a_power_cut(void **state)
{
    struct scene *scene = *state;
    struct blob_info info = put(scene, "red kite");
    syncs = 0;
    assert_true(blob_remove(scene->blobs, str_of(info.id), NULL, &scene->fault));
    assert_int_equal(syncs, is_remote() && setting("BLOB_TEST_COPIES").len != 0);
}

static void a_blob_is_not_there_before_it_is_finished(void **state)
{
    struct scene *scene = *state;
    struct blob_writer writer;
    int fd;
    int64_t size;
    assert_true(blob_create(scene->blobs, &scene->random, &writer, &scene->fault));
    assert_true(blob_write(&writer, bytes_of(STR("half")), &scene->fault));
    assert_false(blob_open(scene->blobs, str_of(writer.id), &fd, &size, &scene->fault));
    assert_int_equal(scene->fault.kind, FAULT_ABSENT);
    blob_abort(&writer);
}

static void a_removed_blob_is_gone_and_may_be_removed_again(void **state)
{
    struct scene *scene = *state;
    struct blob_info info = put(scene, "x");
    bool is_gone = false;
    int fd;
    int64_t size;
    for (int i = 0; i < 2; i++) {
        assert_true(blob_remove(scene->blobs, str_of(info.id), &is_gone, &scene->fault));
        assert_true(is_gone);
    }
    assert_false(blob_open(scene->blobs, str_of(info.id), &fd, &size, &scene->fault));
    assert_int_equal(scene->fault.kind, FAULT_ABSENT);
}

static void what_was_opened_outlives_its_removal(void **state)
{
    struct scene *scene = *state;
    struct blob_info info = put(scene, "red kite");
    AUTO(fd_close) int fd = -1;
    int64_t size;
    char text[9] = "";
    assert_true(blob_open(scene->blobs, str_of(info.id), &fd, &size, &scene->fault));
    assert_true(blob_remove(scene->blobs, str_of(info.id), NULL, &scene->fault));
    assert_int_equal(pread(fd, text, 8, 0), 8);
    assert_string_equal(text, "red kite");
}

struct found {
    char ids[8][BLOB_ID_LEN + 1];
    size_t count;
    bool is_young;
};

static bool find(void *context, const struct blob_entry *entry)
{
    struct found *found = context;
    if (found->count == ARRAY_LEN(found->ids))
        return false;
    snprintf(found->ids[found->count++], sizeof(found->ids[0]), "%s", entry->id);
    found->is_young = entry->modified.us > clock_now().us - MINUTES(1).us && entry->size == 1;
    return true;
}

static void the_list_has_each_blob_once(void **state)
{
    struct scene *scene = *state;
    struct found found = {0};
    struct blob_info infos[3];
    for (size_t i = 0; i < ARRAY_LEN(infos); i++)
        infos[i] = put(scene, "x");
    expect_file(scene, &infos[1]);
    assert_true(blob_list(scene->blobs, find, &found, &scene->fault));
    assert_int_equal(found.count, ARRAY_LEN(infos));
    assert_true(found.is_young);
    for (size_t i = 0; i < ARRAY_LEN(infos); i++) {
        size_t seen = 0;
        for (size_t j = 0; j < found.count; j++)
            seen += strcmp(found.ids[j], infos[i].id) == 0;
        assert_int_equal(seen, 1);
    }
}

static void a_file_that_ends_early_is_refused_and_leaves_nothing(void **state)
{
    struct scene *scene = *state;
    struct found found = {0};
    struct blob_info info;
    uint8_t sum[32];
    AUTO(fd_close) int fd = file_make(1000, sum);
    assert_false(blob_put_fd(scene->blobs, &scene->random, fd, 1001, &info, &scene->fault));
    assert_int_equal(scene->fault.kind, FAULT_INPUT);
    assert_true(blob_list(scene->blobs, find, &found, &scene->fault));
    assert_int_equal(found.count, 0);
}

static void the_loop_is_told_where_a_blob_is_without_waiting(void **state)
{
    struct scene *scene = *state;
    struct blob_info info = put(scene, "red");
    struct blob_place place;
    struct blob_link link = {.now = clock_now(), .content_type = STR("image/png")};
    assert_true(
        blob_find(scene->blobs, &scene->arena, str_of(info.id), &link, &place, &scene->fault));
    if (is_remote() && setting("BLOB_TEST_COPIES").len == 0) {
        assert_int_equal(place.fd, -1);
        assert_true(str_contains(place.url, STR("response-content-type=image%2Fpng")));
        assert_true(str_contains(place.url, str_of(info.id)));
        assert_true(place.expires_at.us >= link.now.us + BLOB_LINK_LIFE.us);
        return;
    }
    assert_true(place.fd >= 0);
    assert_int_equal(place.size, 3);
    close(place.fd);
}

static void rows_are_told_the_names_of_new_blobs_in_a_bucket(void **state)
{
    struct scene *scene = *state;
    str id = STR("0123456789abcdef0123456789abcdef");
    struct blob_home home = {
        .bucket = STR("b"), .prefix = STR("/a b//"), .cdn_url = STR("https://d1.example/")};
    struct blob_names names = blob_names(&scene->arena, &home, id);
    assert_true(str_equal(names.bucket, home.bucket));
    assert_true(str_equal(names.object_key, STR("a b/01/23/0123456789abcdef0123456789abcdef")));
    assert_true(str_equal(names.cdn_url,
                          STR("https://d1.example/a%20b/01/23/0123456789abcdef0123456789abcdef")));
    names = blob_names(&scene->arena, &(struct blob_home){0}, id);
    assert_int_equal(names.bucket.len + names.object_key.len + names.cdn_url.len, 0);
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM(what_is_read_is_what_was_written_whatever_its_size),
        CLAIM(no_name_is_given_to_what_a_power_cut_could_empty),
        CLAIM(what_is_removed_from_those_at_hand_stays_so_behind_a_power_cut),
        CLAIM(a_blob_is_not_there_before_it_is_finished),
        CLAIM(a_removed_blob_is_gone_and_may_be_removed_again),
        CLAIM(what_was_opened_outlives_its_removal),
        CLAIM(the_list_has_each_blob_once),
        CLAIM(a_file_that_ends_early_is_refused_and_leaves_nothing),
        CLAIM(the_loop_is_told_where_a_blob_is_without_waiting),
        CLAIM(rows_are_told_the_names_of_new_blobs_in_a_bucket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
