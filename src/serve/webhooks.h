/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What others post to us: providers about their jobs, payment services and sign-in services about
 * people. A provider's posting is only ever a reason to look again; the others are taken at their
 * word. Whether it is theirs is the translator's to say.
 *
 * Owns:     nothing past the answer.
 * Threads:  the loop's.
 * Time:     the wall clock, for signatures.
 * Fails:    400 for what is not the sender's, 503 when we could not take it: they post again.
 */
#pragma once

#include "serve/front.h"

/* POST /api/webhooks/provider/<id of the configuration> */
void webhooks_provider(struct front *front, struct exchange *exchange,
                       const struct http_request *request);

/* POST /api/webhooks/replicate: whichever provider of that kind it is signed for */
void webhooks_replicate(struct front *front, struct exchange *exchange,
                        const struct http_request *request);

/* POST /api/webhooks/stripe */
void webhooks_stripe(struct front *front, struct exchange *exchange,
                     const struct http_request *request);

/* POST /api/webhooks/polar */
void webhooks_polar(struct front *front, struct exchange *exchange,
                    const struct http_request *request);

/* POST /clerk-webhook, /api/clerk-webhook, /api/webhooks/clerk: people, by whom Clerk signs in */
void webhooks_clerk(struct front *front, struct exchange *exchange,
                    const struct http_request *request);
