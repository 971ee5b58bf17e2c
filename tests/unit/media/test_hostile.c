/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The corpus of hostile files against the helper as it is shipped: each is refused or processed
 * within its limits, and costs whoever sent for it nothing.
 */
#include "desk.h"

#include "hostile.h"

#define LONGEST SECONDS(1) /* by the clock; the helper ends it then */
#define FILE_MAX MIB(16)

/* Of the asking side, over all files. A sanitizer keeps what was freed for a while. */
#if defined(__SANITIZE_ADDRESS__)
#define GROWTH_MAX MIB(64)
#else
#define GROWTH_MAX MIB(4)
#endif

static struct desk desk;
static struct buffer file;

static size_t resident(void)
{
    long long size = 0, pages = 0;
    FILE *from = fopen("/proc/self/statm", "re");
    assert_non_null(from);
    assert_int_equal(fscanf(from, "%lld %lld", &size, &pages), 2);
    fclose(from);
    return (size_t)pages * 4096;
}

static struct ending *ask_about(enum media_verb verb)
{
    int fd = desk_file(file.at, file.len);
    struct media_request request = {
        .verb = verb,
        .input_fd = fd,
        .prompt = STR("a kite"),
        .width = verb == MEDIA_RESIZE ? 640 : 0,
        .fit = MEDIA_CONTAIN,
        .format = MEDIA_WEBP,
        .limits.time_max = LONGEST,
    };
    struct ending *ending = desk_ask(&desk, &request);
    for (int i = 0; i < 10 && ending->failure == MEDIA_STARVED; i++)
        ending = desk_ask(&desk, &request); /* others had the processor: nothing is known yet */
    close(fd);
    return ending;
}

static unsigned bit_of(const struct ending *ending)
{
    return ending->kind == MEDIA_EVENT_DONE ? MAY_DONE : MAY(ending->failure);
}

static void check(const struct hostile *hostile, bool tells)
{
    buffer_clear(&file);
    hostile->make(&file);
    struct ending *ending = ask_about(MEDIA_DERIVE);
    int64_t took = ending->took.us;
    if (tells)
        print_message(
            "%-40s %8zu bytes %6lld ms %s %s\n", hostile->name, file.len, (long long)took / 1000,
            ending->kind == MEDIA_EVENT_DONE ? "done" : media_failure_name(ending->failure),
            ending->text);
    if (!(bit_of(ending) & hostile->may))
        fail_msg("%s: %s: %s", hostile->name, media_failure_name(ending->failure), ending->text);
    assert_true(took < LONGEST.us + SECONDS(2).us);
    if (bit_of(ending) & (MAY(MEDIA_TIMEOUT) | MAY(MEDIA_CRASHED)))
        return; /* the others would take as long */
    static const enum media_verb others[] = {MEDIA_PROBE, MEDIA_RESIZE, MEDIA_STAMP};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        ending = ask_about(others[i]);
        if (bit_of(ending) & (MAY(MEDIA_BROKEN) | MAY(MEDIA_UNAVAILABLE)))
            fail_msg("%s, verb %d: %s", hostile->name, others[i], ending->text);
    }
}

static void each_is_refused_or_processed_within_its_limits(void **state)
{
    check(&hostile_files[0], false); /* now this program has all that it needs */
    size_t before = resident();
    for (size_t i = 0; i < hostile_count; i++)
        check(&hostile_files[i], getenv("HOSTILE_TELL") != NULL);
    size_t after = resident();
    if (after > before + GROWTH_MAX)
        fail_msg("%zu KiB more than before", (after - before) >> 10);
}

static int open_desk(void **state)
{
    file = buffer_with_max(FILE_MAX);
    memset(buffer_reserve(&file, FILE_MAX - 1), 1, FILE_MAX - 1);
    desk_open(&desk, "ATELIER_MEDIA", 1);
    return 0;
}

static int close_desk(void **state)
{
    desk_close(&desk);
    buffer_done(&file);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_refused_or_processed_within_its_limits),
    };
    return cmocka_run_group_tests(tests, open_desk, close_desk);
}
