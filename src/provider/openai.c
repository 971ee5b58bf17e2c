/* SPDX-License-Identifier: Apache-2.0 */
/* OpenAI's images API, which local engines speak too. The base address may end in /v1 or not. */
#include "provider/provider.h"

#include "base/encode.h"
#include "json/json.h"

/* These always send bytes and refuse to be asked for them. */
static bool sends_bytes(str model)
{
    return str_starts(model, STR("gpt-image"));
}

static void add_words(struct buffer *body, const struct provider_wish *wish)
{
    buffer_str(body, STR("{\"model\":"));
    json_write_text(body, wish->model);
    buffer_str(body, STR(",\"prompt\":"));
    json_write_text(body, wish->prompt);
    buffer_format(body, ",\"n\":%lld,\"size\":\"%lldx%lld\"", (long long)wish->count,
                  (long long)wish->width, (long long)wish->height);
    if (wish->quality.len != 0) {
        buffer_str(body, STR(",\"quality\":"));
        json_write_text(body, wish->quality);
    }
    if (!sends_bytes(wish->model))
        buffer_str(body, STR(",\"response_format\":\"b64_json\""));
    buffer_char(body, '}');
}

/* ---- with a picture to start from: a form ---- */

/* Without words it is asked for variations. */
static void write_form(struct buffer *to, struct arena *arena, str boundary,
                       const struct provider_wish *wish)
{
    provider_form_text(to, boundary, "model", wish->model);
    if (wish->prompt.len != 0)
        provider_form_text(to, boundary, "prompt", wish->prompt);
    provider_form_text(to, boundary, "n", str_format(arena, "%lld", (long long)wish->count));
    provider_form_text(
        to, boundary, "size",
        str_format(arena, "%lldx%lld", (long long)wish->width, (long long)wish->height));
    if (wish->quality.len != 0)
        provider_form_text(to, boundary, "quality", wish->quality);
    if (!sends_bytes(wish->model))
        provider_form_text(to, boundary, "response_format", STR("b64_json"));
    provider_form_picture(to, boundary, wish, STR("picture"));
    buffer_format(to, "--%.*s--\r\n", STR_ARG(boundary));
}

static void submit(struct arena *arena, const struct provider_site *site,
                   const struct provider_wish *wish, struct provider_request *out)
{
    AUTO(buffer_done) struct buffer body = {0};
    const char *verb = wish->image.at == NULL  ? "generations"
                       : wish->prompt.len != 0 ? "edits"
                                               : "variations";
    str path = str_format(arena, "/images/%s", verb);
    provider_start(arena, site, &openai_provider, "POST", provider_v1(arena, site, path), "Bearer",
                   out);
    if (wish->image.at == NULL) {
        add_words(&body, wish);
    } else {
        str boundary = provider_form_boundary(arena, wish);
        write_form(&body, arena, boundary, wish);
        provider_form_type(arena, out, boundary);
    }
    out->body = str_copy(arena, buffer_text(&body));
}

/* ---- what it says ---- */

static void read_failure(struct arena *arena, int status, const struct json *answer,
                         struct provider_answer *out)
{
    const struct json *error = json_get(answer, "error");
    str code = json_text(json_get(error, "code"));
    str message = json_text(json_get(error, "message"));
    if (error->kind == JSON_TEXT)
        message = error->text;
    provider_fail_by_status(arena, status,
                            str_format(arena, "%.*s%s%.*s", STR_ARG(code),
                                       code.len != 0 && message.len != 0 ? ": " : "",
                                       STR_ARG(message)),
                            out);
}

static bool read_output(struct arena *arena, const struct json *item, struct provider_answer *out)
{
    str encoded = json_text(json_get(item, "b64_json"));
    struct provider_output output = {0};
    if (encoded.len == 0)
        return provider_output_add(arena, json_text(json_get(item, "url")), out);
    if (out->output_count == PROVIDER_OUTPUTS_MAX || !base64_read(arena, encoded, &output.content))
        return false;
    out->outputs[out->output_count++] = output;
    return true;
}

static void submitted(struct arena *arena, int status, str body, struct provider_answer *out)
{
    struct json answer;
    struct fault fault;
    bool is_json = json_read(arena, body, 0, &answer, &fault);

    *out = (struct provider_answer){0};
    if (!is_json)
        answer = (struct json){0};
    if (status < 200 || status > 299) {
        read_failure(arena, status, &answer, out);
        return;
    }
    const struct json *data = json_get(&answer, "data");
    if (data->kind != JSON_LIST || data->count == 0) {
        provider_fail(out, PROVIDER_BROKEN,
                      "The model's provider sent an answer without pictures.");
        return;
    }
    bool is_read = false;
    for (size_t i = 0; i < data->count; i++)
        is_read |= read_output(arena, &data->items[i], out);
    if (!is_read)
        provider_fail(out, PROVIDER_BROKEN,
                      "The model's provider sent pictures that cannot be read.");
}

const struct provider openai_provider = {
    .name = "openai",
    .base_url = "https://api.openai.com",
    .outputs_last = HOURS(1),
    .submit = submit,
    .submitted = submitted,
};
