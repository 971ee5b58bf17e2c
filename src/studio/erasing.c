/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/erasing.h"

#include "studio/alerts.h"
#include "studio/catalogue.h"
#include "studio/certificates.h"
#include "studio/downloads.h"
#include "studio/generations.h"
#include "studio/quotas.h"
#include "studio/rates.h"
#include "studio/subscriptions.h"
#include "studio/uploads.h"
#include "studio/work.h"

#define AT_ONCE 50
#define FILES_PAUSE SECONDS(2) /* for the jobs that remove their bytes */
#define STOPPING_TIME SECONDS(30)

/* ---- at once ---- */

void user_erase(struct call *call, struct user *user)
{
    if (call_failed(call) || user->deleted_at.is_set)
        return;
    account_remove(call, user->id);
    user->external_key = str_format(call->arena, "deleted|%.*s", STR_ARG(user->external_key));
    user->email = user->name = STR("");
    user->profile_image = user->first_name = user->last_name = (str){0};
    user->username = user->default_model = (str){0};
    user->role = ROLE_USER;
    user->email_notifications = false;
    user->updated_at = call->now;
    user->deleted_at = (struct maybe_instant){call->now, true};
    row_put(call, &user_type, user);
    certificate_open(call, user->id);
    job_queue(call, erasing_action.name, STR("files"), user->id);
}

void user_put_deleted(struct call *call, str clerk_id)
{
    const struct plan_config *plan = catalogue_of(call)->plans.items;
    struct user user = {
        .external_key = str_format(call->arena, "deleted|clerk|%.*s", STR_ARG(clerk_id)),
        .clerk_id = clerk_id,
        .email = STR(""),
        .name = STR(""),
        .role = ROLE_USER,
        .plan_key = plan->key,
        .created_at = call->now,
        .updated_at = call->now,
        .last_active_at = call->now,
        .deleted_at = {call->now, true},
    };
    row_new(call, &user_type, &user);
    row_put(call, &user_type, &user);
}

/* ---- what they pay for ---- */

static void end_at_stripe(struct arena *arena, const struct provider_site *site, str job,
                          struct provider_request *out)
{
    stripe_service.cancel(arena, site, job, true, out);
}

static void end_at_polar(struct arena *arena, const struct provider_site *site, str job,
                         struct provider_request *out)
{
    polar_service.cancel(arena, site, job, true, out);
}

/* Ended like a job of a provider's: asked for until it was answered. */
static const struct provider stripe_ending = {.name = "stripe", .cancel = end_at_stripe};
static const struct provider polar_ending = {.name = "polar", .cancel = end_at_polar};

static const struct processor_config *processor_of(struct call *call,
                                                   const struct subscription_row *row)
{
    const struct payment_service *service = payment_service_of(row->processor);
    return service == NULL ? NULL : config_processor(catalogue_of(call), service);
}

/* The first that goes on, and whose processor we can tell to end it. */
static bool paid_find(struct call *call, doc_id user, struct subscription_row *row)
{
    struct scan scan;
    bool is_found = false;
    view_scan(call->view, index_of(&subscription_type, "by_user"),
              (struct bounds){.prefix = KEY(key_id(user))}, ORDER_UP, &scan);
    while (!is_found && scan_next(&scan, row))
        is_found = subscription_is_entitled(row) && !row->cancel_at_period_end &&
                   processor_of(call, row) != NULL;
    scan_end(&scan);
    return is_found;
}

static const struct work *work_ending(struct call *call, const struct subscription_row *row)
{
    const struct processor_config *processor = processor_of(call, row);
    bool is_polar = payment_service_of(row->processor) == &polar_service;
    struct work *work = arena_new(call->arena, struct work);
    *work =
        (struct work){.kind = WORK_CANCEL,
                      .timeout = STOPPING_TIME,
                      .provider = is_polar ? &polar_ending : &stripe_ending,
                      .site = {.base_url = processor->base_url,
                               .key = processor->key == NULL ? (str){0} : processor->key->value},
                      .job = row->external_id,
                      .allow_private = processor->allow_private_addresses};
    return work;
}

/* ---- part by part ---- */

/* Answers whether there was any. */
static bool end_work(struct call *call, doc_id user)
{
    static const enum generation_status open[] = {GENERATION_PENDING, GENERATION_PROCESSING,
                                                  GENERATION_UPLOADING};
    struct generation *list = arena_array(call->arena, struct generation, AT_ONCE);
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_LEN(open); i++) {
        str status = str_of(generation_status_names[open[i]]);
        struct scan scan;
        view_scan(call->view, index_of(&generation_type, "by_user_status"),
                  (struct bounds){.prefix = KEY(key_id(user), key_text(status))}, ORDER_UP, &scan);
        while (count < AT_ONCE && scan_next(&scan, &list[count]))
            count++;
        scan_end(&scan);
    }
    for (size_t i = 0; i < count; i++)
        generation_end(call, &list[i], GENERATION_CANCELED, (str){0});
    return count != 0;
}

static bool remove_works(struct call *call, doc_id user)
{
    struct asset *list = arena_array(call->arena, struct asset, AT_ONCE);
    struct scan scan;
    size_t count = 0;
    view_scan(call->view, index_of(&asset_type, "by_user"),
              (struct bounds){.prefix = KEY(key_id(user))}, ORDER_UP, &scan);
    while (count < AT_ONCE && scan_next(&scan, &list[count]))
        count++;
    scan_end(&scan);
    for (size_t i = 0; i < count; i++)
        asset_remove(call, &list[i]);
    certificate_count(call, user, CERTIFIED_WORKS, count);
    return count != 0;
}

/* Files that never became works. Answers whether any file is left, be it doomed already: the end
 * waits for its bytes. */
static bool remove_files(struct call *call, doc_id user, bool *is_waiting)
{
    struct file *list = arena_array(call->arena, struct file, AT_ONCE);
    struct scan scan;
    size_t count = 0, doomed = 0;
    view_scan(call->view, index_of(&file_type, "by_owner"),
              (struct bounds){.prefix = KEY(key_id(user))}, ORDER_UP, &scan);
    while (count < AT_ONCE && scan_next(&scan, &list[count]))
        count++;
    scan_end(&scan);
    for (size_t i = 0; i < count; i++) {
        if (list[i].is_doomed)
            continue;
        file_doom(call, &list[i]);
        doomed++;
    }
    *is_waiting = count != 0 && doomed == 0;
    return doomed != 0;
}

static bool remove_generations(struct call *call, doc_id user)
{
    struct generation *list = arena_array(call->arena, struct generation, AT_ONCE);
    struct scan scan;
    size_t count = 0;
    view_scan(call->view, index_of(&generation_type, "by_user"),
              (struct bounds){.prefix = KEY(key_id(user))}, ORDER_UP, &scan);
    while (count < AT_ONCE && scan_next(&scan, &list[count]))
        count++;
    scan_end(&scan);
    for (size_t i = 0; i < count; i++)
        generation_remove(call, &list[i]);
    certificate_count(call, user, CERTIFIED_GENERATIONS, count);
    return count != 0;
}

/* Rows of a type whose index "by_user" begins with the user; their id is the first member. */
static bool remove_rows(struct call *call, const struct doc_type *type, doc_id user)
{
    doc_id ids[AT_ONCE];
    void *row = arena_alloc(call->arena, type->size);
    struct scan scan;
    size_t count = 0;
    assert(type->fields[0].kind == FIELD_ID && type->fields[0].offset == 0);
    view_scan(call->view, index_of(type, "by_user"), (struct bounds){.prefix = KEY(key_id(user))},
              ORDER_UP, &scan);
    while (count < AT_ONCE && scan_next(&scan, row))
        ids[count++] = *(const doc_id *)row;
    scan_end(&scan);
    for (size_t i = 0; i < count; i++)
        row_remove(call, type, ids[i]);
    certificate_count(call, user, CERTIFIED_RECORDS, count);
    return count != 0;
}

/* Whatever else is theirs, of types whose index "by_user" begins with the user. */
static const struct doc_type *const others[] = {
    &rate_type,        &storage_meter_type, &period_usage_type,
    &reservation_type, &credit_watch_type,  &download_type,
};

static bool remove_others(struct call *call, doc_id user)
{
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        if (remove_rows(call, others[i], user))
            return true;
    return false;
}

static bool forget_uploads(struct call *call, doc_id user)
{
    bool has_more;
    uploads_forget(call, user, &has_more);
    return has_more;
}

static const void *ask(struct call *call, struct job *job)
{
    doc_id user = {job->about};
    struct subscription_row paid;
    bool is_waiting = false;
    if (paid_find(call, user, &paid))
        return work_ending(call, &paid);
    bool has_more = end_work(call, user) || remove_works(call, user) ||
                    remove_generations(call, user) || forget_uploads(call, user) ||
                    remove_files(call, user, &is_waiting) || remove_others(call, user);
    if (has_more || is_waiting) {
        job_put_off(call, job, has_more ? call->now : instant_add(call->now, FILES_PAUSE));
    } else {
        certificate_close(call, user);
        job_remove(call, job->id);
    }
    return NULL;
}

static void answer(struct call *call, struct job *job, const void *asked, const void *result)
{
    const struct work_result *came = result;
    struct subscription_row paid;
    if (came->failure != WORK_OK && job->failures < JOB_FAILURES_MAX) {
        job->failures++;
        job_put_off(call, job, instant_add(call->now, job_backoff(call, job->failures)));
        return;
    }
    if (paid_find(call, (doc_id){job->about}, &paid)) {
        paid.cancel_at_period_end = true;
        paid.updated_at = call->now;
        row_put(call, &subscription_type, &paid);
    }
    job->failures = 0;
    job_put_off(call, job, call->now);
}

/* Something cannot be read just now; nothing of theirs is shown meanwhile. */
static void give_up(struct call *call, struct job *job, str why)
{
    job->failures = 0;
    job_put_off(call, job, instant_add(call->now, HOURS(1)));
}

const struct job_action erasing_action = {
    .name = "users:erase", .ask = ask, .answer = answer, .give_up = give_up};
