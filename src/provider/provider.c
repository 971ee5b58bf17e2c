/* SPDX-License-Identifier: Apache-2.0 */
#include "provider/provider.h"

#include "base/encode.h"
#include "base/hash.h"

#define CAUSE_MAX 400

void provider_header_add(struct provider_request *request, str name, str value)
{
    assert(request->header_count < PROVIDER_HEADERS_MAX);
    request->headers[request->header_count++] = (struct provider_header){name, value};
}

static str trimmed(str base)
{
    while (str_ends(base, STR("/")))
        base.len--;
    return base;
}

str provider_v1(struct arena *arena, const struct provider_site *site, str path)
{
    bool has_it = str_ends(trimmed(site->base_url), STR("/v1"));
    return str_format(arena, "%s%.*s", has_it ? "" : "/v1", STR_ARG(path));
}

void provider_start(struct arena *arena, const struct provider_site *site,
                    const struct provider *provider, const char *method, str path,
                    const char *scheme, struct provider_request *out)
{
    str base = site->base_url;
    if (base.len == 0 && provider->base_url != NULL)
        base = str_of(provider->base_url);
    base = trimmed(base);
    *out = (struct provider_request){
        .method = str_of(method),
        .url = str_format(arena, "%.*s%.*s", STR_ARG(base), STR_ARG(path)),
    };
    if (!str_equal(out->method, STR("GET")))
        provider_header_add(out, STR("Content-Type"), STR("application/json"));
    if (site->key.len != 0)
        provider_header_add(out, STR("Authorization"),
                            str_format(arena, "%s %.*s", scheme, STR_ARG(site->key)));
}

void provider_content_type(struct provider_request *request, str value)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (str_equal(request->headers[i].name, STR("Content-Type")))
            request->headers[i].value = value;
}

void provider_fail(struct provider_answer *out, enum provider_failure failure, const char *text)
{
    *out = (struct provider_answer){.failure = failure, .text = str_of(text)};
}

void provider_fail_by_status(struct arena *arena, int status, str cause,
                             struct provider_answer *out)
{
    bool is_busy =
        status == 408 || status == 409 || status == 425 || status == 429 || status >= 500;
    if (provider_is_policy(cause))
        provider_fail(out, PROVIDER_POLICY,
                      "The model refuses this prompt. Change the words and try again.");
    else if (status == 401 || status == 403)
        provider_fail(out, PROVIDER_REFUSED,
                      "The model's provider refused the studio's key. The operator has to mend "
                      "that.");
    else if (status == 402)
        provider_fail(out, PROVIDER_REFUSED,
                      "The studio's account with the model's provider is empty. The operator has "
                      "to mend that.");
    else if (is_busy)
        provider_fail(out, PROVIDER_BUSY, "The model's provider is not answering just now.");
    else
        provider_fail(out, PROVIDER_REFUSED, "The model's provider refused this request.");
    out->cause =
        str_format(arena, "status %d: %.*s", status, STR_ARG(utf8_cut(cause, CAUSE_MAX - 20)));
}

bool provider_output_add(struct arena *arena, str url, struct provider_answer *out)
{
    struct provider_output output = {.url = url};
    ptrdiff_t comma = str_find(url, ',');
    if (out->output_count == PROVIDER_OUTPUTS_MAX)
        return false;
    if (str_starts(url, STR("data:"))) {
        output.url = (str){0};
        if (comma < 0 || !str_ends(str_slice(url, 0, (size_t)comma), STR(";base64")) ||
            !base64_read(arena, str_slice(url, (size_t)comma + 1, url.len), &output.content))
            return false;
    } else if (!str_starts(url, STR("http://")) && !str_starts(url, STR("https://"))) {
        return false;
    }
    out->outputs[out->output_count++] = output;
    return true;
}

str provider_data_url(struct arena *arena, const struct provider_wish *wish)
{
    str encoded = base64_write(arena, wish->image);
    return str_format(arena, "data:%.*s;base64,%.*s", STR_ARG(wish->image_type), STR_ARG(encoded));
}

/* ---- forms ---- */

str provider_form_boundary(struct arena *arena, const struct provider_wish *wish)
{
    uint8_t both[64];
    sha256(wish->image, both);
    sha256(bytes_of(wish->prompt), both + 32);
    sha256((bytes){both, sizeof(both)}, both);
    return hex_write(arena, (bytes){both, 32});
}

void provider_form_text(struct buffer *to, str boundary, const char *name, str value)
{
    buffer_format(to, "--%.*s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n",
                  STR_ARG(boundary), name);
    buffer_str(to, value);
    buffer_str(to, STR("\r\n"));
}

str provider_image_ending(const struct provider_wish *wish)
{
    ptrdiff_t slash = str_find(wish->image_type, '/');
    return str_slice(wish->image_type, (size_t)(slash + 1), wish->image_type.len);
}

void provider_form_picture(struct buffer *to, str boundary, const struct provider_wish *wish,
                           str name)
{
    buffer_format(to,
                  "--%.*s\r\nContent-Disposition: form-data; name=\"image\"; "
                  "filename=\"%.*s.%.*s\"\r\nContent-Type: %.*s\r\n\r\n",
                  STR_ARG(boundary), STR_ARG(name), STR_ARG(provider_image_ending(wish)),
                  STR_ARG(wish->image_type));
    buffer_str(to, str_from(wish->image));
    buffer_str(to, STR("\r\n"));
}

void provider_form_type(struct arena *arena, struct provider_request *request, str boundary)
{
    provider_content_type(
        request, str_format(arena, "multipart/form-data; boundary=%.*s", STR_ARG(boundary)));
}

bool provider_is_policy(str words)
{
    static const char *const signs[] = {
        "content_policy", "content policy", "moderation", "nsfw",   "safety",
        "sensitive",      "flagged",        "prohibited", "violat",
    };
    for (size_t i = 0; i < ARRAY_LEN(signs); i++)
        if (str_contains_nocase(words, str_of(signs[i])))
            return true;
    return false;
}
