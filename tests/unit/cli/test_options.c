/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/cli.h"
#include "cli/options.h"

#include "said.h"

#include <string.h>

static const char *data, *file, *more;
static bool force;

static const struct option options[] = {
    {.name = "data", .value = "DIR", .about = "The folder", .text = &data},
    {.name = "force", .about = "Do it", .flag = &force},
};
static const struct operand operands[] = {
    {.name = "FILE", .text = &file},
    {.name = "MORE", .text = &more, .is_optional = true},
};
static const struct command command = {
    .name = "try",
    .about = "Tries.",
    .example = "  atelier try x",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .operands = operands,
    .operand_count = ARRAY_LEN(operands),
};

static struct said said;

/* -1: go on. Words are separated by spaces. */
static int read_line(const char *line)
{
    static char text[256]; /* what was read points into it */
    char *words[16] = {"try"};
    int count = 1, code;
    char *rest = text;
    data = file = more = NULL;
    force = false;
    strncpy(text, line, sizeof(text) - 1);
    for (char *word; (word = strsep(&rest, " ")) != NULL;)
        words[count++] = word;
    said_begin(&said);
    bool ok = command_read(&command, count, words, &code);
    said_end(&said);
    return ok ? -1 : code;
}

static void options_stand_before_between_and_after_words(void **state)
{
    static const char *const lines[] = {
        "--data d --force x y",
        "x --data=d y --force",
        "x y --force --data d",
        "--force --data d -- x y",
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        assert_int_equal(read_line(lines[i]), -1);
        assert_string_equal(data, "d");
        assert_string_equal(file, "x");
        assert_string_equal(more, "y");
        assert_true(force);
        assert_string_equal(said.text, "");
    }
}

static void a_dash_is_a_word_and_so_is_what_follows_two_dashes(void **state)
{
    assert_int_equal(read_line("- --data=d"), -1);
    assert_string_equal(file, "-");
    assert_int_equal(read_line("-- --data --force"), -1);
    assert_string_equal(file, "--data");
    assert_string_equal(more, "--force");
    assert_null(data);
}

static void help_goes_to_standard_output_and_is_no_failure(void **state)
{
    assert_int_equal(read_line("--help"), CLI_OK);
    assert_non_null(strstr(said.text, "Usage: atelier try FILE [MORE] [options]"));
    assert_non_null(strstr(said.text, "--data DIR"));
    assert_int_equal(read_line("x --data d -h"), CLI_OK);
    assert_int_equal(said.error_size, 0);
}

static void an_unknown_option_is_named_with_the_nearest_one(void **state)
{
    assert_int_equal(read_line("x --dta d"), CLI_USAGE);
    assert_non_null(strstr(said.text, "there is no option --dta; did you mean --data?"));
    assert_int_equal(read_line("x --forec"), CLI_USAGE);
    assert_non_null(strstr(said.text, "did you mean --force?"));
    assert_int_equal(read_line("x --zzzzzz"), CLI_USAGE);
    assert_null(strstr(said.text, "did you mean"));
    assert_int_equal(read_line("x --dat d"), CLI_USAGE); /* no beginnings of names */
    assert_int_equal(read_line("x -f"), CLI_USAGE);
    assert_non_null(strstr(said.text, "there is no option -f"));
}

static void what_is_missing_or_too_much_is_named(void **state)
{
    assert_int_equal(read_line("--force"), CLI_USAGE);
    assert_non_null(strstr(said.text, "missing: FILE"));
    assert_int_equal(read_line("x y z"), CLI_USAGE);
    assert_non_null(strstr(said.text, "one word too many: z"));
    assert_int_equal(read_line("x --data"), CLI_USAGE);
    assert_non_null(strstr(said.text, "a value is missing after --data"));
    assert_int_equal(read_line("x --data="), CLI_USAGE);
    assert_int_equal(read_line("x --force=yes"), CLI_USAGE);
    assert_non_null(strstr(said.text, "takes no value: --force"));
}

static void words_of_any_length_are_compared(void **state)
{
    static const char *const list[] = {"data"};
    char word[300];
    memset(word, 'd', sizeof(word) - 1);
    word[sizeof(word) - 1] = 0;
    assert_null(nearest_word(word, list, 1));
    assert_null(nearest_word("", list, 1));
    assert_string_equal(nearest_word("adta", list, 1), "data");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_stand_before_between_and_after_words),
        cmocka_unit_test(a_dash_is_a_word_and_so_is_what_follows_two_dashes),
        cmocka_unit_test(help_goes_to_standard_output_and_is_no_failure),
        cmocka_unit_test(an_unknown_option_is_named_with_the_nearest_one),
        cmocka_unit_test(what_is_missing_or_too_much_is_named),
        cmocka_unit_test(words_of_any_length_are_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
