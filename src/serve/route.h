/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which request goes where, and the ways of answering that all of them share: JSON, errors, CORS.
 *
 * Owns:     nothing.
 * Threads:  the loop's.
 * Time:     none.
 * Fails:    with an answer.
 */
#pragma once

#include "serve/front.h"

/* For http_options.on_request; app is the front. */
void route_request(void *app, struct exchange *exchange, const struct http_request *request);

/* For http_options.on_refuse: what was refused on the way is told as other failures are. */
void route_refuse(void *app, struct exchange *exchange, int status);

/* For http_options.is_known: the request has a good token or key. */
bool route_is_known(void *app, const struct http_request *request);

/* JSON with CORS headers, never cached. */
void answer_json(struct exchange *exchange, int status, str body);

/* {"code":…,"message":…[,"field":…]}; field may be NULL. */
void answer_error(struct exchange *exchange, int status, const char *code, str message,
                  const char *field);
void answer_text(struct exchange *exchange, int status, str body);

/* 503, to be asked again in a moment. */
void answer_overload(struct exchange *exchange);

/* 429, saying when to come back in words and in Retry-After. */
void answer_too_many(struct exchange *exchange, span wait);

/* The CORS headers for this request; at most 6. */
#define CORS_HEADERS_MAX 6
size_t cors_headers(struct exchange *exchange, struct http_header headers[CORS_HEADERS_MAX]);

/* The identity of the Authorization header. False: it was bad, and the request is answered.
 * *out is NULL for nobody; *is_admin when it was the admin key. The caller's reference. */
bool request_identity(struct front *front, struct exchange *exchange,
                      const struct http_request *request, struct identity **out, bool *is_admin);
