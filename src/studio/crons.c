/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/crons.h"

#include "base/planted.h"
#include "studio/certificates.h"
#include "studio/downloads.h"
#include "studio/events.h"
#include "studio/generations.h"
#include "studio/ledger.h"
#include "studio/quotas.h"
#include "studio/studio.h"
#include "studio/subscriptions.h"
#include "studio/uploads.h"
#include "studio/usage.h"
#include "studio/users.h"

#include <string.h>

#define LANE "files"
#define DAY_US (INT64_C(86400) * 1000000)
#define KEEP_FAILED DAYS(7)
#define AT_ONCE 200

static int64_t clean_failed(struct call *call, str *cursor, bool *has_more);
static int64_t clean_expired(struct call *call, str *cursor, bool *has_more);
static int64_t grant_month(struct call *call, str *cursor, bool *has_more);

static const struct cron crons[] = {
    {"cleanupFailedGenerations", "Removes failed generations older than 7 days (GEN-20).",
     CRON_DAILY, 3, 17, clean_failed},
    {"cleanupExpiredCredits", "Takes credits that have expired out of the balances (CRON-01).",
     CRON_MONTHLY, 0, 20, clean_expired},
    {"processMonthlyCredits", "Gives each plan's credits of the month, once (CRON-02, CRED-09).",
     CRON_MONTHLY, 0, 30, grant_month},
    {"generateUsageReports", "Sums up the days of the weeks that are over (CRON-04).", CRON_WEEKLY,
     1, 0, usage_report},
    {"resetExpiredQuotas",
     "Ends plans cancelled for the end of a period that is over; forgets old reservations "
     "(CRON-05).",
     CRON_DAILY, 0, 0, quota_clean},
    {"recountStorage", "Counts what everybody has stored, and sets wrong meters right (QUOT-07).",
     CRON_DAILY, 4, 7, storage_recount_all},
    {"cleanupCertificates", "Forgets certificates of deletion after 90 days (MOD-05).", CRON_DAILY,
     4, 37, certificates_clean},
    {"cleanupWebhookEvents", "Forgets taken events of others after 30 days (CRON-05, IN-04).",
     CRON_DAILY, 3, 37, webhook_events_clean},
    {"cleanupUploads", "Removes uploads that nobody finished or used in time (CRON-05).",
     CRON_HOURLY, 0, 47, uploads_clean},
    {"cleanupDownloads", "Forgets addresses of archives whose hour is over.", CRON_HOURLY, 0, 41,
     downloads_clean},
};

struct cron_run {
    doc_id id;
    tick created;
    str name;
    doc_id job_id;
    struct maybe_instant last_run;
    int64_t count; /* of the last run */
    str cursor;    /* of a run that goes on */
    instant next_run;
};

#define ROW struct cron_run
static const struct field cron_run_fields[] = {
    ID(id),
    CREATED(created),
    TEXT(name, .min = 1, .max = 80),
    MAYBE_REF(job_id, &job_type),
    MAYBE_TIME(last_run),
    INT(count),
    MAYBE_TEXT(cursor, .max = 2000),
    TIME(next_run),
};
#undef ROW

const struct doc_type cron_run_type = {
    .name = "cronRuns",
    .about = "When each cron ran last, what it did, and when it runs next.",
    .size = sizeof(struct cron_run),
    FIELDS(cron_run_fields),
    .number = 19,
    INDEXES({.name = "by_name", .fields = {"name"}, .is_unique = true}),
};

struct wire_cron {
    str name, about;
    struct maybe_instant last_run;
    int64_t last_count;
    struct maybe_instant next_run;
};
#define ROW struct wire_cron
static const struct field wire_cron_fields[] = {
    TEXT(name),           TEXT(about),
    MAYBE_TIME(last_run), INT(last_count, .about = "What it did then."),
    MAYBE_TIME(next_run),
};
#undef ROW
static const struct shape wire_cron_shape = {
    .name = "cron", .size = sizeof(struct wire_cron), FIELDS(wire_cron_fields)};
static const struct field wire_cron_item = ITEM_RECORD(&wire_cron_shape, struct wire_cron);

NO_ARGS(list_crons)
BACKEND_FUNCTION(list_crons, struct list)

const struct function cron_functions[] = {
    QUERY("admin:listCrons", list_crons, .caller = ADMIN, .returns = RETURNS_LIST(&wire_cron_item),
          .about = "What the studio does by itself, and when."),
};
const size_t cron_function_count = ARRAY_LEN(cron_functions);

/* ---- times ---- */

int64_t month_start(int64_t month)
{
    int64_t year = 1970 + month / 12, of_year = month % 12;
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int64_t leaps =
        (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400);
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return (year - 1970) * 365 + leaps + before[of_year] + (is_leap && of_year > 1);
}

int64_t month_of(int64_t day)
{
    int64_t month = day / 31; /* never too late */
    while (month_start(month + 1) <= day)
        month++;
    return month;
}

/* The day, of those the cron runs on, that is this one or the next. */
static int64_t day_on(const struct cron *cron, int64_t day)
{
    int64_t since_monday = (day + 3) % 7; /* 1970-01-01 was a Thursday */
    int64_t first = month_start(month_of(day));
    if (cron->every == CRON_WEEKLY)
        return since_monday == 0 ? day : day + 7 - since_monday;
    if (cron->every == CRON_MONTHLY)
        return first == day ? day : month_start(month_of(day) + 1);
    return day;
}

instant cron_next(const struct cron *cron, instant after)
{
    if (cron->every == CRON_HOURLY) {
        int64_t hour = HOURS(1).us, minute = MINUTES(cron->minute).us;
        int64_t at = after.us / hour * hour + minute;
        return (instant){at > after.us ? at : at + hour};
    }
    int64_t time = HOURS(cron->hour).us + MINUTES(cron->minute).us;
    for (int64_t day = after.us / DAY_US;; day++) {
        instant at = {day_on(cron, day) * DAY_US + time};
        if (at.us > after.us)
            return at;
    }
}

/* ---- the jobs ---- */

static bool run_find(struct call *call, doc_id id, struct cron_run *run, const struct cron **cron)
{
    *cron = NULL;
    if (!row_find(call, &cron_run_type, id, run))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(crons); i++)
        if (str_equal(run->name, str_of(crons[i].name)))
            *cron = &crons[i];
    return *cron != NULL;
}

static void start(struct call *call, const struct cron *cron)
{
    struct cron_run run;
    struct job job;
    doc_id id =
        row_first(call, index_of(&cron_run_type, "by_name"), KEY(key_text(str_of(cron->name))));
    if (row_find(call, &cron_run_type, id, &run) && row_find(call, &job_type, run.job_id, &job))
        return;
    if (!doc_id_is_set(run.id)) {
        run.name = str_of(cron->name);
        row_new(call, &cron_run_type, &run);
        run.next_run = cron_next(cron, call->now);
    }
    run.job_id = job_queue(call, cron_action.name, STR(LANE), run.id);
    row_put(call, &cron_run_type, &run);
    row_get(call, &job_type, run.job_id, &job);
    if (!call_failed(call))
        job_put_off(call, &job, run.next_run);
}

void crons_start(struct call *call)
{
    for (size_t i = 0; i < ARRAY_LEN(crons) && !call_failed(call); i++)
        start(call, &crons[i]);
}

static const void *ask(struct call *call, struct job *job)
{
    const struct cron *cron;
    struct cron_run run;
    bool has_more = false;
    if (!run_find(call, (doc_id){job->about}, &run, &cron)) {
        job_remove(call, job->id); /* of an older program */
        return NULL;
    }
    int64_t count = cron->run(call, &run.cursor, &has_more);
    bool goes_on = run.last_run.is_set && run.last_run.value.us >= run.next_run.us;
    run.count = goes_on ? run.count + count : count;
    run.last_run = (struct maybe_instant){call->now, true};
    if (!has_more) {
        run.next_run = cron_next(cron, call->now);
        run.cursor = (str){0};
    }
    row_put(call, &cron_run_type, &run);
    job->failures = 0;
    job_put_off(call, job, has_more ? call->now : run.next_run);
    return NULL;
}

static void answer(struct call *call, struct job *job, const void *asked, const void *result)
{
    call_fail(call, INTERNAL_ERROR, "A cron asks nothing of the outside.");
}

/* It failed again and again: its next time comes all the same. */
static void give_up(struct call *call, struct job *job, str why)
{
    const struct cron *cron;
    struct cron_run run;
    if (!run_find(call, (doc_id){job->about}, &run, &cron)) {
        job_remove(call, job->id);
        return;
    }
    run.next_run = cron_next(cron, call->now);
    run.cursor = (str){0};
    row_put(call, &cron_run_type, &run);
    job->failures = 0;
    job_put_off(call, job, run.next_run);
}

const struct job_action cron_action = {
    .name = "crons:run", .ask = ask, .answer = answer, .give_up = give_up};

/* ---- what they do ---- */

static int64_t clean_failed(struct call *call, str *cursor, bool *has_more)
{
    struct generation *old = arena_array(call->arena, struct generation, AT_ONCE);
    struct bounds failed = {
        .prefix = KEY(key_text(STR("failed"))),
        .to = key_number((double)(call->now.us - KEEP_FAILED.us) / 1000.0),
    };
    struct scan scan;
    size_t count = 0;
    view_scan(call->view, index_of(&generation_type, "by_status"), failed, ORDER_UP, &scan);
    while (count < AT_ONCE && scan_next(&scan, &old[count]))
        count++;
    scan_end(&scan);
    for (size_t i = 0; i < count; i++)
        generation_remove(call, &old[i]);
    *has_more = count == AT_ONCE;
    return (int64_t)count;
}

static int64_t clean_expired(struct call *call, str *cursor, bool *has_more)
{
    return ledger_expire_due(call, has_more);
}

/* Who pays by a processor is given theirs when it says that the period is paid. */
static int64_t grant_month(struct call *call, str *cursor, bool *has_more)
{
    struct user *users = arena_array(call->arena, struct user, AT_ONCE);
    struct bounds rest = {.from = key_text(*cursor), .from_is_open = true};
    struct scan scan;
    size_t count = 0;
    int64_t granted = 0;
    view_scan(call->view, index_of(&user_type, "by_external_key"), rest, ORDER_UP, &scan);
    while (count < AT_ONCE && scan_next(&scan, &users[count]))
        count++;
    scan_end(&scan);
    for (size_t i = 0; i < count; i++) {
        struct subscription_row paid;
        if (!subscription_current(call, users[i].id, &paid) || !subscription_is_entitled(&paid) ||
            PLANTED(sim_month_for_payers))
            granted += user_grant_month(call, &users[i]);
    }
    *has_more = count == AT_ONCE;
    if (*has_more)
        *cursor = users[count - 1].external_key;
    return granted;
}

static void list_crons(struct call *call, const struct list_crons_args *args, struct list *result)
{
    struct wire_cron *list = arena_array(call->arena, struct wire_cron, ARRAY_LEN(crons));
    for (size_t i = 0; i < ARRAY_LEN(crons); i++) {
        struct cron_run run;
        str name = str_of(crons[i].name);
        row_find(call, &cron_run_type,
                 row_first(call, index_of(&cron_run_type, "by_name"), KEY(key_text(name))), &run);
        list[i] = (struct wire_cron){
            .name = name,
            .about = str_of(crons[i].about),
            .last_run = run.last_run,
            .last_count = run.count,
            .next_run = {run.next_run, run.next_run.us != 0},
        };
    }
    *result = (struct list){list, ARRAY_LEN(crons)};
}
