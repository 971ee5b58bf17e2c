/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: JSON lines on stderr, one an event. Never put a secret, a prompt or a token in it.
 *
 * Owns:     nothing.
 * Threads:  any; a line is written by one write().
 * Time:     the wall clock of base/clock.h.
 * Fails:    never; a line that cannot be written is lost.
 */
#pragma once

#include "base/str.h"

enum log_level {
    LOG_NONE,
    LOG_DEBUG,
    LOG_INFO,
    LOG_WARN,
    LOG_ERROR,
};

/* Lines below the level are not written. Default LOG_INFO. Call before threads start. */
void log_set_level(enum log_level level);

/* One event: a fixed snake_case name, and a text made by printf that is quoted as JSON. */
void log_event(enum log_level level, const char *event, const char *format, ...) PRINTF_LIKE(3, 4);
