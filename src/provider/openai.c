/* SPDX-License-Identifier: Apache-2.0 */
#include "provider/provider.h"

#include "base/encode.h"
#include "json/json.h"

void openai_write(struct arena *arena, str base_url, str key, const struct provider_wish *wish,
                  struct provider_request *out)
{
    while (str_ends(base_url, STR("/")))
        base_url.len--;
    const char *version = str_ends(base_url, STR("/v1")) ? "" : "/v1";

    AUTO(buffer_done) struct buffer body = buffer_with_max(KIB(128));
    buffer_str(&body, STR("{\"model\":"));
    json_write_text(&body, wish->model);
    buffer_str(&body, STR(",\"prompt\":"));
    json_write_text(&body, wish->prompt);
    buffer_format(&body, ",\"n\":%lld,\"size\":\"%lldx%lld\"", (long long)wish->count,
                  (long long)wish->width, (long long)wish->height);
    /* The gpt-image models always send bytes and refuse to be asked. */
    if (!str_starts(wish->model, STR("gpt-image")))
        buffer_str(&body, STR(",\"response_format\":\"b64_json\""));
    buffer_char(&body, '}');

    *out = (struct provider_request){
        .method = STR("POST"),
        .url = str_format(arena, "%.*s%s/images/generations", STR_ARG(base_url), version),
        .body = str_copy(arena, buffer_text(&body)),
    };
    out->headers[out->header_count++] =
        (struct provider_header){STR("Content-Type"), STR("application/json")};
    if (key.len != 0)
        out->headers[out->header_count++] = (struct provider_header){
            STR("Authorization"), str_format(arena, "Bearer %.*s", STR_ARG(key))};
}

static void fail(struct provider_answer *out, enum provider_failure failure, str text)
{
    *out = (struct provider_answer){.failure = failure, .text = text};
}

static void read_failure(int status, const struct json *answer, struct provider_answer *out)
{
    const struct json *error = json_get(answer, "error");
    str code = json_text(json_get(error, "code"));

    if (str_equal(code, STR("content_policy_violation")) ||
        str_equal(code, STR("moderation_blocked")))
        fail(out, PROVIDER_POLICY,
             STR("The model refuses this prompt. Change the words and try again."));
    else if (status == 401 || status == 403)
        fail(out, PROVIDER_REFUSED,
             STR("The model's provider refused the studio's key. The operator has to mend that."));
    else if (status == 408 || status == 409 || status == 429 || status >= 500)
        fail(out, PROVIDER_BUSY, STR("The model's provider is not answering just now."));
    else
        fail(out, PROVIDER_REFUSED, STR("The model's provider refused this request."));
}

static bool read_output(struct arena *arena, const struct json *item, struct provider_output *out)
{
    str encoded = json_text(json_get(item, "b64_json"));
    out->url = json_text(json_get(item, "url"));
    if (encoded.len != 0)
        return base64_read(arena, encoded, &out->content);
    return str_starts(out->url, STR("http://")) || str_starts(out->url, STR("https://"));
}

void openai_read(struct arena *arena, int status, str body, struct provider_answer *out)
{
    struct json answer;
    struct fault fault;
    bool is_json = json_read(arena, body, 0, &answer, &fault);

    *out = (struct provider_answer){0};
    if (!is_json)
        answer = (struct json){0};
    if (status < 200 || status > 299) {
        read_failure(status, &answer, out);
        return;
    }
    const struct json *data = json_get(&answer, "data");
    if (data->kind != JSON_LIST || data->count == 0) {
        fail(out, PROVIDER_BROKEN, STR("The model's provider sent an answer without pictures."));
        return;
    }
    for (size_t i = 0; i < data->count && out->output_count < PROVIDER_OUTPUTS_MAX; i++) {
        struct provider_output output = {0};
        if (read_output(arena, &data->items[i], &output))
            out->outputs[out->output_count++] = output;
    }
    if (out->output_count == 0)
        fail(out, PROVIDER_BROKEN, STR("The model's provider sent pictures that cannot be read."));
}
