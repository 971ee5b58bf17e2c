/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client that has part of a file already says about it: Range, If-Range, If-None-Match
 * (RFC 9110 sections 13 and 14).
 *
 * Owns:     nothing.
 * Threads:  any.
 * Time:     none.
 * Fails:    never: what is not understood is ignored, as the RFC wants it.
 */
#pragma once

#include "base/str.h"

/*
 * "bytes=…" against a size. 0: no range, or one to be ignored: then the whole file is sent, so also
 * for several ranges at once. 206: from and to are set (to is the last byte). 416: there is nothing
 * at that place.
 */
int range_read(str header, int64_t size, int64_t *from, int64_t *to);

/* Whether one of the tags of If-None-Match is this one, weak or not; "*" is every tag. */
bool etag_is_listed(str header, str etag);
