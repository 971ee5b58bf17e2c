/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept at hand of a bucket: what was used last, up to so many bytes, or all of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "blob/folder.h"
#include "blob/home.h"
#include "blob/keep.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE 10

struct scene {
    char folder[64];
    int data;
    struct keep keep;
    struct fault fault;
};

static int set_up(void **state)
{
    struct scene *scene = memory_zeroed(sizeof(*scene));
    scene->keep.root = -1;
    snprintf(scene->folder, sizeof(scene->folder), "/tmp/test-keep-XXXXXX");
    *state = scene;
    return mkdtemp(scene->folder) != NULL &&
                   folder_open(AT_FDCWD, scene->folder, false, &scene->data, &scene->fault)
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    keep_close(&scene->keep);
    fd_close(&scene->data);
    folder_remove(AT_FDCWD, scene->folder);
    free(scene);
    return 0;
}

static const char *id_of(int number)
{
    static char id[BLOB_ID_LEN + 1];
    snprintf(id, sizeof(id), "%032x", (unsigned)number);
    return id;
}

/* Used so many seconds after another time. */
static void take(struct scene *scene, int number, long used)
{
    const struct timespec times[2] = {{.tv_sec = used}, {.tv_sec = used}};
    int fd = openat(scene->data, "new", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, "0123456789", SIZE), SIZE);
    assert_int_equal(futimens(fd, times), 0);
    close(fd);
    assert_true(keep_take(&scene->keep, id_of(number), scene->data, "new", SIZE, &scene->fault));
}

static void what_was_not_used_for_longest_goes_when_it_becomes_too_much(void **state)
{
    struct scene *scene = *state;
    int fd = -1, here = 0;
    int64_t size;
    assert_true(keep_open(&scene->keep, scene->data, "cache", 10 * SIZE, &scene->fault));
    for (int i = 1; i <= 10; i++)
        take(scene, i, i);
    assert_true(keep_find(&scene->keep, id_of(1), &fd, &size, &scene->fault)); /* used now */
    close(fd);
    for (int i = 11; i <= 13; i++)
        take(scene, i, i);
    assert_true(keep_has(&scene->keep, id_of(1)));
    assert_false(keep_has(&scene->keep, id_of(2)));
    assert_true(keep_has(&scene->keep, id_of(13)));
    for (int i = 1; i <= 13; i++)
        here += keep_has(&scene->keep, id_of(i));
    assert_in_range(here, 8, 10);
}

static void what_was_there_before_counts(void **state)
{
    struct scene *scene = *state;
    assert_true(keep_open(&scene->keep, scene->data, "cache", 100 * SIZE, &scene->fault));
    for (int i = 1; i <= 20; i++)
        take(scene, i, i);
    keep_close(&scene->keep);
    assert_true(keep_open(&scene->keep, scene->data, "cache", 10 * SIZE, &scene->fault));
    take(scene, 21, 21);
    assert_false(keep_has(&scene->keep, id_of(12)));
    assert_true(keep_has(&scene->keep, id_of(21)));
}

static void copies_all_stay(void **state)
{
    struct scene *scene = *state;
    assert_true(keep_open(&scene->keep, scene->data, "copies", 0, &scene->fault));
    for (int i = 1; i <= 30; i++)
        take(scene, i, 1);
    for (int i = 1; i <= 30; i++)
        assert_true(keep_has(&scene->keep, id_of(i)));
    assert_true(keep_remove(&scene->keep, id_of(7), &scene->fault));
    assert_true(keep_remove(&scene->keep, id_of(7), &scene->fault));
    assert_false(keep_has(&scene->keep, id_of(7)));
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM(what_was_not_used_for_longest_goes_when_it_becomes_too_much),
        CLAIM(what_was_there_before_counts),
        CLAIM(copies_all_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
