/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ComfyUI on one's own machine. A wish becomes the workflow that the operator wrote for the model,
 * or the plain one from words (and a picture) to pictures, with the model as its checkpoint; our
 * job is the id of the prompt. The picture to start from is uploaded first, under a name that is
 * the attempt's.
 *
 *   POST /upload/image (if there is a picture)     POST /prompt -> prompt_id
 *   GET /history/<id> -> {} until it is done       GET /view?filename=…
 */
#include "provider/dialect.h"

#include "base/encode.h"
#include "provider/workflow.h"

#define SEEDS UINT64_C(9007199254740992)
#define NAME_MAX_BYTES 400

static void write_sampler(struct buffer *to, const struct provider_wish *wish)
{
    double guidance = wish->guidance.is_set ? wish->guidance.value : 7;
    buffer_format(to,
                  "\"sampler\":{\"class_type\":\"KSampler\",\"inputs\":{\"seed\":%llu,"
                  "\"steps\":%lld,\"cfg\":",
                  (unsigned long long)((uint64_t)wish->seed.value % SEEDS),
                  (long long)(wish->steps.is_set ? wish->steps.value : 20));
    json_write_number(to, guidance);
    buffer_str(to, STR(",\"sampler_name\":\"euler\",\"scheduler\":\"normal\",\"denoise\":"));
    json_write_number(to, wish->image.at == NULL  ? 1
                          : wish->strength.is_set ? wish->strength.value
                                                  : 0.75);
    buffer_str(to, STR(",\"model\":[\"checkpoint\",0],\"positive\":[\"wanted\",0],"
                       "\"negative\":[\"unwanted\",0],\"latent_image\":[\"canvas\",0]}}"));
}

static void write_words(struct buffer *to, const char *node, str words)
{
    buffer_format(to, "\"%s\":{\"class_type\":\"CLIPTextEncode\",\"inputs\":{\"text\":", node);
    json_write_text(to, words);
    buffer_str(to, STR(",\"clip\":[\"checkpoint\",1]}},"));
}

/* What the picture is called there. */
static str image_name(struct arena *arena, const struct provider_wish *wish)
{
    if (wish->image.at == NULL)
        return (str){0};
    return str_format(arena, "%.*s.%.*s", STR_ARG(wish->idempotency_key),
                      STR_ARG(provider_image_ending(wish)));
}

/* What is painted on: nothing yet, or the picture in the size that is asked for. */
static void write_canvas(struct buffer *to, const struct provider_wish *wish, str image)
{
    if (image.len == 0) {
        buffer_format(to,
                      "\"canvas\":{\"class_type\":\"EmptyLatentImage\",\"inputs\":{\"width\":%lld,"
                      "\"height\":%lld,\"batch_size\":%lld}},",
                      (long long)wish->width, (long long)wish->height, (long long)wish->count);
        return;
    }
    buffer_str(to, STR("\"start\":{\"class_type\":\"LoadImage\",\"inputs\":{\"image\":"));
    json_write_text(to, image);
    buffer_format(
        to,
        "}},\"scaled\":{\"class_type\":\"ImageScale\",\"inputs\":{\"image\":[\"start\",0],"
        "\"upscale_method\":\"lanczos\",\"width\":%lld,\"height\":%lld,"
        "\"crop\":\"center\"}},\"encoded\":{\"class_type\":\"VAEEncode\",\"inputs\":{"
        "\"pixels\":[\"scaled\",0],\"vae\":[\"checkpoint\",2]}},\"canvas\":{"
        "\"class_type\":\"RepeatLatentBatch\",\"inputs\":{\"samples\":[\"encoded\",0],"
        "\"amount\":%lld}},",
        (long long)wish->width, (long long)wish->height, (long long)wish->count);
}

static void write_plain(struct buffer *to, const struct provider_wish *wish, str image)
{
    buffer_str(to, STR("{\"checkpoint\":{\"class_type\":\"CheckpointLoaderSimple\",\"inputs\":{"
                       "\"ckpt_name\":"));
    json_write_text(to, wish->model);
    buffer_str(to, STR("}},"));
    write_canvas(to, wish, image);
    write_words(to, "wanted", wish->prompt);
    write_words(to, "unwanted", wish->negative_prompt);
    write_sampler(to, wish);
    buffer_str(to, STR(",\"picture\":{\"class_type\":\"VAEDecode\",\"inputs\":{"
                       "\"samples\":[\"sampler\",0],\"vae\":[\"checkpoint\",2]}},"
                       "\"save\":{\"class_type\":\"SaveImage\",\"inputs\":{"
                       "\"images\":[\"picture\",0],\"filename_prefix\":\"atelier\"}}}"));
}

static void write_workflow(struct buffer *to, struct arena *arena, const struct provider_wish *wish)
{
    struct json own;
    str image = image_name(arena, wish);
    if (wish->workflow.len != 0 && workflow_fill(arena, wish->workflow, wish, image, &own))
        json_write_canonical(to, &own);
    else
        write_plain(to, wish, image);
}

static void upload(struct arena *arena, const struct provider_site *site,
                   const struct provider_wish *wish, struct provider_request *out)
{
    AUTO(buffer_done) struct buffer body = {0};
    str boundary = provider_form_boundary(arena, wish);
    provider_start(arena, site, &comfyui_provider, "POST", STR("/upload/image"), "Bearer", out);
    provider_form_type(arena, out, boundary);
    provider_form_text(&body, boundary, "type", STR("input"));
    provider_form_text(&body, boundary, "overwrite", STR("true"));
    provider_form_picture(&body, boundary, wish, wish->idempotency_key);
    buffer_format(&body, "--%.*s--\r\n", STR_ARG(boundary));
    out->body = str_copy(arena, buffer_text(&body));
}

static void submit(struct arena *arena, const struct provider_site *site,
                   const struct provider_wish *wish, struct provider_request *out)
{
    AUTO(buffer_done) struct buffer body = {0};
    provider_start(arena, site, &comfyui_provider, "POST", STR("/prompt"), "Bearer", out);
    buffer_str(&body, STR("{\"client_id\":\"atelier\",\"prompt\":"));
    write_workflow(&body, arena, wish);
    buffer_char(&body, '}');
    out->body = str_copy(arena, buffer_text(&body));
}

/* ---- what it says ---- */

static bool read_answer(struct arena *arena, int status, str body, struct json *answer,
                        struct provider_answer *out)
{
    struct fault fault;
    *out = (struct provider_answer){0};
    if (!json_read(arena, body, 0, answer, &fault))
        *answer = (struct json){0};
    if (status >= 200 && status <= 299)
        return true;
    const struct json *error = json_get(answer, "error");
    str type = json_text(json_get(error, "type"));
    str message = json_text(json_get(error, "message"));
    str details = json_text(json_get(error, "details"));
    provider_fail_by_status(
        arena, status,
        str_format(arena, "%.*s: %.*s %.*s", STR_ARG(type), STR_ARG(message), STR_ARG(details)),
        out);
    return false;
}

static void submitted(struct arena *arena, int status, str body, struct provider_answer *out)
{
    struct json answer;
    if (!read_answer(arena, status, body, &answer, out))
        return;
    str id = json_text(json_get(&answer, "prompt_id"));
    if (!dialect_is_id(id)) {
        provider_fail(out, PROVIDER_BROKEN,
                      "The model's provider sent an answer that cannot be read.");
        return;
    }
    out->is_pending = true;
    out->job = str_copy(arena, id);
}

static void add_part(struct buffer *to, const char *name, str value)
{
    buffer_format(to, "%s=", name);
    percent_append(to, value);
}

/* Where a picture lies, below the engine's own address. Previews are not what was asked for. */
static void add_picture(struct arena *arena, const struct json *picture,
                        struct provider_answer *out)
{
    AUTO(buffer_done) struct buffer path = buffer_with_max(KIB(4));
    str filename = json_text(json_get(picture, "filename"));
    str subfolder = json_text(json_get(picture, "subfolder"));
    str type = json_text(json_get(picture, "type"));
    if (filename.len == 0 || filename.len > NAME_MAX_BYTES || subfolder.len > NAME_MAX_BYTES ||
        !str_equal(type, STR("output")) || out->output_count == PROVIDER_OUTPUTS_MAX)
        return;
    buffer_str(&path, STR("/view?"));
    add_part(&path, "filename", filename);
    add_part(&path, "&subfolder", subfolder);
    add_part(&path, "&type", type);
    out->outputs[out->output_count++].url = str_copy(arena, buffer_text(&path));
}

static void add_pictures(struct arena *arena, const struct json *list, struct provider_answer *out)
{
    for (size_t i = 0; list->kind == JSON_LIST && i < list->count; i++)
        add_picture(arena, &list->items[i], out);
}

/* "status_str", and of its messages the one that tells what broke. */
static void take_error(struct arena *arena, const struct json *status, struct provider_answer *out)
{
    const struct json *messages = json_get(status, "messages");
    str cause = STR("no message");
    bool is_interrupted = false;
    for (size_t i = 0; messages->kind == JSON_LIST && i < messages->count; i++) {
        const struct json *message = &messages->items[i];
        if (message->kind != JSON_LIST || message->count != 2)
            continue;
        is_interrupted |= str_equal(json_text(&message->items[0]), STR("execution_interrupted"));
        str said = json_text(json_get(&message->items[1], "exception_message"));
        if (said.len != 0)
            cause = said;
    }
    if (is_interrupted)
        provider_fail(out, PROVIDER_CANCELED, "This was canceled at the model's provider.");
    else
        provider_fail(out, PROVIDER_FAILED, "The model failed while making this.");
    out->cause = str_copy(arena, utf8_cut(cause, 400));
}

static void polled(struct arena *arena, int status, str body, struct provider_answer *out)
{
    static const char *const lists[] = {"images", "videos", "gifs"}; /* as nodes name them */
    struct json answer;
    if (!read_answer(arena, status, body, &answer, out))
        return;
    if (answer.kind == JSON_OBJECT && answer.count == 0) {
        out->is_pending = true;
        return;
    }
    const struct json *entry = answer.kind == JSON_OBJECT ? &answer.items[0] : &answer;
    const struct json *how = json_get(entry, "status");
    const struct json *outputs = json_get(entry, "outputs");
    if (str_equal(json_text(json_get(how, "status_str")), STR("error"))) {
        take_error(arena, how, out);
        return;
    }
    for (size_t i = 0; outputs->kind == JSON_OBJECT && i < outputs->count; i++) {
        for (size_t k = 0; k < ARRAY_LEN(lists); k++)
            add_pictures(arena, json_get(&outputs->items[i], lists[k]), out);
    }
    if (out->output_count == 0)
        provider_fail(out, PROVIDER_BROKEN,
                      "The model's provider sent an answer without pictures.");
}

static void poll(struct arena *arena, const struct provider_site *site, str job,
                 struct provider_request *out)
{
    provider_start(arena, site, &comfyui_provider, "GET",
                   str_format(arena, "/history/%.*s", STR_ARG(job)), "Bearer", out);
}

/* Stops what runs if it is ours. One that still waits there runs: let concurrency be 1, so that
 * waiting is done here. */
static void cancel(struct arena *arena, const struct provider_site *site, str job,
                   struct provider_request *out)
{
    provider_start(arena, site, &comfyui_provider, "POST", STR("/interrupt"), "Bearer", out);
    out->body = str_format(arena, "{\"prompt_id\":\"%.*s\"}", STR_ARG(job));
}

const struct provider comfyui_provider = {
    .name = "comfyui",
    .upload = upload,
    .submit = submit,
    .submitted = submitted,
    .poll = poll,
    .polled = polled,
    .cancel = cancel,
};
