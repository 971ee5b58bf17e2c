/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "serve/names.h"

#include <string.h>

static struct arena arena;

static int empty_arena(void **state)
{
    arena_done(&arena);
    arena = (struct arena){0};
    return 0;
}

static void check_clean(const char *name, const char *type, const char *clean)
{
    str got = name_clean(&arena, str_of(name), str_of(type));
    assert_string_equal(str_zero_ended(&arena, got), clean);
}

static void a_name_has_the_ending_of_what_it_is(void **state)
{
    check_clean("a kite.png", "image/png", "a kite.png");
    check_clean("a kite.png", "image/webp", "a kite.webp");
    check_clean("a kite.JPEG", "image/jpeg", "a kite.jpg");
    check_clean("v1.2", "image/png", "v1.2.png");
    check_clean("kite", "video/mp4", "kite.mp4");
    check_clean("kite.html", "text/html", "kite.html");
}

static void names_of_any_script_stay(void **state)
{
    check_clean("красный змей.png", "image/png", "красный змей.png");
    check_clean("凧.png", "image/png", "凧.png");
    check_clean("🪁 1.png", "image/png", "🪁 1.png");
}

static void what_harms_is_taken_out(void **state)
{
    check_clean("../../etc/passwd", "image/png", "_.._etc_passwd.png");
    check_clean("a\r\nb\x1b[31m\x7f.png", "image/png", "a__b_[31m_.png");
    check_clean("a\xC2\x9B"
                "b.png",
                "image/png", "a_b.png");
    check_clean("exe\xE2\x80\xAEgnp.png", "image/png", "exegnp.png");
    check_clean("a\xE2\x81\xA6"
                "b",
                "image/png", "ab.png");
    check_clean("C:\\a<b>|\"?*", "image/png", "C__a_b_____.png");
    check_clean("...", "image/png", "file.png");
    check_clean("", "video/webm", "file.webm");
    check_clean(" .hidden. ", "image/png", "hidden.png");
}

static void a_long_name_is_cut_between_characters(void **state)
{
    AUTO(buffer_done) struct buffer text = buffer_with_max(KIB(8));
    for (int i = 0; i < 1000; i++)
        buffer_str(&text, STR("凧"));
    str got = name_clean(&arena, buffer_text(&text), STR("image/png"));
    assert_true(got.len <= NAME_BYTES_MAX && got.len > NAME_BYTES_MAX - 16);
    assert_true(utf8_is_valid(got));
    assert_true(str_ends(got, STR("凧.png")));
}

static void a_disposition_has_an_ascii_name_and_the_true_one(void **state)
{
    str got = name_disposition(&arena, STR("a 'кот' 100%.png"));
    assert_string_equal(str_zero_ended(&arena, got),
                        "attachment; filename=\"a '___' 100_.png\"; "
                        "filename*=UTF-8''a%20%27%D0%BA%D0%BE%D1%82%27%20100%25.png");
}

static void check_take(struct name_set *set, const char *name, const char *given)
{
    str got = name_take(set, str_of(name));
    assert_string_equal(str_zero_ended(&arena, got), given);
}

static void no_two_names_are_the_same(void **state)
{
    struct name_set set = {.arena = &arena};
    check_take(&set, "a.png", "a.png");
    check_take(&set, "a.png", "a (2).png");
    check_take(&set, "A.PNG", "A (3).PNG");
    check_take(&set, "b (2).png", "b (2).png");
    check_take(&set, "b.png", "b.png");
    check_take(&set, "b.png", "b (3).png");
    check_take(&set, "no ending", "no ending");
    check_take(&set, "no ending", "no ending (2)");
    check_take(&set, "змей.png", "змей.png");
    check_take(&set, "змей.png", "змей (2).png");
}

static void thousands_of_one_name_take_no_time(void **state)
{
    struct name_set set = {.arena = &arena};
    str last = {0};
    for (int i = 0; i < 20000; i++)
        last = name_take(&set, STR("a.png"));
    assert_true(str_equal(last, STR("a (20000).png")));
    assert_int_equal(set.count, 20000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_name_has_the_ending_of_what_it_is, empty_arena),
        cmocka_unit_test_setup(names_of_any_script_stay, empty_arena),
        cmocka_unit_test_setup(what_harms_is_taken_out, empty_arena),
        cmocka_unit_test_setup(a_long_name_is_cut_between_characters, empty_arena),
        cmocka_unit_test_setup(a_disposition_has_an_ascii_name_and_the_true_one, empty_arena),
        cmocka_unit_test_setup(no_two_names_are_the_same, empty_arena),
        cmocka_unit_test_setup(thousands_of_one_name_take_no_time, empty_arena),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
