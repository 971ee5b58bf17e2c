/* SPDX-License-Identifier: Apache-2.0 */
#include "net/outside.h"

#include <netinet/in.h>
#include <string.h>

/* Networks that no stranger may make us call; the rest of IPv4 is the outside. */
static const struct {
    uint8_t network[4];
    int bits;
} inside4[] = {
    {{0, 0, 0, 0}, 8},       /* this network */
    {{10, 0, 0, 0}, 8},      /* private */
    {{100, 64, 0, 0}, 10},   /* carriers' */
    {{127, 0, 0, 0}, 8},     /* loopback */
    {{169, 254, 0, 0}, 16},  /* link-local, clouds' metadata */
    {{172, 16, 0, 0}, 12},   /* private */
    {{192, 0, 0, 0}, 24},    /* protocol assignments */
    {{192, 0, 2, 0}, 24},    /* documentation */
    {{192, 88, 99, 0}, 24},  /* 6to4 relays */
    {{192, 168, 0, 0}, 16},  /* private */
    {{198, 18, 0, 0}, 15},   /* benchmarks */
    {{198, 51, 100, 0}, 24}, /* documentation */
    {{203, 0, 113, 0}, 24},  /* documentation */
    {{224, 0, 0, 0}, 3},     /* multicast, future, broadcast */
};

/* Of IPv6 only 2000::/3 is outside, without these. */
static const struct {
    uint8_t network[4];
    int bits;
} inside6[] = {
    {{0x20, 0x01, 0x00, 0x00}, 23}, /* Teredo, protocol assignments */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
    {{0x3f, 0xff, 0x00, 0x00}, 20}, /* documentation */
};

static bool starts_with(const uint8_t *address, const uint8_t *network, int bits)
{
    for (int i = 0; i < bits; i += 8) {
        int rest = bits - i >= 8 ? 0 : 8 - (bits - i);
        if ((address[i / 8] ^ network[i / 8]) >> rest != 0)
            return false;
    }
    return true;
}

static bool is_inside4(const uint8_t address[4])
{
    for (size_t i = 0; i < ARRAY_LEN(inside4); i++)
        if (starts_with(address, inside4[i].network, inside4[i].bits))
            return true;
    return false;
}

/* Forms that carry an IPv4 address are as that address is. */
static bool is_inside6(const uint8_t address[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    static const uint8_t translated[12] = {0x00, 0x64, 0xff, 0x9b};
    if (memcmp(address, mapped, sizeof(mapped)) == 0 ||
        memcmp(address, translated, sizeof(translated)) == 0)
        return is_inside4(address + 12);
    if (address[0] == 0x20 && address[1] == 0x02) /* 6to4 */
        return is_inside4(address + 2);
    if (address[0] >> 5 != 1)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(inside6); i++)
        if (starts_with(address, inside6[i].network, inside6[i].bits))
            return true;
    return false;
}

bool outside_address_is_inside(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in four;
        memcpy(&four, address, sizeof(four));
        return is_inside4((const uint8_t *)&four.sin_addr);
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 six;
        memcpy(&six, address, sizeof(six));
        return is_inside6(six.sin6_addr.s6_addr);
    }
    return true;
}
