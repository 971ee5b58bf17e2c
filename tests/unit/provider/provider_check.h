/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of translators share: an arena a case, in *state, and texts that must be.
 *
 * Owns:     the arena, from open_arena to close_arena.
 * Threads:  one.
 * Time:     none.
 * Fails:    the case.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/str.h"

#include <stdlib.h>

static inline int open_arena(void **state)
{
    *state = memory_zeroed(sizeof(struct arena));
    return 0;
}

static inline int close_arena(void **state)
{
    arena_done(*state);
    free(*state);
    return 0;
}

static inline void expect(str got, const char *wanted)
{
    if (!str_equal(got, str_of(wanted)))
        fail_msg("got %.*s, wanted %s", STR_ARG(got), wanted);
}

static inline void expect_part(str got, const char *part)
{
    if (!str_contains(got, str_of(part)))
        fail_msg("got %.*s, wanted %s in it", STR_ARG(got), part);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_arena, close_arena)
