/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service that judges words, by OpenAI's interface (MOD-01): not one that makes anything, but it
 * is asked like one. OK without outputs: nothing is wrong with them; POLICY: they were flagged, and
 * cause names the categories. Whatever else it says means that it could not be asked.
 *
 *   POST /v1/moderations {"input", "model"} -> {"results": [{"flagged", "categories": {…}}]}
 */
#include "provider/dialect.h"

#include "json/json.h"

#define CAUSE_MAX 400

static void submit(struct arena *arena, const struct provider_site *site,
                   const struct provider_wish *wish, struct provider_request *out)
{
    AUTO(buffer_done) struct buffer body = {0};
    provider_start(arena, site, &moderation_provider, "POST",
                   provider_v1(arena, site, STR("/moderations")), "Bearer", out);
    buffer_str(&body, STR("{\"input\":"));
    json_write_text(&body, wish->prompt);
    if (wish->model.len != 0) {
        buffer_str(&body, STR(",\"model\":"));
        json_write_text(&body, wish->model);
    }
    buffer_char(&body, '}');
    out->body = str_copy(arena, buffer_text(&body));
}

static void fail(struct provider_answer *out, enum provider_failure failure, str cause)
{
    provider_fail(out, failure, "The check of what was asked for is not answering just now.");
    out->cause = utf8_cut(cause, CAUSE_MAX);
}

static void read_failure(struct arena *arena, int status, const struct json *answer,
                         struct provider_answer *out)
{
    bool is_busy = status == 408 || status == 409 || status == 425 || status == 429 ||
                   (status >= 500 && status <= 599);
    str message = json_text(json_get(json_get(answer, "error"), "message"));
    fail(out, is_busy ? PROVIDER_BUSY : PROVIDER_REFUSED,
         str_format(arena, "moderation, status %d: %.*s", status,
                    STR_ARG(utf8_cut(message, CAUSE_MAX - 40))));
}

/* The names of those that are true. */
static str categories_of(struct arena *arena, const struct json *result)
{
    AUTO(buffer_done) struct buffer names = buffer_with_max(KIB(4));
    const struct json *categories = json_get(result, "categories");
    for (size_t i = 0; categories->kind == JSON_OBJECT && i < categories->count; i++)
        if (json_bool(&categories->items[i], false))
            buffer_format(&names, "%s%.*s", names.len == 0 ? "" : ", ",
                          STR_ARG(categories->items[i].key));
    str all = names.is_over || names.len == 0 ? STR("no category named") : buffer_text(&names);
    return str_format(arena, "flagged: %.*s", STR_ARG(utf8_cut(all, CAUSE_MAX - 20)));
}

static void submitted(struct arena *arena, int status, str body, struct provider_answer *out)
{
    struct json answer = dialect_answer(arena, body);
    *out = (struct provider_answer){0};
    if (status < 200 || status > 299) {
        read_failure(arena, status, &answer, out);
        return;
    }
    const struct json *results = json_get(&answer, "results");
    size_t count = results->kind == JSON_LIST ? results->count : 0;
    for (size_t i = 0; i < count; i++) {
        const struct json *flagged = json_get(&results->items[i], "flagged");
        if (flagged->kind != JSON_BOOL)
            count = 0;
        else if (json_bool(flagged, false)) {
            provider_fail(out, PROVIDER_POLICY,
                          "This studio does not make what was asked for. Change the words and try "
                          "again.");
            out->cause = categories_of(arena, &results->items[i]);
            return;
        }
    }
    if (count == 0)
        fail(out, PROVIDER_BROKEN, STR("moderation: an answer without results"));
}

const struct provider moderation_provider = {
    .name = "moderation",
    .submit = submit,
    .submitted = submitted,
};
