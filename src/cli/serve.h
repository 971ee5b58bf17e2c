/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program around the same server may add: the fixture's functions, document types and jobs.
 *
 * Owns:     nothing.
 * Threads:  constant.
 * Time:     none.
 * Fails:    never.
 */
#pragma once

#include "serve/server.h"

struct extras {
    const char *program; /* "atelier-fixture" */
    const struct function_table *tables;
    size_t table_count;
    const struct doc_type *const *types;
    size_t type_count;
    const struct job_action *const *actions;
    size_t action_count;
    struct world (*stand_in)(const struct world *real, struct runner *const *runner); /* or NULL */
    bool tells_errors; /* internal errors are shown unless the settings say otherwise */
};
