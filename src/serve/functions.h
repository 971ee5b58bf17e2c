/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Convex HTTP API: functions by POST and GET (convex-protocol.md section 11).
 *
 * Owns:     nothing past the answer.
 * Threads:  the loop's.
 * Time:     none.
 * Fails:    a function's failure is 200 with status error; a bad request is a 4xx with JSON.
 */
#pragma once

#include "serve/front.h"

#define FUNCTIONS_HANDLER(name)                                                                    \
    void name(struct front *front, struct exchange *exchange, const struct http_request *request)

FUNCTIONS_HANDLER(functions_query);
FUNCTIONS_HANDLER(functions_mutation);
FUNCTIONS_HANDLER(functions_action);
FUNCTIONS_HANDLER(functions_query_ts);
FUNCTIONS_HANDLER(functions_query_at_ts); /* only at the newest timestamp */
FUNCTIONS_HANDLER(functions_query_batch); /* several at one timestamp */
FUNCTIONS_HANDLER(functions_any);         /* with the admin key: internal functions too */
FUNCTIONS_HANDLER(functions_run);         /* /api/run/<dir>/<module>/<function> */

/* ---- shared by the handlers ---- */

#define LARGE_BODY KIB(64) /* what is read from larger ones is counted */

/* {"status":…,"value":…} as the body of an answer, in the lossy format or not. */
void reply_write(struct buffer *to, const struct call_reply *reply, bool is_clean);

/* False: an unknown format. An absent one is the lossy "json". */
bool format_read(const struct json *format, bool *is_clean) MUST_CHECK;

/* The arguments as JSON text again, for the function's descriptor to read. */
str args_text(struct arena *arena, const struct json *args);
