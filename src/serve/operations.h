/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the operator and the tools around the program ask: health, readiness, metrics, version.
 *
 * Owns:     nothing.
 * Threads:  the loop's.
 * Time:     none.
 * Fails:    readiness answers 503 while the server is stopping.
 */
#pragma once

#include "serve/functions.h"

FUNCTIONS_HANDLER(operations_health);
FUNCTIONS_HANDLER(operations_ready);
FUNCTIONS_HANDLER(operations_metrics);
FUNCTIONS_HANDLER(operations_version);
FUNCTIONS_HANDLER(operations_name);
FUNCTIONS_HANDLER(operations_debug_event);
