/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/attempts.h"
#include "base/random.h"

#include <stdio.h>
#include <string.h>

static struct attempts *attempts;
static instant now;

static int set_up(void **state)
{
    now = (instant){SECONDS(1000).us};
    attempts =
        attempts_new(&(struct attempts_options){.limit = 5, .window = SECONDS(60), .keys_max = 64});
    return 0;
}

static int tear_down(void **state)
{
    attempts_free(attempts);
    return 0;
}

static bool take(str key)
{
    span wait;
    return attempts_take(attempts, key, now, &wait);
}

static int taken(str key, int tries)
{
    int count = 0;
    for (int i = 0; i < tries; i++)
        count += take(key) ? 1 : 0;
    return count;
}

static void pass(span by)
{
    now = instant_add(now, by);
}

static void the_sixth_try_of_a_minute_is_refused(void **state)
{
    assert_int_equal(taken(STR("a"), 5), 5);
    assert_false(take(STR("a")));
}

static void keys_do_not_share_their_tries(void **state)
{
    assert_int_equal(taken(STR("a"), 9), 5);
    assert_int_equal(taken(STR("b"), 9), 5);
}

static void the_window_slides(void **state)
{
    assert_int_equal(taken(STR("a"), 5), 5);
    pass(SECONDS(59));
    assert_false(take(STR("a")));
    pass(SECONDS(13)); /* a fifth of the last minute has left the window */
    assert_int_equal(taken(STR("a"), 5), 1);
    pass(SECONDS(120));
    assert_int_equal(taken(STR("a"), 9), 5);
}

static void the_wait_is_long_enough_and_not_longer(void **state)
{
    struct random random;
    random_init_seeded(&random, 1);
    for (int i = 0; i < 2000; i++) {
        pass((span){(int64_t)random_below(&random, 40000000)});
        span wait;
        if (attempts_take(attempts, STR("a"), now, &wait))
            continue;
        assert_in_range(wait.us, 1000000, SECONDS(120).us);
        instant early = instant_add(now, (span){wait.us - 1000001});
        span ignored;
        if (wait.us > 1000001)
            assert_false(attempts_take(attempts, STR("a"), early, &ignored));
        pass((span){wait.us + 1});
        assert_true(take(STR("a")));
    }
}

static void no_minute_ever_sees_twice_the_limit(void **state)
{
    struct random random;
    instant allowed[10000];
    size_t count = 0;
    random_init_seeded(&random, 2);
    for (int i = 0; i < 10000; i++) {
        pass((span){(int64_t)random_below(&random, 3000000)});
        if (take(STR("a")))
            allowed[count++] = now;
    }
    assert_true(count > 500);
    for (size_t i = 0; i + 9 < count; i++)
        assert_true(instant_since(allowed[i + 9], allowed[i]).us > SECONDS(60).us);
}

static void success_forgets(void **state)
{
    assert_int_equal(taken(STR("a"), 9), 5);
    attempts_forget(attempts, STR("a"));
    assert_int_equal(taken(STR("a"), 9), 5);
    attempts_forget(attempts, STR("never seen"));
}

static void a_clock_that_goes_back_forgives_nothing(void **state)
{
    assert_int_equal(taken(STR("a"), 5), 5);
    pass(SECONDS(-500));
    assert_false(take(STR("a")));
}

static void a_crowd_does_not_push_out_the_busiest(void **state)
{
    char name[32];
    assert_int_equal(taken(STR("victim"), 5), 5);
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof(name), "other %d", i);
        assert_true(take(str_of(name)));
    }
    assert_false(take(STR("victim")));
}

static void assert_address(const char *peer, const char *expected)
{
    struct arena arena = {0};
    str address = attempts_address(&arena, str_of(peer));
    if (!str_equal(address, str_of(expected)))
        print_error("%s: %.*s\n", peer, STR_ARG(address));
    assert_true(str_equal(address, str_of(expected)));
    arena_done(&arena);
}

static void an_address_is_without_port_and_ipv6_is_its_network(void **state)
{
    assert_address("1.2.3.4", "1.2.3.4");
    assert_address("1.2.3.4:567", "1.2.3.4");
    assert_address("[2a00:1:2:3:4:5:6:7]:443", "2a00000100020003");
    assert_address("2a00:1:2:3:ffff::1", "2a00000100020003");
    assert_address("::ffff:9.8.7.6", "9.8.7.6");
    assert_address("[::ffff:9.8.7.6]:1", "9.8.7.6");
    assert_address("", "");
    assert_address("unix", "unix");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_sixth_try_of_a_minute_is_refused),
        CASE(keys_do_not_share_their_tries),
        CASE(the_window_slides),
        CASE(the_wait_is_long_enough_and_not_longer),
        CASE(no_minute_ever_sees_twice_the_limit),
        CASE(success_forgets),
        CASE(a_clock_that_goes_back_forgives_nothing),
        CASE(a_crowd_does_not_push_out_the_busiest),
        CASE(an_address_is_without_port_and_ipv6_is_its_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
