/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/attempts.h"

#include "base/planted.h"
#include "studio/catalogue.h"
#include "studio/ledger.h"
#include "studio/making.h"

#define BREAKER_FIRST SECONDS(15)
#define BREAKER_LONGEST MINUTES(5)

const char *const attempt_state_names[ATTEMPT_STATES] = {
    [ATTEMPT_ASKED] = "asked",   [ATTEMPT_RUNNING] = "running",   [ATTEMPT_DONE] = "done",
    [ATTEMPT_FAILED] = "failed", [ATTEMPT_CANCELED] = "canceled", [ATTEMPT_ORPHANED] = "orphaned",
};

#define ROW struct attempt
static const struct field attempt_fields[] = {
    ID(id),
    CREATED(created),
    REF(generation_id, &generation_type),
    INT(number),
    TEXT(provider, .max = 40),
    TEXT(model, .max = 80),
    CHOICE(state, attempt_state_names),
    MAYBE_TEXT(provider_job, .max = PROVIDER_JOB_MAX),
    INT(epoch),
    INT(polls),
    MAYBE_INT(cost_micros, .unit = "millionths of a US dollar"),
    BOOL(cost_is_told),
    MAYBE_TEXT(error, .max = 500),
    MAYBE_TEXT(cause, .max = 500),
    TIME(started_at),
    MAYBE_TIME(ended_at),
};
#undef ROW

const struct doc_type attempt_type = {
    .name = "attempts",
    .about = "Each time a generation was put to a provider.",
    .size = sizeof(struct attempt),
    FIELDS(attempt_fields),
    .number = 16,
    INDEXES({.name = "by_generation", .fields = {"generationId", "number"}, .is_unique = true},
            {.name = "by_provider_job", .fields = {"provider", "providerJob"}}),
};

#define ROW struct provider_stat
static const struct field provider_stat_fields[] = {
    ID(id),
    CREATED(created),
    TEXT(provider, .max = 40),
    TEXT(model, .max = 80),
    INT(done),
    INT(failed),
    INT(canceled),
    INT(orphaned),
    NUMBER(seconds, .unit = "s"),
    INT(cost_micros),
    TIME(updated_at),
};
#undef ROW

const struct doc_type provider_stat_type = {
    .name = "providerStats",
    .about = "How well a provider does with a model, and what it cost.",
    .size = sizeof(struct provider_stat),
    FIELDS(provider_stat_fields),
    .number = 17,
    INDEXES({.name = "by_provider_model", .fields = {"provider", "model"}, .is_unique = true}),
};

struct breaker {
    doc_id id;
    tick created;
    str provider;
    int64_t failures; /* transient ones in a row */
    struct maybe_instant open_until;
};

#define ROW struct breaker
static const struct field breaker_fields[] = {ID(id), CREATED(created), TEXT(provider, .max = 40),
                                              INT(failures), MAYBE_TIME(open_until)};
#undef ROW

const struct doc_type breaker_type = {
    .name = "breakers",
    .about = "Providers that keep failing, and until when they are left alone.",
    .size = sizeof(struct breaker),
    FIELDS(breaker_fields),
    .number = 18,
    INDEXES({.name = "by_provider", .fields = {"provider"}, .is_unique = true}),
};

/* ---- attempts ---- */

static bool newest(struct call *call, doc_id generation, struct attempt *out)
{
    struct scan scan;
    *out = (struct attempt){0};
    if (call_failed(call))
        return false;
    view_scan(call->view, index_of(&attempt_type, "by_generation"),
              (struct bounds){.prefix = KEY(key_id(generation))}, ORDER_DOWN, &scan);
    bool is_there = scan_next(&scan, out);
    scan_end(&scan);
    return is_there;
}

static bool is_open(const struct attempt *attempt)
{
    return attempt->state == ATTEMPT_ASKED || attempt->state == ATTEMPT_RUNNING;
}

bool attempt_open(struct call *call, doc_id generation, struct attempt *out)
{
    return newest(call, generation, out) && is_open(out);
}

bool attempt_of_provider_job(struct call *call, str provider, str provider_job, struct attempt *out)
{
    str start = str_format(call->arena, "%.*s ", STR_ARG(provider_job));
    struct bounds from = {.prefix = KEY(key_text(provider)), .from = key_text(provider_job)};
    struct scan scan;
    bool is_there = false;
    if (call_failed(call))
        return false;
    view_scan(call->view, index_of(&attempt_type, "by_provider_job"), from, ORDER_UP, &scan);
    while (!is_there && scan_next(&scan, out) &&
           (str_equal(out->provider_job, provider_job) || str_starts(out->provider_job, start)))
        is_there = out->state == ATTEMPT_RUNNING;
    scan_end(&scan);
    return is_there;
}

int64_t attempt_count(struct call *call, doc_id generation)
{
    struct attempt last;
    newest(call, generation, &last);
    return last.number;
}

int64_t attempts_failed(struct call *call, doc_id generation)
{
    struct attempt attempt;
    struct scan scan;
    str model = {0};
    int64_t failed = 0;
    if (call_failed(call))
        return 0;
    view_scan(call->view, index_of(&attempt_type, "by_generation"),
              (struct bounds){.prefix = KEY(key_id(generation))}, ORDER_DOWN, &scan);
    while (scan_next(&scan, &attempt) &&
           (attempt.state == ATTEMPT_FAILED || attempt.state == ATTEMPT_ORPHANED)) {
        if (model.len == 0)
            model = attempt.model;
        if (!str_equal(model, attempt.model))
            break;
        failed += attempt.state == ATTEMPT_FAILED;
    }
    scan_end(&scan);
    return failed;
}

void attempt_begin(struct call *call, const struct generation *g, str provider, str model,
                   int64_t epoch, struct attempt *out)
{
    struct attempt before;
    if (newest(call, g->id, &before) && is_open(&before))
        if (!PLANTED(sim_orphan_unended))
            attempt_end(call, &before, ATTEMPT_ORPHANED, NULL);
    *out = (struct attempt){
        .generation_id = g->id,
        .number = before.number + 1,
        .provider = provider,
        .model = model,
        .state = ATTEMPT_ASKED,
        .epoch = epoch,
        .started_at = call->now,
    };
    row_new(call, &attempt_type, out);
    row_put(call, &attempt_type, out);
}

void attempt_put(struct call *call, struct attempt *attempt)
{
    row_put(call, &attempt_type, attempt);
}

/* ---- counting ---- */

static void count(struct call *call, const struct attempt *attempt)
{
    struct provider_stat stat;
    doc_id id = row_first(call, index_of(&provider_stat_type, "by_provider_model"),
                          KEY(key_text(attempt->provider), key_text(attempt->model)));
    row_find(call, &provider_stat_type, id, &stat);
    stat.provider = attempt->provider;
    stat.model = attempt->model;
    stat.done += attempt->state == ATTEMPT_DONE;
    stat.failed += attempt->state == ATTEMPT_FAILED;
    stat.canceled += attempt->state == ATTEMPT_CANCELED;
    stat.orphaned += attempt->state == ATTEMPT_ORPHANED;
    if (attempt->state == ATTEMPT_DONE)
        stat.seconds += (double)instant_since(call->now, attempt->started_at).us / 1e6;
    stat.cost_micros += attempt->cost_micros.value;
    stat.updated_at = call->now;
    if (!doc_id_is_set(stat.id))
        row_new(call, &provider_stat_type, &stat);
    row_put(call, &provider_stat_type, &stat);
}

static doc_id breaker_find(struct call *call, str provider, struct breaker *out)
{
    doc_id id = row_first(call, index_of(&breaker_type, "by_provider"), KEY(key_text(provider)));
    row_find(call, &breaker_type, id, out);
    return id;
}

/* Fifteen seconds, then twice as long with each failure more. */
static void breaker_note(struct call *call, str provider, bool is_well)
{
    struct breaker breaker;
    bool is_there = doc_id_is_set(breaker_find(call, provider, &breaker));
    if (is_well) {
        if (is_there && !PLANTED(sim_breaker_remembers))
            row_remove(call, &breaker_type, breaker.id);
        return;
    }
    breaker.provider = provider;
    breaker.failures++;
    if (breaker.failures >= BREAKER_FAILURES) {
        int64_t doublings = MIN_OF(breaker.failures - BREAKER_FAILURES, (int64_t)8);
        int64_t rest = MIN_OF(BREAKER_FIRST.us << doublings, BREAKER_LONGEST.us);
        breaker.open_until = (struct maybe_instant){instant_add(call->now, (span){rest}), true};
    }
    if (!is_there)
        row_new(call, &breaker_type, &breaker);
    row_put(call, &breaker_type, &breaker);
}

instant breaker_until(struct call *call, str provider)
{
    struct breaker breaker;
    breaker_find(call, provider, &breaker);
    bool is_shut = !breaker.open_until.is_set || breaker.open_until.value.us <= call->now.us;
    return is_shut ? (instant){0} : breaker.open_until.value;
}

/* What the price list says where the provider does not. A refusal costs nothing, an orphan may
 * have run to its end. */
static void set_cost(struct call *call, struct attempt *attempt, const struct work_result *came)
{
    if (came != NULL && came->cost_micros.is_set) {
        attempt->cost_micros = came->cost_micros;
        attempt->cost_is_told = true;
        return;
    }
    const struct model_config *model = config_model(catalogue_of(call), attempt->model);
    struct generation g;
    bool is_billed = attempt->state == ATTEMPT_DONE || attempt->state == ATTEMPT_ORPHANED ||
                     (attempt->state == ATTEMPT_CANCELED && attempt->provider_job.len != 0);
    if (!is_billed || model == NULL ||
        !row_find(call, &generation_type, attempt->generation_id, &g))
        return;
    double seconds = came != NULL && came->seconds.is_set ? came->seconds.value : 0;
    int64_t cost = model->cost_micros * g.num_images +
                   model->cost_micros_per_second * (g.kind == MEDIA_VIDEO ? g.duration : 0) +
                   (int64_t)(seconds * (double)model->cost_micros_per_run_second);
    attempt->cost_micros = (struct maybe_int){cost, true};
}

void attempt_end(struct call *call, struct attempt *attempt, enum attempt_state state,
                 const struct work_result *came)
{
    attempt->state = state;
    attempt->ended_at = (struct maybe_instant){call->now, true};
    if (came != NULL && came->failure != WORK_OK) {
        attempt->error = utf8_cut(came->text, 400);
        attempt->cause = utf8_cut(came->cause, 450);
    }
    set_cost(call, attempt, came);
    row_put(call, &attempt_type, attempt);
    ledger_cost(call, attempt->provider, attempt->cost_micros.value,
                str_format(call->arena, "cost:attempt:%lld", (long long)attempt->id.n));
    count(call, attempt);
    if (state == ATTEMPT_DONE || (state == ATTEMPT_FAILED && came->failure != WORK_OK))
        breaker_note(call, attempt->provider,
                     state == ATTEMPT_DONE || came->failure != WORK_TRANSIENT);
}

void attempt_stop(struct call *call, struct attempt *attempt, str why)
{
    attempt->error = utf8_cut(why, 400);
    if (attempt->provider_job.len != 0 && !PLANTED(sim_stop_unsent))
        job_queue(call, stopping_action.name, STR("files"), attempt->id);
    attempt_end(call, attempt, ATTEMPT_CANCELED, NULL);
}

#define REMOVED_MAX 64 /* of one generation: retries and stand-ins are fewer */

void attempts_remove(struct call *call, doc_id generation)
{
    doc_id ids[REMOVED_MAX];
    struct scan scan;
    size_t count = 0;
    if (call_failed(call))
        return;
    view_scan(call->view, index_of(&attempt_type, "by_generation"),
              (struct bounds){.prefix = KEY(key_id(generation))}, ORDER_UP, &scan);
    while (count < REMOVED_MAX && scan_next_id(&scan, &ids[count]))
        count++;
    scan_end(&scan);
    for (size_t i = 0; i < count; i++)
        row_remove(call, &attempt_type, ids[i]);
}
