/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files, private by default: by their capability, /api/storage/<uuid>, and by signed links that
 * expire, /api/files/<asset>?…&exp=…&sig=… (studio/links.h). With type, ETag, one Range, caching
 * for as long as the address is good, and nothing that a browser would run (STOR-09).
 *
 * Owns:     nothing past the answer.
 * Threads:  the loop's; bytes go by sendfile.
 * Time:     a signed link's, by the wall clock.
 * Fails:    400 for what is no uuid, 403 for a link that has expired, 404 for what leads nowhere,
 *           416 for a range that is not there.
 */
#pragma once

#include "serve/functions.h"
#include "studio/assets.h"

FUNCTIONS_HANDLER(files_get);
FUNCTIONS_HANDLER(files_get_signed);

/* A file that may be seen by who asks. */
struct delivery {
    struct file file;
    instant expires_at; /* of the address; 0: it does not */
    bool is_download;   /* to be saved, not shown */
    bool is_negotiated; /* another Accept may get another file at this address */
};

/* Answers with the bytes in a file, which is taken; when they had to be fetched first. */
void files_send(struct exchange *exchange, const struct delivery *delivery, int fd, int64_t size);
/* A call that only looks things up, in nobody's name. */
struct call files_call(struct front *front, struct arena *arena, struct view *view);

/* Answers with it, or with the part that is wanted, or that the client has it. */
void files_deliver(struct front *front, struct exchange *exchange,
                   const struct http_request *request, const struct delivery *delivery);
