/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "media/edits.h"
#include "serve/stamping.h"

#define LONG (700 * 1000) /* more than one part */

static char folder[] = "/tmp/atelier-stamping-XXXXXX";
static struct blobs *blobs;
static struct random chance;
static uint8_t content[LONG];

static int open_blobs(void **state)
{
    struct fault fault;
    assert_non_null(mkdtemp(folder));
    random_init_seeded(&chance, 7);
    random_fill(&chance, content, sizeof(content));
    if (!blobs_open(folder, (instant){1}, &blobs, &fault))
        fail_msg("%s", fault.text);
    return 0;
}

static int close_blobs(void **state)
{
    char command[200];
    blobs_close(blobs);
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command);
}

static str kept(struct arena *arena)
{
    struct blob_writer writer;
    struct blob_info info;
    struct fault fault;
    assert_true(blob_create(blobs, &chance, &writer, &fault));
    assert_true(blob_write(&writer, (bytes){content, LONG}, &fault));
    assert_true(blob_finish(&writer, &info, &fault));
    return str_copy(arena, str_of(info.id));
}

static bool copy(str blob, const struct buffer *edits, struct blob_info *out, struct fault *fault)
{
    AUTO(fd_close) int fd = memfd_create("edits", MFD_CLOEXEC);
    assert_int_equal(write(fd, edits->at, edits->len), (ssize_t)edits->len);
    return stamping_copy(blobs, &chance, blob, fd, edits->len, out, fault);
}

static void everything_but_the_edits_is_the_same(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    AUTO(buffer_done) struct buffer edits = {0};
    AUTO(fd_close) int fd = -1;
    struct blob_info info;
    struct fault fault;
    int64_t size = 0;
    edits_add(&edits, 10, 2, bytes_of(STR("abc")));
    edits_add(&edits, LONG - 1, 0, bytes_of(STR("end")));
    if (!copy(kept(&arena), &edits, &info, &fault) ||
        !blob_open(blobs, str_of(info.id), &fd, &size, &fault))
        fail_msg("%s", fault.text);
    assert_int_equal(size, LONG + 4);
    uint8_t *got = arena_alloc(&arena, LONG + 4);
    assert_int_equal(pread(fd, got, LONG + 4, 0), LONG + 4);
    assert_memory_equal(got, content, 10);
    assert_memory_equal(got + 10, "abc", 3);
    assert_memory_equal(got + 13, content + 12, LONG - 13);
    assert_memory_equal(got + LONG, "end", 3);
    assert_int_equal(got[LONG + 3], content[LONG - 1]);
}

static bool count(void *context, const struct blob_entry *entry)
{
    ++*(int *)context;
    return true;
}

static void edits_beyond_the_file_leave_nothing(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    AUTO(buffer_done) struct buffer edits = {0};
    struct blob_info info;
    struct fault fault = {0};
    int before = 0, after = 0;
    str blob = kept(&arena);
    assert_true(blob_list(blobs, count, &before, &fault));
    edits_add(&edits, LONG, 1, bytes_of(STR("x")));
    assert_false(copy(blob, &edits, &info, &fault));
    assert_int_equal(fault.kind, FAULT_INPUT);
    assert_false(copy(STR("00000000000000000000000000000000"), &edits, &info, &fault));
    assert_int_equal(fault.kind, FAULT_ABSENT);
    assert_true(blob_list(blobs, count, &after, &fault));
    assert_int_equal(after, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_but_the_edits_is_the_same),
        cmocka_unit_test(edits_beyond_the_file_leave_nothing),
    };
    return cmocka_run_group_tests(tests, open_blobs, close_blobs);
}
