/* SPDX-License-Identifier: Apache-2.0 */
#include "studio/making.h"

#include "base/encode.h"
#include "provider/provider.h"
#include "studio/generations.h"
#include "studio/users.h"
#include "studio/work.h"

#include <string.h>

#define RETRIES_MAX 3
#define MADE_PART 0.8 /* of a picture's way, when its original is there */
#define HTTP_ANSWER_MAX MIB(96)
#define FETCH_MAX MIB(64)

/* ---- what comes next ---- */

static struct output *first_in(struct output *outputs, size_t count, enum output_state state)
{
    for (size_t i = 0; i < count; i++)
        if (outputs[i].state == state)
            return &outputs[i];
    return NULL;
}

static size_t count_in(const struct output *outputs, size_t count, enum output_state state)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += outputs[i].state == state;
    return found;
}

static double part_done(const struct output *outputs, size_t count)
{
    double done = 0;
    for (size_t i = 0; i < count; i++)
        done += outputs[i].state == OUTPUT_READY || outputs[i].state == OUTPUT_FAILED ? 1
                : outputs[i].state == OUTPUT_MADE                                     ? MADE_PART
                                                                                      : 0;
    return count == 0 ? 0 : done / (double)count;
}

/* ---- what is asked of the outside ---- */

static struct work *work_new(struct call *call, enum work_kind kind, const struct output *output,
                             const struct provider_config *provider)
{
    struct work *work = arena_new(call->arena, struct work);
    work->kind = kind;
    work->number = output->number;
    work->timeout = SECONDS(provider == NULL ? 60 : provider->timeout_seconds);
    work->allow_private = provider != NULL && provider->allow_private_addresses;
    return work;
}

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

/* The operator vouched for the engine's own host, not for wherever else its answers point. */
static bool is_vouched(const struct provider_config *provider, str url)
{
    str host = host_of(url);
    return provider != NULL && provider->allow_private_addresses && host.len > 0 &&
           str_equal_nocase(host, host_of(provider->base_url));
}

static const struct work *ask_sketcher(struct call *call, const struct generation *g,
                                       const struct output *output,
                                       const struct provider_config *provider)
{
    struct work *work = work_new(call, WORK_SKETCH, output, provider);
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

static enum work_failure failure_of(enum provider_failure failure)
{
    switch (failure) {
    case PROVIDER_OK:
        return WORK_OK;
    case PROVIDER_BUSY:
        return WORK_TRANSIENT;
    case PROVIDER_BROKEN:
        return WORK_BROKEN;
    default:
        return WORK_REFUSED;
    }
}

/* Runs where the answer came in, not in the writer: it decodes and stores megabytes. */
static void digest_openai(struct arena *arena, int status, str body, const struct work_sink *sink,
                          struct work_result *out)
{
    struct provider_answer answer;
    struct fault fault = {0};
    openai_read(arena, status, body, &answer);
    if (answer.failure != PROVIDER_OK) {
        work_fail(out, failure_of(answer.failure), "%.*s", STR_ARG(answer.text));
        return;
    }
    for (size_t i = 0; i < answer.output_count; i++) {
        struct work_output *output = &out->outputs[out->output_count];
        if (answer.outputs[i].content.len == 0)
            output->url = str_copy(&out->arena, answer.outputs[i].url);
        else if (!sink->store(sink->context, answer.outputs[i].content, &output->file, &fault)) {
            work_fail(out, WORK_TRANSIENT, "The picture could not be stored.");
            return;
        }
        out->output_count++;
    }
}

static const struct work *ask_openai(struct call *call, const struct generation *g,
                                     const struct output *output, size_t waiting,
                                     const struct provider_config *provider)
{
    const struct model_config *model = config_model(call->program->config, g->model);
    str name = model == NULL || model->provider_model.len == 0 ? g->model : model->provider_model;
    struct provider_wish wish = {.model = name,
                                 .prompt = g->prompt,
                                 .count = (int64_t)waiting,
                                 .width = g->width,
                                 .height = g->height};
    struct provider_request request;
    str key = provider->key == NULL ? (str){0} : provider->key->value;
    openai_write(call->arena, provider->base_url, key, &wish, &request);

    struct work *work = work_new(call, WORK_HTTP, output, provider);
    struct work_header *headers =
        arena_array(call->arena, struct work_header, request.header_count);
    for (size_t i = 0; i < request.header_count; i++)
        headers[i] = (struct work_header){request.headers[i].name, request.headers[i].value};
    work->method = request.method;
    work->url = request.url;
    work->body = request.body;
    work->headers = headers;
    work->header_count = request.header_count;
    work->response_max = HTTP_ANSWER_MAX;
    work->digest = digest_openai;
    return work;
}

static const struct work *ask_provider(struct call *call, const struct generation *g,
                                       const struct output *output, size_t waiting)
{
    const struct provider_config *provider = config_provider(call->program->config, g->provider);
    if (provider == NULL) {
        call_fail(call, STATE, "The provider of this model is no longer configured.");
        return NULL;
    }
    if (provider->kind == PROVIDER_OPENAI)
        return ask_openai(call, g, output, waiting, provider);
    return ask_sketcher(call, g, output, provider);
}

/* ---- the end ---- */

static void finish(struct call *call, struct generation *g, const struct output *outputs,
                   size_t count)
{
    size_t ready = count_in(outputs, count, OUTPUT_READY);
    str error = {0};
    for (size_t i = 0; i < count && error.len == 0; i++)
        error = outputs[i].error;
    if (ready > 0)
        generation_end(call, g, GENERATION_COMPLETED, ready < count ? error : (str){0});
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

static const void *making_ask(struct call *call, struct job *job)
{
    struct generation g;
    struct output outputs[OUTPUTS_MAX];
    if (!row_find(call, &generation_type, (doc_id){job->about}, &g) || !generation_is_open(&g)) {
        job_remove(call, job->id);
        return NULL;
    }
    size_t count = generation_outputs(call, g.id, outputs);
    size_t waiting = count_in(outputs, count, OUTPUT_WAITING);
    struct output *made = first_in(outputs, count, OUTPUT_MADE);
    struct output *located = first_in(outputs, count, OUTPUT_LOCATED);

    if (made != NULL) {
        bool is_last = waiting == 0 && located == NULL;
        set_status(call, &g, is_last ? GENERATION_UPLOADING : GENERATION_PROCESSING);
        struct work *work = work_new(call, WORK_DERIVE, made, NULL);
        work->blob = made->storage_id;
        return work;
    }
    if (located != NULL) {
        const struct provider_config *provider = config_provider(call->program->config, g.provider);
        set_status(call, &g, GENERATION_PROCESSING);
        struct work *work = work_new(call, WORK_FETCH, located, provider);
        work->url = located->url;
        work->allow_private = is_vouched(provider, located->url);
        work->response_max = FETCH_MAX;
        return work;
    }
    if (waiting > 0) {
        set_status(call, &g, GENERATION_PROCESSING);
        return ask_provider(call, &g, first_in(outputs, count, OUTPUT_WAITING), waiting);
    }
    finish(call, &g, outputs, count);
    return NULL;
}

static void give_up_output(struct call *call, struct output *output, str why)
{
    output->state = OUTPUT_FAILED;
    output->error = utf8_cut(why, 400);
    row_put(call, &output_type, output);
}

static void work_failed(struct call *call, struct job *job, struct output *outputs, size_t count,
                        const struct work *work, const struct work_result *came)
{
    if (came->failure == WORK_TRANSIENT && job->failures < RETRIES_MAX) {
        job->failures++;
        span wait = job_backoff(call, job->failures);
        job_put_off(call, job,
                    instant_add(call->now, (span){MAX_OF(wait.us, came->retry_after.us)}));
        return;
    }
    job->failures = 0;
    for (size_t i = 0; i < count; i++) {
        bool is_meant = work->kind == WORK_HTTP ? outputs[i].state == OUTPUT_WAITING
                                                : outputs[i].number == work->number;
        if (is_meant)
            give_up_output(call, &outputs[i], came->text);
    }
    row_put(call, &job_type, job);
}

static void take_output(struct call *call, struct output *output, const struct work_output *from)
{
    if (from->file.storage_id.len == 0) {
        output->state = OUTPUT_LOCATED;
        output->url = from->url;
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
static void take_outputs(struct call *call, struct output *outputs, size_t count,
                         const struct work_result *came)
{
    size_t taken = 0;
    for (size_t i = 0; i < count; i++) {
        if (outputs[i].state != OUTPUT_WAITING)
            continue;
        if (taken < came->output_count)
            take_output(call, &outputs[i], &came->outputs[taken++]);
        else
            give_up_output(call, &outputs[i], STR("The model made fewer than asked for."));
    }
}

static str download_name(struct call *call, const struct generation *g, const struct output *output,
                         str mime)
{
    const char *ending = str_equal(mime, STR("video/mp4"))    ? "mp4"
                         : str_equal(mime, STR("image/jpeg")) ? "jpg"
                         : str_equal(mime, STR("image/webp")) ? "webp"
                                                              : "png";
    return str_format(call->arena, "%.*s %lld.%s", STR_ARG(utf8_cut(g->prompt, 80)),
                      (long long)(output->number + 1), ending);
}

static void put_asset(struct call *call, struct generation *g, struct output *output,
                      const struct work_result *came)
{
    struct asset asset = {
        .user_id = g->user_id,
        .generation_id = g->id,
        .type = g->kind,
        .prompt = g->prompt,
        .negative_prompt = g->negative_prompt,
        .model = g->model,
        .provider = g->provider,
        .seed = {g->seed, true},
        .width = came->width,
        .height = came->height,
        .duration = came->duration,
        .mime_type = came->mime_type,
        .size_bytes = output->size_bytes,
        .stored_bytes = output->size_bytes + came->thumbnail.size + came->display.size,
        .storage_id = output->storage_id,
        .thumbnail_storage_id = came->thumbnail.storage_id,
        .display_storage_id = came->display.storage_id,
        .blur_data_url = came->blur,
        .is_public = g->is_public,
        .created_at = call->now,
        .updated_at = call->now,
    };
    struct stored_file original = {output->storage_id, came->mime_type, output->size_bytes,
                                   output->sha256};
    str name = download_name(call, g, output, came->mime_type);
    file_put(call, g->user_id, &original, name);
    file_put(call, g->user_id, &came->thumbnail, name);
    if (came->display.storage_id.len != 0)
        file_put(call, g->user_id, &came->display, name);
    row_new(call, &asset_type, &asset);
    row_put(call, &asset_type, &asset);
    storage_meter_add(call, g->user_id, asset.stored_bytes, g->kind == MEDIA_IMAGE,
                      g->kind == MEDIA_VIDEO);
    output->asset_id = asset.id;
}

/* Keeps the pictures in their order, whichever was ready first. */
static void list_assets(struct call *call, struct generation *g, const struct output *outputs,
                        size_t count)
{
    doc_id *ids = arena_array(call->arena, doc_id, count);
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        if (outputs[i].state == OUTPUT_READY)
            ids[found++] = outputs[i].asset_id;
    g->asset_ids = (struct list){ids, found};
    g->updated_at = call->now;
    row_put(call, &generation_type, g);
}

static bool is_expected_kind(const struct generation *g, const struct work_result *came)
{
    return str_starts(came->mime_type, g->kind == MEDIA_VIDEO ? STR("video/") : STR("image/"));
}

static void make_ready(struct call *call, struct generation *g, struct output *outputs,
                       size_t count, struct output *output, const struct work_result *came)
{
    if (!is_expected_kind(g, came)) {
        give_up_output(call, output, STR("The model sent something else than was asked for."));
        return;
    }
    put_asset(call, g, output, came);
    output->state = OUTPUT_READY;
    row_put(call, &output_type, output);
    list_assets(call, g, outputs, count);
}

static void making_answer(struct call *call, struct job *job, const void *asked, const void *result)
{
    const struct work *work = asked;
    const struct work_result *came = result;
    struct output outputs[OUTPUTS_MAX];
    struct generation g;
    row_get(call, &generation_type, (doc_id){job->about}, &g);
    size_t count = generation_outputs(call, g.id, outputs);

    if (came->failure != WORK_OK) {
        work_failed(call, job, outputs, count, work, came);
        return;
    }
    job->failures = 0;
    row_put(call, &job_type, job);
    REQUIRE(call, work->number >= 0 && (size_t)work->number < count, INTERNAL_ERROR,
            "An output is gone.");
    struct output *output = &outputs[work->number];
    if (work->kind == WORK_HTTP)
        take_outputs(call, outputs, count, came);
    else if (work->kind == WORK_DERIVE)
        make_ready(call, &g, outputs, count, output, came);
    else
        take_output(call, output, &came->outputs[0]);
    generation_progress_put(call, g.id, part_done(outputs, count));
}

static void making_progress(struct call *call, const struct job *job, double part)
{
    struct output outputs[OUTPUTS_MAX];
    size_t count = generation_outputs(call, (doc_id){job->about}, outputs);
    if (count == 0 || count_in(outputs, count, OUTPUT_WAITING) == 0 ||
        first_in(outputs, count, OUTPUT_MADE) != NULL)
        return;
    generation_progress_put(call, (doc_id){job->about},
                            part_done(outputs, count) + part * MADE_PART / (double)count);
}

static void making_give_up(struct call *call, struct job *job, str why)
{
    struct generation g;
    if (row_find(call, &generation_type, (doc_id){job->about}, &g) && generation_is_open(&g))
        generation_end(call, &g, GENERATION_FAILED, utf8_cut(why, 400));
    else
        job_remove(call, job->id);
}

const struct job_action making_action = {
    .name = "generations:make",
    .ask = making_ask,
    .answer = making_answer,
    .progress = making_progress,
    .give_up = making_give_up,
};
