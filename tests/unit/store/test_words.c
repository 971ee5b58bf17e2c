/* SPDX-License-Identifier: Apache-2.0 */
#include "people.h"

#include "store/words.h"

#include <string.h>

static str words_of(struct arena *arena, const char *text)
{
    struct words words = {.arena = arena, .max = WORDS_MAX};
    words_add(&words, str_of(text));
    return words_join(&words);
}

static str terms_of(struct arena *arena, const char *text)
{
    struct words words = {.arena = arena, .max = TERMS_MAX};
    words_add_terms(&words, str_of(text));
    return words_join(&words);
}

static void expect_words(const char *text, const char *wanted)
{
    AUTO(arena_done) struct arena arena = {0};
    expect_text(words_of(&arena, text), wanted);
}

static void expect_terms(const char *text, const char *wanted)
{
    AUTO(arena_done) struct arena arena = {0};
    expect_text(terms_of(&arena, text), wanted);
}

static void expect_match(const char *text, const char *asked, bool wanted)
{
    AUTO(arena_done) struct arena arena = {0};
    if (words_match(words_of(&arena, text), terms_of(&arena, asked)) != wanted)
        fail_msg("\"%s\" for \"%s\"", text, asked);
}

static void words_are_sorted_runs_of_letters_and_digits(void **state)
{
    expect_words("", "");
    expect_words(" .,;!?", "");
    expect_words("A red kite, a RED kite", " a kite red ");
    expect_words("f/2.8 35mm", " 2 35mm 8 f ");
    expect_words("co\xc2\xadoperate", " cooperate "); /* a soft hyphen is not seen */
    expect_words("\xe2\x80\x9cquoted\xe2\x80\x9d\xe2\x80\x94"
                 "dash",
                 " dash quoted ");
}

static void letters_of_all_scripts_are_folded(void **state)
{
    expect_words("\xc3\x89MILE \xc3\xa9mile", " \xc3\xa9mile ");
    expect_words("\xce\xa3\xce\x91\xce\xa3", " \xcf\x83\xce\xb1\xcf\x83 ");
    expect_words("\xcf\x83\xce\xb1\xcf\x82", " \xcf\x83\xce\xb1\xcf\x83 "); /* the last sigma */
    expect_words("\xd0\x9c\xd0\x98\xd0\xa0 \xd0\x81", " \xd0\xbc\xd0\xb8\xd1\x80 \xd1\x91 ");
    expect_words("\xc5\x81\xc3\xb3\x64\xc5\xba \xc5\xb9",
                 " \xc5\x82\xc3\xb3\x64\xc5\xba \xc5\xba ");
    expect_words("\xef\xbc\xab\xef\xbc\x89\xef\xbd\x8b\xef\xbc\x91", " k k1 "); /* full width */
}

static void scripts_without_spaces_are_taken_by_pairs(void **state)
{
    /* Four characters: three pairs and the last one. */
    expect_words("\xe8\xb5\xa4\xe3\x81\x84\xe5\x87\xa7\xe6\xad\xa9",
                 " \xe3\x81\x84\xe5\x87\xa7 \xe5\x87\xa7\xe6\xad\xa9 \xe6\xad\xa9"
                 " \xe8\xb5\xa4\xe3\x81\x84 ");
    expect_words("ab\xe7\x8c\xab"
                 "cd",
                 " ab cd \xe7\x8c\xab ");
    expect_terms("\xe7\x8c\xab", " \xe7\x8c\xab* ");
    expect_terms("\xe7\x8c\xab red", " red* \xe7\x8c\xab* ");
    expect_terms("\xe7\x8c\xab\xe7\x8a\xac red", " red* \xe7\x8c\xab\xe7\x8a\xac ");
    expect_match("\xe8\xb5\xa4\xe3\x81\x84\xe5\x87\xa7", "\xe3\x81\x84", true);
    expect_match("\xe8\xb5\xa4\xe3\x81\x84\xe5\x87\xa7", "\xe5\x87\xa7", true);
    expect_match("\xe8\xb5\xa4\xe3\x81\x84\xe5\x87\xa7", "\xe3\x81\x84\xe5\x87\xa7", true);
    expect_match("\xe8\xb5\xa4\xe3\x81\x84\xe5\x87\xa7", "\xe8\xb5\xa4\xe5\x87\xa7", false);
}

static void all_terms_match_and_the_last_as_a_beginning(void **state)
{
    expect_terms("Red KI", " ki* red ");
    expect_match("a red kite", "red ki", true);
    expect_match("a red kite", "kite re", true);
    expect_match("a red kite", "re kite", false);
    expect_match("a red kite", "red kites", false);
    expect_match("a red kite", "red red", true);
    expect_match("a red kite", "", true);
    expect_match("", "a", false);
    expect_match("a red kite", "...", true);
}

static void a_mark_is_no_word_of_a_text(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    struct words words = {.arena = &arena, .max = 8};
    words_add(&words, STR("=type:image"));
    words_add_mark(&words, STR("type"), STR("Image or*not"));
    expect_text(words_join(&words), " =type:image_or_not image type ");
}

static void long_words_and_texts_are_cut(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    char text[8000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = 0;
    assert_int_equal(words_of(&arena, text).len, WORD_MAX + 2);
    expect_match(text, text, true);
    for (size_t i = 0; i + 4 < sizeof(text); i += 4)
        memcpy(text + i,
               (char[]){(char)('a' + i / 4 % 26), (char)('a' + i / 104 % 26),
                        (char)('a' + i / 2704 % 26), ' '},
               4);
    str words = words_of(&arena, text), word;
    size_t count = 0;
    while (words_next(&words, &word))
        count++;
    assert_int_equal(count, WORDS_MAX);
}

static void bytes_that_are_no_text_separate_words(void **state)
{
    expect_words("a\xff"
                 "b\xc3"
                 "c\xe2\x82"
                 "d\xed",
                 " a b c d ");
    expect_words("\xf4\x90\x80\x80"
                 "e",
                 " e ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_sorted_runs_of_letters_and_digits),
        cmocka_unit_test(letters_of_all_scripts_are_folded),
        cmocka_unit_test(scripts_without_spaces_are_taken_by_pairs),
        cmocka_unit_test(all_terms_match_and_the_last_as_a_beginning),
        cmocka_unit_test(a_mark_is_no_word_of_a_text),
        cmocka_unit_test(long_words_and_texts_are_cut),
        cmocka_unit_test(bytes_that_are_no_text_separate_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
