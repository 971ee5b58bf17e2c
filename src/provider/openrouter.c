/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenRouter's chat completions, for models that answer with pictures (PROV-02). They answer at
 * once, one picture a request, as data URLs beside or among the words. The base address may end in
 * /v1. The bill comes with the answer, in US dollars.
 */
#include "provider/dialect.h"

#include <math.h>

#define SEEDS INT64_C(2147483648)
#define DOLLARS_MAX 10000.0

/* Models that only draw refuse to be asked for words, those that talk to be asked for none. */
static bool talks(str model)
{
    return str_starts(model, STR("google/")) || str_starts(model, STR("openai/")) ||
           str_starts(model, STR("openrouter/"));
}

static void write_message(struct buffer *to, struct arena *arena, const struct provider_wish *wish)
{
    str words = wish->prompt;
    if (wish->negative_prompt.len != 0)
        words = str_format(arena, "%.*s\n\nLeave out: %.*s", STR_ARG(wish->prompt),
                           STR_ARG(wish->negative_prompt));
    buffer_str(to, STR(",\"messages\":[{\"role\":\"user\",\"content\":"));
    if (wish->image.at == NULL) {
        json_write_text(to, words);
    } else {
        buffer_str(to, STR("[{\"type\":\"text\",\"text\":"));
        json_write_text(to, words);
        buffer_str(to, STR("},{\"type\":\"image_url\",\"image_url\":{\"url\":"));
        json_write_text(to, provider_data_url(arena, wish));
        buffer_str(to, STR("}}]"));
    }
    buffer_str(to, STR("}]"));
}

static void submit(struct arena *arena, const struct provider_site *site,
                   const struct provider_wish *wish, struct provider_request *out)
{
    AUTO(buffer_done) struct buffer body = {0};
    provider_start(arena, site, &openrouter_provider, "POST",
                   provider_v1(arena, site, STR("/chat/completions")), "Bearer", out);
    provider_header_add(out, STR("X-Title"), STR("Atelier"));

    buffer_str(&body, STR("{\"model\":"));
    json_write_text(&body, wish->model);
    write_message(&body, arena, wish);
    buffer_str(&body, talks(wish->model) ? STR(",\"modalities\":[\"image\",\"text\"]")
                                         : STR(",\"modalities\":[\"image\"]"));
    buffer_str(&body, STR(",\"image_config\":{\"aspect_ratio\":"));
    json_write_text(&body, dialect_ratio(wish));
    if (wish->resolution.len != 0) {
        buffer_str(&body, STR(",\"image_size\":"));
        json_write_text(&body, wish->resolution);
    }
    buffer_char(&body, '}');
    if (wish->seed.is_set)
        buffer_format(&body, ",\"seed\":%lld",
                      (long long)((uint64_t)wish->seed.value % (uint64_t)SEEDS));
    buffer_str(&body, STR(",\"usage\":{\"include\":true},\"stream\":false}"));
    out->body = str_copy(arena, buffer_text(&body));
}

/* ---- what it says ---- */

static str words_of(struct arena *arena, const struct json *error)
{
    AUTO(buffer_done) struct buffer words = buffer_with_max(KIB(64));
    const struct json *metadata = json_get(error, "metadata");
    const struct json *reasons = json_get(metadata, "reasons");
    buffer_str(&words, json_text(json_get(error, "message")));
    for (size_t i = 0; reasons->kind == JSON_LIST && i < reasons->count; i++)
        buffer_format(&words, "%s%.*s", i == 0 ? "; flagged: " : ", ",
                      STR_ARG(json_text(&reasons->items[i])));
    str raw = json_text(json_get(metadata, "raw"));
    if (raw.len != 0)
        buffer_format(&words, "; %.*s", STR_ARG(utf8_cut(raw, 300)));
    return str_copy(arena, buffer_text(&words));
}

/* The status may be 200 while the error has the code of another. */
static bool take_error(struct arena *arena, int status, const struct json *error,
                       struct provider_answer *out)
{
    bool is_well = status >= 200 && status <= 299;
    int64_t code = json_int(json_get(error, "code"), is_well ? 502 : status);
    if (is_well && error->kind != JSON_OBJECT)
        return false;
    if (is_well)
        status = code >= 400 && code <= 599 ? (int)code : 502;
    provider_fail_by_status(arena, status, words_of(arena, error), out);
    return true;
}

static void take_pictures(struct arena *arena, const struct json *list, struct provider_answer *out)
{
    for (size_t i = 0; list->kind == JSON_LIST && i < list->count; i++)
        provider_output_add(
            arena, json_text(json_get(json_get(&list->items[i], "image_url"), "url")), out);
}

/* It talked and drew nothing. */
static void take_words(struct arena *arena, const struct json *choice, struct provider_answer *out)
{
    const struct json *message = json_get(choice, "message");
    str said = json_text(json_get(message, "content"));
    str refusal = json_text(json_get(message, "refusal"));
    bool is_filtered =
        str_equal(json_text(json_get(choice, "finish_reason")), STR("content_filter"));
    if (is_filtered || refusal.len != 0)
        provider_fail(out, PROVIDER_POLICY,
                      "The model refuses this prompt. Change the words and try again.");
    else if (said.len != 0)
        provider_fail(out, PROVIDER_REFUSED,
                      "The model answered in words and made no picture. Say more plainly what to "
                      "draw.");
    else
        provider_fail(out, PROVIDER_BROKEN,
                      "The model's provider sent an answer without pictures.");
    out->cause = str_copy(arena, utf8_cut(refusal.len != 0 ? refusal : said, 400));
}

static void submitted(struct arena *arena, int status, str body, struct provider_answer *out)
{
    struct json answer = dialect_answer(arena, body);
    *out = (struct provider_answer){0};
    if (take_error(arena, status, json_get(&answer, "error"), out))
        return;
    const struct json *choices = json_get(&answer, "choices");
    const struct json *choice =
        choices->kind == JSON_LIST && choices->count != 0 ? &choices->items[0] : choices;
    if (!take_error(arena, 200, json_get(choice, "error"), out)) {
        const struct json *message = json_get(choice, "message");
        take_pictures(arena, json_get(message, "images"), out);
        if (out->output_count == 0)
            take_pictures(arena, json_get(message, "content"), out);
        if (out->output_count == 0)
            take_words(arena, choice, out);
    }
    double dollars = json_number(json_get(json_get(&answer, "usage"), "cost"), -1);
    if (dollars >= 0 && dollars <= DOLLARS_MAX)
        out->cost_micros = (struct maybe_int){(int64_t)ceil(dollars * 1e6 - 1e-6), true};
}

const struct provider openrouter_provider = {
    .name = "openrouter",
    .base_url = "https://openrouter.ai/api",
    .one_by_one = true,
    .submit = submit,
    .submitted = submitted,
};
