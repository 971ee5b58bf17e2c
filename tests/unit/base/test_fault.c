/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/fault.h"

static void a_fault_says_what_and_answers_false(void **state)
{
    struct fault fault = {0};
    assert_false(fault_set(&fault, FAULT_INPUT, "line %d: %s", 3, "wrong"));
    assert_int_equal(fault.kind, FAULT_INPUT);
    assert_string_equal(fault.text, "line 3: wrong");
}

static void a_fault_of_the_system_keeps_its_number(void **state)
{
    struct fault fault = {0};
    errno = ENOENT;
    assert_false(fault_os(&fault, "data/atelier.db"));
    assert_int_equal(fault.kind, FAULT_SYSTEM);
    assert_int_equal(fault.os_error, ENOENT);
    assert_string_equal(fault.text, "data/atelier.db: No such file or directory");
}

static void a_full_disk_is_told_apart(void **state)
{
    struct fault fault = {0};
    errno = ENOSPC;
    assert_false(fault_os(&fault, "x"));
    assert_int_equal(fault.kind, FAULT_FULL);
    errno = EDQUOT;
    assert_false(fault_os(&fault, "x"));
    assert_int_equal(fault.kind, FAULT_FULL);
}

static void long_text_is_cut_and_no_fault_is_silent(void **state)
{
    struct fault fault = {0};
    char text[1000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_false(fault_set(&fault, FAULT_BUG, "%s", text));
    assert_int_equal(strlen(fault.text), FAULT_TEXT_MAX - 1);
    assert_false(fault_set(NULL, FAULT_BUG, "%s", text));
    errno = EIO;
    assert_false(fault_os(NULL, "x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fault_says_what_and_answers_false),
        cmocka_unit_test(a_fault_of_the_system_keeps_its_number),
        cmocka_unit_test(a_full_disk_is_told_apart),
        cmocka_unit_test(long_text_is_cut_and_no_fault_is_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
