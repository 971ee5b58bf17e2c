/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration put together: defaults < preset < file < environment < options (DESIGN section
 * 11). Files are YAML, checked by the settings' descriptors; an unknown key is an error with file,
 * line and the nearest valid key.
 *
 * Owns:     everything read is in the arena given.
 * Threads:  the main thread.
 * Time:     none.
 * Fails:    by fault, ready to be shown.
 */
#pragma once

#include "serve/settings.h"

struct settings_options {
    const char *config; /* path, or NULL */
    const char *preset; /* name; NULL: studio */
    const char *listen; /* these override; or NULL */
    const char *tls_cert, *tls_key, *memory_limit;
    bool tells_errors; /* server.redactErrors is false unless somebody sets it */
};

bool settings_load(struct arena *arena, const struct settings_options *options,
                   struct settings *out, struct fault *fault) MUST_CHECK;
