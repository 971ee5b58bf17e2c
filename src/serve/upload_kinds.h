/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ways in which files are uploaded: a form with a file (and perhaps its thumbnail), an address
 * that takes one, and those that can be resumed (tus 1.0).
 *
 * Owns:     nothing; intakes are the uploads'.
 * Threads:  the loop's.
 * Time:     the front's.
 * Fails:    with an answer.
 */
#pragma once

#include "serve/upload.h"

/* Each is a request whose body has not come yet. */
void upload_form_begin(struct front *front, struct exchange *exchange,
                       const struct http_request *request);
void upload_ticket_begin(struct front *front, struct exchange *exchange,
                         const struct http_request *request);

/* All requests of tus below /api/uploads, with a body and without. */
void upload_tus(struct front *front, struct exchange *exchange, const struct http_request *request);

/* For the table of routes: a request to the same addresses without a body. */
void upload_empty(struct front *front, struct exchange *exchange,
                  const struct http_request *request);

/* Runs with the store as it is now, in the caller's name; what the call failed with is in *reply.
 */
bool upload_look(struct front *front, struct arena *arena, const struct identity *identity,
                 void (*look)(struct call *call, void *context), void *context,
                 struct call_reply *reply);

/* {"storageId":…} of a finished file, for uploads:keep. */
void upload_write_file(struct buffer *to, const struct upload_file *file);
