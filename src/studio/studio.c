/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/studio.h"

#include "job/line.h"
#include "studio/alerts.h"
#include "studio/assets.h"
#include "studio/attempts.h"
#include "studio/audit.h"
#include "studio/catalogue_inside.h"
#include "studio/certificates.h"
#include "studio/crons.h"
#include "studio/downloads.h"
#include "studio/erasing.h"
#include "studio/events.h"
#include "studio/generations.h"
#include "studio/ledger.h"
#include "studio/links.h"
#include "studio/making.h"
#include "studio/moderation.h"
#include "studio/previews.h"
#include "studio/quotas.h"
#include "studio/rates.h"
#include "studio/resizing.h"
#include "studio/storage.h"
#include "studio/subscriptions.h"
#include "studio/uploads.h"
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
    &asset_counts_type,
    &flag_type,
    &alert_type,
    &credit_watch_type,
    &period_usage_type,
    &reservation_type,
    &override_type,
    &edition_type,
    &upload_type,
    &download_type,
    &certificate_type,
    &certificate_line_type,
    &resizing_type,
};
const struct schema studio_schema = {.types = types, .count = ARRAY_LEN(types)};

const struct job_action *const studio_actions[] = {
    &making_action,   &stopping_action, &cron_action,    &files_remove_action, &erasing_action,
    &checking_action, &looking_action,  &preview_action, &resizing_action};
const size_t studio_action_count = ARRAY_LEN(studio_actions);

size_t studio_lanes(const struct studio_config *config, struct lane_limit out[STUDIO_LANES_MAX])
{
    const struct provider_config *providers = config->providers.items;
    size_t count = 0;
    for (size_t i = 0; i < config->providers.count && count < STUDIO_LANES_MAX - 4; i++)
        out[count++] = (struct lane_limit){providers[i].id, (size_t)providers[i].concurrency};
    out[count++] = (struct lane_limit){STR(CHECKS_LANE), CHECKS_AT_ONCE};
    out[count++] = (struct lane_limit){STR(UPLOADS_LANE), UPLOADS_AT_ONCE};
    out[count++] = (struct lane_limit){STR(PREVIEWS_LANE), PREVIEWS_AT_ONCE};
    out[count++] = (struct lane_limit){STR("files"), 4};
    return count;
}

struct subject {
    const struct function *functions;
    const size_t *count;
};
static const struct subject subjects[] = {
    {account_functions, &account_function_count},
    {admin_job_functions, &admin_job_function_count},
    {admin_people_functions, &admin_people_function_count},
    {alert_functions, &alert_function_count},
    {asset_functions, &asset_function_count},
    {backstage_film_functions, &backstage_film_function_count},
    {backstage_functions, &backstage_function_count},
    {catalogue_functions, &catalogue_function_count},
    {certificate_functions, &certificate_function_count},
    {clerk_functions, &clerk_function_count},
    {credit_functions, &credit_function_count},
    {cron_functions, &cron_function_count},
    {download_functions, &download_function_count},
    {deleting_functions, &deleting_function_count},
    {event_functions, &event_function_count},
    {exporting_functions, &exporting_function_count},
    {generation_functions, &generation_function_count},
    {image_functions, &image_function_count},
    {link_functions, &link_function_count},
    {member_functions, &member_function_count},
    {mending_functions, &mending_function_count},
    {model_functions, &model_function_count},
    {money_functions, &money_function_count},
    {payment_functions, &payment_function_count},
    {plan_functions, &plan_function_count},
    {profile_functions, &profile_function_count},
    {provider_functions, &provider_function_count},
    {quota_functions, &quota_function_count},
    {storage_functions, &storage_function_count},
    {rate_functions, &rate_function_count},
    {receipt_functions, &receipt_function_count},
    {resizing_functions, &resizing_function_count},
    {search_functions, &search_function_count},
    {shelf_functions, &shelf_function_count},
    {subscription_functions, &subscription_function_count},
    {subscription_row_functions, &subscription_row_function_count},
    {upload_asset_functions, &upload_asset_function_count},
    {upload_functions, &upload_function_count},
    {upgrade_functions, &upgrade_function_count},
    {usage_functions, &usage_function_count},
    {user_functions, &user_function_count},
    {video_functions, &video_function_count},
    {wallet_functions, &wallet_function_count},
};
#define SUBJECTS ARRAY_LEN(subjects)
#define EXTRA_MAX 12

void studio_program(struct program *program, struct catalogue *catalogue,
                    const struct function_table *extra, size_t extra_count)
{
    const struct function *tables[SUBJECTS + EXTRA_MAX];
    size_t counts[SUBJECTS + EXTRA_MAX];
    for (size_t i = 0; i < SUBJECTS; i++) {
        tables[i] = subjects[i].functions;
        counts[i] = *subjects[i].count;
    }
    assert(extra_count <= EXTRA_MAX);
    for (size_t i = 0; i < extra_count; i++) {
        tables[SUBJECTS + i] = extra[i].functions;
        counts[SUBJECTS + i] = extra[i].count;
    }
    program_init(program, tables, counts, SUBJECTS + extra_count);
    program->schema = &studio_schema;
    program->resolve = user_resolve;
    program->config = catalogue;
}
