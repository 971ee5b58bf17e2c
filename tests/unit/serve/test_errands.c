/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "blob/folder.h"
#include "serve/errands.h"

static char folder[] = "/tmp/atelier-errands-XXXXXX";
static struct blobs *blobs;
static struct random chance;

static int open_blobs(void **state)
{
    struct fault fault;
    assert_non_null(mkdtemp(folder));
    random_init_seeded(&chance, 7);
    return blobs_open(folder, (instant){1}, &blobs, &fault) ? 0 : -1;
}

static int close_blobs(void **state)
{
    blobs_close(blobs);
    folder_remove(AT_FDCWD, folder);
    return 0;
}

/* Whether it is out of reach for a while; *is_here: it was brought. */
static bool is_passing(const struct work *work, bool *is_here)
{
    struct errand *errand = errand_new(NULL, blobs, 1, work);
    errand_bring(&errand->keeping, &chance);
    bool is_passing = errand->is_passing;
    *is_here = errand->fd >= 0;
    fd_close(&errand->fd);
    free(errand);
    return is_passing;
}

static void only_what_is_not_there_is_lost(void **state)
{
    struct blob_writer writer;
    struct blob_info info;
    struct fault fault;
    char path[200];
    bool is_here;
    assert_true(blob_create(blobs, &chance, &writer, &fault));
    assert_true(blob_finish(&writer, &info, &fault));
    const struct work work = {.kind = WORK_DERIVE, .blob = str_of(info.id)};
    is_passing(&work, &is_here);
    assert_true(is_here);

    /* A disk or a bucket that says something else than "it is not there": an upload is kept. */
    snprintf(path, sizeof(path), "%s/blobs/%.2s/%.2s/%s", folder, info.id, info.id + 2, info.id);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_true(is_passing(&work, &is_here));
    assert_false(is_here);

    assert_int_equal(rmdir(path), 0);
    assert_false(is_passing(&work, &is_here));
    assert_false(is_here);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(only_what_is_not_there_is_lost)};
    return cmocka_run_group_tests(tests, open_blobs, close_blobs);
}
