/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Amazon's signatures, version 4: of a request by its headers, and of an address that anybody may
 * ask until it expires. Pure: nothing is sent.
 *
 *   canonical request -> its SHA-256 -> "string to sign" -> HMAC by a key of the day
 *
 * Owns:     results are in the arena.
 * Threads:  any.
 * Time:     given; the other side refuses one that is a quarter of an hour off.
 * Fails:    never; SIGN_PAIRS_MAX is a promise of the caller.
 */
#pragma once

#include "base/buffer.h"

#define SIGN_PAIRS_MAX 16
#define SIGN_UNSIGNED STR("UNSIGNED-PAYLOAD")

struct sign_key {
    str id, secret;
    str session; /* of temporary keys; else empty */
    str region;
};

/* A parameter or header as it is, not encoded. Header names are in lower case. */
struct sign_pair {
    str name, value;
};

struct sign_request {
    str method, host;
    str path; /* encoded, from its first slash */
    const struct sign_pair *query;
    size_t query_count;
    const struct sign_pair *headers; /* signed ones, beside host and Amazon's own */
    size_t header_count;
    str payload; /* SHA-256 of the body in hex, or SIGN_UNSIGNED */
    instant now;
};

/* Headers to send: x-amz-date, x-amz-content-sha256, x-amz-security-token where there is a session,
 * authorization. Answers how many: at most 4. */
size_t sign_headers(struct arena *arena, const struct sign_key *key,
                    const struct sign_request *request, struct sign_pair out[4]);

/* All parameters of an address that is good for so long, in order, with their signature. */
str sign_query(struct arena *arena, const struct sign_key *key, const struct sign_request *request,
               span lifetime);

/* The parameters of a request, encoded and in order. */
str sign_query_text(struct arena *arena, const struct sign_pair *query, size_t count);

/* A key as a path: encoded but for its slashes. */
void sign_path_append(struct buffer *to, str key);
