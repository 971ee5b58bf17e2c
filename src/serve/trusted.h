/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trusted callers: addresses from which some of the program's own functions may be called without a
 * token, because the servers of the original studios do so (compat.trustedCallers). Nobody is,
 * unless the operator lists them; each such call is logged, without its arguments.
 *
 * Owns:     a copy of the list.
 * Threads:  any, once it is made.
 * Time:     none.
 * Fails:    trusted_new by fault: an address that is none, a function that is not there.
 */
#pragma once

#include "call/execute.h"

struct trusted;

/* callers: struct trusted_caller. *out is NULL when there are none. */
bool trusted_new(const struct list *callers, const struct program *program, struct trusted **out,
                 struct fault *fault) MUST_CHECK;
void trusted_free(struct trusted *trusted); /* NULL is accepted */

/* Whether who calls from that address may call it as the program itself does; if so, it is logged.
 */
bool trusted_lets(const struct trusted *trusted, str path, str peer);
