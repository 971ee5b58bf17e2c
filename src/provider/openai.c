/* SPDX-License-Identifier: Apache-2.0 */
/* OpenAI's images API, which local engines speak too. The base address may end in /v1 or not. */
#include "provider/provider.h"

#include "base/encode.h"
#include "base/hash.h"
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

static void add_part(struct buffer *to, str boundary, const char *name, str value)
{
    buffer_format(to, "--%.*s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n",
                  STR_ARG(boundary), name);
    buffer_str(to, value);
    buffer_str(to, STR("\r\n"));
}

static void add_picture(struct buffer *to, str boundary, const struct provider_wish *wish)
{
    ptrdiff_t slash = str_find(wish->image_type, '/');
    str kind = str_slice(wish->image_type, (size_t)(slash + 1), wish->image_type.len);
    buffer_format(to,
                  "--%.*s\r\nContent-Disposition: form-data; name=\"image\"; "
                  "filename=\"picture.%.*s\"\r\nContent-Type: %.*s\r\n\r\n",
                  STR_ARG(boundary), STR_ARG(kind), STR_ARG(wish->image_type));
    buffer_str(to, str_from(wish->image));
    buffer_str(to, STR("\r\n"));
}

/* Nobody can write a picture or a prompt that holds its own hash. */
static str boundary_of(struct arena *arena, const struct provider_wish *wish)
{
    uint8_t both[64];
    sha256(wish->image, both);
    sha256(bytes_of(wish->prompt), both + 32);
    sha256((bytes){both, sizeof(both)}, both);
    return hex_write(arena, (bytes){both, 32});
}

/* Without words it is asked for variations. */
static void write_form(struct buffer *to, struct arena *arena, str boundary,
                       const struct provider_wish *wish)
{
    add_part(to, boundary, "model", wish->model);
    if (wish->prompt.len != 0)
        add_part(to, boundary, "prompt", wish->prompt);
    add_part(to, boundary, "n", str_format(arena, "%lld", (long long)wish->count));
    add_part(to, boundary, "size",
             str_format(arena, "%lldx%lld", (long long)wish->width, (long long)wish->height));
    if (wish->quality.len != 0)
        add_part(to, boundary, "quality", wish->quality);
    if (!sends_bytes(wish->model))
        add_part(to, boundary, "response_format", STR("b64_json"));
    add_picture(to, boundary, wish);
    buffer_format(to, "--%.*s--\r\n", STR_ARG(boundary));
}

static void submit(struct arena *arena, const struct provider_site *site,
                   const struct provider_wish *wish, struct provider_request *out)
{
    AUTO(buffer_done) struct buffer body = {0};
    const char *verb = wish->image.at == NULL  ? "generations"
                       : wish->prompt.len != 0 ? "edits"
                                               : "variations";
    str base = site->base_url;
    while (str_ends(base, STR("/")))
        base.len--;
    provider_start(arena, site, &openai_provider, "POST",
                   str_format(arena, "%s/images/%s", str_ends(base, STR("/v1")) ? "" : "/v1", verb),
                   "Bearer", out);
    if (wish->image.at == NULL) {
        add_words(&body, wish);
    } else {
        str boundary = boundary_of(arena, wish);
        write_form(&body, arena, boundary, wish);
        provider_content_type(
            out, str_format(arena, "multipart/form-data; boundary=%.*s", STR_ARG(boundary)));
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
