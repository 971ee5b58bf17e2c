/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "base/arena.h"

static bool is_zero(const unsigned char *at, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (at[i] != 0)
            return false;
    return true;
}

static void memory_is_zeroed_also_when_used_again(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    for (int round = 0; round < 3; round++) {
        for (size_t size = 1; size < 5000; size = size * 3 + 1) {
            unsigned char *at = arena_alloc(&arena, size);
            assert_true(is_zero(at, size));
            memset(at, 0xEE, size);
        }
        arena_reset(&arena);
    }
}

static void memory_is_aligned_for_any_type(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    for (size_t size = 1; size < 100; size++)
        assert_int_equal((uintptr_t)arena_alloc(&arena, size) % _Alignof(max_align_t), 0);
}

static void pieces_never_overlap(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    unsigned char *pieces[400];
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        size_t size = i % 50 == 7 ? 20000 : i + 1; /* some larger than a block */
        pieces[i] = arena_alloc(&arena, size);
        memset(pieces[i], (int)(i & 0xFF), size);
    }
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        size_t size = i % 50 == 7 ? 20000 : i + 1;
        assert_int_equal(pieces[i][0], i & 0xFF);
        assert_int_equal(pieces[i][size - 1], i & 0xFF);
    }
}

static void nothing_at_all_is_a_place_too(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    assert_non_null(arena_alloc(&arena, 0));
    assert_non_null(arena_copy(&arena, NULL, 0));
    assert_non_null(arena_alloc(&arena, 1));
}

static void copies_are_their_own(void **state)
{
    AUTO(arena_done) struct arena arena = {0};
    char text[] = "red kite";
    char *copy = arena_copy(&arena, text, sizeof(text));
    text[0] = 'b';
    assert_string_equal(copy, "red kite");
}

static void what_was_given_is_counted_until_it_is_reset(void **state)
{
    struct arena arena = {0};
    (void)arena_array(&arena, int64_t, 100);
    assert_in_range(arena.used, 800, 832);
    arena_reset(&arena);
    assert_int_equal(arena.used, 0);
    arena_done(&arena);
    assert_null(arena.blocks);
    arena_done(&arena); /* twice is harmless */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_also_when_used_again),
        cmocka_unit_test(memory_is_aligned_for_any_type),
        cmocka_unit_test(pieces_never_overlap),
        cmocka_unit_test(nothing_at_all_is_a_place_too),
        cmocka_unit_test(copies_are_their_own),
        cmocka_unit_test(what_was_given_is_counted_until_it_is_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
