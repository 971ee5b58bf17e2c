/* SPDX-License-Identifier: Apache-2.0 */
/* What administrators see of everybody's jobs, and that they can stop one. */
#include "studio/studio.h"

#include "call/page.h"
#include "studio/attempts.h"
#include "studio/audit.h"
#include "studio/users.h"

#define COUNTED_MAX 1000

/* ---- arguments and results ---- */

struct list_all_args {
    struct page_options pagination_opts;
    enum generation_status status;
    doc_id user_id;
};
#define ROW struct list_all_args
static const struct field list_all_fields[] = {
    RECORD(pagination_opts, &page_options_shape),
    MAYBE_CHOICE(status, generation_status_names, .about = "Left out: all that have not ended."),
    MAYBE_REF(user_id, &user_type, .about = "Only theirs; then without a status all of them."),
};
#undef ROW

struct admin_job {
    doc_id job_id, user_id;
    str email;
    enum media_kind kind;
    enum generation_status status;
    str prompt, model, provider;
    int64_t num_images, made;
    struct maybe_number progress;
    credits credits_held, credits_used, credits_refunded;
    int64_t attempts;
    str provider_job, cause;
    int64_t cost_micros;
    str error;
    instant created_at;
    struct maybe_instant started_at, completed_at;
};
#define ROW struct admin_job
static const struct field admin_job_fields[] = {
    REF(job_id, &generation_type),
    REF(user_id, &user_type),
    TEXT(email),
    CHOICE(kind, media_kind_names),
    CHOICE(status, generation_status_names),
    TEXT(prompt),
    TEXT(model),
    TEXT(provider, .about = "That was asked last."),
    INT(num_images),
    INT(made),
    MAYBE_NUMBER(progress, .about = "0 to 1, as the provider reports it."),
    CREDITS(credits_held),
    CREDITS(credits_used, .about = "What it did cost its user."),
    CREDITS(credits_refunded),
    INT(attempts),
    MAYBE_TEXT(provider_job, .about = "What the provider calls the last attempt."),
    MAYBE_TEXT(cause, .about = "Why the last attempt failed, as it was told to us."),
    INT(cost_micros, .unit = "millionths of a US dollar", .about = "What it cost us."),
    MAYBE_TEXT(error, .about = "What its user was told."),
    TIME(created_at),
    MAYBE_TIME(started_at),
    MAYBE_TIME(completed_at),
};
#undef ROW
static const struct shape admin_job_shape = {
    .name = "adminJob", .size = sizeof(struct admin_job), FIELDS(admin_job_fields)};
static const struct field admin_job_item = ITEM_RECORD(&admin_job_shape, struct admin_job);
PAGE_SHAPE(admin_job_page, &admin_job_item)

struct any_job_args {
    doc_id job_id;
};
#define get_any_args any_job_args
#define cancel_any_args any_job_args
#define ROW struct any_job_args
static const struct field any_job_fields[] = {
    REF(job_id, &generation_type, .about = "Also the id of a video.")};
#define get_any_fields any_job_fields
#define cancel_any_fields any_job_fields
#undef ROW

struct stopped_job {
    credits credits_returned;
};
#define ROW struct stopped_job
static const struct field stopped_job_fields[] = {CREDITS(credits_returned)};
#undef ROW
static const struct shape stopped_job_shape = {
    .name = "stoppedJob", .size = sizeof(struct stopped_job), FIELDS(stopped_job_fields)};

struct overview {
    int64_t in_line, developing, saving;
    struct maybe_instant oldest_in_line;
    int64_t day_completed, day_failed, day_canceled;
};
#define ROW struct overview
static const struct field overview_fields[] = {
    INT(in_line),
    INT(developing),
    INT(saving),
    MAYBE_TIME(oldest_in_line, .about = "When the first of those in line came."),
    INT(day_completed, .about = "Asked for in the last 24 hours."),
    INT(day_failed),
    INT(day_canceled),
};
#undef ROW
static const struct shape overview_shape = {
    .name = "overview", .size = sizeof(struct overview), FIELDS(overview_fields)};

NO_ARGS(get_overview)
BACKEND_FUNCTION(list_all, struct page)
BACKEND_FUNCTION(get_any, struct admin_job *)
BACKEND_FUNCTION(cancel_any, struct stopped_job)
BACKEND_FUNCTION(get_overview, struct overview)

const struct function admin_job_functions[] = {
    QUERY("admin:listJobs", list_all, .caller = ADMIN,
          .returns = RETURNS_RECORD(&admin_job_page, struct page),
          .about = "Everybody's jobs, in pages, newest first."),
    QUERY("admin:getJob", get_any, .caller = ADMIN, .returns = RETURNS_MAYBE(&admin_job_shape),
          .about = "One job of anybody, or null; credits:explainCharge has its attempts."),
    MUTATION("admin:cancelJob", cancel_any, .caller = ADMIN,
             .returns = RETURNS_RECORD(&stopped_job_shape, struct stopped_job),
             .about = "Stops anybody's job as they could themselves; audited."),
    QUERY("admin:getOverview", get_overview, .caller = ADMIN,
          .returns = RETURNS_RECORD(&overview_shape, struct overview),
          .about = "How much is under way and how the last 24 hours went; each count ends at "
                   "1,000."),
};
const size_t admin_job_function_count = ARRAY_LEN(admin_job_functions);

/* ---- functions ---- */

static void add_attempts(struct call *call, doc_id generation, struct admin_job *job)
{
    struct attempt attempt;
    struct scan scan;
    if (call_failed(call))
        return;
    view_scan(call->view, index_of(&attempt_type, "by_generation"),
              (struct bounds){.prefix = KEY(key_id(generation))}, ORDER_UP, &scan);
    while (scan_next(&scan, &attempt)) {
        job->attempts++;
        job->cost_micros += attempt.cost_micros.value;
        job->provider = attempt.provider;
        job->provider_job = attempt.provider_job;
        job->cause = attempt.cause;
    }
    scan_end(&scan);
}

static struct admin_job wire_of(struct call *call, const struct generation *g)
{
    bool is_open = generation_is_open(g);
    struct admin_job job = {
        .job_id = g->id,
        .user_id = g->user_id,
        .email = user_email(call, g->user_id),
        .kind = g->kind,
        .status = g->status,
        .prompt = g->prompt,
        .model = g->model,
        .provider = g->provider,
        .num_images = g->num_images,
        .made = (int64_t)g->asset_ids.count,
        .credits_held = {is_open ? g->credits_cost.n : 0},
        .credits_used = {is_open ? 0 : g->credits_cost.n - g->credits_refunded.n},
        .credits_refunded = g->credits_refunded,
        .error = g->error,
        .created_at = g->created_at,
        .started_at = g->started_at,
        .completed_at = g->completed_at,
    };
    if (is_open && g->status != GENERATION_PENDING)
        job.progress = (struct maybe_number){generation_progress(call, g->id), true};
    add_attempts(call, g->id, &job);
    return job;
}

static bool make_wire(struct call *call, const void *row, void *item, void *context)
{
    *(struct admin_job *)item = wire_of(call, row);
    return true;
}

static void list_all(struct call *call, const struct list_all_args *args, struct page *result)
{
    bool is_of_one = doc_id_is_set(args->user_id), has_status = args->status != GENERATION_NONE;
    enum generation_status wanted = has_status ? args->status : GENERATION_PENDING;
    struct key_part status = key_text(str_of(generation_status_names[wanted]));
    struct page_source source = {
        .index = index_of(&generation_type, is_of_one && has_status ? "by_user_status"
                                            : is_of_one             ? "by_user"
                                                                    : "by_status"),
        .order = ORDER_DOWN,
        .item_size = sizeof(struct admin_job),
        .make = make_wire,
    };
    if (is_of_one)
        source.bounds.prefix =
            has_status ? KEY(key_id(args->user_id), status) : KEY(key_id(args->user_id));
    else if (has_status)
        source.bounds.prefix = KEY(status);
    else /* by name, pending, processing and uploading stand behind all that have ended */
        source.bounds.from = status;
    page_read(call, &args->pagination_opts, &source, result);
}

static void get_any(struct call *call, const struct any_job_args *args, struct admin_job **result)
{
    struct generation g;
    if (!row_find(call, &generation_type, args->job_id, &g))
        return;
    *result = arena_new(call->arena, struct admin_job);
    **result = wire_of(call, &g);
}

static void cancel_any(struct call *call, const struct any_job_args *args,
                       struct stopped_job *result)
{
    struct generation g;
    bool is_there = row_find(call, &generation_type, args->job_id, &g);
    REQUIRE(call, is_there, NOT_FOUND, "This job does not exist.");
    REQUIRE(call, generation_is_open(&g), STATE, "This job has ended already: it is %s.",
            generation_status_names[g.status]);
    generation_end(call, &g, GENERATION_CANCELED, STR("Whoever runs this studio stopped it."));
    audit_put(call, "admin:cancelJob", g.user_id, g.credits_refunded,
              str_format(call->arena, "Stopped a job of %.*s", STR_ARG(g.model)));
    *result = (struct stopped_job){g.credits_refunded};
}

static int64_t count_since(struct call *call, enum generation_status status, instant since)
{
    struct bounds bounds = {.prefix = KEY(key_text(str_of(generation_status_names[status]))),
                            .from = since.us == 0 ? (struct key_part){0} : key_time(since)};
    struct scan scan;
    doc_id id;
    int64_t count = 0;
    if (call_failed(call))
        return 0;
    view_scan(call->view, index_of(&generation_type, "by_status"), bounds, ORDER_DOWN, &scan);
    while (count < COUNTED_MAX && scan_next_id(&scan, &id))
        count++;
    scan_end(&scan);
    return count;
}

static void get_overview(struct call *call, const struct get_overview_args *args,
                         struct overview *result)
{
    int64_t minute = MINUTES(1).us;
    instant now = {call->now.us / minute * minute};
    instant yesterday = {now.us - DAYS(1).us};
    struct generation first;
    *result = (struct overview){
        .in_line = count_since(call, GENERATION_PENDING, (instant){0}),
        .developing = count_since(call, GENERATION_PROCESSING, (instant){0}),
        .saving = count_since(call, GENERATION_UPLOADING, (instant){0}),
        .day_completed = count_since(call, GENERATION_COMPLETED, yesterday),
        .day_failed = count_since(call, GENERATION_FAILED, yesterday),
        .day_canceled = count_since(call, GENERATION_CANCELED, yesterday),
    };
    doc_id oldest = row_first(call, index_of(&generation_type, "by_status"),
                              KEY(key_text(str_of(generation_status_names[GENERATION_PENDING]))));
    if (row_find(call, &generation_type, oldest, &first))
        result->oldest_in_line = (struct maybe_instant){first.created_at, true};
    call_valid_until(call, instant_add(now, MINUTES(1)));
}
