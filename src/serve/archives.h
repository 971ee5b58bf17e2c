/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many works as one ZIP archive, made while it is sent: GET /api/download/<key>, which
 * assets:createDownload gives, and POST /api/download {assetIds} by a token. The length is told
 * first, so a browser shows how far it is, and what was cut off is seen to be.
 *
 * Each file's checksum stands before its bytes, so keepers read the next file through while the
 * loop sends the one before by sendfile; memory does not grow with the files.
 *
 * Owns:     the archives under way, each with at most two open files.
 * Threads:  the loop's; files are read by keepers.
 * Time:     none.
 * Fails:    404 for what leads nowhere, 429 and 503 when there are too many. A file that cannot be
 *           read cuts the connection.
 */
#pragma once

#include "serve/functions.h"

#define ARCHIVES_MAX 64
#define ARCHIVES_OF_ADDRESS 8

FUNCTIONS_HANDLER(archives_get);
FUNCTIONS_HANDLER(archives_post);

struct archives;

struct archives *archives_new(struct front *front);

/* Nothing more is wanted of the chores under way. */
void archives_stop(struct archives *archives);

/* After the connections and the chores are closed. NULL is accepted. */
void archives_free(struct archives *archives);
