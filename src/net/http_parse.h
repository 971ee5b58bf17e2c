/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammar of HTTP/1.1 requests, without any input or output: where a head ends, what it says,
 * and what a chunked body holds. Stricter than RFC 9112 allows where leniency has let two servers
 * in a row disagree about where a request ends.
 *
 * Owns:     nothing; the header list is in the arena given, texts point into the head given.
 * Threads:  any.
 * Time:     none.
 * Fails:    by the status to refuse with: 400, 413, 417, 431, 501, 505.
 */
#pragma once

#include "net/http.h"

/* Beside these the functions below answer a status. */
#define HTTP_PARSE_MORE 0
#define HTTP_PARSE_READY 1

/*
 * Looks for the empty line that ends a head. *scanned is 0 at first and kept between calls that
 * are given more of the same bytes. READY: *len is the length of the head with its empty line.
 */
int http_head_find(str in, size_t *scanned, size_t *len);

struct http_head {
    struct http_request request;
    int64_t content_length; /* -1: none given */
    bool is_chunked, is_kept_alive, is_expecting;
};

/* READY, or the status to refuse with. The head is what http_head_find found. */
int http_head_parse(struct arena *arena, str head, struct http_head *out);

/* A chunked body while it arrives. Zeroed is ready. */
struct http_chunks {
    uint64_t left; /* of the chunk's data */
    uint32_t line; /* bytes of this size line, then of all trailers */
    uint8_t state, digits;
};

/*
 * Uses up some of what came in: *used bytes, of which *data (often empty) are the body's. Call
 * again while it answers MORE and something is left. READY: the body has ended.
 */
int http_chunks_read(struct http_chunks *chunks, str in, size_t *used, str *data);

/* Whether a list like "keep-alive, Upgrade" names the token, whatever its case. */
bool http_list_has(str list, str token);
