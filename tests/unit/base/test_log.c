/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/log.h"

/* What an event puts on stderr. */
static size_t written_by(enum log_level level, const char *text, char *out, size_t room)
{
    int file = memfd_create("stderr", MFD_CLOEXEC);
    int kept = dup(STDERR_FILENO);
    assert_true(file >= 0 && kept >= 0);
    dup2(file, STDERR_FILENO);
    log_event(level, "test_event", "%s", text);
    dup2(kept, STDERR_FILENO);
    close(kept);
    ssize_t len = pread(file, out, room - 1, 0);
    close(file);
    assert_true(len >= 0);
    out[len] = '\0';
    return (size_t)len;
}

static void an_event_is_one_line_of_json(void **state)
{
    char line[512];
    size_t len = written_by(LOG_WARN, "a \"b\" \\ c\nd\te", line, sizeof(line));
    assert_int_equal(line[len - 1], '\n');
    assert_ptr_equal(strchr(line, '\n'), line + len - 1);
    assert_memory_equal(line, "{\"at\":\"20", 9);
    assert_int_equal(line[30], 'Z');
    assert_string_equal(line + 31, "\",\"level\":\"warn\",\"event\":\"test_event\","
                                   "\"text\":\"a \\\"b\\\" \\\\ c\\u000ad\\u0009e\"}\n");
}

static void quiet_levels_are_not_written(void **state)
{
    char line[512];
    assert_int_equal(written_by(LOG_DEBUG, "x", line, sizeof(line)), 0);
    log_set_level(LOG_DEBUG);
    assert_int_not_equal(written_by(LOG_DEBUG, "x", line, sizeof(line)), 0);
    log_set_level(LOG_ERROR);
    assert_int_equal(written_by(LOG_WARN, "x", line, sizeof(line)), 0);
    assert_int_not_equal(written_by(LOG_ERROR, "x", line, sizeof(line)), 0);
    log_set_level(LOG_INFO);
}

static void text_that_is_too_long_is_cut_and_the_line_is_still_json(void **state)
{
    static char text[8000], line[16384];
    for (size_t i = 0; i + 2 < sizeof(text); i++) /* one of both is cut inside a character */
        text[i] = i % 2 == 0 ? '\xC3' : '\xA9';
    size_t len = written_by(LOG_INFO, text, line, sizeof(line));
    assert_in_range(len, 500, 8192);
    assert_memory_equal(line + len - 3, "\"}\n", 3);
    assert_true(utf8_is_valid((str){line, len}));
    text[0] = '-';
    memmove(text + 1, text + 2, sizeof(text) - 2);
    len = written_by(LOG_INFO, text, line, sizeof(line));
    assert_true(utf8_is_valid((str){line, len}));
}

static void bytes_that_are_no_text_are_written_as_question_marks(void **state)
{
    char line[512];
    size_t len = written_by(LOG_INFO,
                            "a\xFF"
                            "b\xC3",
                            line, sizeof(line));
    assert_true(utf8_is_valid((str){line, len}));
    assert_non_null(strstr(line, "\"a?b?\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_is_one_line_of_json),
        cmocka_unit_test(quiet_levels_are_not_written),
        cmocka_unit_test(text_that_is_too_long_is_cut_and_the_line_is_still_json),
        cmocka_unit_test(bytes_that_are_no_text_are_written_as_question_marks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
