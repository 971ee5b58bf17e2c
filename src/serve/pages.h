/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The user interface: static files, read into memory once at start, with a strict policy for
 * scripts. Addresses of the application answer with its shell; the pages without script are files
 * of their own.
 *
 * Owns:     the files' bytes.
 * Threads:  the loop's; constant.
 * Time:     none.
 * Fails:    pages_open by fault; without pages every address says that there is no interface.
 */
#pragma once

#include "serve/functions.h"

struct pages;

/* folder: web/dist. files_origin: from where pictures and films may come beside us, because we
 * redirect there; may be empty. */
bool pages_open(const char *folder, str files_origin, struct pages **out, struct fault *fault)
    MUST_CHECK;
void pages_close(struct pages *pages);
const char *pages_version(const struct pages *pages);

FUNCTIONS_HANDLER(pages_get);
