/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include <arpa/inet.h>
#include <string.h>

#include "net/proxies.h"

static void address_of(const char *text, uint8_t out[16])
{
    memset(out, 0, 16);
    if (inet_pton(AF_INET, text, out + 12) == 1)
        out[10] = out[11] = 0xff;
    else
        assert_int_equal(inet_pton(AF_INET6, text, out), 1);
}

static void add(struct proxies *proxies, const char *text)
{
    struct fault fault = {0};
    if (!proxies_add(proxies, str_of(text), &fault))
        fail_msg("%s", fault.text);
}

static void addresses_and_ranges_are_read_and_nothing_else_is(void **state)
{
    static const char *const bad[] = {"",          "10.0.0",     "10.0.0.0/",   "10.0.0.0/33",
                                      "/8",        "10.0.0.0/a", "fd00::/129",  "proxy.example.org",
                                      "10.0.0.1 ", "::1/-1",     "10.0.0.0/8/8"};
    struct proxies proxies = {0};
    struct fault fault;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (proxies_add(&proxies, str_of(bad[i]), &fault))
            fail_msg("\"%s\" was taken", bad[i]);
    assert_int_equal(proxies.count, 0);
    for (size_t i = 0; i < PROXIES_MAX; i++)
        add(&proxies, "10.0.0.1/32");
    assert_false(proxies_add(&proxies, STR("10.0.0.1"), &fault));
}

static void a_range_holds_what_shares_its_prefix(void **state)
{
    static const struct {
        const char *range, *address;
        bool is_in;
    } cases[] = {
        {"10.0.0.7", "10.0.0.7", true},
        {"10.0.0.7", "10.0.0.6", false},
        {"10.0.0.0/8", "10.255.1.2", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"172.16.0.0/12", "172.31.255.255", true},
        {"172.16.0.0/12", "172.32.0.0", false},
        {"0.0.0.0/0", "203.0.113.9", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::1", "::1", true},
        {"fd00::/8", "fdff::1", true},
        {"fd00::/8", "fe80::1", false},
        {"2001:db8::/33", "2001:db8:7fff::", true},
        {"2001:db8::/33", "2001:db8:8000::", false},
        {"::ffff:10.0.0.0/104", "10.1.1.1", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct proxies proxies = {0};
        uint8_t address[16];
        add(&proxies, cases[i].range);
        address_of(cases[i].address, address);
        if (proxies_trust(&proxies, address) != cases[i].is_in)
            fail_msg("%s in %s", cases[i].address, cases[i].range);
    }
}

static void the_peer_is_the_last_hop_that_is_no_proxy_of_ours(void **state)
{
    static const struct {
        const char *from, *first, *second, *peer;
    } cases[] = {
        {"203.0.113.1", "198.51.100.1", NULL, "203.0.113.1"}, /* a stranger speaks for nobody */
        {"10.0.0.8", NULL, NULL, "10.0.0.8"},
        {"10.0.0.8", "203.0.113.9", NULL, "203.0.113.9"},
        {"10.0.0.8", "198.51.100.1, 203.0.113.9", NULL, "203.0.113.9"},
        {"10.0.0.8", "198.51.100.1,203.0.113.9 , 10.0.0.7", NULL, "203.0.113.9"},
        {"10.0.0.8", "198.51.100.1", "203.0.113.9, 10.0.0.7", "203.0.113.9"},
        {"10.0.0.8", "203.0.113.9", "10.0.0.7", "203.0.113.9"},
        {"10.0.0.8", "10.0.0.6, 10.0.0.7", NULL, "10.0.0.6"},
        {"10.0.0.8", "203.0.113.9:4711", NULL, "203.0.113.9"},
        {"10.0.0.8", "[2001:db8::9]:4711", NULL, "2001:db8::9"},
        {"10.0.0.8", "2001:db8::9", NULL, "2001:db8::9"},
        {"10.0.0.8", "203.0.113.9, unknown, 10.0.0.7", NULL, "10.0.0.7"},
        {"10.0.0.8", "203.0.113.9,", NULL, "10.0.0.8"},
        {"10.0.0.8", "", NULL, "10.0.0.8"},
        {"::1", "203.0.113.9", NULL, "203.0.113.9"},
    };
    struct proxies proxies = {0};
    add(&proxies, "10.0.0.0/8");
    add(&proxies, "::1");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_header headers[2];
        struct http_request request = {.headers = headers};
        uint8_t peer[16], wanted[16];
        const char *const values[2] = {cases[i].first, cases[i].second};
        for (size_t k = 0; k < 2 && values[k] != NULL; k++)
            headers[request.header_count++] =
                (struct http_header){STR("X-Forwarded-For"), str_of(values[k])};
        address_of(cases[i].from, peer);
        address_of(cases[i].peer, wanted);
        proxies_peer(&proxies, &request, peer);
        if (memcmp(peer, wanted, sizeof(peer)) != 0)
            fail_msg("case %zu", i);
    }
}

/* What the server hands to the application, and whom it counts. */
static void a_server_believes_its_proxies_alone(void **state)
{
    for (int is_trusting = 0; is_trusting < 2; is_trusting++) {
        struct proxies proxies = {0};
        struct wire wire = {.options = {.proxies = &proxies, .connections_of_peer_max = 1}};
        AUTO(buffer_done) struct buffer in = {0};
        add(&proxies, is_trusting ? "127.0.0.0/8" : "10.0.0.0/8");
        wire_begin(&wire);
        int one = wire_connect(&wire), two = wire_connect(&wire);
        wire_say(&wire, one,
                 STR("GET /later HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 9.8.7.6\r\n\r\n"));
        wire_turn(&wire, 20);
        assert_int_equal(wire.later, 1);
        str peer = exchange_request(wire.exchanges[0])->peer;
        assert_true(str_equal(peer, is_trusting ? STR("9.8.7.6") : STR("127.0.0.1")));
        assert_int_equal(http_connections(wire.server), is_trusting ? 2 : 1);
        http_answer(wire.exchanges[0], 200, NULL, 0, STR("ok"));
        wire_hear(&wire, one, &in, "ok");
        close(one);
        close(two);
        wire_end(&wire);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_and_ranges_are_read_and_nothing_else_is),
        cmocka_unit_test(a_range_holds_what_shares_its_prefix),
        cmocka_unit_test(the_peer_is_the_last_hop_that_is_no_proxy_of_ours),
        cmocka_unit_test(a_server_believes_its_proxies_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
