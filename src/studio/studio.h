/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The product on one screen: all document types, all backend functions, all kinds of jobs.
 *
 * Owns:     constant tables.
 * Threads:  any.
 * Time:     none.
 * Fails:    never.
 */
#pragma once

#include "call/execute.h"
#include "job/runner.h"
#include "studio/catalogue.h"

extern const struct function credit_functions[], model_functions[], video_functions[],
    provider_functions[], cron_functions[], rate_functions[], catalogue_functions[];
extern const size_t catalogue_function_count, rate_function_count, cron_function_count,
    provider_function_count, credit_function_count, model_function_count, video_function_count;

extern const struct function money_functions[], receipt_functions[], usage_functions[];
extern const size_t money_function_count, receipt_function_count, usage_function_count;

extern const struct function deleting_functions[], exporting_functions[], mending_functions[];
extern const size_t deleting_function_count, exporting_function_count, mending_function_count;

extern const struct function admin_people_functions[], admin_job_functions[];
extern const size_t admin_people_function_count, admin_job_function_count;

/* The lanes of its jobs: one a provider, one for checks, one for uploads, one for files. Names are
 * the configuration's. */
#define STUDIO_LANES_MAX 64
size_t studio_lanes(const struct studio_config *config, struct lane_limit out[STUDIO_LANES_MAX]);
extern const struct function shelf_functions[];
extern const size_t shelf_function_count;
extern const struct function search_functions[], image_functions[], backstage_functions[],
    backstage_film_functions[];
extern const size_t backstage_film_function_count;
extern const size_t search_function_count, image_function_count, backstage_function_count;

/* Somebody's history as it stands on the wire, newest first; at most 1,000 rows. */
extern const struct field credit_history_item;
struct list credit_history_of(struct call *call, doc_id user);

extern const struct schema studio_schema;
extern const struct job_action *const studio_actions[];
extern const size_t studio_action_count;

struct function_table {
    const struct function *functions;
    size_t count;
};

/* Fills functions, resolver and catalogue (lent; NULL: none is asked for); extra tables (the
 * fixture's) may follow. */
void studio_program(struct program *program, struct catalogue *catalogue,
                    const struct function_table *extra, size_t extra_count);
