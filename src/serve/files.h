/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files by their capability: /api/storage/<uuid>, with type, ETag, one Range, and caching for ever
 * (STOR-09). Who knows the address may read; nobody can guess it.
 *
 * Owns:     nothing past the answer.
 * Threads:  the loop's; bytes go by sendfile.
 * Time:     none.
 * Fails:    400 for what is no uuid, 404 for an unknown one, 416 for a range that is not there.
 */
#pragma once

#include "serve/functions.h"

FUNCTIONS_HANDLER(files_get);

/* "bytes=…" against a size. 0: no range, or one to be ignored; 206: from and to are set (to is the
 * last byte); 416: it cannot be satisfied. */
int range_read(str header, int64_t size, int64_t *from, int64_t *to);
