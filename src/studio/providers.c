/* SPDX-License-Identifier: Apache-2.0 */
/* What providers tell us by themselves, and how they do. */
#include "studio/studio.h"

#include "studio/attempts.h"

/* ---- what they post ---- */

struct hook_args {
    str provider, job;
};
#define ROW struct hook_args
static const struct field hook_fields[] = {
    TEXT(provider, .min = 1, .max = 40),
    TEXT(job, .min = 1, .max = PROVIDER_JOB_MAX),
};
#undef ROW

struct hooked {
    bool is_known;
};
#define ROW struct hooked
static const struct field hooked_fields[] = {BOOL(is_known)};
#undef ROW
static const struct shape hooked_shape = {
    .name = "hooked", .size = sizeof(struct hooked), FIELDS(hooked_fields)};

/* ---- how they do ---- */

struct provider_health {
    str provider, model;
    int64_t done, failed, canceled, orphaned;
    struct maybe_number average_seconds;
    int64_t cost_micros;
    struct maybe_instant left_alone_until;
};
#define ROW struct provider_health
static const struct field provider_health_fields[] = {
    TEXT(provider),
    TEXT(model),
    INT(done),
    INT(failed),
    INT(canceled),
    INT(orphaned, .about = "Asked for, and then we crashed: they may have run without us."),
    MAYBE_NUMBER(average_seconds, .unit = "s"),
    INT(cost_micros, .unit = "millionths of a US dollar"),
    MAYBE_TIME(left_alone_until, .about = "It kept failing, and is not asked before then."),
};
#undef ROW
static const struct shape provider_health_shape = {.name = "providerHealth",
                                                   .size = sizeof(struct provider_health),
                                                   FIELDS(provider_health_fields)};
static const struct field provider_health_item =
    ITEM_RECORD(&provider_health_shape, struct provider_health);

NO_ARGS(list_health)
BACKEND_FUNCTION(hook, struct hooked)
BACKEND_FUNCTION(list_health, struct list)

const struct function provider_functions[] = {
    MUTATION("providers:hook", hook, .caller = INTERNAL,
             .returns = RETURNS_RECORD(&hooked_shape, struct hooked),
             .about = "A provider posted that something happened to its job: look at once."),
    QUERY("admin:listProviderHealth", list_health, .caller = ADMIN,
          .returns = RETURNS_LIST(&provider_health_item),
          .about = "How each provider does with each model, and what it cost (PROV-06)."),
};
const size_t provider_function_count = ARRAY_LEN(provider_functions);

static void hook(struct call *call, const struct hook_args *args, struct hooked *result)
{
    struct attempt attempt;
    struct generation g;
    result->is_known = attempt_of_provider_job(call, args->provider, args->job, &attempt);
    if (result->is_known && row_find(call, &generation_type, attempt.generation_id, &g))
        generation_look(call, &g);
}

#define HEALTH_MAX 500

static void list_health(struct call *call, const struct list_health_args *args, struct list *result)
{
    struct provider_health *list = arena_array(call->arena, struct provider_health, HEALTH_MAX);
    struct provider_stat stat;
    struct scan scan;
    size_t count = 0;
    view_scan(call->view, index_of(&provider_stat_type, "by_provider_model"), (struct bounds){0},
              ORDER_UP, &scan);
    while (count < HEALTH_MAX && scan_next(&scan, &stat))
        list[count++] = (struct provider_health){
            .provider = stat.provider,
            .model = stat.model,
            .done = stat.done,
            .failed = stat.failed,
            .canceled = stat.canceled,
            .orphaned = stat.orphaned,
            .average_seconds = {stat.done == 0 ? 0 : stat.seconds / (double)stat.done,
                                stat.done != 0},
            .cost_micros = stat.cost_micros,
        };
    scan_end(&scan);
    for (size_t i = 0; i < count; i++) {
        instant until = breaker_until(call, list[i].provider);
        list[i].left_alone_until = (struct maybe_instant){until, until.us != 0};
        if (until.us != 0)
            call_valid_until(call, until);
    }
    *result = (struct list){list, count};
}
