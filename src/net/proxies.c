/* SPDX-License-Identifier: Apache-2.0 */
#include "net/proxies.h"

#include <arpa/inet.h>
#include <string.h>

#define MAPPED_BITS 96

/* *width is how many bits its own notation has: 32 or 128. */
static bool read_address(str text, uint8_t out[16], unsigned *width)
{
    char zero_ended[INET6_ADDRSTRLEN];
    if (text.len == 0 || text.len >= sizeof(zero_ended))
        return false;
    memcpy(zero_ended, text.at, text.len);
    zero_ended[text.len] = '\0';
    memset(out, 0, 16);
    *width = 32;
    if (inet_pton(AF_INET, zero_ended, out + 12) == 1) {
        out[10] = out[11] = 0xff;
        return true;
    }
    *width = 128;
    return inet_pton(AF_INET6, zero_ended, out) == 1;
}

bool proxies_address(str text, uint8_t out[16])
{
    unsigned width;
    return read_address(text, out, &width);
}

bool proxies_add(struct proxies *proxies, str text, struct fault *fault)
{
    str rest = text, address;
    unsigned width;
    struct proxy_range range;
    if (proxies->count == PROXIES_MAX)
        return fault_set(fault, FAULT_FULL, "there may be at most %d proxies", PROXIES_MAX);
    bool is_good = str_split(&rest, '/', &address) && read_address(address, range.at, &width);
    int64_t bits = is_good ? (int64_t)width : 0;
    if (is_good && address.len != text.len)
        is_good = str_to_int(rest, &bits) && bits >= 0 && bits <= (int64_t)width;
    if (!is_good)
        return fault_set(fault, FAULT_INPUT,
                         "\"%.*s\" is not an address like 10.0.0.7 or a range like 10.0.0.0/8",
                         STR_ARG(utf8_cut(text, 100)));
    range.bits = (unsigned)bits + (width == 32 ? MAPPED_BITS : 0);
    proxies->ranges[proxies->count++] = range;
    return true;
}

static bool is_in(const struct proxy_range *range, const uint8_t address[16])
{
    unsigned whole = range->bits / 8, rest = range->bits % 8;
    if (memcmp(range->at, address, whole) != 0)
        return false;
    return rest == 0 || (range->at[whole] ^ address[whole]) >> (8 - rest) == 0;
}

bool proxies_trust(const struct proxies *proxies, const uint8_t address[16])
{
    for (size_t i = 0; i < proxies->count; i++)
        if (is_in(&proxies->ranges[i], address))
            return true;
    return false;
}

/* The list from its end; false at a hop where the way is lost or the peer is found. */
static bool walk(const struct proxies *proxies, str list, uint8_t peer[16])
{
    while (list.len != 0) {
        uint8_t hop[16];
        unsigned width;
        ptrdiff_t comma = str_find_last(list, ',');
        str last = str_trim(str_slice(list, (size_t)(comma + 1), list.len));
        list = str_slice(list, 0, comma < 0 ? 0 : (size_t)comma);
        if (!proxies_trust(proxies, peer) || !read_address(str_without_port(last), hop, &width))
            return false;
        memcpy(peer, hop, sizeof(hop));
    }
    return true;
}

void proxies_peer(const struct proxies *proxies, const struct http_request *request,
                  uint8_t peer[16])
{
    for (size_t i = request->header_count; i-- > 0;) {
        const struct http_header *header = &request->headers[i];
        if (str_equal_nocase(header->name, STR("x-forwarded-for")) &&
            !walk(proxies, header->value, peer))
            return;
    }
}
