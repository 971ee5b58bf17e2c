/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /api/certificates/<token>: what was removed of a deleted account, as JSON to be saved.
 * Whoever has the address may read it, since its owner cannot sign in any more; ?after= goes on
 * where the files of the part before ended (studio/certificates.h).
 *
 * Owns:     nothing past the answer.
 * Threads:  the loop's.
 * Time:     by the wall clock.
 * Fails:    404 when there is none, or none any more.
 */
#pragma once

#include "serve/functions.h"

FUNCTIONS_HANDLER(certificates_get);
