/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/password.h"

#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define PASSWORD STR("correct horse battery")

static struct hasher *hasher;
static struct queue *results;
static char stored[PASSWORD_HASH_MAX]; /* of PASSWORD */

static int set_up(void **state)
{
    struct fault fault = {0};
    hasher = hasher_new(&fault);
    results = queue_new(2 * HASHER_QUEUE_MAX, &fault);
    assert_non_null(hasher);
    return 0;
}

static int tear_down(void **state)
{
    hasher_free(hasher);
    void *item;
    while (queue_take(results, &item, 1) == 1)
        hash_result_free(item);
    queue_free(results);
    return 0;
}

static struct hash_result *wait_for_result(void)
{
    void *item = NULL;
    for (int i = 0; i < 100 && queue_take(results, &item, 1) == 0; i++)
        poll(&(struct pollfd){.fd = queue_fd(results), .events = POLLIN}, 1, 200);
    assert_non_null(item);
    return item;
}

static enum hash_outcome outcome_of(str password, str hash)
{
    assert_true(hasher_check(hasher, password, hash, results, NULL));
    struct hash_result *result = wait_for_result();
    enum hash_outcome outcome = result->outcome;
    hash_result_free(result);
    return outcome;
}

static void a_password_is_hashed_and_matches(void **state)
{
    int mark;
    assert_true(hasher_make(hasher, PASSWORD, results, &mark));
    struct hash_result *result = wait_for_result();
    assert_int_equal(result->outcome, HASH_MADE);
    assert_ptr_equal(result->context, &mark);
    assert_true(str_starts(str_of(result->hash), STR("$argon2id$v=19$m=65536,t=2,p=1$")));
    assert_true(password_matches(PASSWORD, str_of(result->hash)));
    memcpy(stored, result->hash, sizeof(stored));
    hash_result_free(result);
    assert_int_equal(outcome_of(PASSWORD, str_of(stored)), HASH_MATCHES);
}

static void two_hashes_of_one_password_differ(void **state)
{
    char again[PASSWORD_HASH_MAX];
    struct fault fault = {0};
    assert_true(password_hash(PASSWORD, again, &fault));
    assert_string_not_equal(again, stored);
}

static void a_wrong_password_differs(void **state)
{
    assert_int_equal(outcome_of(STR("correct horse batterz"), str_of(stored)), HASH_DIFFERS);
    assert_int_equal(outcome_of(STR(""), str_of(stored)), HASH_DIFFERS);
    assert_false(password_matches(STR("wrong password"), str_of(stored)));
}

static void what_is_no_hash_differs(void **state)
{
    static const char *const broken[] = {"", "x", "$argon2id$", "plain text password"};
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        assert_int_equal(outcome_of(PASSWORD, str_of(broken[i])), HASH_DIFFERS);
        assert_false(password_matches(PASSWORD, str_of(broken[i])));
    }
    char long_text[400];
    memset(long_text, 'a', sizeof(long_text));
    assert_int_equal(outcome_of(PASSWORD, (str){long_text, sizeof(long_text)}), HASH_DIFFERS);
}

/* Not the clock but the work is compared: how often a password is checked against which cost. */
static int checks;
static char cost_checked[64];
int __real_crypto_pwhash_str_verify(const char *hash, const char *password, unsigned long long len);
int __wrap_crypto_pwhash_str_verify(const char *hash, const char *password, unsigned long long len);

int __wrap_crypto_pwhash_str_verify(const char *hash, const char *password, unsigned long long len)
{
    checks++;
    snprintf(cost_checked, sizeof(cost_checked), "%.31s", hash);
    return __real_crypto_pwhash_str_verify(hash, password, len);
}

static void an_unknown_account_costs_the_same(void **state)
{
    static const char *const hashes[] = {stored, "", "plain text password"};
    for (size_t i = 0; i < ARRAY_LEN(hashes); i++) {
        checks = 0;
        assert_int_equal(outcome_of(STR("wrong password"), str_of(hashes[i])), HASH_DIFFERS);
        assert_int_equal(checks, 1);
        assert_string_equal(cost_checked, "$argon2id$v=19$m=65536,t=2,p=1$");
    }
}

static void a_cheaper_hash_is_made_anew_at_sign_in(void **state)
{
    char cheap[PASSWORD_HASH_MAX];
    str password = PASSWORD;
    int made = crypto_pwhash_str(cheap, password.at, password.len, 1, 8192);
    assert_int_equal(made, 0);
    assert_true(hasher_check(hasher, password, str_of(cheap), results, NULL));
    struct hash_result *result = wait_for_result();
    assert_int_equal(result->outcome, HASH_MATCHES);
    assert_true(password_matches(password, str_of(result->hash)));
    hash_result_free(result);
    assert_true(hasher_check(hasher, password, str_of(stored), results, NULL));
    result = wait_for_result();
    assert_int_equal(result->outcome, HASH_MATCHES);
    assert_string_equal(result->hash, "");
    hash_result_free(result);
}

static void the_queue_is_bounded(void **state)
{
    size_t taken = 0;
    while (taken < 200 && hasher_check(hasher, PASSWORD, STR(""), results, NULL))
        taken++;
    assert_in_range(taken, HASHER_QUEUE_MAX, HASHER_QUEUE_MAX + 3);
}

static void passwords_are_8_to_256_bytes_of_text(void **state)
{
    struct fault fault = {0};
    char longest[PASSWORD_MAX + 1];
    memset(longest, 'a', sizeof(longest));
    assert_true(password_is_fit(STR("12345678"), &fault));
    assert_true(password_is_fit((str){longest, PASSWORD_MAX}, &fault));
    assert_true(password_is_fit(STR("日本語"), &fault));
    assert_false(password_is_fit(STR("1234567"), &fault));
    assert_non_null(strstr(fault.text, "8"));
    assert_false(password_is_fit((str){longest, PASSWORD_MAX + 1}, &fault));
    assert_non_null(strstr(fault.text, "256"));
    assert_false(password_is_fit(STR("12345678\xff"), &fault));
    assert_int_equal(outcome_of((str){longest, PASSWORD_MAX + 1}, str_of(stored)), HASH_DIFFERS);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_password_is_hashed_and_matches),
        CASE(two_hashes_of_one_password_differ),
        CASE(a_wrong_password_differs),
        CASE(what_is_no_hash_differs),
        CASE(an_unknown_account_costs_the_same),
        CASE(a_cheaper_hash_is_made_anew_at_sign_in),
        CASE(the_queue_is_bounded),
        CASE(passwords_are_8_to_256_bytes_of_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
