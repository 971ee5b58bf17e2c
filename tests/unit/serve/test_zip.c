/* SPDX-License-Identifier: Apache-2.0 */
/* Archives as Info-ZIP's unzip sees them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/file.h"
#include "serve/zip.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

#define SMALL "hello"
#define MANY 66000
#define LARGE_SIZE ((INT64_C(1) << 32) + 10)

static char path[] = "/tmp/atelier-test-zip-XXXXXX";
static int fd;

static void put(int64_t *at, struct buffer *text)
{
    str all = buffer_text(text);
    assert_int_equal(pwrite(fd, all.at, all.len, *at), all.len);
    *at += (int64_t)all.len;
    buffer_clear(text);
}

/* Contents are holes, but for SMALL where the size fits. */
static int64_t write_archive(struct zip_file *files, size_t count)
{
    AUTO(buffer_done) struct buffer text = {.max = MIB(32)};
    struct zip_end end;
    int64_t size = zip_layout(files, count, &end), at = 0;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(files[i].at, at);
        zip_write_local(&text, &files[i]);
        put(&at, &text);
        if (files[i].size == sizeof(SMALL) - 1)
            assert_int_equal(pwrite(fd, SMALL, sizeof(SMALL) - 1, at), sizeof(SMALL) - 1);
        at += files[i].size;
    }
    assert_int_equal(end.at, at);
    for (size_t i = 0; i < count; i++)
        zip_write_central(&text, &files[i]);
    assert_int_equal(text.len, end.size);
    zip_write_end(&text, &end);
    put(&at, &text);
    assert_int_equal(at, size);
    return size;
}

static void hear(const char *command, char *out, size_t room)
{
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t len = fread(out, 1, room - 1, pipe);
    out[len] = 0;
    assert_int_equal(pclose(pipe), 0);
}

static void unzip(const char *words, char *out, size_t room)
{
    char command[256];
    snprintf(command, sizeof(command), "LC_ALL=C.UTF-8 TZ=UTC unzip %s %s", words, path);
    hear(command, out, room);
}

static void unzip_one(const char *name, char *out, size_t room)
{
    char command[256];
    snprintf(command, sizeof(command), "unzip -p %s %s", path, name);
    hear(command, out, room);
}

static uint32_t crc_of_small(void)
{
    return (uint32_t)crc32_z(0, (const uint8_t *)SMALL, sizeof(SMALL) - 1);
}

static int open_file(void **state)
{
    memcpy(path + strlen(path) - 6, "XXXXXX", 6);
    fd = mkstemp(path);
    return fd < 0;
}

static int close_file(void **state)
{
    close(fd);
    return unlink(path);
}

static void a_small_archive_is_read_by_others(void **state)
{
    char said[4096];
    struct zip_file files[] = {
        {.name = STR("змей 🪁.txt"),
         .size = 5,
         .modified = 1795219200,
         .crc = crc_of_small()},
        {.name = STR("b"), .size = 0, .modified = 0},
    };
    write_archive(files, 2);
    unzip("-tq", said, sizeof(said));
    unzip("-Z -T", said, sizeof(said));
    assert_non_null(strstr(said, "20261121.000000 змей 🪁.txt"));
    assert_non_null(strstr(said, "19700101.000000 b"));
    unzip("-p", said, sizeof(said));
    assert_string_equal(said, SMALL);
}

/* Of zeros: of a power of two of them at a time. */
static uint32_t crc_of_zeros(int64_t size)
{
    uint8_t zero = 0;
    uLong power = crc32_z(0, &zero, 1), crc = 0;
    int64_t len = 1;
    for (int64_t rest = size; rest != 0; rest >>= 1) {
        if (rest & 1)
            crc = crc32_combine(crc, power, len);
        power = crc32_combine(power, power, len);
        len *= 2;
    }
    return (uint32_t)crc;
}

static void what_is_beyond_4_gib_is_read_by_others(void **state)
{
    char said[4096];
    struct zip_file files[] = {
        {.name = STR("large"), .size = LARGE_SIZE, .crc = crc_of_zeros(LARGE_SIZE)},
        {.name = STR("behind"), .size = 5, .crc = crc_of_small()},
    };
    write_archive(files, 2);
    unzip("-Z -t", said, sizeof(said));
    assert_non_null(strstr(said, "2 files, 4294967311 bytes uncompressed"));
    unzip_one("behind", said, sizeof(said));
    assert_string_equal(said, SMALL);
}

static void more_files_than_65535_are_read_by_others(void **state)
{
    static struct zip_file files[MANY];
    static char names[MANY][8], said[MANY * 8];
    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof(names[i]), "%d", i);
        files[i] = (struct zip_file){.name = str_of(names[i])};
    }
    files[MANY - 1].size = 5;
    files[MANY - 1].crc = crc_of_small();
    write_archive(files, MANY);
    unzip("-tqq", said, sizeof(said));
    unzip("-Z -t", said, sizeof(said));
    assert_non_null(strstr(said, "66000 files, 5 bytes uncompressed"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_small_archive_is_read_by_others, open_file, close_file),
        cmocka_unit_test_setup_teardown(what_is_beyond_4_gib_is_read_by_others, open_file,
                                        close_file),
        cmocka_unit_test_setup_teardown(more_files_than_65535_are_read_by_others, open_file,
                                        close_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
