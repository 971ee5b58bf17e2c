/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/studio.h"

#include "job/line.h"
#include "studio/assets.h"
#include "studio/attempts.h"
#include "studio/audit.h"
#include "studio/catalogue_inside.h"
#include "studio/crons.h"
#include "studio/generations.h"
#include "studio/ledger.h"
#include "studio/making.h"
#include "studio/rates.h"
#include "studio/subscriptions.h"
#include "studio/usage.h"
#include "studio/users.h"

static const struct doc_type *const types[] = {
    &user_type,
    &credential_type,
    &session_type,
    &storage_meter_type,
    &movement_type,
    &lot_type,
    &credit_transaction_type,
    &balance_type,
    &hold_type,
    &file_type,
    &asset_type,
    &generation_type,
    &output_type,
    &progress_type,
    &job_type,
    &system_type,
    &attempt_type,
    &provider_stat_type,
    &breaker_type,
    &cron_run_type,
    &rate_type,
    &audit_type,
    &usage_type,
    &usage_report_type,
    &subscription_type,
    &invoice_type,
    &payment_type,
    &webhook_event_type,
    &billing_account_type,
    &lane_type,
    &share_type,
    &line_type,
    &override_type,
    &edition_type,
};
const struct schema studio_schema = {.types = types, .count = ARRAY_LEN(types)};

const struct job_action *const studio_actions[] = {&making_action, &stopping_action, &cron_action,
                                                   &files_remove_action};
const size_t studio_action_count = ARRAY_LEN(studio_actions);

#define TABLES 19
#define EXTRA_MAX 8

void studio_program(struct program *program, struct catalogue *catalogue,
                    const struct function_table *extra, size_t extra_count)
{
    const struct function *tables[TABLES + EXTRA_MAX] = {
        user_functions,       account_functions,      credit_functions,   model_functions,
        generation_functions, video_functions,        asset_functions,    provider_functions,
        cron_functions,       rate_functions,         money_functions,    receipt_functions,
        usage_functions,      subscription_functions, payment_functions,  plan_functions,
        wallet_functions,     admin_people_functions, admin_job_functions};
    size_t counts[TABLES + EXTRA_MAX] = {
        user_function_count,     account_function_count,      credit_function_count,
        model_function_count,    generation_function_count,   video_function_count,
        asset_function_count,    provider_function_count,     cron_function_count,
        rate_function_count,     money_function_count,        receipt_function_count,
        usage_function_count,    subscription_function_count, payment_function_count,
        plan_function_count,     wallet_function_count,       admin_people_function_count,
        admin_job_function_count};
    assert(extra_count <= EXTRA_MAX);
    for (size_t i = 0; i < extra_count; i++) {
        tables[TABLES + i] = extra[i].functions;
        counts[TABLES + i] = extra[i].count;
    }
    program_init(program, tables, counts, TABLES + extra_count);
    program->schema = &studio_schema;
    program->resolve = user_resolve;
    program->config = catalogue;
}
