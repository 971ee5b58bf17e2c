/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP interface of Automatic1111's web UI, which SD.Next and Forge speak too: Stable Diffusion
 * on one's own machine. It answers when the pictures are done, in base64; a model is the name of a
 * checkpoint, or "" for the one that is loaded. The key is "user:password", as in --api-auth.
 */
#include "provider/dialect.h"

#include "base/encode.h"
#include "json/json.h"

#define SEEDS UINT64_C(4294967296)

static void write_numbers(struct buffer *to, const struct provider_wish *wish)
{
    buffer_format(to, ",\"width\":%lld,\"height\":%lld,\"batch_size\":%lld,\"n_iter\":1",
                  (long long)wish->width, (long long)wish->height, (long long)wish->count);
    if (wish->steps.is_set)
        buffer_format(to, ",\"steps\":%lld", (long long)wish->steps.value);
    if (wish->guidance.is_set) {
        buffer_str(to, STR(",\"cfg_scale\":"));
        json_write_number(to, wish->guidance.value);
    }
    if (wish->seed.is_set)
        buffer_format(to, ",\"seed\":%llu",
                      (unsigned long long)((uint64_t)wish->seed.value % SEEDS));
}

static void write_image(struct buffer *to, struct arena *arena, const struct provider_wish *wish)
{
    if (wish->image.at == NULL)
        return;
    buffer_str(to, STR(",\"init_images\":["));
    json_write_text(to, provider_data_url(arena, wish));
    buffer_str(to, STR("],\"denoising_strength\":"));
    json_write_number(to, wish->strength.is_set ? wish->strength.value : 0.75);
}

static void submit(struct arena *arena, const struct provider_site *site,
                   const struct provider_wish *wish, struct provider_request *out)
{
    AUTO(buffer_done) struct buffer body = {0};
    struct provider_site ours = *site;
    if (site->key.len != 0)
        ours.key = base64_write(arena, bytes_of(site->key));
    provider_start(arena, &ours, &automatic1111_provider, "POST",
                   wish->image.at == NULL ? STR("/sdapi/v1/txt2img") : STR("/sdapi/v1/img2img"),
                   "Basic", out);
    buffer_str(&body, STR("{\"prompt\":"));
    json_write_text(&body, wish->prompt);
    buffer_str(&body, STR(",\"negative_prompt\":"));
    json_write_text(&body, wish->negative_prompt);
    write_numbers(&body, wish);
    write_image(&body, arena, wish);
    if (wish->model.len != 0) {
        buffer_str(&body, STR(",\"override_settings\":{\"sd_model_checkpoint\":"));
        json_write_text(&body, wish->model);
        buffer_str(&body, STR("},\"override_settings_restore_afterwards\":false"));
    }
    buffer_str(&body, STR(",\"send_images\":true,\"save_images\":false}"));
    out->body = str_copy(arena, buffer_text(&body));
}

/* {"detail": "…"}, and newer ones {"error", "detail", "body", "errors"}. */
static void read_failure(struct arena *arena, int status, const struct json *answer,
                         struct provider_answer *out)
{
    str error = json_text(json_get(answer, "error"));
    str errors = json_text(json_get(answer, "errors"));
    str detail = json_text(json_get(answer, "detail"));
    provider_fail_by_status(
        arena, status,
        str_format(arena, "%.*s %.*s %.*s", STR_ARG(error), STR_ARG(detail), STR_ARG(errors)), out);
}

/* Before the pictures may stand one of all of them side by side. */
static size_t first_picture(struct arena *arena, const struct json *answer)
{
    struct json info;
    struct fault fault;
    int64_t first = 0;
    if (json_read(arena, json_text(json_get(answer, "info")), 0, &info, &fault))
        first = json_int(json_get(&info, "index_of_first_image"), 0);
    return first < 0 ? 0 : (size_t)first;
}

static bool add_picture(struct arena *arena, str encoded, struct provider_answer *out)
{
    struct provider_output output = {0};
    if (str_starts(encoded, STR("data:")))
        return provider_output_add(arena, encoded, out);
    if (out->output_count == PROVIDER_OUTPUTS_MAX || encoded.len == 0 ||
        !base64_read(arena, encoded, &output.content))
        return false;
    out->outputs[out->output_count++] = output;
    return true;
}

static void submitted(struct arena *arena, int status, str body, struct provider_answer *out)
{
    struct json answer = dialect_answer(arena, body);
    *out = (struct provider_answer){0};
    if (status < 200 || status > 299) {
        read_failure(arena, status, &answer, out);
        return;
    }
    const struct json *images = json_get(&answer, "images");
    size_t first = first_picture(arena, &answer);
    for (size_t i = first; images->kind == JSON_LIST && i < images->count; i++)
        add_picture(arena, json_text(&images->items[i]), out);
    if (out->output_count == 0)
        provider_fail(out, PROVIDER_BROKEN,
                      "The model's provider sent an answer without pictures.");
}

const struct provider automatic1111_provider = {
    .name = "automatic1111",
    .submit = submit,
    .submitted = submitted,
};
