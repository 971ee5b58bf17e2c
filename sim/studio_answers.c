/* SPDX-License-Identifier: Apache-2.0 */
#include "studio_outside_inside.h"
#include "studio_says.h"

#include <stdio.h>

struct sink {
    struct pretend *outside;
    struct arena *arena;
    const struct commission *order;
    int64_t output;
};

static bool sink_store(void *context, bytes content, struct stored_file *out, struct fault *fault)
{
    struct sink *sink = context;
    *out = blob_store(sink->outside, sink->arena,
                      (struct blob){.order = sink->order->number,
                                    .output = sink->output++,
                                    .is_film = sink->order->is_film != sink->order->lies});
    return true;
}

/* Refused before it is an order; or the order, taken or found again. */
static struct commission *order_for(struct pretend *outside, const struct work *work,
                                    enum mishap mishap, struct said *said)
{
    if (work->kind == WORK_SUBMIT)
        rest_check(outside, work);
    if (mishap == MISHAP_BUSY)
        says_refusal(said, 503, "busy");
    else if (mishap == MISHAP_REFUSED)
        says_refusal(said, 400, "no such size");
    else if (mishap == MISHAP_POLICY)
        says_refusal(said, 400, "flagged by our safety system: content policy");
    else
        return work->kind == WORK_SUBMIT ? order_take(outside, work, mishap)
                                         : order_named(outside, work->job);
    return NULL;
}

/* What does not stand in the body: headers, bills. */
static void add_to_answer(struct pretend *outside, const struct under_way *under_way,
                          struct commission *order, struct work_result *result)
{
    const struct work *work = under_way->work;
    if (under_way->mishap == MISHAP_BUSY && work->kind == WORK_SUBMIT) {
        result->retry_after = SECONDS(1 + (int64_t)outside_below(outside, 200));
        rest_put(outside, work, result->retry_after);
    }
    if (order == NULL)
        return;
    if (order->provider != work->provider)
        outside->wrong = "a provider is asked about an order of another";
    if (order->is_billed && result->failure != WORK_OK)
        result->cost_micros = (struct maybe_int){1234, true};
    order->is_told |= result->failure == WORK_OK && !result->is_pending;
}

static void answer_provider(struct pretend *outside, const struct under_way *under_way,
                            struct work_result *result)
{
    const struct work *work = under_way->work;
    AUTO(said_done) struct said said = {0};
    struct provider_answer answer = {0};
    struct commission *order = order_for(outside, work, under_way->mishap, &said);
    if (order != NULL) {
        order->polls++;
        says_standing(outside->now, work, order, under_way->mishap == MISHAP_RENAMED, &said);
    }
    if (under_way->mishap == MISHAP_TRUNCATED)
        said.body.len /= 2;
    str body = str_copy(&result->arena, buffer_text(&said.body));
    struct sink sink = {outside, &result->arena, order, 0};
    struct work_sink into = {&sink, sink_store};
    (work->kind == WORK_SUBMIT ? work->provider->submitted : work->provider->polled)(
        &result->arena, said.status, body, &answer);
    work_take_answer(result, &answer, &into);
    add_to_answer(outside, under_way, order, result);
}

static void answer_fetch(struct pretend *outside, const struct under_way *under_way,
                         struct work_result *result)
{
    long long number = 0, output = 0;
    char url[200];
    snprintf(url, sizeof(url), "%.*s", STR_ARG(under_way->work->url));
    if (sscanf(url, "https://made.example/%lld/%lld.", &number, &output) != 2)
        number = 0;
    struct commission *order = order_get(outside, number);
    if (order == NULL)
        return;
    if (under_way->mishap == MISHAP_ADDRESS_GONE) {
        order->is_spoiled[output] = true;
        work_fail(result, WORK_REFUSED, "What the model made is not there any more.");
    } else if (under_way->mishap == MISHAP_BUSY || under_way->mishap == MISHAP_TIMED_OUT ||
               under_way->mishap == MISHAP_ADDRESS_BUSY || order->is_stuck[output]) {
        order->troubles[output]++;
        order->is_stuck[output] |= under_way->mishap == MISHAP_ADDRESS_BUSY;
        work_fail(result, WORK_TRANSIENT, "What the model made could not be fetched just now.");
    } else {
        result->output_count = 1;
        result->outputs[0].file = blob_store(
            outside, &result->arena,
            (struct blob){
                .order = number, .output = output, .is_film = order->is_film != order->lies});
    }
}

static void answer_derive(struct pretend *outside, const struct under_way *under_way,
                          struct work_result *result)
{
    size_t number;
    if (!blob_number(outside, under_way->work->blob, &number) ||
        !outside->blobs[number - 1].is_there) {
        outside->wrong = "a picture was lost before it could be kept";
        work_fail(result, WORK_BROKEN, "It is gone.");
        return;
    }
    const struct blob blob = outside->blobs[number - 1];
    struct commission *order = blob.order == 0 ? NULL : &outside->orders[blob.order - 1];
    if (order != NULL && under_way->mishap == MISHAP_BROKEN)
        order->is_spoiled[blob.output] = true;
    if (order != NULL &&
        (under_way->mishap == MISHAP_BUSY || under_way->mishap == MISHAP_TIMED_OUT))
        order->troubles[blob.output]++;
    if (under_way->mishap == MISHAP_BROKEN) {
        work_fail(result, WORK_BROKEN, "What the model sent is no picture.");
        return;
    }
    if (under_way->mishap == MISHAP_BUSY || under_way->mishap == MISHAP_TIMED_OUT) {
        work_fail(result, WORK_TRANSIENT, "The media helper is busy.");
        return;
    }
    result->thumbnail = blob_store(outside, &result->arena, (struct blob){0});
    result->display = blob_store(outside, &result->arena, (struct blob){0});
    result->blur = STR("data:image/png;base64,AAAA");
    result->mime_type = blob.is_film ? STR("video/mp4") : STR("image/png");
    result->width = 512;
    result->height = 512;
    if (blob.is_film)
        result->duration = (struct maybe_number){4, true};
}

static void answer_sketch(struct pretend *outside, const struct under_way *under_way,
                          struct work_result *result)
{
    bool is_film = under_way->work->media == MEDIA_VIDEO;
    if (under_way->mishap == MISHAP_BUSY || under_way->mishap == MISHAP_TIMED_OUT) {
        work_fail(result, WORK_TRANSIENT, "The sketcher is busy.");
    } else if (under_way->mishap == MISHAP_REFUSED) {
        work_fail(result, WORK_REFUSED, "The sketcher refused.");
    } else {
        struct blob blob = {.is_film = is_film != (under_way->mishap == MISHAP_LIES)};
        result->output_count = 1;
        result->outputs[0].file = blob_store(outside, &result->arena, blob);
    }
}

static void answer_cancel(struct pretend *outside, const struct under_way *under_way,
                          struct work_result *result)
{
    struct commission *order = order_named(outside, under_way->work->job);
    if (under_way->mishap == MISHAP_BUSY || under_way->mishap == MISHAP_TIMED_OUT)
        work_fail(result, WORK_TRANSIENT, "It cannot be stopped just now.");
    else if (order != NULL)
        order->is_canceled = true;
    if (order != NULL)
        order->cancels++;
}

/* We heard nothing: the provider may all the same have done what it was asked. */
static bool keeps_silent(struct pretend *outside, const struct under_way *under_way,
                         struct work_result *result)
{
    const struct work *work = under_way->work;
    bool is_lost = under_way->mishap == MISHAP_ANSWER_LOST;
    bool is_of_provider = work->kind == WORK_SUBMIT || work->kind == WORK_POLL;
    if (is_lost)
        order_take(outside, work, MISHAP_ANSWER_LOST);
    if (is_lost || (is_of_provider && under_way->mishap == MISHAP_TIMED_OUT))
        work_fail(result, WORK_TRANSIENT, "The model's provider took too long.");
    return result->failure != WORK_OK;
}

void outside_answer(struct pretend *outside, const struct under_way *under_way,
                    struct work_result *result)
{
    size_t number;
    if (keeps_silent(outside, under_way, result))
        return;
    switch (under_way->work->kind) {
    case WORK_SUBMIT:
    case WORK_POLL:
        answer_provider(outside, under_way, result);
        break;
    case WORK_FETCH:
        answer_fetch(outside, under_way, result);
        break;
    case WORK_DERIVE:
        answer_derive(outside, under_way, result);
        break;
    case WORK_PREVIEW:
        result->moving = blob_store(outside, &result->arena, (struct blob){0});
        result->playback = blob_store(outside, &result->arena, (struct blob){0});
        break;
    case WORK_RESIZE:
        result->resized = blob_store(outside, &result->arena, (struct blob){0});
        result->width = result->height = under_way->work->width;
        break;
    case WORK_SKETCH:
        answer_sketch(outside, under_way, result);
        break;
    case WORK_CANCEL:
        answer_cancel(outside, under_way, result);
        break;
    case WORK_REMOVE_BLOB:
        if (blob_number(outside, under_way->work->blob, &number))
            outside->blobs[number - 1].is_there = false;
        break;
    default:
        outside->wrong = "an unknown kind of work";
    }
}
