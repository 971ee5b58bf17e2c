/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/making_inside.h"

#include "base/planted.h"
#include "studio/catalogue.h"

#define MADE_PART 0.8 /* of a picture's way, when its original is there */
#define FETCH_MAX MIB(64)
#define FETCH_PATIENCE MINUTES(15)

/* ---- outputs ---- */

struct output *outputs_first(struct outputs *outputs, enum output_state state)
{
    for (size_t i = 0; i < outputs->count; i++)
        if (outputs->items[i].state == state)
            return &outputs->items[i];
    return NULL;
}

size_t outputs_in(const struct outputs *outputs, enum output_state state)
{
    size_t found = 0;
    for (size_t i = 0; i < outputs->count; i++)
        found += outputs->items[i].state == state;
    return found;
}

double outputs_part(const struct outputs *outputs, double next)
{
    double done = next * MADE_PART;
    for (size_t i = 0; i < outputs->count; i++) {
        enum output_state state = outputs->items[i].state;
        done += state == OUTPUT_READY || state == OUTPUT_FAILED ? 1
                : state == OUTPUT_MADE                          ? MADE_PART
                                                                : 0;
    }
    return outputs->count == 0 ? 0 : MIN_OF(done / (double)outputs->count, 1.0);
}

void output_give_up(struct call *call, struct output *output, str why)
{
    output->state = OUTPUT_FAILED;
    output->error = utf8_cut(why, 400);
    row_put(call, &output_type, output);
}

void outputs_give_up(struct call *call, struct outputs *outputs, str why)
{
    for (size_t i = 0; i < outputs->count; i++)
        if (outputs->items[i].state == OUTPUT_WAITING)
            output_give_up(call, &outputs->items[i], why);
}

void output_take(struct call *call, struct output *output, const struct work_output *from)
{
    if (from->file.storage_id.len == 0) {
        output->state = OUTPUT_LOCATED;
        output->url = from->url;
        output->located_at = (struct maybe_instant){call->now, true};
    } else {
        output->state = OUTPUT_MADE;
        output->storage_id = from->file.storage_id;
        output->sha256 = from->file.sha256;
        output->size_bytes = from->file.size;
        output->mime_type = from->file.content_type;
    }
    row_put(call, &output_type, output);
}

/* A provider may send fewer than asked for; the rest is not made, and not paid. */
void outputs_take(struct call *call, struct outputs *outputs, const struct work_result *came,
                  size_t asked)
{
    size_t seen = 0;
    for (size_t i = 0; i < outputs->count && seen < asked; i++) {
        struct output *output = &outputs->items[i];
        if (output->state != OUTPUT_WAITING)
            continue;
        if (seen < came->output_count)
            output_take(call, output, &came->outputs[seen]);
        else
            output_give_up(call, output, STR("The model made fewer than asked for."));
        seen++;
    }
}

struct work *work_new(struct call *call, enum work_kind kind, const struct output *output,
                      const struct provider_config *provider)
{
    struct work *work = arena_new(call->arena, struct work);
    work->kind = kind;
    work->number = output == NULL ? 0 : output->number;
    work->timeout = config_timeout(provider, NULL);
    work->allow_private = provider != NULL && provider->allow_private_addresses;
    return work;
}

/* ---- the end ---- */

static void finish(struct call *call, struct generation *g, const struct outputs *outputs)
{
    size_t ready = outputs_in(outputs, OUTPUT_READY);
    str error = {0};
    for (size_t i = 0; i < outputs->count && error.len == 0; i++)
        error = outputs->items[i].error;
    if (ready > 0)
        generation_end(call, g, GENERATION_COMPLETED, ready < outputs->count ? error : (str){0});
    else
        generation_end(call, g, GENERATION_FAILED,
                       error.len == 0 ? STR("Nothing was made.") : error);
}

static void set_status(struct call *call, struct generation *g, enum generation_status status)
{
    if (g->status == status)
        return;
    g->status = status;
    g->updated_at = call->now;
    if (!g->started_at.is_set)
        g->started_at = (struct maybe_instant){call->now, true};
    row_put(call, &generation_type, g);
}

/* ---- the action ---- */

static const struct work *ask_derive(struct call *call, struct generation *g,
                                     struct outputs *outputs, const struct output *made)
{
    bool is_last =
        outputs_in(outputs, OUTPUT_WAITING) == 0 && outputs_in(outputs, OUTPUT_MADE) == 1;
    set_status(call, g, is_last ? GENERATION_UPLOADING : GENERATION_PROCESSING);
    struct work *work = work_new(call, WORK_DERIVE, made, NULL);
    work->blob = made->storage_id;
    return work;
}

/* A path lies below the engine's own address, wherever that is by now. */
static str address_of(struct call *call, const struct provider_config *provider, str url)
{
    str base = provider == NULL ? (str){0} : provider->base_url;
    while (str_ends(base, STR("/")))
        base.len--;
    return str_starts(url, STR("/"))
               ? str_format(call->arena, "%.*s%.*s", STR_ARG(base), STR_ARG(url))
               : url;
}

/* When its address stops working; 0: nobody says. */
static instant expiry_of(const struct provider_config *provider, const struct output *located)
{
    const struct provider *translator = config_translator(provider);
    bool is_known =
        located->located_at.is_set && translator != NULL && translator->outputs_last.us != 0;
    return is_known ? instant_add(located->located_at.value, translator->outputs_last)
                    : (instant){0};
}

static const struct work *ask_fetch(struct call *call, struct generation *g,
                                    const struct output *located)
{
    const struct provider_config *provider = config_provider(catalogue_of(call), g->provider);
    set_status(call, g, GENERATION_PROCESSING);
    struct work *work = work_new(call, WORK_FETCH, located, provider);
    work->url = address_of(call, provider, located->url);
    work->allow_private = making_is_vouched(provider, work->url);
    work->response_max = FETCH_MAX;
    work->expires_at = expiry_of(provider, located);
    return work;
}

static const void *making_ask(struct call *call, struct job *job)
{
    struct generation g;
    struct outputs outputs;
    if (!row_find(call, &generation_type, (doc_id){job->about}, &g) || !generation_is_open(&g)) {
        job_remove(call, job->id);
        return NULL;
    }
    outputs.count = generation_outputs(call, g.id, g.num_images, outputs.items);
    const struct output *made = outputs_first(&outputs, OUTPUT_MADE);
    const struct output *located = outputs_first(&outputs, OUTPUT_LOCATED);
    if (located != NULL) /* first: it is there for a while only */
        return ask_fetch(call, &g, located);
    if (made != NULL)
        return ask_derive(call, &g, &outputs, made);
    if (outputs_in(&outputs, OUTPUT_WAITING) > 0) {
        set_status(call, &g, GENERATION_PROCESSING);
        const struct work *work = making_ask_provider(call, job, &g, &outputs);
        bool goes_on = work != NULL || outputs_in(&outputs, OUTPUT_WAITING) > 0;
        if (goes_on || call_failed(call))
            return work;
    }
    finish(call, &g, &outputs);
    return NULL;
}

/* It is finished and paid for there: a storage that is down for a while must not lose it. Later
 * than its expiry it is refused, which is not tried again. */
static bool is_worth_fetching(struct call *call, const struct output *output)
{
    return output->state == OUTPUT_LOCATED && output->located_at.is_set &&
           instant_since(call->now, output->located_at.value).us < FETCH_PATIENCE.us;
}

/* Something of one output failed: its painting, its fetching, or looking into it. */
static void output_failed(struct call *call, struct job *job, struct output *output,
                          const struct work_result *came)
{
    bool may_again = job->failures < MAKING_RETRIES_MAX || is_worth_fetching(call, output) ||
                     PLANTED(sim_fetched_for_ever);
    int64_t most = may_again ? INT64_MAX : 0;
    if (work_may_be_tried_again(came, job, most)) {
        span wait = job_backoff(call, job->failures);
        job_put_off(call, job,
                    instant_add(call->now, (span){MAX_OF(wait.us, came->retry_after.us)}));
        return;
    }
    job->failures = job->crashes = 0;
    output_give_up(call, output, came->text);
    row_put(call, &job_type, job);
}

static void making_answer(struct call *call, struct job *job, const void *asked, const void *result)
{
    const struct work *work = asked;
    const struct work_result *came = result;
    struct outputs outputs;
    struct generation g;
    row_get(call, &generation_type, (doc_id){job->about}, &g);
    outputs.count = generation_outputs(call, g.id, g.num_images, outputs.items);
    REQUIRE(call, work->number >= 0 && (size_t)work->number < outputs.count, INTERNAL_ERROR,
            "An output is gone.");
    struct output *output = &outputs.items[work->number];

    if (work->kind == WORK_SUBMIT || work->kind == WORK_POLL) {
        making_take_provider(call, job, &g, &outputs, work, came);
        return;
    }
    if (came->failure != WORK_OK) {
        output_failed(call, job, output, came);
        return;
    }
    job->failures = job->crashes = 0;
    row_put(call, &job_type, job);
    if (work->kind == WORK_DERIVE)
        making_take_asset(call, &g, &outputs, output, came);
    else
        output_take(call, output, &came->outputs[0]);
    double part = outputs_part(&outputs, 0);
    if (part < 1) /* else it ends now */
        generation_progress_put(call, g.id, part);
}

static void making_progress(struct call *call, const struct job *job, double part)
{
    struct outputs outputs;
    outputs.count = generation_outputs(call, (doc_id){job->about}, OUTPUTS_MAX, outputs.items);
    if (outputs_in(&outputs, OUTPUT_WAITING) == 0 || outputs_first(&outputs, OUTPUT_MADE) != NULL)
        return;
    generation_progress_put(call, (doc_id){job->about}, outputs_part(&outputs, part));
}

static void making_give_up(struct call *call, struct job *job, str why)
{
    struct generation g;
    struct outputs outputs;
    if (!row_find(call, &generation_type, (doc_id){job->about}, &g) || !generation_is_open(&g)) {
        job_remove(call, job->id);
        return;
    }
    /* What is ready by then is charged and theirs, so it has not failed. */
    outputs.count = generation_outputs(call, g.id, g.num_images, outputs.items);
    bool has_works = outputs_in(&outputs, OUTPUT_READY) > 0 && !PLANTED(sim_works_fail);
    generation_end(call, &g, has_works ? GENERATION_COMPLETED : GENERATION_FAILED,
                   utf8_cut(why, 400));
}

const struct job_action making_action = {
    .name = "generations:make",
    .ask = making_ask,
    .answer = making_answer,
    .progress = making_progress,
    .give_up = making_give_up,
};
