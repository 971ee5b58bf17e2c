/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who stands in front of us, and whom they speak for. A proxy that the operator named adds the
 * address it was asked from to X-Forwarded-For; whatever stands before that the client may have
 * made up:
 *
 *   X-Forwarded-For: made-up, 203.0.113.9, 10.0.0.7      from 10.0.0.8; 10.0.0.0/8 is trusted
 *                             ^ the peer: the last one that is not a proxy of ours
 *
 * Owns:     its list.
 * Threads:  any, once the list is complete.
 * Time:     none.
 * Fails:    proxies_add by fault.
 */
#pragma once

#include "base/fault.h"
#include "net/http.h"

#define PROXIES_MAX 64

/* Addresses are IPv6, or IPv4 mapped into it. */
struct proxies {
    struct proxy_range {
        uint8_t at[16];
        unsigned bits;
    } ranges[PROXIES_MAX];
    size_t count;
};

/* "10.0.0.7", "10.0.0.0/8", "fd00::/8". */
bool proxies_add(struct proxies *proxies, str text, struct fault *fault) MUST_CHECK;

/* "10.0.0.7", "::1": an address as proxies_trust takes it. */
bool proxies_address(str text, uint8_t out[16]) MUST_CHECK;

bool proxies_trust(const struct proxies *proxies, const uint8_t address[16]);

/* Peer comes as the other end of the connection and becomes whom the request is from. */
void proxies_peer(const struct proxies *proxies, const struct http_request *request,
                  uint8_t peer[16]);
