/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/rates.h"

#include "base/planted.h"
#include "studio/catalogue.h"
#include "studio/studio.h"
#include "studio/users.h"

#include <math.h>
#include <string.h>

struct rate {
    doc_id id;
    tick created;
    doc_id user_id;
    enum rate_kind kind;
    enum rate_period period;
    int64_t window;        /* number of the period since 1970 */
    int64_t count, before; /* in this window, and in the one before it */
};

#define ROW struct rate
static const struct field rate_fields[] = {
    ID(id),
    CREATED(created),
    REF(user_id, &user_type),
    CHOICE(kind, rate_kind_names),
    CHOICE(period, rate_period_names),
    INT(window),
    INT(count),
    INT(before),
};
#undef ROW

const struct doc_type rate_type = {
    .name = "rateLimits",
    .about = "How often a user asked lately.",
    .size = sizeof(struct rate),
    FIELDS(rate_fields),
    .number = 37,
    INDEXES({.name = "by_user", .fields = {"userId", "kind", "period"}, .is_unique = true}),
};

struct wire_rate {
    enum rate_kind kind;
    enum rate_period period;
    int64_t limit, remaining;
    instant resets_at;
    struct maybe_instant retry_at;
};
#define ROW struct wire_rate
static const struct field wire_rate_fields[] = {
    CHOICE(kind, rate_kind_names),
    CHOICE(period, rate_period_names),
    INT(limit),
    INT(remaining),
    TIME(resets_at, .about = "When nothing of what was asked so far counts any more."),
    MAYBE_TIME(retry_at, .about = "When one more fits, if none does now."),
};
#undef ROW
static const struct shape wire_rate_shape = {
    .name = "rateLimit", .size = sizeof(struct wire_rate), FIELDS(wire_rate_fields)};
static const struct field wire_rate_item = ITEM_RECORD(&wire_rate_shape, struct wire_rate);

NO_ARGS(my_limits)
BACKEND_FUNCTION(my_limits, struct list)

const struct function rate_functions[] = {
    QUERY("limits:getMyLimits", my_limits, .caller = SIGNED_IN,
          .returns = RETURNS_LIST(&wire_rate_item),
          .about = "How often the caller may ask, and how much of it is left (RATE-05)."),
};
const size_t rate_function_count = ARRAY_LEN(rate_functions);

static span length_of(enum rate_period period)
{
    return period == RATE_MINUTE ? MINUTES(1) : period == RATE_HOUR ? HOURS(1) : DAYS(1);
}

/* The row as it is now: windows that are over have moved on. */
static struct rate rate_of(struct call *call, doc_id user, const struct rate_config *config)
{
    struct rate rate;
    struct key key = KEY(key_id(user), key_text(str_of(rate_kind_names[config->kind])),
                         key_text(str_of(rate_period_names[config->every])));
    row_find(call, &rate_type, row_first(call, index_of(&rate_type, "by_user"), key), &rate);
    int64_t window = call->now.us / length_of(config->every).us;
    if (rate.window != window) {
        if (!PLANTED(sim_window_forgets))
            rate.before = rate.window == window - 1 ? rate.count : 0;
        rate.count = 0;
        rate.window = window;
    }
    rate.user_id = user;
    rate.kind = config->kind;
    rate.period = config->every;
    return rate;
}

static double used(const struct call *call, const struct rate *rate)
{
    int64_t length = length_of(rate->period).us;
    double passed = (double)(call->now.us % length) / (double)length;
    return (double)rate->count + (double)rate->before * (1 - passed);
}

/* Until one more fits. */
static span wait_for(const struct call *call, const struct rate *rate, int64_t limit)
{
    int64_t length = length_of(rate->period).us, left = length - call->now.us % length;
    if (rate->count >= limit) /* of the next window, this one's weight must have gone down */
        return (span){left +
                      (int64_t)((double)length * (1 - (double)(limit - 1) / (double)rate->count))};
    double over = used(call, rate) + 1 - (double)limit;
    return (span){(int64_t)ceil(over / (double)rate->before * (double)length)};
}

static int64_t wait_seconds(const struct call *call, const struct rate *rate, int64_t limit)
{
    return wait_for(call, rate, limit).us / 1000000 + 1;
}

static void refuse(struct call *call, const struct rate *rate, int64_t limit)
{
    const char *period = rate_period_names[rate->period];
    int64_t seconds = wait_seconds(call, rate, limit);
    str more = str_format(call->arena, "\"period\":\"%s\",\"limit\":%lld,\"retryAfter\":%lld",
                          period, (long long)limit, (long long)seconds);
    if (rate->kind == RATE_OF_UPLOADS)
        call_fail_more(call, RATE_LIMIT, more,
                       "You can upload %lld files a %s. You can go on in %lld s.", (long long)limit,
                       period, (long long)seconds);
    else
        call_fail_more(
            call, RATE_LIMIT, more, "Your plan makes %lld %s a %s. You can ask again in %lld s.",
            (long long)limit, rate->kind == RATE_OF_VIDEOS ? "films" : "requests for pictures",
            period, (long long)seconds);
}

static bool speaks_of_uploads(const struct plan_config *plan)
{
    const struct rate_config *rates = plan->rates.items;
    for (size_t i = 0; i < plan->rates.count; i++)
        if (rates[i].kind == RATE_OF_UPLOADS)
            return true;
    return false;
}

/* Those of a plan, and those of uploads where it does not speak of them. */
static struct list rates_of(struct call *call, const struct plan_config *plan)
{
    static const struct rate_config uploads[] = {
        {RATE_OF_UPLOADS, RATE_MINUTE, 20},
        {RATE_OF_UPLOADS, RATE_HOUR, 100},
    };
    if (plan == NULL || speaks_of_uploads(plan))
        return plan == NULL ? (struct list){0} : plan->rates;
    size_t count = plan->rates.count;
    struct rate_config *all =
        arena_array(call->arena, struct rate_config, count + ARRAY_LEN(uploads));
    if (count != 0)
        memcpy(all, plan->rates.items, count * sizeof(*all));
    memcpy(all + count, uploads, sizeof(uploads));
    return (struct list){all, count + ARRAY_LEN(uploads)};
}

static void take(struct call *call, doc_id user, const struct plan_config *plan,
                 enum rate_kind kind, bool is_counted)
{
    struct list list = rates_of(call, plan);
    const struct rate_config *rates = list.items;
    for (size_t i = 0; i < list.count && !call_failed(call); i++) {
        if (rates[i].kind != kind)
            continue;
        struct rate rate = rate_of(call, user, &rates[i]);
        if (used(call, &rate) + 1 > (double)rates[i].count) {
            refuse(call, &rate, rates[i].count);
            return;
        }
        if (!is_counted)
            continue;
        rate.count++;
        if (!doc_id_is_set(rate.id))
            row_new(call, &rate_type, &rate);
        row_put(call, &rate_type, &rate);
    }
}

void rates_take(struct call *call, doc_id user, const struct plan_config *plan, enum rate_kind kind)
{
    take(call, user, plan, kind, true);
}

void rates_check(struct call *call, doc_id user, const struct plan_config *plan,
                 enum rate_kind kind)
{
    take(call, user, plan, kind, false);
}

static void my_limits(struct call *call, const struct my_limits_args *args, struct list *result)
{
    struct user user;
    row_get(call, &user_type, call_caller(call), &user);
    struct list all = rates_of(call, config_plan(catalogue_of(call), user.plan_key));
    const struct rate_config *rates = all.items;
    struct wire_rate *list = arena_array(call->arena, struct wire_rate, all.count + 1);
    for (size_t i = 0; i < all.count; i++) {
        struct rate rate = rate_of(call, user.id, &rates[i]);
        int64_t length = length_of(rate.period).us;
        double left = floor((double)rates[i].count - used(call, &rate));
        list[i] = (struct wire_rate){
            .kind = rate.kind,
            .period = rate.period,
            .limit = rates[i].count,
            .remaining = (int64_t)MAX_OF(left, 0.0),
            .resets_at = {(rate.window + (rate.count > 0 ? 2 : 1)) * length},
        };
        if (left < 1) {
            span wait = SECONDS(wait_seconds(call, &rate, rates[i].count));
            list[i].retry_at = (struct maybe_instant){instant_add(call->now, wait), true};
        }
        /* What is left grows while the window slides. */
        if (rate.before != 0 || rate.count != 0)
            call_valid_until(call, (instant){call->now.us + MIN_OF(length / 20, SECONDS(60).us)});
    }
    *result = (struct list){list, all.count};
}
