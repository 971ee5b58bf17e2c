/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/quotas.h"

#include "studio/catalogue.h"
#include "studio/crons.h"
#include "studio/ledger.h"
#include "studio/replies.h"
#include "studio/subscriptions.h"

#include <math.h>

#define REFUNDABLE HOURS(1) /* a work that fails has failed by then */
#define KEEP_ASIDE DAYS(1)  /* of a reservation that nobody gave back */
#define AT_ONCE 200
#define ASIDE_MAX 100        /* at once */
#define UNLIMITED 1000000000 /* said to frontends that can only count */

/* ---- documents ---- */

#define ROW struct period_usage
static const struct field period_usage_fields[] = {
    ID(id),
    CREATED(created),
    REF(user_id, &user_type),
    TIME(start),
    INT(images),
    INT(videos),
    CREDITS(used_before, .about = "Total when the period's first work was asked for."),
};
#undef ROW

const struct doc_type period_usage_type = {
    .name = "periodUsage",
    .about = "How much a user asked for in their billing period.",
    .size = sizeof(struct period_usage),
    FIELDS(period_usage_fields),
    .number = 28,
    INDEXES({.name = "by_user", .fields = {"userId"}, .is_unique = true}),
};

struct reservation {
    doc_id id;
    tick created;
    doc_id user_id;
    enum media_kind type;
    int64_t count, left; /* left: not given back */
    instant created_at;
};

#define ROW struct reservation
static const struct field reservation_fields[] = {
    ID(id),     CREATED(created), REF(user_id, &user_type), CHOICE(type, media_kind_names),
    INT(count), INT(left),        TIME(created_at),
};
#undef ROW

const struct doc_type reservation_type = {
    .name = "reservations",
    .about = "Works that a frontend makes by itself, counted before.",
    .size = sizeof(struct reservation),
    FIELDS(reservation_fields),
    .number = 29,
    INDEXES({.name = "by_user", .fields = {"userId", "type"}},
            {.name = "by_created", .fields = {"createdAt"}}),
};

/* ---- arguments and results ---- */

struct quota_part {
    int64_t used, limit, remaining, percentage;
};
#define ROW struct quota_part
static const struct field quota_part_fields[] = {
    INT(used),
    INT(limit, .about = "1,000,000,000: there is none."),
    INT(remaining),
    INT(percentage),
};
#undef ROW
static const struct shape quota_part_shape = {
    .name = "quotaPart", .size = sizeof(struct quota_part), FIELDS(quota_part_fields)};

struct quota_status {
    instant billing_cycle_start, billing_cycle_end;
    int64_t days_until_reset;
    str tier;
    struct quota_part images, videos;
};
#define ROW struct quota_status
static const struct field quota_status_fields[] = {
    TIME(billing_cycle_start),
    TIME(billing_cycle_end),
    INT(days_until_reset, .unit = "days"),
    TEXT(tier),
    RECORD(images, &quota_part_shape),
    RECORD(videos, &quota_part_shape),
};
#undef ROW
static const struct shape quota_status_shape = {
    .name = "quotaStatus", .size = sizeof(struct quota_status), FIELDS(quota_status_fields)};

struct subscription_state {
    str tier;
    enum subscription_status subscription_status;
    str polar_customer_id, polar_subscription_id;
    instant billing_cycle_start, billing_cycle_end;
    int64_t images_used_in_period, videos_used_in_period;
    struct storage_counts quota_limits;
};
#define ROW struct subscription_state
static const struct field subscription_state_fields[] = {
    TEXT(tier),
    CHOICE(subscription_status, subscription_status_names, .is_nullable = true),
    TEXT(polar_customer_id, .is_nullable = true),
    TEXT(polar_subscription_id, .is_nullable = true),
    TIME(billing_cycle_start),
    TIME(billing_cycle_end),
    INT(images_used_in_period),
    INT(videos_used_in_period),
    RECORD(quota_limits, &storage_counts_shape),
};
#undef ROW
static const struct shape subscription_state_shape = {.name = "subscriptionState",
                                                      .size = sizeof(struct subscription_state),
                                                      FIELDS(subscription_state_fields)};

struct set_aside_args {
    enum media_kind type;
    struct maybe_int count;
};
#define refund_args set_aside_args
#define ROW struct set_aside_args
static const struct field set_aside_fields[] = {
    CHOICE(type, media_kind_names),
    MAYBE_INT(count, .min = 1, .max = ASIDE_MAX, .about = "One when not given."),
};
#define refund_fields set_aside_fields
#undef ROW

struct aside {
    bool success;
    int64_t used, limit, remaining;
};
#define ROW struct aside
static const struct field aside_fields[] = {BOOL(success), INT(used), INT(limit), INT(remaining)};
#undef ROW
static const struct shape aside_shape = {
    .name = "aside", .size = sizeof(struct aside), FIELDS(aside_fields)};

struct reset_args {
    str user_id;
};
#define ROW struct reset_args
static const struct field reset_fields[] = {
    TEXT(user_id, .min = 1, .max = 255, .about = "Of the token, or our own.")};
#undef ROW

struct cleaned {
    int64_t count;
};
#define ROW struct cleaned
static const struct field cleaned_fields[] = {INT(count)};
#undef ROW
static const struct shape cleaned_shape = {
    .name = "cleaned", .size = sizeof(struct cleaned), FIELDS(cleaned_fields)};

NO_ARGS(get_status)
NO_ARGS(get_state)
NO_ARGS(clean)

BACKEND_FUNCTION(get_status, struct quota_status *)
BACKEND_FUNCTION(get_state, struct subscription_state *)
BACKEND_FUNCTION(set_aside, struct aside)
BACKEND_FUNCTION(refund, struct success)
BACKEND_FUNCTION(reset, struct success)
BACKEND_FUNCTION(clean, struct cleaned)

const struct function quota_functions[] = {
    QUERY("quotas:getQuotaStatus", get_status, .caller = ANYONE,
          .returns = RETURNS_MAYBE(&quota_status_shape),
          .about = "What the caller's plan makes in a billing period, and what is used of it."),
    MUTATION("quotas:checkAndReserveQuota", set_aside, .caller = SIGNED_IN,
             .returns = RETURNS_RECORD(&aside_shape, struct aside),
             .about = "Counts works before a frontend makes them; QUOTA when they are too many."),
    MUTATION("quotas:refundQuota", refund, .caller = SIGNED_IN, .returns = RETURNS_SUCCESS,
             .about = "Gives back what failed, of what was set aside in the last hour."),
    MUTATION("quotas:resetQuotaForUser", reset, .caller = INTERNAL, .returns = RETURNS_SUCCESS,
             .about = "Counts from nothing again, within this period."),
    MUTATION("quotas:resetExpiredQuotas", clean, .caller = INTERNAL,
             .returns = RETURNS_RECORD(&cleaned_shape, struct cleaned),
             .about = "What its cron does daily."),
    QUERY("subscriptions:getSubscriptionStatus", get_state, .caller = ANYONE,
          .returns = RETURNS_MAYBE(&subscription_state_shape),
          .about = "The caller's plan, period and counts, as Iskra reads them."),
};
const size_t quota_function_count = ARRAY_LEN(quota_functions);

/* ---- periods ---- */

/* So many months after the account was made; the last day of a month that is too short. */
static instant anniversary(instant made, int64_t months)
{
    int64_t day = made.us / DAYS(1).us, time = made.us % DAYS(1).us;
    int64_t month = month_of(day) + months, of_month = day - month_start(month_of(day));
    int64_t last = month_start(month + 1) - month_start(month) - 1;
    return (instant){(month_start(month) + MIN_OF(of_month, last)) * DAYS(1).us + time};
}

static struct period monthly(instant made, instant now)
{
    int64_t months = month_of(now.us / DAYS(1).us) - month_of(made.us / DAYS(1).us);
    if (instant_is_before(now, anniversary(made, months)))
        months--;
    return (struct period){anniversary(made, months), anniversary(made, months + 1)};
}

/* One that has ended goes on in its own steps until it is told of the next. */
static struct period stepped(const struct subscription_row *row, instant now)
{
    struct period period = {row->current_period_start.value, row->current_period_end.value};
    int64_t length = period.end.us - period.start.us;
    int64_t steps = instant_is_before(now, period.end) ? 0 : (now.us - period.start.us) / length;
    return (struct period){{period.start.us + steps * length}, {period.end.us + steps * length}};
}

struct period period_of(struct call *call, const struct user *user)
{
    struct subscription_row row;
    bool is_paid = subscription_current(call, user->id, &row) && subscription_is_entitled(&row) &&
                   row.current_period_start.is_set && row.current_period_end.is_set &&
                   instant_is_before(row.current_period_start.value, row.current_period_end.value);
    struct period period =
        is_paid ? stepped(&row, call->now) : monthly(user->created_at, call->now);
    call_valid_until(call, period.end);
    return period;
}

struct period_usage period_usage_of(struct call *call, doc_id user, const struct period *period)
{
    struct period_usage usage;
    doc_id id = row_first(call, index_of(&period_usage_type, "by_user"), KEY(key_id(user)));
    row_find(call, &period_usage_type, id, &usage);
    usage.user_id = user;
    if (usage.start.us != period->start.us) {
        usage.start = period->start;
        usage.images = usage.videos = 0;
        usage.used_before = ledger_balance(call, user).total_used;
    }
    return usage;
}

credits period_credits(struct call *call, doc_id user, const struct period *period)
{
    struct period_usage usage = period_usage_of(call, user, period);
    return (credits){
        MAX_OF(ledger_balance(call, user).total_used.n - usage.used_before.n, (int64_t)0)};
}

static void usage_put(struct call *call, struct period_usage *usage)
{
    if (!doc_id_is_set(usage->id))
        row_new(call, &period_usage_type, usage);
    row_put(call, &period_usage_type, usage);
}

/* ---- counting ---- */

static int64_t limit_of(const struct plan_config *plan, enum media_kind kind)
{
    int64_t limit = plan == NULL          ? 0
                    : kind == MEDIA_VIDEO ? plan->videos_per_period
                                          : plan->images_per_period;
    return limit == 0 ? UNLIMITED : limit;
}

static int64_t *count_of(struct period_usage *usage, enum media_kind kind)
{
    return kind == MEDIA_VIDEO ? &usage->videos : &usage->images;
}

static void refuse(struct call *call, enum media_kind kind, int64_t limit, int64_t used,
                   int64_t count, instant until)
{
    str more =
        str_format(call->arena,
                   "\"type\":\"%s\",\"limit\":%lld,\"used\":%lld,\"remaining\":%lld,"
                   "\"resetsAt\":%lld",
                   media_kind_names[kind], (long long)limit, (long long)used,
                   (long long)MAX_OF(limit - used, (int64_t)0), (long long)(until.us / 1000));
    call_fail_more(call, QUOTA, more,
                   "Your plan makes %lld %s in a billing period; %lld are used, and this takes "
                   "%lld more.",
                   (long long)limit, kind == MEDIA_VIDEO ? "films" : "pictures", (long long)used,
                   (long long)count);
}

void quota_take(struct call *call, doc_id user_id, enum media_kind kind, int64_t count)
{
    struct user user;
    if (call_failed(call))
        return;
    row_get(call, &user_type, user_id, &user);
    struct period period = period_of(call, &user);
    struct period_usage usage = period_usage_of(call, user_id, &period);
    int64_t limit = limit_of(config_plan(catalogue_of(call), user.plan_key), kind);
    int64_t *used = count_of(&usage, kind);
    if (call_failed(call))
        return;
    if (*used + count > limit) {
        refuse(call, kind, limit, *used, count, period.end);
        return;
    }
    *used += count;
    usage_put(call, &usage);
}

void quota_return(struct call *call, doc_id user_id, enum media_kind kind, int64_t count,
                  instant asked_at)
{
    struct user user;
    if (count <= 0 || call_failed(call) || !row_find(call, &user_type, user_id, &user))
        return;
    struct period period = period_of(call, &user);
    struct period_usage usage = period_usage_of(call, user_id, &period);
    int64_t *used = count_of(&usage, kind);
    if (instant_is_before(asked_at, period.start) || *used == 0)
        return;
    *used = MAX_OF(*used - count, (int64_t)0);
    usage_put(call, &usage);
}

/* ---- functions ---- */

struct standing {
    struct user user;
    const struct plan_config *plan;
    struct period period;
    struct period_usage usage;
    int64_t images, videos; /* limits */
};

static bool stand(struct call *call, struct standing *out)
{
    if (!row_find(call, &user_type, call_caller(call), &out->user))
        return false;
    out->plan = config_plan(catalogue_of(call), out->user.plan_key);
    out->period = period_of(call, &out->user);
    out->usage = period_usage_of(call, out->user.id, &out->period);
    out->images = limit_of(out->plan, MEDIA_IMAGE);
    out->videos = limit_of(out->plan, MEDIA_VIDEO);
    return true;
}

static struct quota_part part_of(int64_t used, int64_t limit)
{
    double part = (double)used * 100 / (double)limit;
    return (struct quota_part){.used = used,
                               .limit = limit,
                               .remaining = MAX_OF(limit - used, (int64_t)0),
                               .percentage = (int64_t)MIN_OF(round(part), 100.0)};
}

static void get_status(struct call *call, const struct get_status_args *args,
                       struct quota_status **result)
{
    struct standing is;
    if (!stand(call, &is))
        return;
    int64_t left = is.period.end.us - call->now.us;
    int64_t days = (left + DAYS(1).us - 1) / DAYS(1).us;
    call_valid_until(call, (instant){is.period.end.us - (days - 1) * DAYS(1).us});
    *result = arena_new(call->arena, struct quota_status);
    **result = (struct quota_status){
        .billing_cycle_start = is.period.start,
        .billing_cycle_end = is.period.end,
        .days_until_reset = days,
        .tier = user_wire_tier(call, is.user.plan_key),
        .images = part_of(is.usage.images, is.images),
        .videos = part_of(is.usage.videos, is.videos),
    };
}

static void get_state(struct call *call, const struct get_state_args *args,
                      struct subscription_state **result)
{
    struct standing is;
    struct subscription_row row;
    if (!stand(call, &is))
        return;
    bool is_polar = subscription_current(call, is.user.id, &row) &&
                    str_equal(row.processor, STR("polar")) && subscription_is_entitled(&row);
    *result = arena_new(call->arena, struct subscription_state);
    **result = (struct subscription_state){
        .tier = user_wire_tier(call, is.user.plan_key),
        .subscription_status = row.status,
        .polar_customer_id = billing_account_of(call, is.user.id).polar_customer_id,
        .polar_subscription_id = is_polar ? row.external_id : (str){0},
        .billing_cycle_start = is.period.start,
        .billing_cycle_end = is.period.end,
        .images_used_in_period = is.usage.images,
        .videos_used_in_period = is.usage.videos,
        .quota_limits = {is.images, is.videos},
    };
}

static void set_aside(struct call *call, const struct set_aside_args *args, struct aside *result)
{
    int64_t count = args->count.is_set ? args->count.value : 1;
    struct reservation row = {.user_id = call_caller(call),
                              .type = args->type,
                              .count = count,
                              .left = count,
                              .created_at = call->now};
    struct standing is;
    quota_take(call, row.user_id, args->type, count);
    if (call_failed(call) || !stand(call, &is))
        return;
    row_new(call, &reservation_type, &row);
    row_put(call, &reservation_type, &row);
    int64_t limit = args->type == MEDIA_VIDEO ? is.videos : is.images;
    int64_t used = *count_of(&is.usage, args->type);
    *result = (struct aside){true, used, limit, limit - used};
}

/* Newest first. */
static int64_t take_aside(struct call *call, enum media_kind type, int64_t count,
                          instant period_start)
{
    struct reservation rows[AT_ONCE];
    struct bounds theirs = {
        .prefix = KEY(key_id(call_caller(call)), key_text(str_of(media_kind_names[type])))};
    instant oldest = {MAX_OF(call->now.us - REFUNDABLE.us, period_start.us)};
    struct scan scan;
    size_t read = 0;
    int64_t taken = 0;
    view_scan(call->view, index_of(&reservation_type, "by_user"), theirs, ORDER_DOWN, &scan);
    while (read < AT_ONCE && scan_next(&scan, &rows[read]) &&
           !instant_is_before(rows[read].created_at, oldest))
        read++;
    scan_end(&scan);
    for (size_t i = 0; i < read && taken < count; i++) {
        int64_t part = MIN_OF(count - taken, rows[i].left);
        if (part == 0)
            continue;
        taken += part;
        rows[i].left -= part;
        row_put(call, &reservation_type, &rows[i]);
    }
    return taken;
}

static void refund(struct call *call, const struct set_aside_args *args, struct success *result)
{
    int64_t count = args->count.is_set ? args->count.value : 1;
    struct standing is;
    stand(call, &is);
    int64_t taken = take_aside(call, args->type, count, is.period.start);
    REQUIRE(call, taken == count, STATE,
            "Only what was set aside in the last hour can be given back: that is %lld, not %lld.",
            (long long)taken, (long long)count);
    quota_return(call, call_caller(call), args->type, taken, call->now);
    result->success = true;
}

static void reset(struct call *call, const struct reset_args *args, struct success *result)
{
    struct user user;
    bool is_there = user_by_any_id(call, args->user_id, &user);
    REQUIRE(call, is_there, NOT_FOUND, "There is no such user.");
    struct period period = period_of(call, &user);
    struct period_usage usage = period_usage_of(call, user.id, &period);
    usage.images = usage.videos = 0;
    usage_put(call, &usage);
    result->success = true;
}

/* ---- the cron's ---- */

static size_t remove_reservations(struct call *call)
{
    doc_id ids[AT_ONCE];
    struct bounds old = {.to = key_time((instant){call->now.us - KEEP_ASIDE.us})};
    struct reservation row;
    struct scan scan;
    size_t count = 0;
    view_scan(call->view, index_of(&reservation_type, "by_created"), old, ORDER_UP, &scan);
    while (count < AT_ONCE && scan_next(&scan, &row))
        ids[count++] = row.id;
    scan_end(&scan);
    for (size_t i = 0; i < count; i++)
        row_remove(call, &reservation_type, ids[i]);
    return count;
}

/* Stripe tells when its own are over; of Polar, Iskra's server may not. */
static size_t end_cancelled(struct call *call)
{
    struct subscription_row *rows = arena_array(call->arena, struct subscription_row, AT_ONCE);
    struct bounds over = {
        .prefix = KEY(key_bool(true)), .from = key_int(0), .to = key_time(call->now)};
    struct scan scan;
    size_t count = 0;
    view_scan(call->view, index_of(&subscription_type, "by_cancel"), over, ORDER_UP, &scan);
    while (count < AT_ONCE && scan_next(&scan, &rows[count]))
        count += str_equal(rows[count].processor, STR("polar")) &&
                 subscription_is_entitled(&rows[count]);
    scan_end(&scan);
    for (size_t i = 0; i < count; i++)
        subscription_end(call, &rows[i]);
    return count;
}

int64_t quota_clean(struct call *call, str *cursor, bool *has_more)
{
    size_t removed = remove_reservations(call), ended = end_cancelled(call);
    *has_more = removed == AT_ONCE || ended == AT_ONCE;
    return (int64_t)(removed + ended);
}

static void clean(struct call *call, const struct clean_args *args, struct cleaned *result)
{
    bool has_more;
    str cursor = {0};
    result->count = quota_clean(call, &cursor, &has_more);
}
