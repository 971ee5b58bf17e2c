/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the doctor's checks have in common: one line each, and how to mend what is wrong.
 *
 *   ok       database  12.4 MB, every page is sound
 *   problem  keys      keys/token.key can be read by others
 *                      chmod 600 ./data/keys/token.key
 *
 * Owns:     nothing.
 * Threads:  the main thread.
 * Time:     by base/clock.h.
 * Fails:    never; what cannot be found out is a problem.
 */
#pragma once

#include "base/base.h"

struct report {
    const char *data;   /* the folder */
    const char *config; /* file of settings, or NULL */
    int folder;         /* -1 when it cannot be opened */
    int problems;
};

void report_ok(struct report *report, const char *topic, const char *format, ...) PRINTF_LIKE(3, 4);
/* The mending follows by report_mend. */
void report_problem(struct report *report, const char *topic, const char *format, ...)
    PRINTF_LIKE(3, 4);
void report_mend(const char *format, ...) PRINTF_LIKE(1, 2);

/* Starts the helper program and has it paint a small picture. */
void doctor_check_helper(struct report *report, const char *path);
