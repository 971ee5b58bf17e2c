/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who waits for a smaller picture, or a stamped original (studio/resizing.h), that is made the
 * first time somebody asks. No thread waits: the exchanges are looked at again every few
 * milliseconds while there are any; the first of them asks for the picture, for all.
 *
 * Owns:     the exchanges that wait, at most RESIZED_WAITING_MAX.
 * Threads:  the loop's.
 * Time:     by the loop's clock, at most RESIZED_WAIT.
 * Fails:    422 for a picture that cannot be made smaller, 503 when it takes too long.
 */
#pragma once

#include "serve/functions.h"
#include "studio/links.h"

#define RESIZED_WAITING_MAX 512
#define RESIZED_WAIT SECONDS(10)

/* Answers with the picture that the link asks for; at once, or when it is made. The link is in the
 * arena of the exchange, and good. */
void resized_get(struct front *front, struct exchange *exchange, const struct http_request *request,
                 const struct link *link);

struct resized;
struct resized *resized_new(struct front *front);

/* After the connections are closed. NULL is accepted. */
void resized_free(struct resized *resized);
