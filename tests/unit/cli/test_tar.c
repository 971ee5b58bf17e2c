/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/tar.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

static struct fault fault;

static int memfd_of(const void *raw, size_t size)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, raw, size), size);
    return fd;
}

static void put(int archive, const char *name, const char *raw, size_t size)
{
    struct tar_writer writer = {.fd = archive};
    struct tar_entry entry = {.size = (int64_t)size, .modified = 1790000000};
    uint8_t sha256[32];
    AUTO(fd_close) int file = memfd_of(raw, size);
    strncpy(entry.name, name, TAR_NAME_MAX);
    assert_true(tar_put(&writer, &entry, file, sha256, &fault));
}

static void finish(int archive)
{
    struct tar_writer writer = {.fd = archive};
    assert_true(tar_finish(&writer, &fault));
    lseek(archive, 0, SEEK_SET);
}

/* Two files, the first of a block's length and the second longer, and the end. */
static int archive_make(void)
{
    char raw[1300];
    memset(raw, 'a', sizeof(raw));
    int archive = memfd_of("", 0);
    put(archive, "one", raw, 512);
    put(archive, "keys/two", raw, sizeof(raw));
    finish(archive);
    return archive;
}

/* How many entries there are up to the end; -1 when it is refused before. */
static int archive_walk(int archive)
{
    struct tar_reader reader = {.fd = archive};
    struct tar_entry entry;
    bool is_end;
    int count = 0;
    while (tar_next(&reader, &entry, &is_end, &fault)) {
        if (is_end)
            return count;
        count++;
    }
    return -1;
}

static void what_is_put_comes_back_in_order(void **state)
{
    AUTO(fd_close) int archive = memfd_of("", 0);
    struct tar_reader reader = {.fd = archive};
    struct tar_entry entry;
    bool is_end;
    char got_bytes[64] = {0};
    size_t got;
    put(archive, "VERSION", "atelier\n", 8);
    put(archive, "empty", "", 0);
    put(archive, "skipped", "never read", 10);
    put(archive, "last", "x", 1);
    finish(archive);

    assert_true(tar_next(&reader, &entry, &is_end, &fault));
    assert_string_equal(entry.name, "VERSION");
    assert_int_equal(entry.size, 8);
    assert_int_equal(entry.modified, 1790000000);
    assert_true(tar_read(&reader, got_bytes, 3, &got, &fault));
    assert_int_equal(got, 3);
    assert_true(tar_read(&reader, got_bytes + 3, 60, &got, &fault));
    assert_int_equal(got, 5);
    assert_string_equal(got_bytes, "atelier\n");
    assert_true(tar_read(&reader, got_bytes, 60, &got, &fault));
    assert_int_equal(got, 0);

    assert_true(tar_next(&reader, &entry, &is_end, &fault));
    assert_string_equal(entry.name, "empty");
    assert_true(tar_next(&reader, &entry, &is_end, &fault));
    assert_true(tar_next(&reader, &entry, &is_end, &fault));
    assert_string_equal(entry.name, "last");
    assert_false(is_end);
    assert_true(tar_next(&reader, &entry, &is_end, &fault));
    assert_true(is_end);
}

static void the_sum_is_of_the_file(void **state)
{
    AUTO(fd_close) int archive = memfd_of("", 0);
    AUTO(fd_close) int file = memfd_of("abcdef", 6);
    struct tar_writer writer = {.fd = archive};
    const struct tar_entry entry = {.name = "x", .size = 3};
    /* of "abc", from the standard */
    static const uint8_t want[4] = {0xba, 0x78, 0x16, 0xbf};
    uint8_t sha256[32];
    assert_true(tar_put(&writer, &entry, file, sha256, &fault));
    assert_memory_equal(sha256, want, 4);
    assert_int_equal(lseek(archive, 0, SEEK_CUR), 1024);
}

static void a_file_that_became_shorter_is_refused(void **state)
{
    AUTO(fd_close) int archive = memfd_of("", 0);
    AUTO(fd_close) int file = memfd_of("abc", 3);
    struct tar_writer writer = {.fd = archive};
    const struct tar_entry entry = {.name = "x", .size = 4};
    uint8_t sha256[32];
    assert_false(tar_put(&writer, &entry, file, sha256, &fault));
    assert_int_equal(fault.kind, FAULT_INPUT);
}

static void a_size_beyond_8_gib_is_kept(void **state)
{
    AUTO(fd_close) int archive = memfd_of("", 0);
    AUTO(fd_close) int file = memfd_of("", 0);
    struct tar_writer writer = {.fd = archive};
    struct tar_entry entry = {.name = "atelier.db", .size = (int64_t)9 << 30};
    struct tar_reader reader = {.fd = archive};
    uint8_t sha256[32];
    bool is_end;
    /* Only the heads are written; the bytes would take too long. */
    assert_false(tar_put(&writer, &entry, file, sha256, &fault));
    entry = (struct tar_entry){0};
    lseek(archive, 0, SEEK_SET);
    assert_true(tar_next(&reader, &entry, &is_end, &fault));
    assert_string_equal(entry.name, "atelier.db");
    assert_int_equal(entry.size, (int64_t)9 << 30);
}

static void an_archive_cut_anywhere_is_refused(void **state)
{
    AUTO(fd_close) int whole = archive_make();
    off_t size = lseek(whole, 0, SEEK_END);
    lseek(whole, 0, SEEK_SET);
    assert_int_equal(archive_walk(whole), 2);
    for (off_t cut = size - 1; cut >= 0; cut -= 7) {
        assert_int_equal(ftruncate(whole, cut), 0);
        lseek(whole, 0, SEEK_SET);
        assert_int_equal(archive_walk(whole), -1);
    }
}

static void a_head_with_any_byte_changed_is_refused(void **state)
{
    AUTO(fd_close) int archive = archive_make();
    for (off_t at = 0; at < TAR_BLOCK; at++) {
        uint8_t was, now;
        assert_int_equal(pread(archive, &was, 1, at), 1);
        now = was ^ 1;
        assert_int_equal(pwrite(archive, &now, 1, at), 1);
        lseek(archive, 0, SEEK_SET);
        /* Unused are the two bytes that end the sum; there a zero or space may change. */
        if (archive_walk(archive) != -1)
            assert_in_range(at, 154, 155);
        assert_int_equal(pwrite(archive, &was, 1, at), 1);
    }
}

/* A head of its own, with the right sum. */
static int head_make(const char *name, char type, const char *size, const char *prefix)
{
    uint8_t block[2 * TAR_BLOCK] = {0};
    unsigned sum = 0;
    strncpy((char *)block, name, 100);
    strncpy((char *)block + 124, size, 12);
    memset(block + 136, '0', 11);
    memset(block + 148, ' ', 8);
    block[156] = (uint8_t)type;
    static const uint8_t magic[8] = {'u', 's', 't', 'a', 'r', 0, '0', '0'};
    memcpy(block + 257, magic, sizeof(magic));
    strncpy((char *)block + 345, prefix, 155);
    for (size_t i = 0; i < TAR_BLOCK; i++)
        sum += block[i];
    snprintf((char *)block + 148, 8, "%06o", sum);
    int fd = memfd_of(block, sizeof(block));
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static void only_plain_files_with_plain_sizes_and_short_names_are_read(void **state)
{
    static const struct {
        const char *name, *size, *prefix;
        char type;
        bool is_good;
    } heads[] = {
        {"file", "00000000000", "", '0', true},
        {"file", "77777777777", "", '0', true},
        {"file", "00000000000", "", '1', false},
        {"file", "00000000000", "", '2', false},
        {"file", "00000000000", "", '5', false},
        {"file", "00000000000", "", 'L', false},
        {"file", "00000000000", "", 'g', false},
        {"file", "00000000000", "", '\0', false},
        {"file", "", "", '0', false},
        {"file", "-1", "", '0', false},
        {"file", "9", "", '0', false},
        {"file", "\x80\1", "", '0', false},
        {"file", "00000000000", "folder", '0', false},
        {"", "00000000000", "", '0', false},
        {"\x1b[2J", "00000000000", "", '0', false},
        {"\xc2\x9b", "00000000000", "", '0', false},
        {"file", "00000000000", "", 'x', false},
        {"file", "00000001001", "", 'x', false},
        {"file", "00000000005", "", 'x', false},
    };
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        AUTO(fd_close)
        int fd = head_make(heads[i].name, heads[i].type, heads[i].size, heads[i].prefix);
        struct tar_reader reader = {.fd = fd};
        struct tar_entry entry;
        bool is_end;
        assert_int_equal(tar_next(&reader, &entry, &is_end, &fault), heads[i].is_good);
    }
    char long_name[101];
    memset(long_name, 'n', 100);
    long_name[100] = 0;
    AUTO(fd_close) int fd = head_make(long_name, '0', "00000000000", "");
    assert_int_equal(archive_walk(fd), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_comes_back_in_order),
        cmocka_unit_test(the_sum_is_of_the_file),
        cmocka_unit_test(a_file_that_became_shorter_is_refused),
        cmocka_unit_test(a_size_beyond_8_gib_is_kept),
        cmocka_unit_test(an_archive_cut_anywhere_is_refused),
        cmocka_unit_test(a_head_with_any_byte_changed_is_refused),
        cmocka_unit_test(only_plain_files_with_plain_sizes_and_short_names_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
