/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FAL's queue (PROV-05). A model is "owner/app" with a path behind it, "fal-ai/flux/dev"; its jobs
 * are under the first two parts alone. Our job is "<request id> <app>", and with " done" at its end
 * when the result is there. No address in an answer is ever followed: of it we take the app's name,
 * if it is one, and put it behind our own base.
 *
 *   IN_QUEUE -> IN_PROGRESS -> COMPLETED: the result, or why there is none, is at another address
 */
#include "provider/dialect.h"
#include "provider/hook.h"

#include "base/encode.h"
#include "base/hash.h"

#include <sodium.h>

#define APP_MAX 200

static const struct dialect dialects[] = {
    {.prefix = "fal-ai/flux-pro/v1.1-ultra",
     .size = SIZE_RATIO,
     .count = "num_images",
     .image = "image_url"},
    {.prefix = "fal-ai/flux-pro/kontext",
     .size = SIZE_RATIO,
     .count = "num_images",
     .guidance = "guidance_scale",
     .image = "image_url"},
    {.prefix = "fal-ai/nano-banana",
     .size = SIZE_RATIO,
     .count = "num_images",
     .image = "image_urls",
     .image_is_list = true},
    {.prefix = "fal-ai/bytedance/seedream",
     .size = SIZE_OBJECT,
     .count = "num_images",
     .image = "image_urls",
     .image_is_list = true},
    {.prefix = "fal-ai/imagen",
     .size = SIZE_RATIO,
     .count = "num_images",
     .negative = "negative_prompt"},
    {.prefix = "fal-ai/veo",
     .size = SIZE_RATIO,
     .length = LENGTH_SECONDS,
     .negative = "negative_prompt",
     .resolution = "resolution",
     .image = "image_url"},
    {.prefix = "fal-ai/minimax", .length = LENGTH_TEXT, .image = "image_url"},
    {.prefix = "fal-ai/kling-video",
     .size = SIZE_RATIO,
     .length = LENGTH_TEXT,
     .guidance = "cfg_scale",
     .negative = "negative_prompt",
     .image = "image_url"},
    {.prefix = "",
     .size = SIZE_OBJECT,
     .count = "num_images",
     .steps = "num_inference_steps",
     .guidance = "guidance_scale",
     .negative = "negative_prompt",
     .image = "image_url",
     .strength = "strength"},
    {.prefix = "",
     .is_video = true,
     .size = SIZE_RATIO,
     .length = LENGTH_TEXT,
     .negative = "negative_prompt",
     .resolution = "resolution",
     .image = "image_url"},
};

static void submit(struct arena *arena, const struct provider_site *site,
                   const struct provider_wish *wish, struct provider_request *out)
{
    AUTO(buffer_done) struct buffer path = {0};
    AUTO(buffer_done) struct buffer body = {0};
    buffer_char(&path, '/');
    buffer_str(&path, wish->model);
    if (site->webhook_url.len != 0) {
        buffer_str(&path, STR("?fal_webhook="));
        percent_append(&path, site->webhook_url);
    }
    provider_start(arena, site, &fal_provider, "POST", buffer_text(&path), "Key", out);
    dialect_write(&body, arena, dialect_of(dialects, ARRAY_LEN(dialects), wish), wish);
    out->body = str_copy(arena, buffer_text(&body));
}

/* ---- jobs ---- */

struct fal_job {
    str id, app;
    bool is_done;
};

/* "fal-ai/flux", "workflows/owner/name": names that cannot climb out of where they are put. */
static bool is_app(str path)
{
    str part;
    int parts = 0;
    if (path.len > APP_MAX)
        return false;
    while (str_split(&path, '/', &part)) {
        str rest = part, piece;
        parts++;
        while (str_split(&rest, '.', &piece))
            if (!dialect_is_id(piece))
                return false;
        if (part.len == 0 || part.at[part.len - 1] == '.')
            return false;
    }
    return parts == 2 || parts == 3;
}

/* https://host/<app>/requests/<id>… */
static str app_of(str url)
{
    static const char mark[] = "/requests/";
    ptrdiff_t colon = str_find(url, ':');
    str rest = str_slice(url, colon < 0 ? url.len : (size_t)colon + 3, url.len);
    ptrdiff_t slash = str_find(rest, '/');
    str path = str_slice(rest, slash < 0 ? rest.len : (size_t)slash + 1, rest.len);
    for (size_t i = 0; i < path.len; i++)
        if (str_starts(str_slice(path, i, path.len), str_of(mark)))
            return str_slice(path, 0, i);
    return (str){0};
}

static bool write_job(struct arena *arena, const struct json *answer, bool is_done, str *out)
{
    str id = json_text(json_get(answer, "request_id"));
    str app = app_of(json_text(json_get(answer, "response_url")));
    if (!dialect_is_id(id) || !is_app(app))
        return false;
    *out = str_format(arena, "%.*s %.*s%s", STR_ARG(id), STR_ARG(app), is_done ? " done" : "");
    return true;
}

static struct fal_job read_job(str text)
{
    struct fal_job job = {0};
    str_split(&text, ' ', &job.id);
    str_split(&text, ' ', &job.app);
    job.is_done = text.len != 0;
    return job;
}

static void start(struct arena *arena, const struct provider_site *site, const char *method,
                  const struct fal_job *job, const char *what, struct provider_request *out)
{
    provider_start(
        arena, site, &fal_provider, method,
        str_format(arena, "/%.*s/requests/%.*s%s", STR_ARG(job->app), STR_ARG(job->id), what),
        "Key", out);
}

static void poll(struct arena *arena, const struct provider_site *site, str text,
                 struct provider_request *out)
{
    struct fal_job job = read_job(text);
    start(arena, site, "GET", &job, job.is_done ? "" : "/status", out);
}

static void cancel(struct arena *arena, const struct provider_site *site, str text,
                   struct provider_request *out)
{
    struct fal_job job = read_job(text);
    start(arena, site, "PUT", &job, "/cancel", out);
}

/* ---- what it says ---- */

static bool is_status(const struct json *answer)
{
    str status = json_text(json_get(answer, "status"));
    return json_get(answer, "request_id")->kind == JSON_TEXT &&
           (str_equal(status, STR("IN_QUEUE")) || str_equal(status, STR("IN_PROGRESS")) ||
            str_equal(status, STR("COMPLETED")));
}

static void read_status(struct arena *arena, const struct json *answer, struct provider_answer *out)
{
    int64_t ahead = json_int(json_get(answer, "queue_position"), -1);
    str status = json_text(json_get(answer, "status"));
    bool is_done = str_equal(status, STR("COMPLETED"));
    if (!write_job(arena, answer, is_done, &out->job)) {
        provider_fail(out, PROVIDER_BROKEN,
                      "The model's provider sent an answer that cannot be read.");
        return;
    }
    out->is_pending = true;
    out->is_soon = is_done;
    if (!is_done && ahead >= 0 && ahead < INT32_MAX)
        out->position = (struct maybe_int){ahead + 1, true};
}

/* What its safety checker flagged is sent all the same, blackened. */
static bool read_pictures(struct arena *arena, const struct json *answer,
                          struct provider_answer *out)
{
    const struct json *images = json_get(answer, "images");
    const struct json *flags = json_get(answer, "has_nsfw_concepts");
    bool is_flagged = false;
    if (images->kind != JSON_LIST || flags->kind != JSON_LIST) {
        dialect_collect(arena, answer, false, out);
        return false;
    }
    for (size_t i = 0; i < images->count; i++) {
        if (i < flags->count && json_bool(&flags->items[i], false))
            is_flagged = true;
        else
            dialect_collect(arena, &images->items[i], false, out);
    }
    return is_flagged;
}

static void read_result(struct arena *arena, const struct json *answer, struct provider_answer *out)
{
    double seconds = json_number(json_get(json_get(answer, "timings"), "inference"), -1);
    bool is_flagged = read_pictures(arena, answer, out);
    if (out->output_count == 0 && is_flagged)
        provider_fail(out, PROVIDER_POLICY,
                      "The model refuses this prompt. Change the words and try again.");
    else if (out->output_count == 0)
        provider_fail(out, PROVIDER_BROKEN,
                      "The model's provider sent an answer without pictures.");
    if (seconds >= 0)
        out->seconds = (struct maybe_number){seconds, true};
}

/* Either {"detail": [{"type", "msg"}]} of the model, or {"detail": "…", "error_type": "…"} of the
 * queue. */
struct fal_error {
    str type, words;
    bool is_of_model;
};

static struct fal_error read_error(const struct json *answer)
{
    const struct json *detail = json_get(answer, "detail");
    struct fal_error error = {json_text(json_get(answer, "error_type")), json_text(detail), false};
    if (detail->kind == JSON_LIST && detail->count != 0) {
        error.type = json_text(json_get(&detail->items[0], "type"));
        error.words = json_text(json_get(&detail->items[0], "msg"));
        error.is_of_model = true;
    }
    return error;
}

static bool is_passing(str type)
{
    return str_starts(type, STR("downstream_")) || str_starts(type, STR("internal_")) ||
           str_ends(type, STR("_timeout")) || str_starts(type, STR("runner_"));
}

static str words_of(struct arena *arena, const struct fal_error *error)
{
    return str_format(arena, "%.*s%s%.*s", STR_ARG(error->type), error->type.len != 0 ? ": " : "",
                      STR_ARG(error->words));
}

static void submitted(struct arena *arena, int status, str body, struct provider_answer *out)
{
    struct json answer = dialect_answer(arena, body);
    *out = (struct provider_answer){0};
    if (status >= 200 && status <= 299) {
        read_status(arena, &answer, out);
        return;
    }
    struct fal_error error = read_error(&answer);
    provider_fail_by_status(arena, status, words_of(arena, &error), out);
}

/* No result: either the job failed, or the queue cannot say just now how it stands. */
static void read_failure(struct arena *arena, int status, const struct json *answer,
                         struct provider_answer *out)
{
    struct fal_error error = read_error(answer);
    bool is_told = error.is_of_model || error.type.len != 0;
    bool is_lost = status == 404 || status == 410 || (status == 500 && error.words.len != 0);
    provider_fail_by_status(arena, status, words_of(arena, &error), out);
    if (out->failure == PROVIDER_POLICY)
        return;
    if (str_contains_nocase(error.words, STR("still in progress"))) {
        out->failure = PROVIDER_BUSY;
    } else if (str_contains(error.type, STR("cancel"))) {
        out->failure = PROVIDER_CANCELED;
        out->text = STR("This was canceled at the model's provider.");
    } else if (is_lost || is_passing(error.type) || (is_told && status >= 500)) {
        out->failure = PROVIDER_FAILED;
        out->text = STR("The model failed while making this.");
    }
}

static void polled(struct arena *arena, int status, str body, struct provider_answer *out)
{
    struct json answer = dialect_answer(arena, body);
    *out = (struct provider_answer){0};
    if (status < 200 || status > 299)
        read_failure(arena, status, &answer, out);
    else if (is_status(&answer))
        read_status(arena, &answer, out);
    else
        read_result(arena, &answer, out);
}

/* ---- webhooks ---- */

/* Ed25519 over "<request id>\n<user id>\n<timestamp>\n<sha-256 of the body, hex>". The secret is no
 * secret here: public keys of theirs, base64url, with blanks between them. */
static bool is_signed(struct arena *arena, str keys, const struct provider_hook *hook)
{
    uint8_t sum[32];
    bytes signature, key;
    str one, stamp = hook_header(hook, STR("x-fal-webhook-timestamp"));
    str request = hook_header(hook, STR("x-fal-webhook-request-id"));
    str user = hook_header(hook, STR("x-fal-webhook-user-id"));
    if (!hook_is_fresh(hook, stamp) ||
        !hex_read(arena, hook_header(hook, STR("x-fal-webhook-signature")), &signature) ||
        signature.len != crypto_sign_BYTES)
        return false;
    sha256(bytes_of(hook->body), sum);
    str hex = hex_write(arena, (bytes){sum, sizeof(sum)});
    str told = str_format(arena, "%.*s\n%.*s\n%.*s\n%.*s", STR_ARG(request), STR_ARG(user),
                          STR_ARG(stamp), STR_ARG(hex));
    while (str_split(&keys, ' ', &one))
        if (base64url_read(arena, one, &key) && key.len == crypto_sign_PUBLICKEYBYTES &&
            crypto_sign_verify_detached(signature.at, (const uint8_t *)told.at, told.len, key.at) ==
                0)
            return true;
    return false;
}

static bool hooked(struct arena *arena, const struct provider_site *site,
                   const struct provider_hook *hook, str *job)
{
    return (site->webhook_secret.len == 0 || is_signed(arena, site->webhook_secret, hook)) &&
           dialect_posted(arena, hook->body, "request_id", job);
}

const struct provider fal_provider = {
    .name = "fal",
    .base_url = "https://queue.fal.run",
    .submit = submit,
    .submitted = submitted,
    .poll = poll,
    .polled = polled,
    .cancel = cancel,
    .hooked = hooked,
};
