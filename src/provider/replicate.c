/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replicate's predictions (PROV-03, PROV-04). A model is "owner/name", or "owner/name:version" for
 * those that are not official. Our job is the prediction's id. The base address may end in /v1.
 *
 *   starting -> processing -> succeeded | failed | canceled      aborted: never started
 */
#include "provider/dialect.h"
#include "provider/hook.h"

static const struct dialect dialects[] = {
    {.prefix = "stability-ai/stable-diffusion-3",
     .size = SIZE_RATIO,
     .steps = "steps",
     .guidance = "cfg",
     .negative = "negative_prompt",
     .image = "image",
     .strength = "prompt_strength"},
    {.prefix = "black-forest-labs/flux-schnell",
     .size = SIZE_RATIO,
     .count = "num_outputs",
     .steps = "num_inference_steps"},
    {.prefix = "black-forest-labs/flux-dev",
     .size = SIZE_RATIO,
     .count = "num_outputs",
     .steps = "num_inference_steps",
     .guidance = "guidance",
     .image = "image",
     .strength = "prompt_strength"},
    {.prefix = "black-forest-labs/flux-kontext", .size = SIZE_RATIO, .image = "input_image"},
    {.prefix = "black-forest-labs/flux-1.1-pro-ultra", .size = SIZE_RATIO, .image = "image_prompt"},
    {.prefix = "black-forest-labs/flux-1.1-pro", .size = SIZE_CUSTOM, .image = "image_prompt"},
    {.prefix = "black-forest-labs/flux-pro",
     .size = SIZE_CUSTOM,
     .steps = "steps",
     .guidance = "guidance",
     .image = "image_prompt"},
    {.prefix = "black-forest-labs/flux-2",
     .size = SIZE_CUSTOM,
     .image = "input_images",
     .image_is_list = true},
    {.prefix = "google/veo",
     .size = SIZE_RATIO,
     .length = LENGTH_NUMBER,
     .negative = "negative_prompt",
     .resolution = "resolution",
     .image = "image"},
    {.prefix = "google/imagen", .size = SIZE_RATIO},
    {.prefix = "minimax/hailuo",
     .length = LENGTH_NUMBER,
     .resolution = "resolution",
     .image = "first_frame_image"},
    {.prefix = "minimax/video-01", .image = "first_frame_image"},
    {.prefix = "bytedance/seedance",
     .size = SIZE_RATIO,
     .length = LENGTH_NUMBER,
     .resolution = "resolution",
     .image = "image",
     .camera = "camera_fixed"},
    {.prefix = "kwaivgi/kling",
     .size = SIZE_RATIO,
     .length = LENGTH_NUMBER,
     .negative = "negative_prompt",
     .image = "start_image"},
    /* As SDXL and what was made of it. */
    {.prefix = "",
     .size = SIZE_PIXELS,
     .count = "num_outputs",
     .steps = "num_inference_steps",
     .guidance = "guidance_scale",
     .negative = "negative_prompt",
     .image = "image",
     .strength = "prompt_strength"},
    {.prefix = "",
     .is_video = true,
     .size = SIZE_RATIO,
     .length = LENGTH_NUMBER,
     .negative = "negative_prompt",
     .resolution = "resolution",
     .image = "image"},
};

static void start(struct arena *arena, const struct provider_site *site, const char *method,
                  str path, struct provider_request *out)
{
    provider_start(arena, site, &replicate_provider, method, provider_v1(arena, site, path),
                   "Bearer", out);
}

static void submit(struct arena *arena, const struct provider_site *site,
                   const struct provider_wish *wish, struct provider_request *out)
{
    AUTO(buffer_done) struct buffer body = {0};
    ptrdiff_t colon = str_find(wish->model, ':');
    str path = STR("/predictions");
    if (colon < 0)
        path = str_format(arena, "/models/%.*s/predictions", STR_ARG(wish->model));
    start(arena, site, "POST", path, out);

    buffer_char(&body, '{');
    if (colon >= 0) {
        buffer_str(&body, STR("\"version\":"));
        json_write_text(&body, str_slice(wish->model, (size_t)colon + 1, wish->model.len));
        buffer_char(&body, ',');
    }
    buffer_str(&body, STR("\"input\":"));
    dialect_write(&body, arena, dialect_of(dialects, ARRAY_LEN(dialects), wish), wish);
    if (site->webhook_url.len != 0) {
        buffer_str(&body, STR(",\"webhook\":"));
        json_write_text(&body, site->webhook_url);
        buffer_str(&body, STR(",\"webhook_events_filter\":[\"completed\"]"));
    }
    buffer_char(&body, '}');
    out->body = str_copy(arena, buffer_text(&body));
}

/* ---- what it says ---- */

/* Of the last line that shows how far it is, as in " 45%|####    | 9/20". */
static struct maybe_number progress_of(str logs)
{
    struct maybe_number part = {0};
    str line;
    while (str_split(&logs, '\n', &line)) {
        int64_t percent;
        ptrdiff_t sign = str_find(line, '%');
        str behind = str_trim(str_slice(line, sign < 0 ? line.len : (size_t)sign + 1, line.len));
        if (str_starts(behind, STR("|")) &&
            str_to_int(str_trim(str_slice(line, 0, (size_t)sign)), &percent) && percent >= 0 &&
            percent <= 100)
            part = (struct maybe_number){(double)percent / 100, true};
    }
    return part;
}

static void fail_job(struct arena *arena, str cause, struct provider_answer *out)
{
    if (provider_is_policy(cause))
        provider_fail(out, PROVIDER_POLICY,
                      "The model refuses this prompt. Change the words and try again.");
    else
        provider_fail(out, PROVIDER_FAILED, "The model failed while making this.");
    out->cause = str_copy(arena, utf8_cut(cause, 400));
}

static void read_done(struct arena *arena, const struct json *prediction,
                      struct provider_answer *out)
{
    dialect_collect(arena, json_get(prediction, "output"), true, out);
    if (out->output_count != 0)
        return;
    if (json_bool(json_get(prediction, "data_removed"), false))
        provider_fail(out, PROVIDER_FAILED,
                      "The finished work was gone before it could be "
                      "fetched.");
    else
        provider_fail(out, PROVIDER_BROKEN,
                      "The model's provider sent an answer without pictures.");
}

static void read_prediction(struct arena *arena, const struct json *prediction,
                            struct provider_answer *out)
{
    str id = json_text(json_get(prediction, "id"));
    str status = json_text(json_get(prediction, "status"));
    double seconds = json_number(json_get(json_get(prediction, "metrics"), "predict_time"), -1);
    bool is_under_way = str_equal(status, STR("starting")) || str_equal(status, STR("processing"));
    if (is_under_way && dialect_is_id(id)) {
        out->is_pending = true;
        out->job = str_copy(arena, id);
        out->progress = progress_of(json_text(json_get(prediction, "logs")));
    } else if (str_equal(status, STR("succeeded"))) {
        read_done(arena, prediction, out);
    } else if (str_equal(status, STR("failed"))) {
        fail_job(arena, json_text(json_get(prediction, "error")), out);
    } else if (str_equal(status, STR("aborted"))) {
        provider_fail(out, PROVIDER_FAILED, "The model's provider did not get round to this.");
    } else if (str_equal(status, STR("canceled"))) {
        provider_fail(out, PROVIDER_CANCELED, "This was canceled at the model's provider.");
    } else {
        provider_fail(out, PROVIDER_BROKEN,
                      "The model's provider sent an answer that cannot be "
                      "read.");
    }
    if (seconds >= 0)
        out->seconds = (struct maybe_number){seconds, true};
}

static bool read_answer(struct arena *arena, int status, str body, struct provider_answer *out)
{
    struct json answer = dialect_answer(arena, body);
    *out = (struct provider_answer){0};
    if (status >= 200 && status <= 299) {
        read_prediction(arena, &answer, out);
        return true;
    }
    str title = json_text(json_get(&answer, "title"));
    str detail = json_text(json_get(&answer, "detail"));
    provider_fail_by_status(arena, status,
                            str_format(arena, "%.*s%s%.*s", STR_ARG(title),
                                       title.len != 0 && detail.len != 0 ? ": " : "",
                                       STR_ARG(detail)),
                            out);
    return false;
}

static void submitted(struct arena *arena, int status, str body, struct provider_answer *out)
{
    read_answer(arena, status, body, out);
}

static void polled(struct arena *arena, int status, str body, struct provider_answer *out)
{
    if (read_answer(arena, status, body, out) || (status != 404 && status != 410))
        return;
    out->failure = PROVIDER_FAILED;
    out->text = STR("The model's provider lost this.");
}

static void poll(struct arena *arena, const struct provider_site *site, str job,
                 struct provider_request *out)
{
    start(arena, site, "GET", str_format(arena, "/predictions/%.*s", STR_ARG(job)), out);
}

static void cancel(struct arena *arena, const struct provider_site *site, str job,
                   struct provider_request *out)
{
    start(arena, site, "POST", str_format(arena, "/predictions/%.*s/cancel", STR_ARG(job)), out);
}

static bool hooked(struct arena *arena, const struct provider_site *site,
                   const struct provider_hook *hook, str *job)
{
    return (site->webhook_secret.len == 0 || hook_is_signed(arena, site->webhook_secret, hook)) &&
           dialect_posted(arena, hook->body, "id", job);
}

const struct provider replicate_provider = {
    .name = "replicate",
    .base_url = "https://api.replicate.com",
    .outputs_last = HOURS(1),
    .submit = submit,
    .submitted = submitted,
    .poll = poll,
    .polled = polled,
    .cancel = cancel,
    .hooked = hooked,
};
