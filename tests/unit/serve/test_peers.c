/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>

#include "serve/peers.h"

static void an_address_is_one_peer_and_a_person_another(void **state)
{
    struct peers *peers = peers_new();
    const struct identity mira = {.token_identifier = STR("us|mira")};
    const struct identity later = {.token_identifier = STR("us|mira"), .hash = {1, 2}};
    struct peer *home = peers_find(peers, NULL, STR("192.0.2.1"));
    struct peer *away = peers_find(peers, NULL, STR("192.0.2.2"));
    struct peer *person = peers_find(peers, &mira, STR("192.0.2.1"));
    assert_ptr_not_equal(home, away);
    assert_ptr_not_equal(home, person);
    assert_false(home->party.is_known);
    assert_true(person->party.is_known);
    assert_ptr_equal(peers_find(peers, NULL, STR("192.0.2.1")), home);
    assert_ptr_equal(peers_find(peers, &later, STR("192.0.2.2")), person);
    peers_free(peers);
}

static void a_household_of_ipv6_is_one_peer(void **state)
{
    struct peers *peers = peers_new();
    struct peer *one = peers_find(peers, NULL, STR("2001:db8:1:2::1"));
    assert_ptr_equal(peers_find(peers, NULL, STR("2001:db8:1:2:ffff::9")), one);
    assert_ptr_not_equal(peers_find(peers, NULL, STR("2001:db8:1:3::1")), one);
    peers_free(peers);
}

static void a_peer_lives_as_long_as_somebody_holds_it(void **state)
{
    enum { MANY = 3000 };
    struct peers *peers = peers_new();
    struct peer *all[MANY];
    char address[32];
    for (int i = 0; i < MANY; i++) {
        snprintf(address, sizeof(address), "10.0.%d.%d", i / 250, i % 250);
        all[i] = peers_find(peers, NULL, str_of(address));
        all[i]->readings = (size_t)i;
    }
    for (int i = 0; i < MANY; i++) {
        snprintf(address, sizeof(address), "10.0.%d.%d", i / 250, i % 250);
        struct peer *again = peers_find(peers, NULL, str_of(address));
        assert_int_equal(again->readings, i);
        peers_drop(peers, again);
        peers_drop(peers, all[i]);
    }
    struct peer *fresh = peers_find(peers, NULL, STR("10.0.0.7"));
    assert_int_equal(fresh->readings, 0);
    peers_drop(peers, fresh);
    peers_drop(peers, NULL);
    peers_free(peers);
}

static void half_of_the_readers_time_is_enough_for_one(void **state)
{
    struct peer peer = {0};
    instant now = {SECONDS(1000).us};
    peer_read(&peer, SECONDS(4), now);
    assert_false(peer_reads_too_long(&peer, 1, now));
    peer_read(&peer, SECONDS(2), instant_add(now, SECONDS(3)));
    assert_true(peer_reads_too_long(&peer, 1, instant_add(now, SECONDS(3))));
    assert_false(peer_reads_too_long(&peer, 2, instant_add(now, SECONDS(3))));
    assert_false(peer_reads_too_long(&peer, 1, instant_add(now, SECONDS(11))));
    peer.readings = 64;
    assert_true(peer_reads_at_most(&peer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_one_peer_and_a_person_another),
        cmocka_unit_test(a_household_of_ipv6_is_one_peer),
        cmocka_unit_test(a_peer_lives_as_long_as_somebody_holds_it),
        cmocka_unit_test(half_of_the_readers_time_is_enough_for_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
