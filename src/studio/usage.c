/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/usage.h"

#include "base/planted.h"
#include "studio/attempts.h"
#include "studio/catalogue.h"
#include "studio/ledger.h"
#include "studio/studio.h"
#include "studio/users.h"

#include <string.h>

#define MODELS_MAX 100
#define AT_ONCE 200
#define RECENT_MAX 10
#define DAYS_READ_MAX 4000 /* eleven years */
#define DAYS_LISTED_MAX 366
#define WEEKS_LISTED_MAX 104

/* ---- documents ---- */

struct model_usage {
    str model;
    int64_t count;
};
#define ROW struct model_usage
static const struct field model_usage_fields[] = {TEXT(model, .max = 80), INT(count)};
#undef ROW
static const struct shape model_usage_shape = {
    .name = "modelUsage", .size = sizeof(struct model_usage), FIELDS(model_usage_fields)};
static const struct field model_usage_item = ITEM_RECORD(&model_usage_shape, struct model_usage);

struct usage {
    doc_id id;
    tick created;
    doc_id user_id;
    str date;
    int64_t day; /* since 1970 */
    int64_t generations_count, generations_success, generations_failed;
    credits credits_used;
    struct list model_usage; /* struct model_usage */
    int64_t storage_used_bytes, cost_micros;
    int64_t images_count; /* made on that day */
    int64_t images_uploaded, images_deleted;
    int64_t api_requests_count, api_requests_success, api_requests_failed;
    instant created_at, updated_at;
    bool is_reported;
};

#define ROW struct usage
static const struct field usage_fields[] = {
    ID(id),
    CREATED(created),
    REF(user_id, &user_type),
    TEXT(date, .min = 10, .max = 10),
    INT(day),
    INT(generations_count),
    INT(generations_success),
    INT(generations_failed),
    CREDITS(credits_used),
    LIST(model_usage, &model_usage_item, .max = MODELS_MAX),
    INT(storage_used_bytes, .unit = "bytes"),
    INT(cost_micros, .unit = "millionths of a US dollar"),
    INT(images_count, .is_optional = true),
    INT(images_uploaded, .is_optional = true),
    INT(images_deleted, .is_optional = true),
    INT(api_requests_count, .is_optional = true),
    INT(api_requests_success, .is_optional = true),
    INT(api_requests_failed, .is_optional = true),
    TIME(created_at),
    TIME(updated_at),
    BOOL(is_reported),
};
#undef ROW

const struct doc_type usage_type = {
    .name = "usage",
    .about = "What a user did on a day.",
    .size = sizeof(struct usage),
    FIELDS(usage_fields),
    .number = 26,
    INDEXES({.name = "by_user_day", .fields = {"userId", "day"}, .is_unique = true},
            {.name = "by_reported", .fields = {"isReported", "day"}}),
};

struct usage_report {
    doc_id id;
    tick created;
    str week;
    int64_t day;   /* the Monday's */
    int64_t users; /* each counted once a day */
    int64_t generations_count, generations_success, generations_failed;
    credits credits_used;
    int64_t cost_micros;
    instant updated_at;
};

#define ROW struct usage_report
static const struct field usage_report_fields[] = {
    ID(id),
    CREATED(created),
    TEXT(week, .min = 10, .max = 10, .about = "The date of its Monday."),
    INT(day),
    INT(users, .about = "Who made something, each counted once a day."),
    INT(generations_count),
    INT(generations_success),
    INT(generations_failed),
    CREDITS(credits_used),
    INT(cost_micros, .unit = "millionths of a US dollar"),
    TIME(updated_at),
};
#undef ROW

const struct doc_type usage_report_type = {
    .name = "usageReports",
    .about = "What all users did in a week.",
    .size = sizeof(struct usage_report),
    FIELDS(usage_report_fields),
    .number = 27,
    INDEXES({.name = "by_day", .fields = {"day"}, .is_unique = true}),
};

/* ---- results ---- */

struct wire_usage {
    str date;
    int64_t generations_count, generations_success, generations_failed;
    credits credits_used;
    struct list model_usage;
    int64_t storage_used_bytes, images_uploaded, images_deleted;
    int64_t api_requests_count, api_requests_success, api_requests_failed;
    instant created_at, updated_at;
};
#define ROW struct wire_usage
static const struct field wire_usage_fields[] = {
    TEXT(date),
    INT(generations_count),
    INT(generations_success),
    INT(generations_failed),
    CREDITS(credits_used),
    LIST(model_usage, &model_usage_item),
    INT(storage_used_bytes, .unit = "bytes"),
    INT(images_uploaded),
    INT(images_deleted, .about = "Works, films too."),
    INT(api_requests_count),
    INT(api_requests_success),
    INT(api_requests_failed),
    TIME(created_at),
    TIME(updated_at),
};
#undef ROW
static const struct shape wire_usage_shape = {
    .name = "dayUsage", .size = sizeof(struct wire_usage), FIELDS(wire_usage_fields)};
static const struct field wire_usage_item = ITEM_RECORD(&wire_usage_shape, struct wire_usage);

struct wire_report {
    str week;
    int64_t users, generations_count, generations_success, generations_failed;
    credits credits_used;
    int64_t cost_micros;
};
#define ROW struct wire_report
static const struct field wire_report_fields[] = {
    TEXT(week, .about = "The date of its Monday."),
    INT(users, .about = "Who made something, each counted once a day."),
    INT(generations_count),
    INT(generations_success),
    INT(generations_failed),
    CREDITS(credits_used),
    INT(cost_micros, .unit = "millionths of a US dollar"),
};
#undef ROW
static const struct shape wire_report_shape = {
    .name = "usageReport", .size = sizeof(struct wire_report), FIELDS(wire_report_fields)};
static const struct field wire_report_item = ITEM_RECORD(&wire_report_shape, struct wire_report);

struct get_usage_args {
    struct maybe_int days;
};
#define ROW struct get_usage_args
static const struct field get_usage_fields[] = {
    MAYBE_INT(days, .min = 1, .max = DAYS_LISTED_MAX, .about = "The last 30 when not given.")};
#undef ROW

struct usage_stats {
    int64_t total_images, total_generations, successful_generations, failed_generations;
    int64_t images_last30_days;
    struct list recent_jobs;
    int64_t storage_used_bytes, storage_quota_bytes;
    credits credits_remaining;
    str plan;
};
#define ROW struct usage_stats
static const struct field usage_stats_fields[] = {
    INT(total_images, .about = "In the library now."),
    INT(total_generations),
    INT(successful_generations),
    INT(failed_generations),
    INT(images_last30_days, .wire = "imagesLast30Days"),
    LIST(recent_jobs, &generation_wire_item, .max = RECENT_MAX),
    INT(storage_used_bytes, .unit = "bytes"),
    INT(storage_quota_bytes, .unit = "bytes"),
    CREDITS(credits_remaining),
    TEXT(plan),
};
#undef ROW
static const struct shape usage_stats_shape = {
    .name = "usageStats", .size = sizeof(struct usage_stats), FIELDS(usage_stats_fields)};

NO_ARGS(get_stats)
NO_ARGS(list_reports)
BACKEND_FUNCTION(get_stats, struct usage_stats)
BACKEND_FUNCTION(get_usage, struct list)
BACKEND_FUNCTION(list_reports, struct list)

const struct function usage_functions[] = {
    QUERY("usage:getMyUsage", get_usage, .caller = SIGNED_IN,
          .returns = RETURNS_LIST(&wire_usage_item),
          .about = "The caller's days on which something ended, newest first (USE-01)."),
    QUERY("users:getUserUsageStats", get_stats, .caller = SIGNED_IN,
          .returns = RETURNS_RECORD(&usage_stats_shape, struct usage_stats),
          .about = "What the caller has made, stored and left, and the newest 10 jobs."),
    QUERY("admin:listUsageReports", list_reports, .caller = ADMIN,
          .returns = RETURNS_LIST(&wire_report_item),
          .about = "The weeks that are over, newest first."),
};
const size_t usage_function_count = ARRAY_LEN(usage_functions);

/* ---- counting ---- */

static int64_t day_of(instant at)
{
    return at.us / DAYS(1).us;
}

static void count_model(struct call *call, struct usage *usage, str model)
{
    struct model_usage *models = arena_array(call->arena, struct model_usage, MODELS_MAX);
    size_t count = usage->model_usage.count, i = 0;
    if (count > 0)
        memcpy(models, usage->model_usage.items, count * sizeof(*models));
    while (i < count && !str_equal(models[i].model, model))
        i++;
    if (i < MODELS_MAX) {
        models[i].model = model;
        models[i].count++;
    }
    usage->model_usage = (struct list){models, MAX_OF(count, MIN_OF(i + 1, (size_t)MODELS_MAX))};
}

static int64_t cost_of(struct call *call, doc_id generation)
{
    struct scan scan;
    struct attempt attempt;
    int64_t cost = 0;
    if (call_failed(call))
        return 0;
    view_scan(call->view, index_of(&attempt_type, "by_generation"),
              (struct bounds){.prefix = KEY(key_id(generation))}, ORDER_UP, &scan);
    while (scan_next(&scan, &attempt))
        cost += attempt.cost_micros.value;
    scan_end(&scan);
    return cost;
}

static struct usage usage_of_today(struct call *call, doc_id user)
{
    struct usage usage;
    int64_t day = day_of(call->now);
    doc_id id =
        row_first(call, index_of(&usage_type, "by_user_day"), KEY(key_id(user), key_int(day)));
    if (!row_find(call, &usage_type, id, &usage)) {
        usage = (struct usage){.user_id = user,
                               .date = ledger_period(call->arena, call->now),
                               .day = day,
                               .created_at = call->now};
        row_new(call, &usage_type, &usage);
    }
    return usage;
}

void usage_count_deleted(struct call *call, doc_id user)
{
    struct usage usage = usage_of_today(call, user);
    usage.images_deleted++;
    usage.storage_used_bytes = storage_meter_of(call, user).sums.bytes;
    usage.updated_at = call->now;
    row_put(call, &usage_type, &usage);
}

void usage_count(struct call *call, const struct generation *g)
{
    struct usage usage = usage_of_today(call, g->user_id);
    usage.generations_count++;
    usage.generations_success += g->status == GENERATION_COMPLETED;
    usage.generations_failed += g->status == GENERATION_FAILED;
    usage.images_count += g->kind == MEDIA_IMAGE ? (int64_t)g->asset_ids.count : 0;
    usage.credits_used.n +=
        g->credits_cost.n - (PLANTED(sim_usage_of_quotes) ? 0 : g->credits_refunded.n);
    usage.cost_micros += cost_of(call, g->id);
    usage.storage_used_bytes = storage_meter_of(call, g->user_id).sums.bytes;
    usage.updated_at = call->now;
    count_model(call, &usage, g->model);
    row_put(call, &usage_type, &usage);
}

/* ---- reports ---- */

static void report(struct call *call, const struct usage *usage)
{
    struct usage_report week;
    int64_t monday = usage->day - (usage->day + 3) % 7; /* 1970-01-01 was a Thursday */
    doc_id id = row_first(call, index_of(&usage_report_type, "by_day"), KEY(key_int(monday)));
    if (!row_find(call, &usage_report_type, id, &week)) {
        instant start = {monday * DAYS(1).us};
        week = (struct usage_report){.week = ledger_period(call->arena, start), .day = monday};
        row_new(call, &usage_report_type, &week);
    }
    week.users += usage->generations_count > 0;
    week.generations_count += usage->generations_count;
    week.generations_success += usage->generations_success;
    week.generations_failed += usage->generations_failed;
    week.credits_used.n += usage->credits_used.n;
    week.cost_micros += usage->cost_micros;
    week.updated_at = call->now;
    row_put(call, &usage_report_type, &week);
}

int64_t usage_report(struct call *call, str *cursor, bool *has_more)
{
    struct usage *rows = arena_array(call->arena, struct usage, AT_ONCE);
    struct bounds over = {
        .prefix = KEY(key_bool(false)), .to = key_int(day_of(call->now)), .to_is_open = true};
    struct scan scan;
    size_t count = 0;
    view_scan(call->view, index_of(&usage_type, "by_reported"), over, ORDER_UP, &scan);
    while (count < AT_ONCE && scan_next(&scan, &rows[count]))
        count++;
    scan_end(&scan);
    for (size_t i = 0; i < count; i++) {
        report(call, &rows[i]);
        if (!PLANTED(sim_day_reported_again))
            rows[i].is_reported = true;
        row_put(call, &usage_type, &rows[i]);
    }
    *has_more = count == AT_ONCE;
    return (int64_t)count;
}

/* ---- functions ---- */

static void get_usage(struct call *call, const struct get_usage_args *args, struct list *result)
{
    struct wire_usage *list = arena_array(call->arena, struct wire_usage, DAYS_LISTED_MAX);
    int64_t days = args->days.is_set ? args->days.value : 30;
    struct bounds bounds = {.prefix = KEY(key_id(call_caller(call))),
                            .from = key_int(day_of(call->now) - days + 1)};
    struct scan scan;
    struct usage row;
    size_t count = 0;
    call_valid_until(call, (instant){(day_of(call->now) + 1) * DAYS(1).us});
    view_scan(call->view, index_of(&usage_type, "by_user_day"), bounds, ORDER_DOWN, &scan);
    while (count < DAYS_LISTED_MAX && scan_next(&scan, &row))
        list[count++] = (struct wire_usage){
            .date = row.date,
            .generations_count = row.generations_count,
            .generations_success = row.generations_success,
            .generations_failed = row.generations_failed,
            .credits_used = row.credits_used,
            .model_usage = row.model_usage,
            .storage_used_bytes = row.storage_used_bytes,
            .images_uploaded = row.images_uploaded,
            .images_deleted = row.images_deleted,
            .api_requests_count = row.api_requests_count,
            .api_requests_success = row.api_requests_success,
            .api_requests_failed = row.api_requests_failed,
            .created_at = row.created_at,
            .updated_at = row.updated_at,
        };
    scan_end(&scan);
    *result = (struct list){list, count};
}

/* Sums of all the caller's days. */
static void add_days(struct call *call, struct usage_stats *stats)
{
    struct bounds theirs = {.prefix = KEY(key_id(call_caller(call)))};
    struct scan scan;
    struct usage row;
    view_scan(call->view, index_of(&usage_type, "by_user_day"), theirs, ORDER_DOWN, &scan);
    for (int i = 0; i < DAYS_READ_MAX && scan_next(&scan, &row); i++) {
        stats->total_generations += row.generations_count;
        stats->successful_generations += row.generations_success;
        stats->failed_generations += row.generations_failed;
        if (row.day > day_of(call->now) - 30)
            stats->images_last30_days += row.images_count;
    }
    scan_end(&scan);
}

static void get_stats(struct call *call, const struct get_stats_args *args,
                      struct usage_stats *result)
{
    struct user user;
    row_get(call, &user_type, call_caller(call), &user);
    const struct plan_config *plan = config_plan(catalogue_of(call), user.plan_key);
    struct balance balance = ledger_balance(call, user.id);
    struct storage_meter meter = storage_meter_of(call, user.id);
    call_valid_until(call, (instant){(day_of(call->now) + 1) * DAYS(1).us});
    *result = (struct usage_stats){
        .total_images = meter.sums.images,
        .recent_jobs = generations_recent(call, RECENT_MAX),
        .storage_used_bytes = meter.sums.bytes,
        .storage_quota_bytes = plan == NULL ? 0 : plan->storage_bytes,
        .credits_remaining = ledger_available(call, &balance),
        .plan = user_wire_plan(call, user.plan_key),
    };
    add_days(call, result);
}

static void list_reports(struct call *call, const struct list_reports_args *args,
                         struct list *result)
{
    struct wire_report *list = arena_array(call->arena, struct wire_report, WEEKS_LISTED_MAX);
    struct scan scan;
    struct usage_report row;
    size_t count = 0;
    view_scan(call->view, index_of(&usage_report_type, "by_day"), (struct bounds){0}, ORDER_DOWN,
              &scan);
    while (count < WEEKS_LISTED_MAX && scan_next(&scan, &row))
        list[count++] = (struct wire_report){
            .week = row.week,
            .users = row.users,
            .generations_count = row.generations_count,
            .generations_success = row.generations_success,
            .generations_failed = row.generations_failed,
            .credits_used = row.credits_used,
            .cost_micros = row.cost_micros,
        };
    scan_end(&scan);
    *result = (struct list){list, count};
}
