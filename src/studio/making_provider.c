/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/making_inside.h"

#include "base/planted.h"
#include "studio/catalogue.h"
#include "studio/choices.h"

#include <string.h>

#define ANSWER_MAX MIB(96)
#define POLL_ANSWER_MAX MIB(96) /* some send the pictures with it */
#define PATIENCE_SECONDS 600
#define POLL_FIRST MILLISECONDS(1000)
#define POLL_LONGEST SECONDS(10)
#define POLL_TROUBLE_LONGEST SECONDS(30)

/* Empty when it is none, or when names and passwords before it could hide which it is. Without
 * "://" it is none: what is called then is whatever stands first. */
static str host_of(str url)
{
    ptrdiff_t colon = str_find(url, ':');
    str rest = str_slice(url, colon < 0 ? url.len : (size_t)colon, url.len);
    if (!str_starts(rest, STR("://")))
        return (str){0};
    rest = str_slice(rest, STR("://").len, rest.len);
    size_t len = 0;
    while (len < rest.len && strchr("/?#\\", rest.at[len]) == NULL)
        len++;
    rest.len = len;
    ptrdiff_t port = str_find_last(rest, ':');
    if (str_find(rest, '@') >= 0)
        return (str){0};
    return port < 0 || str_ends(rest, STR("]")) ? rest : str_slice(rest, 0, (size_t)port);
}

bool making_is_vouched(const struct provider_config *provider, str url)
{
    str host = host_of(url);
    return provider != NULL && provider->allow_private_addresses && host.len > 0 &&
           str_equal_nocase(host, host_of(provider->base_url));
}

/* ---- who makes it ---- */

static const struct model_config *candidate(struct call *call, const struct generation *g,
                                            int64_t place)
{
    const struct studio_config *config = catalogue_of(call);
    const struct model_config *asked = config_model(config, g->model);
    if (place == 0 || asked == NULL)
        return place == 0 ? asked : NULL;
    const str *fallbacks = asked->fallbacks.items;
    return (size_t)place > asked->fallbacks.count ? NULL
                                                  : config_model(config, fallbacks[place - 1]);
}

const struct model_config *making_model(struct call *call, const struct generation *g)
{
    return candidate(call, g, g->stand_in);
}

/* It can make what was asked for, for no more than was quoted. */
static bool can_stand_in(const struct model_config *asked, const struct model_config *model,
                         const struct generation *g)
{
    const struct size_config *sizes = model->sizes.items;
    const int64_t *durations = model->durations.items;
    bool has_size = model->any_size, has_duration = g->kind != MEDIA_VIDEO;
    for (size_t i = 0; i < model->sizes.count; i++)
        has_size |= sizes[i].width == g->width && sizes[i].height == g->height;
    for (size_t i = 0; i < model->durations.count; i++)
        has_duration |= durations[i] == g->duration;
    return has_size && has_duration && choices_fit(asked, model, g) &&
           g->num_images <= model->max_images &&
           utf8_length(g->prompt) <= (size_t)model->prompt_max;
}

/* Moves on to the next model that can; false: there is none. */
static bool stand_in(struct call *call, struct job *job, struct generation *g)
{
    for (int64_t place = g->stand_in + 1;; place++) {
        const struct model_config *model = candidate(call, g, place);
        if (model == NULL)
            return false;
        if (!can_stand_in(candidate(call, g, 0), model, g) ||
            breaker_until(call, model->provider).us != 0)
            continue;
        g->stand_in = place;
        g->provider = model->provider;
        g->updated_at = call->now;
        row_put(call, &generation_type, g);
        job->failures = 0;
        job_move(call, job, model->provider);
        return true;
    }
}

/* ---- asking ---- */

static struct provider_site site_of(struct call *call, const struct provider_config *provider)
{
    struct provider_site site = {
        .base_url = provider->base_url,
        .key = provider->key == NULL ? (str){0} : provider->key->value,
        .webhook_secret =
            provider->webhook_secret == NULL ? (str){0} : provider->webhook_secret->value,
    };
    if (str_starts(str_of(call->program->public_url), STR("https://")))
        site.webhook_url = str_format(call->arena, "%s/api/webhooks/provider/%.*s",
                                      call->program->public_url, STR_ARG(provider->id));
    return site;
}

static struct provider_wish wish_of(struct call *call, const struct generation *g,
                                    const struct model_config *model, int64_t count,
                                    const struct attempt *attempt)
{
    struct provider_wish wish = {
        .model = model->provider_model.len == 0 ? model->id : model->provider_model,
        .is_video = g->kind == MEDIA_VIDEO,
        .prompt = g->enhanced_prompt.len == 0 ? g->prompt : g->enhanced_prompt,
        .quality = choices_name(&model->qualities, g->quality),
        .resolution = choices_name(&model->resolutions, g->resolution),
        .strength = g->strength,
        .camera_fixed = g->camera_fixed && model->takes_camera_fixed,
        .count = count,
        .width = g->width,
        .height = g->height,
        .duration = g->duration,
        .workflow = config_workflow(catalogue_of(call), model),
        .idempotency_key =
            str_format(call->arena, "atelier-%lld-%lld", (long long)g->id.n,
                       PLANTED(sim_key_of_generation) ? 1LL : (long long)attempt->number),
    };
    if (model->takes_negative_prompt)
        wish.negative_prompt = g->negative_prompt;
    if (model->takes_seed)
        wish.seed = (struct maybe_int){g->seed, true};
    if (model->steps != NULL)
        wish.steps = g->steps;
    if (model->guidance != NULL)
        wish.guidance = g->guidance;
    return wish;
}

static struct work *network_work(struct call *call, enum work_kind kind,
                                 const struct output *output,
                                 const struct provider_config *provider)
{
    struct work *work = work_new(call, kind, output, provider);
    work->provider = config_translator(provider);
    work->site = site_of(call, provider);
    work->response_max = kind == WORK_SUBMIT ? ANSWER_MAX : POLL_ANSWER_MAX;
    return work;
}

static const struct work *ask_sketcher(struct call *call, const struct generation *g,
                                       const struct output *output,
                                       const struct provider_config *provider)
{
    struct work *work = work_new(call, WORK_SKETCH, output, provider);
    work->timeout = config_timeout(provider, making_model(call, g));
    work->media = g->kind;
    work->prompt = g->prompt;
    work->negative = g->negative_prompt;
    work->seed = g->seed;
    work->width = g->width;
    work->height = g->height;
    work->steps = g->steps.value;
    work->guidance = g->guidance.value;
    work->duration = g->duration;
    return work;
}

/* How many of those that wait one request is for. */
static int64_t asked_at_once(struct call *call, const struct generation *g,
                             const struct outputs *outputs)
{
    const struct model_config *model = making_model(call, g);
    const struct provider *translator =
        config_translator(config_provider(catalogue_of(call), g->provider));
    int64_t waiting = (int64_t)outputs_in(outputs, OUTPUT_WAITING);
    int64_t most = model == NULL ? 0 : model->images_per_request;
    if (most == 0 && translator != NULL && translator->one_by_one)
        most = 1;
    return most == 0 ? waiting : MIN_OF(waiting, most);
}

static const struct work *submit(struct call *call, struct job *job, const struct generation *g,
                                 struct outputs *outputs, const struct model_config *model,
                                 const struct provider_config *provider)
{
    struct attempt attempt;
    struct asset start = {0};
    const struct output *first = outputs_first(outputs, OUTPUT_WAITING);
    if (doc_id_is_set(g->image_id) && !row_find(call, &asset_type, g->image_id, &start)) {
        outputs_give_up(call, outputs, STR("The picture to start from was deleted."));
        return NULL;
    }
    attempt_begin(call, g, provider->id, model->id, job->epoch, &attempt);
    struct work *work = network_work(call, WORK_SUBMIT, first, provider);
    work->timeout = config_timeout(provider, model);
    work->wish = wish_of(call, g, model, asked_at_once(call, g, outputs), &attempt);
    if (!PLANTED(sim_same_seed))
        work->wish.seed.value += first->number; /* or one after another they would be the same */
    work->wish.image_type = start.mime_type;
    work->blob = start.storage_id;
    return work;
}

/* The provider has not answered in the time we give it. */
static const struct work *lose_patience(struct call *call, struct job *job, struct generation *g,
                                        struct outputs *outputs, struct attempt *attempt)
{
    str why = STR("The model's provider took too long.");
    if (!PLANTED(sim_late_attempt_open))
        attempt_stop(call, attempt, why);
    if (!stand_in(call, job, g))
        outputs_give_up(call, outputs, why);
    return NULL;
}

static const struct work *poll(struct call *call, struct job *job, struct generation *g,
                               struct outputs *outputs, struct attempt *attempt,
                               const struct provider_config *provider)
{
    int64_t patience =
        provider->patience_seconds == 0 ? PATIENCE_SECONDS : provider->patience_seconds;
    if (instant_since(call->now, attempt->started_at).us > SECONDS(patience).us)
        return lose_patience(call, job, g, outputs, attempt);
    struct work *work =
        network_work(call, WORK_POLL, outputs_first(outputs, OUTPUT_WAITING), provider);
    work->job = attempt->provider_job;
    return work;
}

const struct work *making_ask_provider(struct call *call, struct job *job, struct generation *g,
                                       struct outputs *outputs)
{
    const struct provider_config *provider = config_provider(catalogue_of(call), g->provider);
    const struct model_config *model = making_model(call, g);
    struct attempt attempt;
    if (provider == NULL) {
        call_fail(call, STATE, "The provider of this model is no longer configured.");
        return NULL;
    }
    if (provider->kind == PROVIDER_SKETCH)
        return ask_sketcher(call, g, outputs_first(outputs, OUTPUT_WAITING), provider);
    if (attempt_open(call, g->id, &attempt) && attempt.state == ATTEMPT_RUNNING)
        return poll(call, job, g, outputs, &attempt, provider);
    if (model == NULL) {
        call_fail(call, STATE, "This model is no longer configured.");
        return NULL;
    }
    instant until = breaker_until(call, provider->id);
    if (until.us == 0)
        return submit(call, job, g, outputs, model, provider);
    if (!stand_in(call, job, g))
        job_put_off(call, job, until);
    return NULL;
}

/* ---- what came ---- */

/* One second at first, then longer and longer; a webhook makes it sooner. */
static span poll_wait(const struct provider_config *provider, const struct attempt *attempt)
{
    if (provider != NULL && provider->poll_seconds != 0)
        return SECONDS(provider->poll_seconds);
    int64_t wait = POLL_FIRST.us + POLL_FIRST.us * attempt->polls / 4;
    return (span){MIN_OF(wait, POLL_LONGEST.us)};
}

static void take_pending(struct call *call, struct job *job, struct generation *g,
                         struct outputs *outputs, struct attempt *attempt,
                         const struct work_result *came)
{
    const struct provider_config *provider = config_provider(catalogue_of(call), g->provider);
    attempt->state = ATTEMPT_RUNNING;
    attempt->polls++;
    if (came->job.len != 0)
        attempt->provider_job = came->job;
    attempt_put(call, attempt);
    job->failures = 0;
    if (came->progress.is_set)
        generation_progress_put(call, g->id, outputs_part(outputs, came->progress.value));
    span wait = came->is_soon ? (span){0} : poll_wait(provider, attempt);
    if (PLANTED(sim_poll_frees_slot))
        job_put_off(call, job, instant_add(call->now, wait));
    else
        job_put_off_holding(call, job, instant_add(call->now, wait));
}

/* How the job stands could not be told. It goes on all the same, so we go on asking. */
static void poll_again(struct call *call, struct job *job, const struct work_result *came)
{
    job->failures++;
    span wait = job_backoff(call, job->failures);
    wait.us = MIN_OF(MAX_OF(wait.us, came->retry_after.us), POLL_TROUBLE_LONGEST.us);
    job_put_off_holding(call, job, instant_add(call->now, wait));
}

static void take_failure(struct call *call, struct job *job, struct generation *g,
                         struct outputs *outputs, struct attempt *attempt,
                         const struct work_result *came)
{
    bool may_help = came->failure == WORK_TRANSIENT || came->failure == WORK_LOST;
    attempt_end(call, attempt, ATTEMPT_FAILED, came);
    if (came->failure == WORK_POLICY) {
        g->is_policy = true;
        row_put(call, &generation_type, g);
    }
    /* Not what the job counts: looking at the provider's own job begins that anew. */
    int64_t failed =
        PLANTED(sim_retries_uncounted) ? job->failures + 1 : attempts_failed(call, g->id);
    if (may_help && failed <= MAKING_RETRIES_MAX) {
        job->failures = failed;
        span wait = job_backoff(call, job->failures);
        if (!PLANTED(sim_retry_too_soon))
            wait.us = MAX_OF(wait.us, came->retry_after.us);
        job_put_off(call, job, instant_add(call->now, wait));
        return;
    }
    if (came->failure != WORK_POLICY && stand_in(call, job, g))
        return;
    job->failures = 0;
    row_put(call, &job_type, job);
    outputs_give_up(call, outputs, came->text);
}

void making_take_provider(struct call *call, struct job *job, struct generation *g,
                          struct outputs *outputs, const struct work *work,
                          const struct work_result *came)
{
    struct attempt attempt;
    REQUIRE(call, attempt_open(call, g->id, &attempt), INTERNAL_ERROR, "The attempt is gone.");
    if (came->failure == WORK_TRANSIENT && work->kind == WORK_POLL) {
        poll_again(call, job, came);
    } else if (came->failure != WORK_OK) {
        take_failure(call, job, g, outputs, &attempt, came);
    } else if (came->is_pending) {
        take_pending(call, job, g, outputs, &attempt, came);
    } else {
        attempt_end(call, &attempt, ATTEMPT_DONE, came);
        job->failures = 0;
        row_put(call, &job_type, job);
        outputs_take(call, outputs, came, (size_t)asked_at_once(call, g, outputs));
        generation_progress_put(call, g->id, outputs_part(outputs, 0));
    }
}

/* ---- stopping a provider's job ---- */

/* Its row tells what to stop; the job is about the attempt. */
static const void *stop_ask(struct call *call, struct job *job)
{
    struct attempt attempt;
    row_find(call, &attempt_type, (doc_id){job->about}, &attempt);
    const struct provider_config *provider = config_provider(catalogue_of(call), attempt.provider);
    const struct provider *translator = config_translator(provider);
    if (translator == NULL || translator->cancel == NULL || attempt.provider_job.len == 0) {
        job_remove(call, job->id);
        return NULL;
    }
    struct work *work = network_work(call, WORK_CANCEL, NULL, provider);
    work->job = attempt.provider_job;
    return work;
}

static void stop_answer(struct call *call, struct job *job, const void *asked, const void *result)
{
    const struct work_result *came = result;
    if (came->failure == WORK_TRANSIENT && job->failures < MAKING_RETRIES_MAX) {
        job->failures++;
        job_put_off(call, job, instant_add(call->now, job_backoff(call, job->failures)));
        return;
    }
    job_remove(call, job->id);
}

static void stop_give_up(struct call *call, struct job *job, str why)
{
    job_remove(call, job->id);
}

const struct job_action stopping_action = {
    .name = "generations:stop",
    .ask = stop_ask,
    .answer = stop_answer,
    .give_up = stop_give_up,
};
